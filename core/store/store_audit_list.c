#include "core/store/store_audit_list.h"

#include <stdio.h>

#include "core/store/audit_row.h"

/* Every statement has the same placeholders: 1 to 6 are the conditions, 7 to 14 the types, 15 to 17
 * the page. A condition that is not given is NULL. The loose forms let all pass then, and are no
 * use to an index; so the condition that leads is written strictly. */
#define TIMES_LOOSE                                                                                \
        "COALESCE($1, created_at_us) <= created_at_us AND COALESCE($2, created_at_us) >= "         \
        "created_at_us"
#define ACTOR_LOOSE       " AND COALESCE($3, actor) = actor"
#define TARGET_TYPE_LOOSE " AND COALESCE($4, target_type, '') = COALESCE(target_type, '')"
#define TARGET_ID_LOOSE   " AND COALESCE($5, target_id, '') = COALESCE(target_id, '')"
#define ACTOR_ID_LOOSE    " AND COALESCE(CAST($6 AS BIGINT), actor_id, 0) = COALESCE(actor_id, 0)"
#define TYPES             "event_type IN ($7, $8, $9, $10, $11, $12, $13, $14)"
#define TYPES_LOOSE       " AND (CAST($7 AS TEXT) IS NULL OR " TYPES ")"

#define BY_NOTHING                                                                                 \
        TIMES_LOOSE ACTOR_LOOSE TARGET_TYPE_LOOSE TARGET_ID_LOOSE ACTOR_ID_LOOSE TYPES_LOOSE
#define BY_TIMES                                                                                   \
        "created_at_us >= COALESCE(CAST($1 AS BIGINT), 0) AND created_at_us <= COALESCE($2, "      \
        "9223372036854775807)" ACTOR_LOOSE TARGET_TYPE_LOOSE TARGET_ID_LOOSE ACTOR_ID_LOOSE        \
                TYPES_LOOSE
#define BY_ACTOR                                                                                   \
        "actor = $3 AND " TIMES_LOOSE TARGET_TYPE_LOOSE TARGET_ID_LOOSE ACTOR_ID_LOOSE TYPES_LOOSE
#define BY_TARGET_TYPE                                                                             \
        "target_type = $4 AND " TIMES_LOOSE ACTOR_LOOSE TARGET_ID_LOOSE ACTOR_ID_LOOSE TYPES_LOOSE
#define BY_TARGET_ID                                                                               \
        "target_id = $5 AND " TIMES_LOOSE ACTOR_LOOSE TARGET_TYPE_LOOSE ACTOR_ID_LOOSE TYPES_LOOSE
#define BY_ACTOR_ID                                                                                \
        "actor_id = $6 AND " TIMES_LOOSE ACTOR_LOOSE TARGET_TYPE_LOOSE TARGET_ID_LOOSE TYPES_LOOSE
#define BUT_TYPE TIMES_LOOSE ACTOR_LOOSE TARGET_TYPE_LOOSE TARGET_ID_LOOSE ACTOR_ID_LOOSE
#define BY_TYPES TYPES " AND " BUT_TYPE

#define ROWS  "SELECT " AUDIT_COLUMNS " FROM audit_log WHERE "
#define PAGE  " AND audit_id < $15 ORDER BY audit_id DESC LIMIT $16 OFFSET $17"
#define COUNT "SELECT COUNT(*) FROM audit_log WHERE "

/* The newest of one type, which its index has in order; $18 is limit and offset together. */
#define NEWEST(type)                                                                               \
        "SELECT audit_id FROM (SELECT audit_id FROM audit_log WHERE event_type = " type            \
        " AND audit_id < $15 AND " BUT_TYPE " ORDER BY audit_id DESC LIMIT $18) AS newest"
/* clang-format off */
#define NEWEST_OF_TYPES                                                                            \
        NEWEST("$7") " UNION ALL " NEWEST("$8") " UNION ALL "                                      \
        NEWEST("$9") " UNION ALL " NEWEST("$10") " UNION ALL "                                     \
        NEWEST("$11") " UNION ALL " NEWEST("$12") " UNION ALL "                                    \
        NEWEST("$13") " UNION ALL " NEWEST("$14")
