#include "core/db/link.h"

#include <stdint.h>
#include <stdlib.h>

enum err link_fail(struct ctx *ctx, struct link *link, enum err rc, const char *what)
{
        return ctx_fail(ctx, rc, "database: %s: %s", what,
                        link->conn ? link->driver->message(link->conn) : "not connected");
}

void link_close(struct link *link)
{
        for (size_t i = 0; i < LINK_CACHE_SIZE; i++) {
                if (link->cache[i].native)
                        link->driver->finalize(link->cache[i].native);
                link->cache[i] = (struct link_stmt){ 0 };
        }
        for (struct link_stmt *stmt = link->extras, *next; stmt; stmt = next) {
                next = stmt->next;
                link->driver->finalize(stmt->native);
                free(stmt);
        }
        link->extras = NULL;
        link->generation++;
        if (link->conn)
                link->driver->close(link->conn);
        link->conn = NULL;
}

enum err link_ready(struct ctx *ctx, struct link *link)
{
        char detail[DB_DETAIL_SIZE] = "";
        enum err rc;

        if (link->conn && !link->driver->broken(link->conn))
                return OK;
        link_close(link);
        rc = link->driver->open(&link->target, link->deadline_us, &link->conn, detail);
        if (rc != OK)
                return ctx_fail(ctx, rc, "database: cannot connect: %s", detail);
        if (link->deadline_us)
                link->driver->set_deadline(link->conn, link->deadline_us);
        return OK;
}

void link_set_deadline(struct link *link, int64_t deadline_us)
{
        link->deadline_us = deadline_us;
        link->target.stop_at_us = deadline_us;
        if (link->conn)
                link->driver->set_deadline(link->conn, deadline_us);
}

/* The slot of a statement: its own, or the free one where it will be kept; NULL when full. */
static struct link_stmt *find_slot(struct link *link, const char *sql)
{
        size_t start = ((uintptr_t)sql >> 4) % LINK_CACHE_SIZE;

        for (size_t i = 0; i < LINK_CACHE_SIZE; i++) {
                struct link_stmt *slot = &link->cache[(start + i) % LINK_CACHE_SIZE];

                if (!slot->native || slot->sql == sql)
                        return slot;
        }
        return NULL;
}

enum err link_prepare(struct ctx *ctx, struct link *link, const char *sql, struct link_stmt **ret)
{
        struct link_stmt *slot = find_slot(link, sql);
        enum err rc;

        if (slot && slot->native && !slot->busy) {
                slot->busy = true;
                *ret = slot;
                return OK;
        }
        if (!slot || slot->busy) {
                slot = calloc(1, sizeof(*slot));
                if (!slot)
                        return ctx_nomem(ctx);
        } else {
                slot->cached = true;
        }
        rc = link->driver->prepare(link->conn, sql, &slot->native);
        if (rc != OK) {
                rc = link_fail(ctx, link, rc, "prepare");
                if (slot->cached)
                        *slot = (struct link_stmt){ 0 };
                else
                        free(slot);
                return rc;
        }
        if (!slot->cached) {
                slot->next = link->extras;
                link->extras = slot;
        }
        slot->sql = sql;
        slot->busy = true;
        *ret = slot;
        return OK;
}

enum err link_prepare_once(struct ctx *ctx, struct link *link, const char *sql,
                           struct link_stmt **ret)
{
        struct link_stmt *stmt = calloc(1, sizeof(*stmt));
        enum err rc;

        if (!stmt)
                return ctx_nomem(ctx);
        rc = link->driver->prepare(link->conn, sql, &stmt->native);
        if (rc != OK) {
                free(stmt);
                return link_fail(ctx, link, rc, "prepare");
        }
        stmt->sql = sql;
        stmt->busy = true;
        stmt->next = link->extras;
        link->extras = stmt;
        *ret = stmt;
        return OK;
}

void link_release(struct link *link, struct link_stmt *stmt)
{
        struct link_stmt **at = &link->extras;

        if (stmt->cached) {
                link->driver->reset(stmt->native);
                stmt->busy = false;
                return;
        }
        while (*at != stmt)
                at = &(*at)->next;
        *at = stmt->next;
        link->driver->finalize(stmt->native);
        free(stmt);
}

enum err link_exec(struct ctx *ctx, struct link *link, const char *sql)
{
        enum err rc = link->driver->exec(link->conn, sql);

        return rc == OK ? OK : link_fail(ctx, link, rc, "exec");
}
