/* The list of jobs. */
#include <string.h>

#include "core/cloud/job/job.h"
#include "core/cloud/job/job_poll.h"
#include "fcgi/handlers.h"
#include "fcgi/render_job.h"

#define LIST_DEFAULT 50
#define LIST_MAX     500
#define OFFSET_MAX   10000
#define SEARCH_MAX   200
#define POLL_MAX     50 /* active jobs asked about before a list */

struct list_rendering {
        struct jsonw json;
        struct job_rendering rendering;
        unsigned count;
        char last_id[CTX_ID_SIZE];
};

static void render_list_row(void *arg, const struct job *job)
{
        struct list_rendering *list = arg;

        jsonw_object(&list->json, NULL);
        render_job(&list->json, job, &list->rendering);
        jsonw_object_end(&list->json);
        list->count++;
        memcpy(list->last_id, job->job_id, strnlen(job->job_id, CTX_ID_SIZE - 1) + 1);
}

/* What a list is asked for beside the filter. */
struct list_query {
        struct job_filter filter;
        bool is_empty; /* by its filter: there are no local jobs */
        bool sync_active, counts;
};

static enum err read_range(struct ctx *ctx, const struct request *request,
                           struct job_filter *filter)
{
        int64_t limit = LIST_DEFAULT, offset = 0;
        enum err rc;

        rc = request_query_int(ctx, request, "limit", &limit);
        if (rc == OK)
                rc = request_query_int(ctx, request, "offset", &offset);
        if (rc == OK)
                rc = request_query(ctx, request, "before", &filter->before_id);
        if (rc == OK)
                rc = request_query(ctx, request, "after", &filter->after_id);
        if (rc != OK)
                return rc;
        if (filter->before_id && !job_id_is_valid(filter->before_id))
                return ctx_fail(ctx, ERR_INVALID, "before must be a job id");
        if (filter->after_id && !job_id_is_valid(filter->after_id))
                return ctx_fail(ctx, ERR_INVALID, "after must be a job id");
        filter->limit = (unsigned)limit;
        filter->offset = (unsigned)offset;
        return OK;
}

static enum err read_job_type(struct ctx *ctx, const struct request *request, bool *ret_is_local)
{
        const char *type;
        enum err rc = request_query(ctx, request, "job_type", &type);

        if (rc != OK || !type)
                return rc;
        *ret_is_local = strcmp(type, "local") == 0;
        if (!*ret_is_local && strcmp(type, "cloud") != 0)
                return ctx_fail(ctx, ERR_INVALID, "job_type must be one of cloud, local");
        return OK;
}

/* What is looked for, and in which order it is shown. */
static enum err read_search(struct ctx *ctx, const struct request *request,
                            struct job_filter *filter)
{
        const char *order = NULL;
        enum err rc = request_query(ctx, request, "search", &filter->search);

        if (rc == OK)
                rc = request_query(ctx, request, "order", &order);
        if (rc != OK)
                return rc;
        if (filter->search && strlen(filter->search) > SEARCH_MAX)
                return ctx_fail(ctx, ERR_INVALID, "search must be of at most %d bytes", SEARCH_MAX);
        if (filter->search && !*filter->search)
                filter->search = NULL;
        filter->oldest_first = order && strcmp(order, "asc") == 0;
        if (order && !filter->oldest_first && strcmp(order, "desc") != 0)
                return ctx_fail(ctx, ERR_INVALID, "order must be one of asc, desc");
        if (filter->oldest_first ? filter->before_id : filter->after_id)
                return ctx_fail(ctx, ERR_INVALID, "%s goes with order=%s",
                                filter->oldest_first ? "before" : "after",
                                filter->oldest_first ? "desc" : "asc");
        return OK;
}

static enum err read_query(struct ctx *ctx, const struct request *request, struct list_query *query)
{
        struct job_filter *filter = &query->filter;
        enum job_status status;
        enum err rc;