/* clang-format on */

enum lead {
        LEAD_NOTHING,
        LEAD_TIMES,
        LEAD_ACTOR,
        LEAD_TARGET_TYPE,
        LEAD_TARGET_ID,
        LEAD_ACTOR_ID,
        LEAD_TYPES,
        LEAD_COUNT
};

static const char *const page_sql[LEAD_COUNT] = {
        [LEAD_NOTHING] = ROWS BY_NOTHING PAGE,
        [LEAD_TIMES] = ROWS BY_TIMES PAGE,
        [LEAD_ACTOR] = ROWS BY_ACTOR PAGE,
        [LEAD_TARGET_TYPE] = ROWS BY_TARGET_TYPE PAGE,
        [LEAD_TARGET_ID] = ROWS BY_TARGET_ID PAGE,
        [LEAD_ACTOR_ID] = ROWS BY_ACTOR_ID PAGE,
        [LEAD_TYPES] = ROWS "audit_id IN (" NEWEST_OF_TYPES ") ORDER BY audit_id DESC LIMIT $16 "
                            "OFFSET $17",
};

static const char *const count_sql[LEAD_COUNT] = {
        [LEAD_NOTHING] = COUNT BY_NOTHING,     [LEAD_TIMES] = COUNT BY_TIMES,
        [LEAD_ACTOR] = COUNT BY_ACTOR,         [LEAD_TARGET_TYPE] = COUNT BY_TARGET_TYPE,
        [LEAD_TARGET_ID] = COUNT BY_TARGET_ID, [LEAD_ACTOR_ID] = COUNT BY_ACTOR_ID,
        [LEAD_TYPES] = COUNT BY_TYPES,
};

/* The condition that leaves the fewest entries, as far as one can tell from its kind. */
static enum lead find_lead(const struct audit_filter *filter)
{
        if (filter->target_id)
                return LEAD_TARGET_ID;
        if (filter->actor_id)
                return LEAD_ACTOR_ID;
        if (filter->actor)
                return LEAD_ACTOR;
        if (filter->types[0])
                return LEAD_TYPES;
        if (filter->target_type)
                return LEAD_TARGET_TYPE;
        return filter->since_us || filter->until_us ? LEAD_TIMES : LEAD_NOTHING;
}

/* Is there no condition but types? */
static bool is_counted(const struct audit_filter *filter)
{
        return !filter->actor && !filter->target_type && !filter->target_id && !filter->actor_id &&
               !filter->since_us && !filter->until_us;
}

#define CONDITIONS(filter)                                                                         \
        (filter)->since_us, (filter)->until_us, (filter)->actor, (filter)->target_type,            \
                (filter)->target_id, (filter)->actor_id, (filter)->types[0], (filter)->types[1],   \
                (filter)->types[2], (filter)->types[3], (filter)->types[4], (filter)->types[5],    \
                (filter)->types[6], (filter)->types[7]
#define CONDITION_LETTERS "zztttztttttttt"

static enum err each(struct ctx *ctx, struct db_stmt *stmt, audit_row_fn *row, void *arg)
{
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                struct audit_row read = audit_row_borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

static int64_t before_of(const struct audit_filter *filter)
{
        return filter->before_id ? filter->before_id : INT64_MAX;
}

enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                          void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const int64_t limit = filter->limit, offset = filter->offset;
        const enum lead lead = find_lead(filter);
        enum err rc;

