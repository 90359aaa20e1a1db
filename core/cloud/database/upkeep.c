#include "core/cloud/database/upkeep.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/config.h"
#include "core/cloud/audit/audit.h"
#include "core/cloud/cloud.h"
#include "core/cloud/storage/storage_root.h"
#include "core/db/upkeep.h"
#include "core/store/store_copy.h"

/* ctx works on a connection for upkeep until the end of the scope. */
struct session {
        struct ctx *ctx;   /* NULL: not begun */
        struct db *before; /* what ctx had */
        const char *command;
        unsigned limit_ms;
        int64_t started_us;
        atomic_bool *alone; /* in_upkeep, which is ours; NULL: others may be at it, too */
};

static void session_end(struct session *session)
{
        struct ctx *ctx = TAKE(session->ctx);
        atomic_bool *alone = TAKE(session->alone);

        if (ctx) {
                db_free(ctx->db);
                ctx->db = session->before;
        }
        if (alone)
                atomic_store(alone, false);
}

/* For who only reads: beside whatever is under way. */
static enum err session_begin(struct ctx *ctx, const char *command, unsigned limit_ms,
                              struct session *ret)
{
        struct db *db = upkeep_db_new(ctx->cloud->database);

        if (!db)
                return ctx_nomem(ctx);
        ret->ctx = ctx;
        ret->before = ctx->db;
        ret->command = command;
        ret->limit_ms = limit_ms;
        ret->started_us = clock_mono_us(&clock_system);
        ctx->db = db;
        return upkeep_set_limit(ctx, limit_ms);
}

/* For what is hard work: one at a time. */
static enum err session_begin_alone(struct ctx *ctx, const char *command, unsigned limit_ms,
                                    struct session *ret)
{
        if (atomic_exchange(&ctx->cloud->in_upkeep, true))
                return ctx_fail(ctx, ERR_CONFLICT,
                                "The database is being checked or vacuumed already");
        ret->alone = &ctx->cloud->in_upkeep;
        return session_begin(ctx, command, limit_ms, ret);
}

/* Tell what failed for want of time from what failed. */
static enum err told(const struct session *session, enum err rc)
{
        const int64_t took_us = clock_mono_us(&clock_system) - session->started_us;

        if (rc != ERR_UNAVAILABLE || !session->limit_ms || took_us < session->limit_ms * US_PER_MS)
                return rc;
        return ctx_fail(session->ctx, ERR_NOT_READY,
                        "It was not done within %u seconds, and nothing has changed: run "
                        "\"simpletuner-cloud %s\", which takes its time",
                        session->limit_ms / 1000, session->command);
}

/* ---- figures ---- */

static void look_at_file(const char *path, struct upkeep_stats *stats, struct ctx *ctx)
{
        const char *files[] = { path, arena_printf(ctx->arena, "%s-wal", path) };
        struct stat st;

        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                int64_t modified_us;

                if (!files[i] || stat(files[i], &st) != 0)
                        continue;
                modified_us = st.st_mtim.tv_sec * US_PER_S + st.st_mtim.tv_nsec / 1000;
                if (modified_us > stats->modified_at_us)
                        stats->modified_at_us = modified_us;
        }
}

enum err upkeep_stats(struct ctx *ctx, unsigned limit_ms, bool counted, struct upkeep_stats *ret)
{
        CLEANUP(session_end) struct session session = { 0 };
        struct upkeep_stats stats = {
                .kind = database_kind(ctx->cloud->database),
                .path = database_path(ctx->cloud->database),
        };
        enum err rc = session_begin(ctx, "db stats", limit_ms, &session);

        if (rc == OK)
                rc = store_upkeep_size(ctx, &stats.size);
        if (rc == OK)
                rc = store_upkeep_tables(ctx, &stats.tables);
        for (struct upkeep_table *t = stats.tables; counted && rc == OK && t; t = t->next)
                rc = store_upkeep_count(ctx, t);
        if (rc != OK)
                return told(&session, rc);
        if (stats.path)
                look_at_file(stats.path, &stats, ctx);
        *ret = stats;
        return OK;
}

void upkeep_render_stats(struct jsonw *json, const struct upkeep_stats *stats)
{
        const bool has_pages = stats->size.page_size > 0;

        jsonw_bool(json, "exists", true);
        jsonw_string(json, "kind", stats->kind);
        jsonw_int(json, "size_bytes", stats->size.bytes);
        jsonw_object(json, "tables");
        for (const struct upkeep_table *t = stats->tables; t; t = t->next) {
                jsonw_object(json, t->name);
                jsonw_int(json, "row_count", t->rows);
                if (t->bytes >= 0)
                        jsonw_int(json, "size_bytes", t->bytes);
                jsonw_object_end(json);
        }
        jsonw_object_end(json);
        if (!has_pages)
                return;
        jsonw_int(json, "page_count", stats->size.page_count);
        jsonw_int(json, "page_size", stats->size.page_size);
        jsonw_int(json, "freelist_count", stats->size.free_pages);
}

/* ---- checks ---- */

/* PostgreSQL has no check of a whole database: every value of every table is read. */
static enum err read_tables(struct ctx *ctx, struct upkeep_finding **ret)
{
        struct copy_table *table = NULL;
        enum err rc = store_copy_tables(ctx, &table);

