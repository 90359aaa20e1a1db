#include "core/store/store_tasks.h"

#include "core/db/db.h"

enum err store_task_claim(struct ctx *ctx, const struct task_claim *claim)
{
        static const char sql[] =
                "INSERT INTO tasks (name, holder, lease_until_us, started_at_us) "
                "VALUES ($1, $2, $4, $3) "
                "ON CONFLICT (name) DO UPDATE SET holder = $2, lease_until_us = $4, "
                "started_at_us = $3 "
                "WHERE (tasks.lease_until_us <= $3 OR tasks.lease_until_us > $5) AND "
                "($7 = 1 OR tasks.due_at_us <= $3 OR tasks.due_at_us > $6)";
        int64_t taken = 0;
        enum err rc;

        rc = db_run(ctx, &taken, sql, "ttiiiii", claim->name, claim->holder, claim->now_us,
                    claim->until_us, claim->lease_limit_us, claim->due_limit_us,
                    (int64_t)claim->at_once);
        if (rc == OK && taken == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "the task is another's or not due");
        return rc;
}

enum err store_task_extend(struct ctx *ctx, const char *name, const char *holder, int64_t until_us)
{
        static const char sql[] = "UPDATE tasks SET lease_until_us = $3 "
                                  "WHERE name = $1 AND holder = $2";
        int64_t extended = 0;
        enum err rc;

        rc = db_run(ctx, &extended, sql, "tti", name, holder, until_us);
        if (rc == OK && extended == 0)
                return ctx_fail(ctx, ERR_CONFLICT, "another companion has taken the task over");
        return rc;
}

enum err store_task_end(struct ctx *ctx, const struct task_end *end)
{
        static const char sql[] =
                "UPDATE tasks SET lease_until_us = 0, due_at_us = $3, last_result = $4, "
                "finished_at_us = COALESCE(CAST($5 AS BIGINT), finished_at_us), "
                "runs = runs + CASE WHEN CAST($5 AS BIGINT) IS NULL THEN 0 ELSE 1 END, "
                "failures = CASE WHEN $6 = 1 THEN failures + 1 ELSE 0 END "
                "WHERE name = $1 AND holder = $2";

        return db_run(ctx, NULL, sql, "ttitzi", end->name, end->holder, end->due_at_us, end->result,
                      end->finished_at_us, (int64_t)end->failed);
}

enum err store_task_get(struct ctx *ctx, const char *name, struct task_row *ret)
{
        static const char sql[] = "SELECT holder, lease_until_us, due_at_us, started_at_us, "
                                  "finished_at_us, runs, failures, last_result FROM tasks "
                                  "WHERE name = $1";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        struct task_row row = { .name = name };
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "t", name);
        if (rc != OK)
                return rc;
        row.lease_until_us = db_int(stmt, 1);
        row.due_at_us = db_int(stmt, 2);
        row.started_at_us = db_int(stmt, 3);
        row.finished_at_us = db_int(stmt, 4);
        row.runs = db_int(stmt, 5);
        row.failures = db_int(stmt, 6);
        rc = db_text_dup(ctx, stmt, 0, &row.holder);
        if (rc == OK)
                rc = db_text_dup(ctx, stmt, 7, &row.last_result);
        if (rc == OK)
                *ret = row;
        return rc;
}

enum err store_tasks_overview(struct ctx *ctx, int64_t now_us, int64_t due_before_us,
                              struct task_overview *ret)
{
        static const char sql[] =
                "SELECT MAX(CASE WHEN COALESCE(finished_at_us, 0) > COALESCE(started_at_us, 0) "
                "THEN finished_at_us ELSE started_at_us END), "
                "COUNT(CASE WHEN due_at_us < $2 AND lease_until_us <= $1 THEN 1 END), "
                "COUNT(CASE WHEN lease_until_us > $1 THEN 1 END) FROM tasks";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "ii", now_us, due_before_us);
        if (rc != OK)
                return rc;
        *ret = (struct task_overview){
                .last_run_us = db_int(stmt, 0),
                .overdue = db_int(stmt, 1),
                .held = db_int(stmt, 2) > 0,
        };
        return OK;
}

enum err store_tasks_each(struct ctx *ctx, task_row_fn *row, void *arg)
{
        static const char sql[] = "SELECT name, finished_at_us, failures FROM tasks "
                                  "WHERE finished_at_us IS NOT NULL ORDER BY name";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK) {
                const struct task_row task = { .name = db_text(stmt, 0),
                                               .finished_at_us = db_int(stmt, 1),
                                               .failures = db_int(stmt, 2) };

                rc = row(ctx, arg, &task);
                if (rc != OK)
                        return rc;
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}
