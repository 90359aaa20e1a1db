#include "core/cloud/database/database_copy.h"

#include <string.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/cloud/database/copy_side.h"
#include "core/db/bulk.h"
#include "core/db/migrate.h"
#include "core/store/store_copy_state.h"

struct work {
        struct ctx *ctx;
        const struct copy_request *request;
        struct copy_side from, to;
        struct db_tx snapshot; /* of the source */
        struct copy_table *tables;
        const char *source_id;
        bool is_begun; /* the destination is our unfinished copy */
        bool is_blank; /* the destination has no schema yet */
        struct copied_difference **next_example;
        struct copied_table *comparing;
        struct copied result;
};

static void work_close(struct work *work)
{
        db_rollback_unless_committed(&work->snapshot);
        copy_side_close(&work->to);
        copy_side_close(&work->from);
}

static enum err told_from(struct work *work, enum err rc)
{
        return copy_side_told(work->ctx, &work->from, rc);
}

static enum err told_to(struct work *work, enum err rc)
{
        return copy_side_told(work->ctx, &work->to, rc);
}

/* ---- before anything is written ---- */

static enum err open_sides(struct work *work)
{
        const struct copy_request *request = work->request;
        const struct copy_side_use source = { .is_source = true };
        const struct copy_side_use target = { .has_to_exist = request->verify_only };
        enum err rc;

        rc = copy_side_open(work->ctx, &request->from, source, &work->from);
        if (rc == OK)
                rc = copy_side_open(work->ctx, &request->to, target, &work->to);
        if (rc != OK)
                return rc;
        work->result.from = work->from.name;
        work->result.to = work->to.name;
        if (strcmp(work->from.name, work->to.name) == 0)
                return ctx_fail(work->ctx, ERR_INVALID, "%s and %s are the same database",
                                request->from.option, request->to.option);
        return OK;
}

static enum err check_nobody_writes(struct work *work)
{
        const struct copy_request *request = work->request;
        const char *users = "";
        enum err rc = told_from(work, copy_side_users(&work->from, &work->result.in_use));

        if (rc != OK)
                return rc;
        if (*work->result.in_use && !request->online && !request->verify_only && !request->dry_run)
                return ctx_fail(work->ctx, ERR_CONFLICT,
                                "%s is in use (%s): stop the service first; or give --online for "
                                "most of the work while it goes on, and stop it for the rest",
                                work->from.name, work->result.in_use);
        if (request->verify_only || request->dry_run)
                return OK;
        rc = told_to(work, copy_side_users(&work->to, &users));
        if (rc == OK && *users)
                return ctx_fail(work->ctx, ERR_CONFLICT, "%s is in use (%s)", work->to.name, users);
        return rc;
}

static enum err check_source(struct work *work)
{
        struct ctx *from = &work->from.ctx;
        enum err rc = store_copy_check_finished(from);

        if (rc == OK)
                rc = copy_side_check_schema(&work->from, &work->result.schema_version);
        if (rc == OK)
                rc = store_copy_source_id(from, &work->source_id);
        if (rc == OK)
                rc = bulk_begin_snapshot(from, &work->snapshot);
        if (rc == OK)
                rc = store_copy_tables(from, &work->tables);
        return told_from(work, rc);
}

/* One that is a database already, finished or not. */
static enum err check_rows(struct work *work)
{
        struct copy_table *tables = NULL;
        const char *owner = NULL;
        unsigned version = 0;
        enum err rc = store_copy_tables(&work->to.ctx, &tables);

        if (rc != OK)
                return told_to(work, rc);
        rc = copy_side_check_schema(&work->to, &version);
        work->is_blank = rc == ERR_NOT_FOUND;
        if (rc == OK && !work->is_begun && !work->request->verify_only)
                rc = store_copy_find_rows(&work->to.ctx, tables, &owner);
        if (rc != OK && !work->is_blank)
                return told_to(work, rc);
        if (work->is_blank && tables)
                owner = tables->name;
        if (owner)
                return ctx_fail(work->ctx, ERR_CONFLICT,
                                "%s has rows of its own, in the table %s: name an empty database",
                                work->to.name, owner);
        return work->is_blank ? OK : store_copy_same_tables(work->ctx, work->tables, tables);
}

static enum err check_target(struct work *work)
{
        const char *path = database_path(work->to.database);
        struct copy_state state;
        enum err rc;

        if (path && work->request->dry_run && access(path, F_OK) != 0) {
                work->is_blank = true;
                return OK;
        }
        rc = store_copy_state_get(&work->to.ctx, &state);
        work->is_begun = rc == OK;
        if (rc != OK && rc != ERR_NOT_FOUND)
                return told_to(work, rc);
        if (work->is_begun && strcmp(state.source_id, work->source_id) != 0)
                return ctx_fail(work->ctx, ERR_CONFLICT,
                                "%s is an unfinished copy of another database, %s", work->to.name,
                                state.source);
        work->result.resumed = work->is_begun;
        return check_rows(work);
}

/* Read all that is to be copied, so that a row which cannot be is found now. */
static enum err read_source(struct work *work)
{
        struct copied_table **next = &work->result.tables;

        for (struct copy_table *table = work->tables; table; table = table->next) {
                struct copied_table *copied = arena_alloc(work->ctx->arena, sizeof(*copied));
                unsigned char hash[SHA256_SIZE];
                enum err rc;

                if (!copied)
                        return ctx_nomem(work->ctx);
                rc = store_copy_read(&work->from.ctx, table, &copied->rows, hash);
                if (rc != OK)
                        return told_from(work, rc);
                copied->table = table;
                crypto_hex(hash, sizeof(hash), copied->sha256);
                work->result.rows += copied->rows;
                *next = copied;
                next = &copied->next;
        }
        return OK;
}

