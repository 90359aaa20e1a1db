/* What a handler does, as it says itself: what it runs, what it takes from the query and the body,
 * what it answers. Requests are read by these tables, and the OpenAPI document is made from them,
 * so that neither differs from the other. */
#ifndef FCGI_OPERATION_H
#define FCGI_OPERATION_H

#include "core/base/fields.h"

struct request;
struct reply;

/* Read, call, render. What it returns, if not OK, replaces the answer by reply_error. */
typedef enum err handler_fn(struct ctx *ctx, const struct request *request, struct reply *reply);

enum query_type {
        QUERY_TEXT,
        QUERY_NUMBER, /* an integer from min to max */
        QUERY_BOOL,   /* true, false, 1 or 0 */
        QUERY_TIME,   /* ISO 8601 */
        QUERY_TYPE_COUNT
};

/* A parameter of the query. */
struct query {
        const char *name; /* NULL ends a table */
        enum query_type type;
        int64_t min, max;
        bool required;
        bool many; /* may be given several times */
};

#define QUERY(kind, parameter, ...)                                                                \
        {                                                                                          \
                .name = (parameter), .type = QUERY_##kind, ##__VA_ARGS__                           \
        }

struct operation {
        const char *id; /* the handler's name */
        handler_fn *run;
        const char *summary;
        const struct query *query;      /* NULL: it looks at none */
        const struct field_table *body; /* of a JSON object; NULL: another body, or none */
        int status;                     /* of success; 0: 200 */
        const char *takes, *gives;      /* media types; NULL: application/json */
};

/* Its first two members. */
#define OPERATION(name) .id = #name, .run = name##_run

/* The row of a parameter, NULL: the operation takes none of this name. */
const struct query *operation_query(const struct operation *operation, const char *name);

#endif
