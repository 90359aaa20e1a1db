#include "core/store/store_copy.h"

#include <string.h>

#include "core/store/store_copy_write.h"

#define PROGRESS_ROWS 5000

struct merge {
        const struct copy_sides *sides;
        const struct copy_table *table;
        enum copy_pass pass;
        struct copy_scan from, to;
        struct copy_writer writer;
        struct crypto_hash *hash; /* NULL: none is asked for */
        struct db_tx reading;     /* the destination's snapshot */
        struct copy_result result;
};

static void merge_close(struct merge *merge)
{
        copy_writer_close(&merge->writer);
        copy_scan_close(&merge->from);
        copy_scan_close(&merge->to);
        db_rollback_unless_committed(&merge->reading);
        crypto_hash_free(merge->hash);
}

/* A failure of one side is told in the ctx of the source. */
static enum err told(struct merge *merge, const struct ctx *side, enum err rc)
{
        struct ctx *ctx = merge->sides->from;

        if (rc != OK && side != ctx)
                memcpy(ctx->detail, side->detail, sizeof(ctx->detail));
        return rc == OK ? OK : ctx_prefix(ctx, rc, merge->table->name);
}

static enum err merge_open(struct merge *merge)
{
        const struct copy_sides *sides = merge->sides;
        enum err rc;

        if (merge->pass == COPY_COMPARE) {
                merge->hash = crypto_hash_new(CRYPTO_SHA256);
                if (!merge->hash)
                        return ctx_nomem(sides->from);
        } else {
                rc = copy_writer_open(sides->write, merge->table, &merge->writer);
                if (rc != OK)
                        return told(merge, sides->write, rc);
        }
        rc = bulk_begin_snapshot(sides->to, &merge->reading);
        if (rc == OK)
                rc = copy_scan_open(sides->to, merge->table, &merge->to);
        return told(merge, sides->to, rc);
}

static enum err next_from(struct merge *merge)
{
        enum err rc = copy_scan_next(&merge->from);

        if (rc == OK && !merge->from.is_over && ++merge->result.from_rows % PROGRESS_ROWS == 0 &&
            merge->sides->progress)
                merge->sides->progress(merge->sides->arg, merge->table, merge->pass,
                                       merge->result.from_rows);
        return rc; /* copy_scan_next has named the table */
}

/* At the end of the destination nobody needs its snapshot any more: a long one keeps SQLite from
 * writing its log back. */
static enum err next_to(struct merge *merge)
{
        enum err rc = copy_scan_next(&merge->to);

        if (rc != OK)
                return told(merge, merge->sides->to, rc);
        if (merge->to.is_over) {
                copy_scan_close(&merge->to);
                db_rollback_unless_committed(&merge->reading);
                return OK;
        }
        merge->result.to_rows++;
        rc = merge->hash ? copy_hash_row(&merge->to, merge->hash) : OK;
        return told(merge, merge->sides->to, rc);
}

/* What a pass does about a difference; COPY_CHANGE_COUNT: nothing. */
static enum copy_change change_for(const struct merge *merge, enum copy_difference what)
{
        switch (merge->pass) {
        case COPY_PRUNE:
                if (what == COPY_EXTRA || (what == COPY_CHANGED && !merge->table->is_referenced))
                        return COPY_DELETE;
                return COPY_CHANGE_COUNT;
        case COPY_FILL:
                return what == COPY_MISSING   ? COPY_INSERT
                       : what == COPY_CHANGED ? COPY_REPLACE
                                              : COPY_CHANGE_COUNT;
        case COPY_COMPARE:
        case COPY_PASS_COUNT:
                break;
        }
        return COPY_CHANGE_COUNT;
}

static enum err differ(struct merge *merge, enum copy_difference what)
{
        const struct copy_sides *sides = merge->sides;
        const struct copy_scan *row = what == COPY_EXTRA ? &merge->to : &merge->from;
        enum copy_change change = change_for(merge, what);
        char key[COPY_KEY_SIZE];
        enum err rc;

