/* What can still be read of a damaged SQLite file, as a new one. The file is read page by page by
 * the rules of its format, not by SQLite, so that it may be damaged anywhere; it is never written
 * to. What its write-ahead log has counts; SQLite would say the same of a sound file. */
#ifndef CORE_DB_SQLITE_SALVAGE_H
#define CORE_DB_SQLITE_SALVAGE_H

#include "core/base/ctx.h"

struct sqlite_salvage_table {
        struct sqlite_salvage_table *next;
        const char *name;
        uint32_t root;
        int64_t rows;  /* that are in the new file */
        int64_t found; /* of them, on pages that no tree leads to any more */
        int64_t lost; /* at least so many: told by its indexes, and rows in pieces; -1: not known */
        uint32_t bad_pages; /* of it that are gone */
        uint32_t columns;
        bool is_new; /* what it is like was lost, and is as in the sample */
};

struct sqlite_salvage {
        uint32_t page_size, pages, missing_pages, log_pages;
        bool has_header;
        struct sqlite_salvage_table *tables; /* by name */
        int64_t stray_rows;                  /* of no table we know: in the file of strays */
        unsigned not_made;                   /* indexes and the like that could not be made anew */
        const char *first_not_made;          /* and why; NULL: all were */
};

/* Write it to the new file to (mode 0600, synced, without a journal), and rows that belong nowhere
 * to the new file strays, table lost_and_found (page, id, nfield, c0 ...), which is made when there
 * are any. ERR_NOT_FOUND: there is no file from. ERR_CONFLICT: no table can be found in it, or to
 * or strays is there. ERR_UNSUPPORTED, ERR_NO_SPACE. Faults. On failure both are removed. */
struct sqlite_salvage_paths {
        const char *from, *to, *strays;
        const char *sample; /* a sound file: its schema is taken for what is lost of from's; NULL */
};
NODISCARD enum err sqlite_salvage(struct ctx *ctx, const struct sqlite_salvage_paths *paths,
                                  struct sqlite_salvage *ret);

#endif
