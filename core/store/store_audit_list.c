#include "core/store/store_audit_list.h"

#include <stdio.h>

#include "core/store/audit_row.h"

/* One condition by itself is what is asked for most. Its statements have it strictly and nothing
 * else, so that an index answers alone: 1 to 3 are the page, 4 and on the condition. */
#define ROWS      "SELECT " AUDIT_COLUMNS " FROM audit_log WHERE "
#define ONLY_PAGE " audit_id < $1 ORDER BY audit_id DESC LIMIT $2 OFFSET $3"
#define COUNT     "SELECT COUNT(*) FROM audit_log WHERE "

/* The newest of one type, which its index has in order; limit is that of the page and its offset
 * together. */
#define NEWEST(type, before, rest, limit)                                                          \
        "SELECT audit_id FROM (SELECT audit_id FROM audit_log WHERE event_type = " type            \
        " AND audit_id < " before rest " ORDER BY audit_id DESC LIMIT " limit ") AS newest"
/* clang-format off */
#define ONLY_NEWEST(type) NEWEST(type, "$1", "", "$4")
#define ONLY_NEWEST_OF_TYPES                                                                       \
        ONLY_NEWEST("$5") " UNION ALL " ONLY_NEWEST("$6") " UNION ALL "                            \
        ONLY_NEWEST("$7") " UNION ALL " ONLY_NEWEST("$8") " UNION ALL "                            \
        ONLY_NEWEST("$9") " UNION ALL " ONLY_NEWEST("$10") " UNION ALL "                           \
        ONLY_NEWEST("$11") " UNION ALL " ONLY_NEWEST("$12")
/* clang-format on */

/* Several together: 1 to 6 are the conditions, 7 to 14 the types, 15 to 17 the page. One that is
 * not given is NULL and lets all pass in its loose form, which is no use to an index; so the
 * condition that leads is written strictly. */
#define TIMES_LOOSE                                                                                \
        "COALESCE($1, created_at_us) <= created_at_us AND COALESCE($2, created_at_us) >= "         \
        "created_at_us"
#define ACTOR_LOOSE       " AND COALESCE($3, actor) = actor"
#define TARGET_TYPE_LOOSE " AND COALESCE($4, target_type, '') = COALESCE(target_type, '')"
#define TARGET_ID_LOOSE   " AND COALESCE($5, target_id, '') = COALESCE(target_id, '')"
#define ACTOR_ID_LOOSE    " AND COALESCE(CAST($6 AS BIGINT), actor_id, 0) = COALESCE(actor_id, 0)"
#define TYPES             "event_type IN ($7, $8, $9, $10, $11, $12, $13, $14)"
#define TYPES_LOOSE       " AND (CAST($7 AS TEXT) IS NULL OR " TYPES ")"

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
#define PAGE     " AND audit_id < $15 ORDER BY audit_id DESC LIMIT $16 OFFSET $17"

/* clang-format off */
#define MIXED_NEWEST(type) NEWEST(type, "$15", " AND " BUT_TYPE, "$18")
#define MIXED_NEWEST_OF_TYPES                                                                      \
        MIXED_NEWEST("$7") " UNION ALL " MIXED_NEWEST("$8") " UNION ALL "                          \
        MIXED_NEWEST("$9") " UNION ALL " MIXED_NEWEST("$10") " UNION ALL "                         \
        MIXED_NEWEST("$11") " UNION ALL " MIXED_NEWEST("$12") " UNION ALL "                        \
        MIXED_NEWEST("$13") " UNION ALL " MIXED_NEWEST("$14")
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

/* [only that condition: 0, others too: 1] */
static const char *const page_sql[LEAD_COUNT][2] = {
        [LEAD_NOTHING] = { ROWS ONLY_PAGE },
        [LEAD_TIMES] = { ROWS "created_at_us >= $4 AND created_at_us <= $5 AND audit_id >= $6 AND "
                              "audit_id <= $7 AND" ONLY_PAGE },
        [LEAD_ACTOR] = { ROWS "actor = $4 AND" ONLY_PAGE, ROWS BY_ACTOR PAGE },
        [LEAD_TARGET_TYPE] = { ROWS "target_type = $4 AND" ONLY_PAGE, ROWS BY_TARGET_TYPE PAGE },
        [LEAD_TARGET_ID] = { ROWS "target_id = $4 AND" ONLY_PAGE, ROWS BY_TARGET_ID PAGE },
        [LEAD_ACTOR_ID] = { ROWS "actor_id = $4 AND" ONLY_PAGE, ROWS BY_ACTOR_ID PAGE },
        [LEAD_TYPES] = { ROWS "audit_id IN (" ONLY_NEWEST_OF_TYPES
                              ") ORDER BY audit_id DESC LIMIT $2 OFFSET $3",
                         ROWS "audit_id IN (" MIXED_NEWEST_OF_TYPES
                              ") ORDER BY audit_id DESC LIMIT $16 OFFSET $17" },
};

