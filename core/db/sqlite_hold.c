#include "core/db/sqlite_hold.h"

#include <sqlite3.h>
#include <stdlib.h>

#define PATIENCE_MS 60000
#define RETRY_MS    5

struct sqlite_hold {
        sqlite3 *db;
        sqlite3_file *file; /* that is locked; NULL: not yet */
};

static enum err lock(struct ctx *ctx, const char *path, struct sqlite_hold *hold)
{
        sqlite3_file *file = NULL;
        int code = sqlite3_file_control(hold->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

        if (code != SQLITE_OK || !file || !file->pMethods)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: it cannot be locked", path);
        for (int waited_ms = 0; waited_ms <= PATIENCE_MS; waited_ms += RETRY_MS) {
                code = file->pMethods->xLock(file, SQLITE_LOCK_SHARED);
                if ((code & 0xff) != SQLITE_BUSY)
                        break;
                sqlite3_sleep(RETRY_MS);
        }
        if (code != SQLITE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %s", path, sqlite3_errstr(code));
        hold->file = file;
        return OK;
}

enum err sqlite_hold_begin(struct ctx *ctx, const char *path, struct sqlite_hold **ret)
{
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
        CLEANUP(sqlite_hold_endp) struct sqlite_hold *hold = calloc(1, sizeof(*hold));
        enum err rc;
        int code;

        if (!hold)
                return ctx_nomem(ctx);
        code = sqlite3_open_v2(path, &hold->db, flags, NULL);
        if (code != SQLITE_OK)
                return ctx_fail(ctx, ERR_UNAVAILABLE, "%s: %s", path, sqlite3_errstr(code));
        rc = lock(ctx, path, hold);
        if (rc == OK)
                *ret = TAKE(hold);
        return rc;
}

void sqlite_hold_end(struct sqlite_hold *hold)
{
        if (!hold)
                return;
        if (hold->file)
                hold->file->pMethods->xUnlock(hold->file, SQLITE_LOCK_NONE);
        sqlite3_close_v2(hold->db);
        free(hold);
}
