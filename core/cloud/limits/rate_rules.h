/* Which limit a request falls under: the rules of the operations guide ("Rate limiting"), and
 * before them those of the file SIMPLETUNER_RATE_LIMIT_RULES. They may be read anew while requests
 * are under way. */
#ifndef CORE_CLOUD_LIMITS_RATE_RULES_H
#define CORE_CLOUD_LIMITS_RATE_RULES_H

#include "core/base/config.h"
#include "core/cloud/limits/limiter.h"

/* What a route says of itself: exempt, or under a built-in rule. */
enum rate {
        RATE_UNSET, /* a route that says nothing does not start */
        RATE_EXEMPT,
        RATE_DEFAULT,
        RATE_LOGIN,
        RATE_REGISTER,
        RATE_API_KEYS,
        RATE_PASSWORD,
        RATE_SUBMIT,
        RATE_CANCEL,
        RATE_WEBHOOK,
        RATE_STORAGE,
        RATE_QUOTAS,
        RATE_COUNT
};

/* Rules for those who are known; no rule of the file may have their names. */
#define RATE_RULE_JOB      "storage_job"      /* the storage requests of a job */
#define RATE_RULE_USER     "storage_user"     /* and of a user */
#define RATE_RULE_PROVIDER "webhook_provider" /* the genuine webhooks of a provider */

#define RATE_NAME_SIZE 33 /* of a rule's name, with its NUL */

struct rate_rules; /* the process's, in cloud->rate_rules */

/* Read the rules that config names. ERR_INVALID: the file, item and field that is wrong. */
NODISCARD enum err rate_rules_new(struct ctx *ctx, struct rate_rules **ret);
void rate_rules_free(struct rate_rules *rules);
DEFINE_CLEANUP(struct rate_rules *, rate_rules_free)
/* Read them anew, with the calls and the period of this config. As rate_rules_new; then all stays
 * as it is. */
NODISCARD enum err rate_rules_reload(struct ctx *ctx, const struct config *config);

struct rate_request {
        enum rate rate;     /* of its route; RATE_DEFAULT when it has none */
        const char *method; /* HEAD is GET */
        const char *path;   /* decoded */
};

/* Do not copy: limit.rule points into it. */
struct rate_match {
        struct limit limit; /* of a client address; calls 0: there is none */
        bool is_custom;     /* of the file */
        char rule[RATE_NAME_SIZE];
};

/* In this order: the first rule of the file whose pattern and methods fit; the built-in rule of the
 * route; exemptions, of the route or of the file; the default. */
void rate_rules_match(struct ctx *ctx, const struct rate_request *request, struct rate_match *ret);

/* Every rule in force, in that order. Texts live until it returns. */
struct rate_rule_view {
        const char *name, *pattern; /* pattern: an expression, or a built-in rule's paths */
        const char *methods;        /* "POST, PUT"; NULL: all */
        unsigned calls, period_s;   /* calls 0: no limit */
        bool is_built_in;
};
typedef void rate_rule_fn(void *arg, const struct rate_rule_view *view);
void rate_rules_each(struct ctx *ctx, rate_rule_fn *rule, void *arg);

#endif
