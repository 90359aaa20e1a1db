#include "core/cloud/webhook/webhook_keys.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "core/cloud/secrets/secrets.h"

#define KEY_MAX           128 /* bytes of a decoded secret; the standard has 24 to 64 */
#define REFETCH_US        (60 * US_PER_S)
#define FETCHED_MAX       256
#define ACCOUNTS_MAX      32
#define SECRET_SEPARATORS " ,\t\r\n"

/* What a provider handed out last, to which account. */
struct fetched {
        const struct provider *provider;
        char account[SHA256_HEX_SIZE]; /* of API address and token: another one has other secrets */
        char secret[FETCHED_MAX];      /* "" until there is one */
        int64_t tried_us;              /* monotonic; 0: never */
};

struct webhook_keys {
        pthread_mutex_t lock;     /* over the slots; held for moments only */
        pthread_mutex_t fetching; /* one asks the provider, others wait for its answer */
        struct fetched fetched[ACCOUNTS_MAX];
};

static void init_locks(struct webhook_keys *keys)
{
        pthread_mutex_init(&keys->lock, NULL);
        pthread_mutex_init(&keys->fetching, NULL);
}

struct webhook_keys *webhook_keys_new(void)
{
        struct webhook_keys *keys = calloc(1, sizeof(*keys));

        if (keys)
                init_locks(keys);
        return keys;
}

void webhook_keys_free(struct webhook_keys *keys)
{
        if (!keys)
                return;
        pthread_mutex_destroy(&keys->lock);
        pthread_mutex_destroy(&keys->fetching);
        secret_wipe(keys, sizeof(*keys));
        free(keys);
}

bool webhook_timestamp_is_fresh(const char *timestamp, int64_t now_us, uint64_t tolerance_s)
{
        size_t digits = strspn(timestamp, "0123456789");
        int64_t at_s = strtoll(timestamp, NULL, 10);
        int64_t now_s = now_us / US_PER_S;

        if (digits == 0 || digits > 12 || timestamp[digits] != '\0')
                return false;
        return at_s >= now_s - (int64_t)tolerance_s && at_s <= now_s + (int64_t)tolerance_s;
}

/* Decode one word. People paste "v1,whsec_...": the comma splits it, and "v1" alone is no key. */
static bool decode_secret(const char *word, size_t len, unsigned char key[KEY_MAX], size_t *ret_len)
{
        static const char prefix[] = "whsec_";

        if (len > sizeof(prefix) - 1 && strncmp(word, prefix, sizeof(prefix) - 1) == 0) {
                word += sizeof(prefix) - 1;
                len -= sizeof(prefix) - 1;
        }
        return crypto_base64_decode(word, len, key, KEY_MAX, ret_len) && *ret_len > 0;
}

/* Is the expected MAC among the header's v1 items? Other versions are skipped. */
static bool header_has(const char *header, const unsigned char expected[SHA256_SIZE])
{
        bool found = false;

        for (const char *item = header; *item; item += strspn(item, " ")) {
                size_t len = strcspn(item, " ");
                unsigned char given[SHA256_SIZE];
                size_t given_len = 0;

                if (len > 3 && strncmp(item, "v1,", 3) == 0 &&
                    crypto_base64_decode(item + 3, len - 3, given, sizeof(given), &given_len))
                        found |= secret_equal(
                                (struct secret){ (const char *)given, given_len },
                                (struct secret){ (const char *)expected, SHA256_SIZE });
                item += len;
        }
        return found;
}

static bool signed_with(const char *word, size_t word_len, const struct buf *text,
                        const char *header)
{
        unsigned char key[KEY_MAX], mac[SHA256_SIZE];
        size_t key_len = 0;
        bool ok = decode_secret(word, word_len, key, &key_len) &&
                  crypto_hmac_sha256(key, key_len, text->data, text->len, mac) &&
                  header_has(header, mac);

        secret_wipe(key, sizeof(key));
        return ok;
}

bool webhook_secrets_are_usable(const char *secrets)
{
        bool found = false;

        for (const char *word = secrets; *word && !found; word += strspn(word, SECRET_SEPARATORS)) {
                size_t word_len = strcspn(word, SECRET_SEPARATORS), key_len = 0;
                unsigned char key[KEY_MAX];

                found = decode_secret(word, word_len, key, &key_len);
                secret_wipe(key, sizeof(key));
                word += word_len;
        }
        return found;
}

