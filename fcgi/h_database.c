/* The database itself, for its operators: figures, checks, the vacuum and the migrations. */
#include <stdio.h>
#include <string.h>

#include "core/cloud/database/schema.h"
#include "core/cloud/database/upkeep.h"
#include "fcgi/handlers.h"

static enum err check_name(struct ctx *ctx, const char *name)
{
        if (!name || strcmp(name, UPKEEP_DATABASE) == 0)
                return OK;
        return ctx_fail(ctx, ERR_NOT_FOUND,
                        "Unknown database: %.40s. Available: [\"" UPKEEP_DATABASE "\"]", name);
}

static enum err check_query(struct ctx *ctx, const struct request *request)
{
        const char *name = NULL;
        enum err rc = request_query(ctx, request, "database", &name);

        return rc == OK ? check_name(ctx, name) : rc;
}

static void render_health(struct jsonw *json, const struct upkeep_stats *stats)
{
        jsonw_bool(json, "healthy", true);
        jsonw_array(json, "databases");
        jsonw_object(json, NULL);
        jsonw_string(json, "name", UPKEEP_DATABASE);
        jsonw_string(json, "kind", stats->kind);
        jsonw_string(json, "path", stats->path);
        jsonw_bool(json, "exists", true);
        jsonw_int(json, "size_bytes", stats->size.bytes);
        jsonw_time(json, "last_modified", stats->modified_at_us);
        jsonw_int(json, "table_count", stats->size.tables);
        jsonw_array(json, "tables");
        for (const struct upkeep_table *t = stats->tables; t; t = t->next)
                jsonw_string(json, NULL, t->name);
        jsonw_array_end(json);
        jsonw_object_end(json);
        jsonw_array_end(json);
        jsonw_int(json, "total_size_bytes", stats->size.bytes);
        jsonw_array(json, "issues");
        jsonw_array_end(json);
}

static enum err database_health_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct upkeep_stats stats;
        struct jsonw json;
        enum err rc = upkeep_stats(ctx, UPKEEP_REQUEST_MS, false, &stats);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        render_health(&json, &stats);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_health = {
        OPERATION(database_health),
        .summary = "Is the database there, and how large is it?",
};

static enum err database_stats_run(struct ctx *ctx, const struct request *request,
                                   struct reply *reply)
{
        struct upkeep_stats stats;
        struct jsonw json;
        enum err rc = upkeep_stats(ctx, UPKEEP_REQUEST_MS, true, &stats);

        (void)request;
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        jsonw_object(&json, UPKEEP_DATABASE);
        upkeep_render_stats(&json, &stats);
        jsonw_object_end(&json);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_stats = {
        OPERATION(database_stats),
        .summary = "Rows and sizes of the tables",
};

static enum err database_verify_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct upkeep_report report;
        struct jsonw json;
        enum err rc = check_name(ctx, request_param(request, "database"));

        if (rc == OK)
                rc = upkeep_verify(ctx, UPKEEP_REQUEST_MS, &report);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        upkeep_render_report(&json, &report);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_verify = {
        OPERATION(database_verify),
        .summary = "Is the database whole?",
};

static enum err database_vacuum_run(struct ctx *ctx, const struct request *request,
                                    struct reply *reply)
{
        struct upkeep_vacuumed vacuumed;
        struct jsonw json;
        enum err rc = check_name(ctx, request_param(request, "database"));

        if (rc == OK)
                rc = upkeep_vacuum_database(ctx, UPKEEP_REQUEST_MS, &vacuumed);
        if (rc != OK)
                return rc;
        json = reply_json(reply);
        upkeep_render_vacuumed(&json, &vacuumed);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_vacuum = {
        OPERATION(database_vacuum),
        .summary = "Give the space of deleted rows back",
};

/* ---- migrations ---- */

static void render_migration(struct jsonw *json, const struct migration *migration)
{
        char version[16];

        snprintf(version, sizeof(version), "%04u", migration->version);
        jsonw_object(json, NULL);
        jsonw_string(json, "version", version);
        jsonw_string(json, "name", migration->name);
        jsonw_time(json, "applied_at", migration->applied_at_us);
        jsonw_string(json, "status", migration->applied_at_us ? "applied" : "pending");
        jsonw_object_end(json);
}

static void render_migrations(struct jsonw *json, const char *key,
                              const struct migration *migration, bool applied)
{
        jsonw_array(json, key);
        for (; migration; migration = migration->next) {
                if ((migration->applied_at_us != 0) == applied)
                        render_migration(json, migration);
        }
        jsonw_array_end(json);
}

static const struct query migrations_query[] = {
        QUERY(TEXT, "database"),
        { 0 },
};

static enum err database_migrations_run(struct ctx *ctx, const struct request *request,
                                        struct reply *reply)
{
        struct migration *migrations = NULL;
        struct jsonw json;
        unsigned current = 0;
        enum err rc = check_query(ctx, request);

        if (rc == OK)
                rc = schema_migrations(ctx, &migrations);
        if (rc != OK)
                return rc;
        for (const struct migration *m = migrations; m; m = m->next)
                current = m->applied_at_us ? m->version : current;
        json = reply_json(reply);
        jsonw_string(&json, "database", UPKEEP_DATABASE);
        jsonw_int(&json, "current_version", current);
        render_migrations(&json, "pending_migrations", migrations, false);
        render_migrations(&json, "applied_migrations", migrations, true);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_migrations = {
        OPERATION(database_migrations),
        .summary = "Which migrations were applied, and which are missing",
        .query = migrations_query,
};

static enum err count_pending(struct ctx *ctx, unsigned *ret)
{
        struct migration *migrations = NULL;
        enum err rc = schema_migrations(ctx, &migrations);

        *ret = 0;
        for (; migrations; migrations = migrations->next)
                *ret += migrations->applied_at_us == 0;
        return rc;
}

static const struct query migrate_query[] = {
        QUERY(TEXT, "database"),
        QUERY(BOOL, "dry_run"),
        { 0 },
};

static enum err database_migrate_run(struct ctx *ctx, const struct request *request,
                                     struct reply *reply)
{
        struct schema_move move = { 0 };
        struct migration *migrations = NULL;
        bool dry_run = false;
        unsigned pending = 0;
        char message[64] = "No pending migrations";
        struct jsonw json;
        enum err rc = check_query(ctx, request);

        if (rc == OK)
                rc = request_query_bool(ctx, request, "dry_run", &dry_run);
        if (rc == OK)
                rc = count_pending(ctx, &pending);
        if (rc == OK && !dry_run)
                rc = schema_migrate(ctx, &move);
        if (rc == OK)
                rc = schema_migrations(ctx, &migrations);
        if (rc != OK)
                return rc;
        if (dry_run ? pending : move.applied)
                snprintf(message, sizeof(message), "%s %u migrations",
                         dry_run ? "Would run" : "Ran", dry_run ? pending : move.applied);
        while (!dry_run && migrations && migrations->version <= move.from)
                migrations = migrations->next;
        json = reply_json(reply);
        jsonw_bool(&json, "success", true);
        jsonw_string(&json, "message", message);
        render_migrations(&json, "migrations_run", dry_run ? NULL : migrations, true);
        if (dry_run)
                render_migrations(&json, "pending", migrations, false);
        return reply_json_end(ctx, reply, &json);
}

const struct operation database_migrate = {
        OPERATION(database_migrate),
        .summary = "Apply the missing migrations",
        .query = migrate_query,
};