        merge->result.differences[what]++;
        if (merge->pass == COPY_COMPARE && sides->difference) {
                copy_key_text(row, key);
                sides->difference(sides->arg, merge->table, what, key);
        }
        if (change == COPY_CHANGE_COUNT)
                return OK;
        merge->result.written++;
        rc = copy_writer_add(&merge->writer, change, row);
        return told(merge, sides->write, rc);
}

static enum err step(struct merge *merge)
{
        int order = merge->from.is_over ? 1
                    : merge->to.is_over ? -1
                                        : copy_key_order(&merge->from, &merge->to);
        enum err rc = OK;

        if (order < 0)
                rc = differ(merge, COPY_MISSING);
        else if (order > 0)
                rc = differ(merge, COPY_EXTRA);
        else if (!copy_rows_are_equal(&merge->from, &merge->to))
                rc = differ(merge, COPY_CHANGED);
        if (rc == OK && order <= 0)
                rc = next_from(merge);
        if (rc == OK && order >= 0)
                rc = next_to(merge);
        return rc;
}

static enum err merge_run(struct merge *merge)
{
        enum err rc = merge_open(merge);

        if (rc == OK)
                rc = next_to(merge);
        if (rc == OK && merge->pass == COPY_PRUNE && merge->to.is_over)
                return OK; /* nothing to remove: the source need not be read */
        if (rc == OK)
                rc = told(merge, merge->sides->from,
                          copy_scan_open(merge->sides->from, merge->table, &merge->from));
        if (rc == OK)
                rc = next_from(merge);
        while (rc == OK && !(merge->from.is_over && merge->to.is_over))
                rc = step(merge);
        if (rc == OK && merge->pass != COPY_COMPARE)
                rc = told(merge, merge->sides->write, copy_writer_flush(&merge->writer));
        if (rc == OK && merge->hash && !crypto_hash_end(merge->hash, merge->result.sha256))
                rc = ctx_fail(merge->sides->from, ERR_INTERNAL, "no hash can be made");
        return rc;
}

enum err store_copy_table(const struct copy_sides *sides, const struct copy_table *table,
                          enum copy_pass pass, struct copy_result *ret)
{
        CLEANUP(merge_close)
        struct merge merge = { .sides = sides, .table = table, .pass = pass };
        enum err rc = merge_run(&merge);

        if (rc == OK)
                *ret = merge.result;
        return rc;
}

enum err store_copy_read(struct ctx *ctx, const struct copy_table *table, int64_t *ret_rows,
                         unsigned char ret_sha256[SHA256_SIZE])
{
        CLEANUP(crypto_hash_freep) struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
        COPY_SCAN_GUARD struct copy_scan scan = { 0 };
        int64_t rows = 0;
        enum err rc;

        if (!hash)
                return ctx_nomem(ctx);
        rc = copy_scan_open(ctx, table, &scan);
        while (rc == OK) {
                rc = copy_scan_next(&scan);
                if (rc != OK || scan.is_over)
                        break;
                rows++;
                rc = copy_hash_row(&scan, hash);
        }
        if (rc != OK)
                return rc;
        if (!crypto_hash_end(hash, ret_sha256))
                return ctx_fail(ctx, ERR_INTERNAL, "no hash can be made");
        *ret_rows = rows;
        return OK;
}

/* Of the tables that migrations themselves fill, the audit log's head tells whether anything was
 * ever done: every change is written down there. */
enum err store_copy_find_rows(struct ctx *ctx, const struct copy_table *tables, const char **ret)
{
        static const char *const filled[] = { "levels", "counters", "audit_head", "audit_anchor" };
        enum err rc = OK;

        for (; rc == OK && tables; tables = tables->next) {
                COPY_SCAN_GUARD struct copy_scan scan = { 0 };
                bool is_filled = false;

                for (size_t i = 0; i < ARRAY_SIZE(filled); i++)
                        is_filled = is_filled || strcmp(tables->name, filled[i]) == 0;
                if (is_filled)
                        continue;
                rc = copy_scan_open(ctx, tables, &scan);
                if (rc == OK)
                        rc = copy_scan_next(&scan);
                if (rc == OK && !scan.is_over) {
                        *ret = tables->name;
                        return OK;
                }
        }
        if (rc == OK)
                *ret = NULL;
        return rc;
}