bool webhook_signature_matches(const struct webhook_headers *headers, const char *body, size_t len,
                               const char *secrets)
{
        struct buf text;
        bool found = false;

        buf_init(&text, len + 1024);
        if (!strchr(headers->id, '.') &&
            buf_printf(&text, "%s.%s.", headers->id, headers->timestamp) &&
            buf_add(&text, body, len)) {
                for (const char *word = secrets; *word; word += strspn(word, SECRET_SEPARATORS)) {
                        size_t word_len = strcspn(word, SECRET_SEPARATORS);

                        found |= signed_with(word, word_len, &text, headers->signature);
                        word += word_len;
                }
        }
        buf_done(&text);
        return found;
}

/* One item of a signature: the MAC of text under one secret. False: the secret is not base64. */
static bool add_item(struct buf *out, const struct buf *text, const char *word, size_t word_len)
{
        unsigned char key[KEY_MAX], mac[SHA256_SIZE];
        char item[BASE64_SIZE(SHA256_SIZE)];
        size_t key_len = 0;
        bool ok = decode_secret(word, word_len, key, &key_len) &&
                  crypto_hmac_sha256(key, key_len, text->data, text->len, mac);

        secret_wipe(key, sizeof(key));
        if (!ok)
                return false;
        crypto_base64(mac, sizeof(mac), item);
        return buf_printf(out, "%sv1,%s", out->len ? " " : "", item);
}

static bool add_items(struct buf *out, const struct buf *text, const char *secrets)
{
        const char *word = secrets + strspn(secrets, SECRET_SEPARATORS);

        while (*word) {
                size_t len = strcspn(word, SECRET_SEPARATORS);

                if (!(len == 2 && strncmp(word, "v1", 2) == 0) && !add_item(out, text, word, len))
                        return false;
                word += len + strspn(word + len, SECRET_SEPARATORS);
        }
        return out->len > 0;
}

enum err webhook_sign(struct ctx *ctx, const char *secrets, struct crypto_bytes body,
                      const char *ret_lines[WEBHOOK_SIGN_LINES])
{
        const char *lines[WEBHOOK_SIGN_LINES] = { NULL };
        int64_t now_s = clock_wall_us(ctx->clock) / US_PER_S;
        struct buf text, items;
        char id[ULID_SIZE];
        enum err rc = crypto_ulid(ctx, id);

        if (rc != OK)
                return rc;
        buf_init(&text, body.len + 256);
        buf_init(&items, 4096);
        if (!buf_printf(&text, "msg_%s.%" PRId64 ".", id, now_s) ||
            !buf_add(&text, body.bytes, body.len))
                rc = ctx_nomem(ctx);
        else if (!add_items(&items, &text, secrets))
                rc = ctx_fail(ctx, ERR_INVALID, "it must be of the form whsec_BASE64");
        lines[0] = arena_printf(ctx->arena, "webhook-id: msg_%s", id);
        lines[1] = arena_printf(ctx->arena, "webhook-timestamp: %" PRId64, now_s);
        lines[2] = arena_printf(ctx->arena, "webhook-signature: %s", buf_str(&items));
        buf_done(&text);
        buf_done(&items);
        if (rc != OK)
                return rc;
        if (!lines[0] || !lines[1] || !lines[2])
                return ctx_nomem(ctx);
        memcpy(ret_lines, lines, sizeof(lines));
        return OK;
}

/* The account's slot; a new one takes that of whoever was asked about the longest time ago. Called
 * under lock. */
static struct fetched *slot_of(struct webhook_keys *keys, const struct provider *provider,
                               const char *account)
{
        struct fetched *oldest = &keys->fetched[0];

        for (size_t i = 0; i < ACCOUNTS_MAX; i++) {
                struct fetched *slot = &keys->fetched[i];

                if (slot->provider == provider && strcmp(slot->account, account) == 0)
                        return slot;
                if (slot->tried_us < oldest->tried_us)
                        oldest = slot;
        }
        secret_wipe(oldest, sizeof(*oldest));
        oldest->provider = provider;
        snprintf(oldest->account, sizeof(oldest->account), "%s", account);
        return oldest;
}

