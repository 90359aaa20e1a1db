/* What the quotas come to for one user, and how much of it is used. Of a type the user's own quota
 * counts, else the highest of his levels', else the one for all; what his teams and his
 * organisation allow is a ceiling to it, and counts alone where there is nothing below it. The
 * action is that of the quota below the ceiling. */
#ifndef CORE_CLOUD_LIMITS_QUOTA_STATUS_H
#define CORE_CLOUD_LIMITS_QUOTA_STATUS_H

#include "core/store/store_quotas.h"

struct quota_limit {
        bool is_set;
        int64_t limit;
        enum quota_action action;
        enum quota_scope source; /* which quota it is, or which ceiling bounds it */
        bool is_ceiling;
};
struct quota_limits {
        struct quota_limit of[QUOTA_TYPE_COUNT];
        bool any;
};

/* user_id 0: nobody with an account, who has what is for all. Faults. */
NODISCARD enum err quota_limits_load(struct ctx *ctx, int64_t user_id, struct quota_limits *ret);

/* How one type stands. */
struct quota_status {
        enum quota_type type;
        struct quota_limit limit;
        int64_t used;
        bool is_exceeded, is_warning; /* nothing is left; 80 % are used */
        const char *message;          /* NULL: all is well */
};
double quota_percent(int64_t used, int64_t limit);

/* How all types that have a limit stand, *ret_count of them in the arena: of a user, whether he is
 * active or not (ERR_NOT_FOUND); of the one who acts. */
NODISCARD enum err quota_status_of(struct ctx *ctx, int64_t user_id, struct quota_status **ret,
                                   size_t *ret_count);
NODISCARD enum err quota_status_mine(struct ctx *ctx, struct quota_status **ret, size_t *ret_count);

/* For people: "concurrent_jobs quota exceeded: 6 / 5 (limited by org ceiling)", "Approaching
 * cost_daily limit: $8.50 / $10.00", "Job would exceed cost_daily limit: $11.00 / $10.00". In the
 * arena; NULL: out of memory. */
enum quota_notice { QUOTA_NOTICE_EXCEEDED, QUOTA_NOTICE_APPROACHING, QUOTA_NOTICE_WOULD_EXCEED };
const char *quota_message(struct ctx *ctx, enum quota_notice notice,
                          const struct quota_status *status);

#endif