/* Of nothing and of types alone the counts are kept. */
static const char *const count_sql[LEAD_COUNT][2] = {
        [LEAD_TIMES] = { COUNT "created_at_us >= $1 AND created_at_us <= $2" },
        [LEAD_ACTOR] = { COUNT "actor = $1", COUNT BY_ACTOR },
        [LEAD_TARGET_TYPE] = { COUNT "target_type = $1", COUNT BY_TARGET_TYPE },
        [LEAD_TARGET_ID] = { COUNT "target_id = $1", COUNT BY_TARGET_ID },
        [LEAD_ACTOR_ID] = { COUNT "actor_id = $1", COUNT BY_ACTOR_ID },
        [LEAD_TYPES] = { NULL, COUNT BY_TYPES },
};

/* The condition that leaves the fewest entries, as far as one can tell from its kind. *ret_others:
 * it is not the only one. */
static enum lead find_lead(const struct audit_filter *filter, bool *ret_others)
{
        const struct {
                bool given;
                enum lead lead;
        } all[] = {
                { filter->target_id, LEAD_TARGET_ID },
                { filter->actor_id, LEAD_ACTOR_ID },
                { filter->actor, LEAD_ACTOR },
                { filter->types[0], LEAD_TYPES },
                { filter->target_type, LEAD_TARGET_TYPE },
                { filter->since_us || filter->until_us, LEAD_TIMES },
        };
        enum lead lead = LEAD_NOTHING;

        *ret_others = false;
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                if (all[i].given && lead != LEAD_NOTHING)
                        *ret_others = true;
                else if (all[i].given)
                        lead = all[i].lead;
        }
        return lead;
}

#define TYPES_OF(filter)                                                                           \
        (filter)->types[0], (filter)->types[1], (filter)->types[2], (filter)->types[3],            \
                (filter)->types[4], (filter)->types[5], (filter)->types[6], (filter)->types[7]
#define CONDITIONS(filter)                                                                         \
        (filter)->since_us, (filter)->until_us, (filter)->actor, (filter)->target_type,            \
                (filter)->target_id, (filter)->actor_id, TYPES_OF(filter)
#define CONDITION_LETTERS "zztttztttttttt"

static int64_t before_of(const struct audit_filter *filter)
{
        return filter->before_id ? filter->before_id : INT64_MAX;
}

static int64_t until_of(const struct audit_filter *filter)
{
        return filter->until_us ? filter->until_us : INT64_MAX;
}

static enum err each(struct ctx *ctx, struct db_stmt *stmt, audit_row_fn *row, void *arg)
{
        enum err rc;

        while ((rc = db_step(ctx, stmt)) == OK) {
                struct audit_row read = audit_row_borrow(stmt);

                row(arg, &read);
        }
        return rc == ERR_NOT_FOUND ? OK : rc;
}

/* The text that leads; NULL: it is none. */
static const char *text_of(const struct audit_filter *filter, enum lead lead)
{
        switch (lead) {
        case LEAD_ACTOR:
                return filter->actor;
        case LEAD_TARGET_TYPE:
                return filter->target_type;
        case LEAD_TARGET_ID:
                return filter->target_id;
        case LEAD_NOTHING:
        case LEAD_TIMES:
        case LEAD_ACTOR_ID:
        case LEAD_TYPES:
        case LEAD_COUNT:
                break;
        }
        return NULL;
}

/* The least and the greatest number in the span: times go up with numbers, but for a clock that was
 * set back. So a page is read in the order of numbers without looking outside. */
