/* Signatures of webhooks: Standard Webhooks 1.0.0, symmetric (v1, HMAC-SHA256 over
 * "id.timestamp.body"). Several secrets may be valid at once. The secret under the provider's
 * webhook_secret_name goes first; without it one that the provider hands out is fetched when needed
 * and again, at most once a minute, when a signature does not match it. */
#ifndef CORE_CLOUD_WEBHOOK_WEBHOOK_KEYS_H
#define CORE_CLOUD_WEBHOOK_WEBHOOK_KEYS_H

#include "core/cloud/provider/provider.h"

struct webhook_keys;

NODISCARD struct webhook_keys *webhook_keys_new(void); /* NULL: out of memory */
void webhook_keys_free(struct webhook_keys *keys);

/* The three headers; NULL: not there. */
struct webhook_headers {
        const char *id, *timestamp, *signature;
};

/* What the sender is told while there is no secret to verify with. */
#define WEBHOOK_NO_SECRET "The webhook signing secret is not available; try again later"

/* Does one v1 item of the header sign this body under one of the secrets? secrets: words separated
 * by blanks or commas, each base64 with an optional "whsec_" (and "v1," before that). */
bool webhook_signature_matches(const struct webhook_headers *headers, const char *body, size_t len,
                               const char *secrets);

/* Has any of the words the form of a secret? */
bool webhook_secrets_are_usable(const char *secrets);

/* Sign a body that we send, now and under a new id: the three headers as lines "name: value", one
 * v1 item per secret. ERR_INVALID: a secret is not base64. */
#define WEBHOOK_SIGN_LINES 3
NODISCARD enum err webhook_sign(struct ctx *ctx, const char *secrets, struct crypto_bytes body,
                                const char *ret_lines[WEBHOOK_SIGN_LINES]);

/* Is the timestamp an integer within tolerance_s of now, both ways? */
bool webhook_timestamp_is_fresh(const char *timestamp, int64_t now_us, uint64_t tolerance_s);

/* Verify against what this provider's secrets are now. ERR_UNAUTHENTICATED: no match.
 * ERR_CONFLICT: none of the secrets that were set has the form of one. ERR_NOT_READY: there is no
 * secret. The last two are our own fault: the sender should try again later. */
NODISCARD enum err webhook_keys_verify(struct ctx *ctx, const struct provider_session *session,
                                       const struct webhook_headers *headers, const char *body,
                                       size_t len);

#endif