static void copy_secret(struct webhook_keys *keys, const struct provider *provider,
                        const char *account, char ret_secret[FETCHED_MAX])
{
        pthread_mutex_lock(&keys->lock);
        memcpy(ret_secret, slot_of(keys, provider, account)->secret, FETCHED_MAX);
        pthread_mutex_unlock(&keys->lock);
}

/* May the provider be asked again? If so, that counts as asked. */
static bool take_try(struct ctx *ctx, struct webhook_keys *keys, const struct provider *provider,
                     const char *account)
{
        int64_t now_us = clock_mono_us(ctx->clock);
        struct fetched *slot;
        bool may;

        pthread_mutex_lock(&keys->lock);
        slot = slot_of(keys, provider, account);
        may = !slot->tried_us || now_us - slot->tried_us >= REFETCH_US;
        if (may)
                slot->tried_us = now_us;
        pthread_mutex_unlock(&keys->lock);
        return may;
}

/* Ask the provider for its secret, unless it was asked a moment ago. */
static void refetch(struct ctx *ctx, const struct provider_session *session, const char *account)
{
        struct webhook_keys *keys = ctx->cloud->webhook_keys;
        const char *secret = NULL;
        enum err rc;

        if (!session->provider->webhook_secret || !take_try(ctx, keys, session->provider, account))
                return;
        rc = session->provider->webhook_secret(ctx, session, &secret);
        if (rc != OK) {
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.webhooks",
                          "The webhook secret could not be fetched", "provider",
                          session->provider->id, "reason", ctx->detail);
                return;
        }
        pthread_mutex_lock(&keys->lock);
        snprintf(slot_of(keys, session->provider, account)->secret, FETCHED_MAX, "%s", secret);
        pthread_mutex_unlock(&keys->lock);
}

static enum err name_account(struct ctx *ctx, const struct provider_session *session,
                             char ret_account[SHA256_HEX_SIZE])
{
        const char *text = arena_printf(ctx->arena, "%s %s", session->api_base,
                                        session->token.len ? session->token.bytes : "");

        if (!text)
                return ctx_nomem(ctx);
        if (!crypto_sha256_hex(text, strlen(text), ret_account))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash an account");
        return OK;
}

static enum err verify_with_fetched(struct ctx *ctx, const struct provider_session *session,
                                    const struct webhook_headers *headers, const char *body,
                                    size_t len)
{
        struct webhook_keys *keys = ctx->cloud->webhook_keys;
        char account[SHA256_HEX_SIZE], secret[FETCHED_MAX];
        enum err rc;

        rc = name_account(ctx, session, account);
        if (rc != OK)
                return rc;
        copy_secret(keys, session->provider, account, secret);
        if (*secret && webhook_signature_matches(headers, body, len, secret))
                return OK;

        pthread_mutex_lock(&keys->fetching);
        refetch(ctx, session, account);
        pthread_mutex_unlock(&keys->fetching);
        copy_secret(keys, session->provider, account, secret);
        if (*secret && webhook_signature_matches(headers, body, len, secret))
                return OK;
        if (!*secret)
                return ctx_fail(ctx, ERR_NOT_READY, WEBHOOK_NO_SECRET);
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "no signature matches");
}

enum err webhook_keys_verify(struct ctx *ctx, const struct provider_session *session,
                             const struct webhook_headers *headers, const char *body, size_t len)
{
        const struct provider *provider = session->provider;
        struct secret configured;
        enum err rc;

        rc = secrets_get(ctx, provider->webhook_secret_name, &configured);
        if (rc == ERR_NOT_FOUND && provider->webhook_secret)
                return verify_with_fetched(ctx, session, headers, body, len);
        if (rc == ERR_NOT_FOUND)
                return ctx_fail(ctx, ERR_NOT_READY, WEBHOOK_NO_SECRET);
        if (rc != OK)
                return rc;
        if (webhook_signature_matches(headers, body, len, configured.bytes))
                return OK;
        if (session->token_is_owners && provider->webhook_secret) /* that of another was set */
                return verify_with_fetched(ctx, session, headers, body, len);
        if (!webhook_secrets_are_usable(configured.bytes))
                return ctx_fail(ctx, ERR_CONFLICT, WEBHOOK_NO_SECRET);
        return ctx_fail(ctx, ERR_UNAUTHENTICATED, "no signature matches");
}
