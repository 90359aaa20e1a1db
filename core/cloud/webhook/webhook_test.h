/* Can a webhook be reached? Three ways to find out: from here at the address that is set, from here
 * at an address that a caller names, and from the provider's side. What the far side answers is
 * never passed on: only its status, and how long it took. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_TEST_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_TEST_H

#include "core/cloud/provider/provider.h"

struct webhook_test {
        bool success;           /* a 2xx came; senders take nothing else for delivered */
        const char *message;    /* a sentence for people */
        const char *error;      /* NULL: none */
        double latency_ms;      /* < 0: it was not called */
        int64_t status_code;    /* 0: none came */
        const char *prediction; /* the provider's id of its check, NULL: none */
        const char *details;    /* what the check says more, NULL: nothing */
};

/* POST to the setting webhook_url, else to our own webhook under the public URL; signed as the
 * provider signs, as far as its secret is known. An administrator's address may be private. */
NODISCARD enum err webhook_test_own(struct ctx *ctx, const struct provider_session *session,
                                    struct webhook_test *ret);

/* POST to a public address within timeout_s. ERR_INVALID: webhook_url leads to another one. */
NODISCARD enum err webhook_test_url(struct ctx *ctx, const struct provider_session *session,
                                    const char *url, double timeout_s, struct webhook_test *ret);

/* Have the provider call url, NULL: the address of webhook_test_own. */
NODISCARD enum err webhook_test_external(struct ctx *ctx, const struct provider_session *session,
                                         const char *url, struct webhook_test *ret);

#endif