        while (*ret)
                ret = &(*ret)->next;
        for (; rc == OK && table; table = table->next) {
                unsigned char hash[SHA256_SIZE];
                int64_t rows;

                rc = store_copy_read(ctx, table, &rows, hash);
                if (rc != ERR_INVALID)
                        continue;
                *ret = arena_alloc(ctx->arena, sizeof(**ret));
                if (!*ret)
                        return ctx_nomem(ctx);
                rc = ctx_strdup(ctx, ctx->detail, &(*ret)->text);
                ret = &(*ret)->next;
        }
        return rc;
}

enum err upkeep_verify(struct ctx *ctx, unsigned limit_ms, struct upkeep_report *ret)
{
        CLEANUP(session_end) struct session session = { 0 };
        struct upkeep_report report = { .kind = database_kind(ctx->cloud->database) };
        const bool is_file = database_path(ctx->cloud->database);
        enum err rc = session_begin_alone(ctx, "db check", limit_ms, &session);

        if (rc == OK)
                rc = store_upkeep_integrity(ctx, &report.integrity);
        if (rc == OK)
                rc = store_upkeep_references(ctx, &report.references);
        if (rc == OK && !is_file)
                rc = read_tables(ctx, &report.integrity);
        if (rc != OK)
                return told(&session, rc);
        report.is_valid = !report.integrity && !report.references;
        report.checked = is_file ? "every page and index of the file, and every reference"
                                 : "every value of every table was read; all indexes and "
                                   "constraints are valid to the server";
        *ret = report;
        return OK;
}

static void render_findings(struct jsonw *json, const struct upkeep_finding *finding)
{
        for (; finding; finding = finding->next)
                jsonw_string(json, NULL, finding->text);
}

void upkeep_render_report(struct jsonw *json, const struct upkeep_report *report)
{
        jsonw_string(json, "database", UPKEEP_DATABASE);
        jsonw_string(json, "kind", report->kind);
        jsonw_bool(json, "valid", report->is_valid);
        jsonw_string(json, "integrity_check", report->integrity ? report->integrity->text : "ok");
        jsonw_array(json, "foreign_key_check");
        render_findings(json, report->references);
        jsonw_array_end(json);
        jsonw_array(json, "issues");
        render_findings(json, report->integrity);
        render_findings(json, report->references);
        jsonw_array_end(json);
        jsonw_string(json, "checked", report->checked);
}

/* ---- vacuum ---- */

static enum err check_room(struct ctx *ctx, int64_t bytes)
{
        const char *path = database_path(ctx->cloud->database);
        const int64_t needed = 2 * bytes + (int64_t)ctx->config->min_free_bytes;
        char *directory, *slash;
        int64_t free_bytes = 0;
        enum err rc;

        if (!path)
                return OK;
        directory = arena_strdup(ctx->arena, path);
        slash = directory ? strrchr(directory, '/') : NULL;
        if (!slash)
                return ctx_nomem(ctx);
        slash[slash == directory] = '\0';
        rc = storage_root_free(ctx, directory, &free_bytes);
        if (rc == OK && free_bytes < needed)
                return ctx_fail(ctx, ERR_NO_SPACE,
                                "A vacuum of this database needs %" PRId64
                                " bytes of free disk space, there are %" PRId64,
                                needed, free_bytes);
        return rc;
}

static enum err add_entry(struct ctx *ctx, const struct upkeep_vacuumed *vacuumed)
{
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:I, s:I}", "size_before", (json_int_t)vacuumed->before,
                                    "size_after", (json_int_t)vacuumed->after);
        const struct audit_entry entry = {
                .event_type = "database.vacuumed",
                .target_type = "database",
                .target_id = UPKEEP_DATABASE,
                .action = "The database was vacuumed",
                .details = details,
        };

        return details ? audit_note(ctx, &entry) : ctx_nomem(ctx);
}

static enum err vacuum(struct ctx *ctx, unsigned limit_ms, struct upkeep_vacuumed *ret)
{
        CLEANUP(session_end) struct session session = { 0 };
        struct upkeep_size size = { 0 };
        enum err rc = session_begin_alone(ctx, "db vacuum", limit_ms, &session);

        if (rc == OK)
                rc = store_upkeep_size(ctx, &size);
        if (rc == OK)
                rc = check_room(ctx, size.bytes);
        ret->before = size.bytes;
        if (rc == OK)
                rc = upkeep_vacuum(ctx);
        if (rc == OK)
                rc = store_upkeep_size(ctx, &size);
        ret->after = size.bytes;
        return told(&session, rc);
}

enum err upkeep_vacuum_database(struct ctx *ctx, unsigned limit_ms, struct upkeep_vacuumed *ret)
{
        struct upkeep_vacuumed vacuumed;
        enum err rc = vacuum(ctx, limit_ms, &vacuumed);

        if (rc == OK)
                rc = add_entry(ctx, &vacuumed);
        if (rc == OK)
                *ret = vacuumed;
        return rc;
}

void upkeep_render_vacuumed(struct jsonw *json, const struct upkeep_vacuumed *vacuumed)
{
        jsonw_string(json, "database", UPKEEP_DATABASE);
        jsonw_int(json, "size_before", vacuumed->before);
        jsonw_int(json, "size_after", vacuumed->after);
        jsonw_int(json, "freed_bytes", vacuumed->before - vacuumed->after);
        jsonw_bool(json, "success", true);
}
