/* The conditions of requests about the audit log, for those handlers that take them. */
#ifndef FCGI_AUDIT_QUERY_H
#define FCGI_AUDIT_QUERY_H

#include "core/cloud/audit/audit.h"
#include "fcgi/request.h"

/* event_type, actor, actor_id, target_type, target_id, since and until. ERR_INVALID names the one
 * that is wrong. */
#define AUDIT_FILTER_QUERY                                                                         \
        QUERY(TEXT, "event_type"), QUERY(TEXT, "actor"), QUERY(TEXT, "target_type"),               \
                QUERY(TEXT, "target_id"), QUERY(NUMBER, "actor_id", .min = 1, .max = INT64_MAX),   \
                QUERY(TIME, "since"), QUERY(TIME, "until")
NODISCARD enum err audit_query_read(struct ctx *ctx, const struct request *request,
                                    struct audit_filter *filter);

/* since and until alone. */
NODISCARD enum err audit_query_times(struct ctx *ctx, const struct request *request,
                                     int64_t *ret_since_us, int64_t *ret_until_us);

/* A number from 1 on. ERR_INVALID, with what as its name. */
NODISCARD enum err audit_query_number(struct ctx *ctx, const char *what, const char *text,
                                      int64_t *ret);

#endif
