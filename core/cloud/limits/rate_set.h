/* The rules as they were read at one moment. They never change; whoever uses them counts as a user,
 * and the last one frees them. For rate_rules.c and the reading of the file. */
#ifndef CORE_CLOUD_LIMITS_RATE_SET_H
#define CORE_CLOUD_LIMITS_RATE_SET_H

#include <regex.h>
#include <stdatomic.h>

#include "core/cloud/limits/rate_rules.h"

#define RATE_SET_RULES_MAX  64
#define RATE_SET_EXEMPT_MAX 64
#define RATE_PATH_MAX       1024 /* bytes of a path that patterns look at */

struct rate_set_rule {
        struct limit limit;
        const char *pattern;
        const char *methods; /* "POST, PUT"; NULL: all */
        regex_t regex;
};

struct rate_set {
        atomic_uint users;
        struct arena *arena; /* of all texts */
        bool is_off;         /* RATE_LIMIT_CALLS=0 */
        struct limit fallback;
        size_t count, exempt_count;
        struct rate_set_rule rules[RATE_SET_RULES_MAX];
        const char *exempt[RATE_SET_EXEMPT_MAX]; /* paths, or with "*" at the end what begins so */
};

/* One of config and of the file that it names, if any, with one user. ERR_INVALID. */
NODISCARD enum err rate_set_new(struct ctx *ctx, const struct config *config,
                                struct rate_set **ret);
void rate_set_put(struct rate_set *set); /* one user less */
DEFINE_CLEANUP(struct rate_set *, rate_set_put)

/* Is this the name of a rule that is built in? */
bool rate_rules_is_built_in(const char *name);

#endif