/* ---- writing ---- */

static enum err begin(struct work *work)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const struct copy_state state = {
                .source_id = work->source_id,
                .source = work->from.name,
                .started_at_us = clock_wall_us(work->ctx->clock),
        };
        struct ctx *writer = &work->to.writer;
        enum err rc = db_begin(writer, &tx);

        if (rc == OK)
                rc = store_copy_state_begin(writer, &state);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err prepare_target(struct work *work)
{
        unsigned applied;
        enum err rc = OK;

        if (!work->is_begun)
                rc = begin(work);
        FAULT_POINT("copy.begun");
        if (rc == OK && work->is_blank)
                rc = migrate_run(&work->to.writer, &applied);
        FAULT_POINT("copy.migrated");
        memcpy(work->to.ctx.detail, work->to.writer.detail, sizeof(work->to.ctx.detail));
        return told_to(work, rc);
}

static void note_difference(void *arg, const struct copy_table *table, enum copy_difference what,
                            const char *key)
{
        struct work *work = arg;
        struct copied_difference *difference;

        work->comparing->differences++;
        if (work->result.differences++ >= COPY_DIFFERENCES_SHOWN)
                return;
        difference = arena_alloc(work->ctx->arena, sizeof(*difference));
        if (!difference)
                return;
        difference->table = table->name;
        difference->key = arena_strdup(work->ctx->arena, key);
        difference->what = what;
        *work->next_example = difference;
        work->next_example = &difference->next;
}

static void pass_progress(void *arg, const struct copy_table *table, enum copy_pass pass,
                          int64_t rows)
{
        const struct work *work = arg;

        if (work->request->progress)
                work->request->progress(work->request->arg, table, pass, rows);
}

static enum err pass_table(struct work *work, struct copied_table *copied, enum copy_pass pass)
{
        const struct copy_sides sides = {
                .from = &work->from.ctx,
                .to = &work->to.ctx,
                .write = &work->to.writer,
                .difference = note_difference,
                .progress = pass_progress,
                .arg = work,
        };
        struct copy_result result;
        enum err rc;

        work->comparing = copied;
        rc = store_copy_table(&sides, copied->table, pass, &result);
        if (rc != OK) {
                memcpy(work->ctx->detail, work->from.ctx.detail, sizeof(work->ctx->detail));
                return rc;
        }
        copied->written += result.written;
        work->result.written += result.written;
        if (pass == COPY_COMPARE) {
                char hex[SHA256_HEX_SIZE];

                crypto_hex(result.sha256, sizeof(result.sha256), hex);
                if (copied->differences == 0 && strcmp(hex, copied->sha256) != 0)
                        return ctx_fail(work->ctx, ERR_INTERNAL,
                                        "%s: the rows are alike, but not their hashes",
                                        copied->table->name);
        }
        return OK;
}

/* Children before parents. */
static enum err prune(struct work *work, struct copied_table *copied)
{
        enum err rc = copied->next ? prune(work, copied->next) : OK;

        return rc == OK ? pass_table(work, copied, COPY_PRUNE) : rc;
}

static enum err pass_all(struct work *work, enum copy_pass pass)
{
        enum err rc = OK;

        for (struct copied_table *copied = work->result.tables; rc == OK && copied;
             copied = copied->next)
                rc = pass_table(work, copied, pass);
        return rc;
}

static enum err compare(struct work *work)
{
        enum err rc = pass_all(work, COPY_COMPARE);

        if (rc == OK && work->result.differences > 0)
                return ctx_fail(work->ctx, ERR_CONFLICT, "%s is not the same as %s", work->to.name,
                                work->from.name);
        return rc;
}

static enum err finish(struct work *work)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        struct ctx *writer = &work->to.writer;
        enum err rc = db_begin(writer, &tx);

        if (rc == OK)
                rc = store_copy_take_times(&work->from.ctx, writer);
        if (rc == OK)
                rc = store_copy_state_end(writer);
        FAULT_POINT("copy.verified");
        if (rc == OK)
                rc = db_commit(&tx);
        FAULT_POINT("copy.finished");
        memcpy(work->to.ctx.detail, writer->detail, sizeof(writer->detail));
        work->result.finished = rc == OK;
        return told_to(work, rc);
}

static enum err copy(struct work *work)
{
        enum err rc = prepare_target(work);

        if (rc == OK && work->result.tables)
                rc = prune(work, work->result.tables);
        if (rc == OK)
                rc = pass_all(work, COPY_FILL);
        if (rc != OK || work->request->online)
                return rc;
        rc = compare(work);
        return rc == OK ? finish(work) : rc;
}

static enum err run(struct work *work)
{
        enum err rc = open_sides(work);

        if (rc == OK)
                rc = check_nobody_writes(work);
        if (rc == OK)
                rc = check_source(work);
        if (rc == OK)
                rc = check_target(work);
        if (rc == OK && work->request->verify_only && work->is_blank)
                return ctx_fail(work->ctx, ERR_NOT_FOUND, "%s: there is no table of the service",
                                work->to.name);
        if (rc == OK)
                rc = read_source(work);
        if (rc != OK || work->request->dry_run)
                return rc;
        return work->request->verify_only ? compare(work) : copy(work);
}

enum err database_copy(struct ctx *ctx, const struct copy_request *request, struct copied *ret)
{
        CLEANUP(work_close)
        struct work work = { .ctx = ctx, .request = request, .result = { .in_use = "" } };
        enum err rc;

        work.next_example = &work.result.examples;
        rc = run(&work);
        if (rc == OK || work.result.differences > 0)
                *ret = work.result;
        return rc;
}