static enum err find_span(struct ctx *ctx, const struct audit_filter *filter, int64_t *ret_first,
                          int64_t *ret_last)
{
        static const char sql[] = "SELECT MIN(audit_id), MAX(audit_id) FROM audit_log "
                                  "WHERE created_at_us >= $1 AND created_at_us <= $2";
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        enum err rc;

        rc = db_first(ctx, &stmt, sql, "ii", filter->since_us, until_of(filter));
        if (rc != OK)
                return rc;
        *ret_first = db_int(stmt, 0);
        *ret_last = db_int(stmt, 1);
        return OK;
}

/* A page with one condition, or none. */
static enum err query_only(struct ctx *ctx, const struct audit_filter *filter, enum lead lead,
                           struct db_stmt **ret)
{
        const int64_t limit = filter->limit, offset = filter->offset;
        const int64_t before = before_of(filter);
        const char *sql = page_sql[lead][0];
        int64_t first, last;
        enum err rc = OK;

        if (lead == LEAD_NOTHING)
                return db_query(ctx, ret, sql, "iii", before, limit, offset);
        if (lead == LEAD_TYPES)
                return db_query(ctx, ret, sql, "iiiitttttttt", before, limit, offset,
                                limit + offset, TYPES_OF(filter));
        if (lead == LEAD_ACTOR_ID)
                return db_query(ctx, ret, sql, "iiii", before, limit, offset, filter->actor_id);
        if (lead != LEAD_TIMES)
                return db_query(ctx, ret, sql, "iiit", before, limit, offset,
                                text_of(filter, lead));
        rc = find_span(ctx, filter, &first, &last);
        return rc == OK ? db_query(ctx, ret, sql, "iiiiiii", before, limit, offset,
                                   filter->since_us, until_of(filter), first, last)
                        : rc;
}

enum err store_audit_each(struct ctx *ctx, const struct audit_filter *filter, audit_row_fn *row,
                          void *arg)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        const int64_t limit = filter->limit, offset = filter->offset;
        bool others;
        const enum lead lead = find_lead(filter, &others);
        enum err rc;

        if (others)
                rc = db_query(ctx, &stmt, page_sql[lead][1],
                              lead == LEAD_TYPES ? CONDITION_LETTERS "iiii"
                                                 : CONDITION_LETTERS "iii",
                              CONDITIONS(filter), before_of(filter), limit, offset, limit + offset);
        else
                rc = query_only(ctx, filter, lead, &stmt);
        return rc == OK ? each(ctx, stmt, row, arg) : rc;
}

static enum err count(struct ctx *ctx, struct db_stmt *stmt, int64_t *ret_count)
{
        enum err rc = db_step(ctx, stmt);

        if (rc == OK)
                *ret_count = db_int(stmt, 0);
        return rc;
}

/* A count with one condition, or none. */
static enum err count_only(struct ctx *ctx, const struct audit_filter *filter, enum lead lead,
                           struct db_stmt **ret)
{
        static const char kept[] =
                "SELECT COALESCE(SUM(entries), 0) FROM audit_counts WHERE CAST($1 AS TEXT) IS NULL "
                "OR event_type IN ($1, $2, $3, $4, $5, $6, $7, $8)";
        const char *sql = count_sql[lead][0];

        if (lead == LEAD_NOTHING || lead == LEAD_TYPES)
                return db_query(ctx, ret, kept, "tttttttt", TYPES_OF(filter));
        if (lead == LEAD_TIMES)
                return db_query(ctx, ret, sql, "ii", filter->since_us, until_of(filter));
        if (lead == LEAD_ACTOR_ID)
                return db_query(ctx, ret, sql, "i", filter->actor_id);
        return db_query(ctx, ret, sql, "t", text_of(filter, lead));
}

enum err store_audit_count(struct ctx *ctx, const struct audit_filter *filter, int64_t *ret_count)
{
        CLEANUP(db_stmt_freep) struct db_stmt *stmt = NULL;
        bool others;
        const enum lead lead = find_lead(filter, &others);
        enum err rc;

        if (others)
                rc = db_query(ctx, &stmt, count_sql[lead][1], CONDITION_LETTERS,
                              CONDITIONS(filter));
        else
                rc = count_only(ctx, filter, lead, &stmt);
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
                                  "WHERE entries > 0 ORDER BY event_type";
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

        rc = db_first(ctx, &stmt, sql, "");
        if (rc != OK)
                return rc;
        *ret_first_us = db_int(stmt, 0);
        *ret_last_us = db_int(stmt, 1);
        return OK;
}