        rc = read_range(ctx, request, filter);
        if (rc == OK)
                rc = read_search(ctx, request, filter);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "counts", &query->counts);
        if (rc == OK)
                rc = read_job_type(ctx, request, &query->is_empty);
        if (rc == OK)
                rc = request_query_bool(ctx, request, "sync_active", &query->sync_active);
        if (rc == OK)
                rc = request_query(ctx, request, "status", &filter->status);
        if (rc == OK)
                rc = request_query(ctx, request, "provider", &filter->provider);
        if (rc == OK)
                rc = request_query(ctx, request, "owner", &filter->owner);
        if (rc == OK && filter->status && !job_status_parse(filter->status, &status))
                return ctx_fail(ctx, ERR_INVALID,
                                "status must be one of blocked, pending, uploading, queued, "
                                "running, completed, failed, cancelled");
        return rc;
}

/* Asking providers is work that others pay for, hence the permission. */
static enum err sync_active(struct ctx *ctx)
{
        struct poll_round round = poll_round_begin(ctx);
        enum err rc = auth_require(ctx, PERM_ADMIN_CONFIG);

        return rc == OK ? job_poll(ctx, &round, POLL_MAX) : rc;
}

static void ignore_row(void *arg, const struct job *job)
{
        (void)arg;
        (void)job;
}

/* How many jobs there are of each status, whichever one the list is of. */
static enum err render_counts(struct ctx *ctx, struct jsonw *json, const struct job_filter *filter)
{
        struct job_filter one = { .provider = filter->provider, .owner = filter->owner };
        enum err rc = OK;

        jsonw_object(json, "counts");
        for (int status = 0; rc == OK && status < JOB_STATUS_COUNT; status++) {
                int64_t count = 0;

                one.status = job_status_name((enum job_status)status);
                rc = job_list(ctx, &one, ignore_row, NULL, &count);
                jsonw_int(json, one.status, count);
        }
        jsonw_object_end(json);
        return rc;
}

/* What follows the rows: how many there are, and how to ask for the next ones. */
static enum err render_list_end(struct ctx *ctx, const struct list_query *query, int64_t total,
                                struct list_rendering *list)
{
        bool more = list->count > 0 && list->count == query->filter.limit;
        bool up = query->filter.oldest_first;

        jsonw_array_end(&list->json);
        if (query->filter.search)
                jsonw_null(&list->json, "total");
        else
                jsonw_int(&list->json, "total", total);
        jsonw_string(&list->json, "next_before", more && !up ? list->last_id : NULL);
        if (up)
                jsonw_string(&list->json, "next_after", more ? list->last_id : NULL);
        return query->counts ? render_counts(ctx, &list->json, &query->filter) : OK;
}

static const struct query list_parameters[] = {
        QUERY(NUMBER, "limit", .min = 1, .max = LIST_MAX),
        QUERY(NUMBER, "offset", .min = 0, .max = OFFSET_MAX),
        QUERY(TEXT, "before"),
        QUERY(TEXT, "after"),
        QUERY(TEXT, "order"),
        QUERY(TEXT, "search"),
        QUERY(BOOL, "counts"),
        QUERY(TEXT, "job_type"),
        QUERY(BOOL, "sync_active"),
        QUERY(TEXT, "status"),
        QUERY(TEXT, "provider"),
        QUERY(TEXT, "owner"),
        { 0 },
};

static enum err jobs_list_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        struct list_rendering list = { .count = 0 };
        struct list_query query = { .is_empty = false };
        int64_t total = 0;
        enum err rc;

        rc = read_query(ctx, request, &query);
        if (rc == OK && query.sync_active)
                rc = sync_active(ctx);
        if (rc == OK)
                rc = job_rendering_init(ctx, &list.rendering);
        if (rc != OK)
                return rc;

        list.json = reply_json(reply);
        jsonw_array(&list.json, "jobs");
        if (!query.is_empty)
                rc = job_list(ctx, &query.filter, render_list_row, &list, &total);
        if (rc == OK)
                rc = render_list_end(ctx, &query, total, &list);
        return rc == OK ? reply_json_end(ctx, reply, &list.json) : rc;
}

const struct operation jobs_list = {
        OPERATION(jobs_list),
        .summary = "List jobs, the newest first",
        .query = list_parameters,
};
