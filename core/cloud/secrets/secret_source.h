/* A place that secrets come from: each is a row of the table in secrets.c, in the order in which
 * they are asked. Private to secret*.c. */
#ifndef CORE_CLOUD_SECRETS_SECRET_SOURCE_H
#define CORE_CLOUD_SECRETS_SECRET_SOURCE_H

#include "core/base/json.h"

struct secret_source {
        const char *name; /* "environment" */
        /* Is it to be asked at all? */
        bool (*configured)(struct ctx *ctx);
        /* What is not set though something else is; NULL: nothing. NULL: there is no such case. */
        const char *(*missing)(const struct ctx *ctx);
        /* One that is near: the value, in the arena. ERR_NOT_FOUND: it has none, or an empty one.
         * ERR_UNAVAILABLE: it cannot be known. NULL of one that is fetched. */
        enum err (*get)(struct ctx *ctx, const char *name, const char **ret);
        /* The names it has, added to a JSON object; NULL: it cannot list them. As get. */
        enum err (*names)(struct ctx *ctx, json_t *ret);
        /* One over the network: all it has, as a JSON object (a new reference), for at most *ret_s
         * seconds from now, which it may lessen. Called by one thread at a time, with an outbound
         * client of its own in ctx->http. ERR_UNAVAILABLE: it cannot be known; the detail has no
         * secret in it. */
        enum err (*fetch)(struct ctx *ctx, void *state, json_t **ret, double *ret_s);
        size_t state_size;           /* what fetch keeps, zeroed at first */
        void (*forget)(void *state); /* frees what is in it */
};

extern const struct secret_source secret_env, secret_systemd, secret_file, secret_aws, secret_vault;

/* The text of a name in what a source has: a text as it is, an integer in decimal, "true" or
 * "false". ERR_NOT_FOUND: it is not there, empty or null. ERR_UNAVAILABLE: it is something else. */
NODISCARD enum err secret_value(struct ctx *ctx, const json_t *values, const char *name,
                                const char **ret);

/* From the near sources alone: what the others need to log in. Results as secrets_get. */
NODISCARD enum err secret_near(struct ctx *ctx, const char *name, const char **ret);

#endif