        rc = db_query(ctx, &stmt, page_sql[lead],
                      lead == LEAD_TYPES ? CONDITION_LETTERS "iiii" : CONDITION_LETTERS "iii",
                      CONDITIONS(filter), before_of(filter), limit, offset, limit + offset);
        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

static enum err count(struct ctx *ctx, struct db_stmt *stmt, int64_t *ret_count)
{
        enum err rc = db_step(ctx, stmt);

        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}

enum err store_audit_count(struct ctx *ctx, const struct audit_filter *filter, int64_t *ret_count)
{
        static const char counted[] =
                "SELECT COALESCE(SUM(entries), 0) FROM audit_counts WHERE CAST($1 AS TEXT) IS NULL "
                "OR event_type IN ($1, $2, $3, $4, $5, $6, $7, $8)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const char *const *types = filter->types;
        enum err rc;

        if (is_counted(filter))
                rc = db_query(ctx, &stmt, counted, "tttttttt", types[0], types[1], types[2],
                              types[3], types[4], types[5], types[6], types[7]);
        else
                rc = db_query(ctx, &stmt, count_sql[find_lead(filter)], CONDITION_LETTERS,
                              CONDITIONS(filter));
        return rc == OK ? count(ctx, stmt, ret_count) : rc;
}

#define USER_ID_SIZE 24

enum err store_audit_user_each(struct ctx *ctx, const struct audit_filter *filter,
                               audit_row_fn *row, void *arg)
{
        static const char sql[] =
                "SELECT " AUDIT_COLUMNS " FROM audit_log WHERE audit_id IN ("
                "SELECT audit_id FROM (SELECT audit_id FROM audit_log WHERE actor_id = $1 "
                "AND audit_id < $3 ORDER BY audit_id DESC LIMIT $6) AS done UNION "
                "SELECT audit_id FROM (SELECT audit_id FROM audit_log WHERE target_id = $2 "
                "AND target_type = 'user' AND audit_id < $3 ORDER BY audit_id DESC LIMIT $6) "
                "AS suffered) ORDER BY audit_id DESC LIMIT $4 OFFSET $5";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const int64_t limit = filter->limit, offset = filter->offset;
        char target_id[USER_ID_SIZE];
        enum err rc;

        snprintf(target_id, sizeof(target_id), "%lld", (long long)filter->actor_id);
        rc = db_query(ctx, &stmt, sql, "itiiii", filter->actor_id, target_id, before_of(filter),
                      limit, offset, limit + offset);
        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

enum err store_audit_user_count(struct ctx *ctx, int64_t user_id, int64_t *ret_count)
{
        static const char sql[] =
                "SELECT (SELECT COUNT(*) FROM audit_log WHERE actor_id = $1) + "
                "(SELECT COUNT(*) FROM audit_log WHERE target_id = $2 AND target_type = 'user' "
                "AND COALESCE(actor_id, 0) <> $1)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        char target_id[USER_ID_SIZE];
        enum err rc;

        snprintf(target_id, sizeof(target_id), "%lld", (long long)user_id);
        rc = db_query(ctx, &stmt, sql, "it", user_id, target_id);
        return rc == OK ? count(ctx, stmt, ret_count) : rc;
}

enum err store_audit_types_each(struct ctx *ctx, audit_type_fn *type, void *arg)
{
        static const char sql[] = "SELECT event_type, entries FROM audit_counts "
                                  "ORDER BY event_type";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc = db_query(ctx, &stmt, sql, "");

        while (rc == OK && (rc = db_step(ctx, stmt)) == OK)
                type(arg, db_text(stmt, 0), db_int(stmt, 1));
        return rc == ERR_NOT_FOUND ? OK : rc;
}

enum err store_audit_span(struct ctx *ctx, int64_t *ret_first_us, int64_t *ret_last_us)
{
        static const char sql[] =
                "SELECT (SELECT created_at_us FROM audit_log ORDER BY audit_id LIMIT 1), "
                "(SELECT created_at_us FROM audit_log ORDER BY audit_id DESC LIMIT 1)";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_query(ctx, &stmt, sql, "");
        if (rc == OK)
                rc = db_step(ctx, stmt);
        if (rc != OK)
                return rc;
        *ret_first_us = db_int(stmt, 0);
        *ret_last_us = db_int(stmt, 1);
        return OK;
}
