#include "core/cloud/doctor/doctor_http.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/cloud/http/http_settings.h"

#define PATIENCE_S 6
#define ANSWER_MAX (1 * MiB)
#define NONCE_SIZE 16

enum err doctor_place_of(struct ctx *ctx, const char *url, struct doctor_place *ret)
{
        struct doctor_place place = { .settings = http_settings_for(ctx->config, url) };
        const char *host = strstr(url, "://"), *slash;
        size_t len = strlen(url);

        if (!host || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
                return ctx_fail(ctx, ERR_INVALID, "%s is no http or https URL", url);
        while (len > 0 && url[len - 1] == '/')
                len--;
        place.url = arena_strndup(ctx->arena, url, len);
        if (!place.url)
                return ctx_nomem(ctx);
        host = place.url + (host - url) + 3;
        slash = strchr(host, '/');
        place.authority =
                arena_strndup(ctx->arena, host, slash ? (size_t)(slash - host) : strlen(host));
        place.prefix = slash ? slash : "";
        place.settings.timeout_s = PATIENCE_S;
        if (!place.authority)
                return ctx_nomem(ctx);
        *ret = place;
        return OK;
}

enum err doctor_front_place(struct ctx *ctx, const char *url, struct doctor_place *ret)
{
        const char *port = config_secret(ctx->config, "SIMPLETUNER_PORT");
        const char *local = arena_printf(ctx->arena, "http://127.0.0.1:%s", port ? port : "8080");

        if (!local)
                return ctx_nomem(ctx);
        return doctor_place_of(ctx,
                               url                        ? url
                               : *ctx->config->public_url ? ctx->config->public_url
                                                          : local,
                               ret);
}

/* ---- by hand ---- */

/* Without user and password. */
static const char *bare_proxy(struct ctx *ctx, const char *proxy)
{
        const char *at = strrchr(proxy, '@'), *scheme = strstr(proxy, "://");

        if (!at)
                return proxy;
        return arena_printf(ctx->arena, "%.*sUSER:PASSWORD%s",
                            scheme ? (int)(scheme - proxy) + 3 : 0, proxy, at);
}

const char *doctor_curl(struct ctx *ctx, const struct http_settings *settings, const char *flags,
                        const char *url)
{
        return arena_printf(ctx->arena, "curl %s%s%s%s%s %s", flags,
                            settings->proxy ? " --proxy " : "",
                            settings->proxy ? bare_proxy(ctx, settings->proxy) : "",
                            settings->ca_bundle ? " --cacert " : "",
                            settings->ca_bundle ? settings->ca_bundle : "", url);
}

const char *doctor_curl_health(struct ctx *ctx, const struct doctor_place *place, const char *flags)
{
        const char *url = arena_printf(ctx->arena, "%s/api/cloud/health/live", place->url);

        return url ? doctor_curl(ctx, &place->settings, flags, url) : NULL;
}

/* ---- answers ---- */

bool doctor_is_gateway_failure(int status)
{
        return status >= 502 && status <= 504;
}

const char *doctor_answer_header(struct ctx *ctx, const struct doctor_answer *answer,
                                 const char *name)
{
        const size_t len = strlen(name);

        for (const char *at = strstr(answer->head, "\r\n"); at; at = strstr(at + 2, "\r\n")) {
                const char *line = at + 2, *value = line + len;

                if (strncasecmp(line, name, len) != 0 || *value != ':')
                        continue;
                value += 1 + strspn(value + 1, " \t");
                return arena_strndup(ctx->arena, value, strcspn(value, "\r\n"));
        }
        return NULL;
}

bool doctor_dechunk(char *body, size_t len, size_t *ret_len)
{
        const char *at = body, *end = body + len;
        char *out = body;

        for (;;) {
                const char *line_end = memchr(at, '\n', (size_t)(end - at));
                unsigned long size;
                char *after;

                if (!line_end)
                        return false;
                size = strtoul(at, &after, 16);
                if (after == at)
                        return false;
                at = line_end + 1;
                if (size == 0)
                        break;
                if (size > (size_t)(end - at) || (size_t)(end - at) - size < 2)
                        return false;
                memmove(out, at, size);
                out += size;
                at += size + 2;
        }
        *ret_len = (size_t)(out - body);
        *out = '\0';
        return true;
}

/* What is being read: everything, and where the body begins. */
struct reading {
        struct buf text;
        size_t body_at; /* 0: not yet */
        int64_t first_us;
};

static int status_of(const char *head)
{
        const char *blank = strchr(head, ' ');

        return blank ? (int)strtol(blank, NULL, 10) : 0;
}

/* Find the end of the head; interim answers, 100 and 103, are dropped unless wanted. True: the head
 * is there. */
static bool find_body(struct reading *reading, bool stops_at_100, bool *ret_interim)
{
        struct buf *text = &reading->text;
        char *end;

        while (text->data && (end = strstr(text->data, "\r\n\r\n"))) {
                size_t len = (size_t)(end - text->data) + 4;
                int status = status_of(text->data);

                *ret_interim = status >= 100 && status < 200;
                if (!*ret_interim || stops_at_100) {
                        reading->body_at = len;
                        return true;
                }
                text->len -= len;
                memmove(text->data, text->data + len, text->len + 1);
        }
        return false;
}

/* How much body there is to come; SIZE_MAX: until the connection closes. */
static size_t expected_length(struct ctx *ctx, const struct doctor_ask *ask,
                              const struct doctor_answer *head)
{
        const char *length = doctor_answer_header(ctx, head, "Content-Length");

        if (strcmp(ask->method, "HEAD") == 0 || head->status == 204 || head->status == 304)
                return 0;
        return length ? strtoul(length, NULL, 10) : SIZE_MAX;
}

static bool is_chunked(struct ctx *ctx, const struct doctor_answer *head)
{
        const char *coding = doctor_answer_header(ctx, head, "Transfer-Encoding");

        return coding && strcasecmp(coding, "chunked") == 0;
}

static bool is_complete(struct ctx *ctx, const struct doctor_ask *ask, struct reading *reading,
                        bool *ret_interim)
{
        struct doctor_answer head;

        if (reading->body_at == 0 && !find_body(reading, ask->stops_at_100, ret_interim))
                return false;
        if (*ret_interim)
                return true;
        if (reading->text.len > reading->body_at && reading->first_us == 0)
                reading->first_us = clock_mono_us(ctx->clock);
        head.head = arena_strndup(ctx->arena, reading->text.data, reading->body_at);
        if (!head.head)
                return true;
        head.status = status_of(head.head);
        if (is_chunked(ctx, &head) && strcmp(ask->method, "HEAD") != 0)
                return reading->text.len - reading->body_at >= 5 &&
                       strcmp(reading->text.data + reading->text.len - 5, "0\r\n\r\n") == 0;
        return reading->text.len - reading->body_at >= expected_length(ctx, ask, &head);
}

static enum err read_answer(struct ctx *ctx, struct http_raw *raw, const struct doctor_ask *ask,
                            struct reading *reading)
{
        const int64_t deadline_us = clock_mono_us(ctx->clock) + PATIENCE_S * US_PER_S;
        bool interim = false;

        while (!is_complete(ctx, ask, reading, &interim)) {
                char space[16 * KiB];
                int64_t got = http_raw_receive(ctx, raw, space, sizeof(space), deadline_us);

                if (got < 0)
                        return ctx_fail(ctx, ERR_PROVIDER, "no answer within %d s", PATIENCE_S);
                if (got == 0 && reading->body_at == 0)
                        return ctx_fail(ctx, ERR_PROVIDER,
                                        "the connection was closed without an answer");
                if (got == 0)
                        break;
                if (!buf_add(&reading->text, space, (size_t)got))
                        return ctx_fail(ctx, ERR_PROVIDER, "the answer is too large");
                if (reading->text.len >= strlen("HTTP/") &&
                    strncmp(reading->text.data, "HTTP/", strlen("HTTP/")) != 0)
                        return ctx_fail(ctx, ERR_PROVIDER, "what answers does not speak HTTP");
        }
        return OK;
}

static enum err take_answer(struct ctx *ctx, const struct reading *reading,
                            struct doctor_answer *ret)
{
        struct doctor_answer answer = { 0 };
        char *body;

        answer.head = arena_strndup(ctx->arena, reading->text.data, reading->body_at);
        body = arena_alloc(ctx->arena, reading->text.len - reading->body_at + 1);
        if (!answer.head || !body)
                return ctx_nomem(ctx);
        answer.status = status_of(answer.head);
        answer.body_len = reading->text.len - reading->body_at;
        memcpy(body, reading->text.data + reading->body_at, answer.body_len);
        if (is_chunked(ctx, &answer))
                (void)doctor_dechunk(body, answer.body_len, &answer.body_len);
        answer.body = body;
        if (reading->first_us)
                answer.spread_us = clock_mono_us(ctx->clock) - reading->first_us;
        *ret = answer;
        return OK;
}

/* ---- asking ---- */

static bool add_head(struct buf *out, const struct doctor_place *place,
                     const struct doctor_ask *ask)
{
        buf_printf(out, "%s %s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", ask->method,
                   place->prefix, ask->target, place->authority);
        buf_puts(out, "User-Agent: SimpleTuner-Cloud-Doctor/" PACKAGE_VERSION "\r\n");
        if (place->token)
                buf_printf(out, DOCTOR_TOKEN_HEADER ": %s\r\n", place->token->text);
        if (ask->headers)
                buf_puts(out, ask->headers);
        if (ask->body && !ask->length_is_said)
                buf_printf(out, "Content-Length: %zu\r\n", ask->body_len);
        return buf_puts(out, "\r\n") && buf_ok(out);
}

/* That it could not be sent whole is no failure: an answer may say why. */
static void send_all(struct ctx *ctx, struct http_raw *raw, const struct buf *head,
                     const struct doctor_ask *ask)
{
        const int64_t deadline_us = clock_mono_us(ctx->clock) + PATIENCE_S * US_PER_S;
        const size_t first = ask->pause_ms ? ask->body_len / 2 : ask->body_len;

        if (!http_raw_send(ctx, raw, buf_str(head), head->len, deadline_us) || !ask->body ||
            !http_raw_send(ctx, raw, ask->body, first, deadline_us) || first == ask->body_len)
                return;
        clock_sleep_us(ctx->clock, ask->pause_ms * US_PER_MS);
        (void)http_raw_send(ctx, raw, ask->body + first, ask->body_len - first, deadline_us);
}

enum err doctor_ask(struct ctx *ctx, const struct doctor_place *place, const struct doctor_ask *ask,
                    struct doctor_answer *ret)
{
        CLEANUP(http_raw_closep) struct http_raw *raw = NULL;
        struct reading reading = { 0 };
        struct buf head;
        enum err rc = http_raw_open(ctx, &place->settings, place->url, &raw);

        if (rc != OK)
                return rc;
        buf_init(&head, 64 * KiB);
        buf_init(&reading.text, ANSWER_MAX);
        if (!add_head(&head, place, ask))
                rc = ctx_nomem(ctx);
        if (rc == OK) {
                send_all(ctx, raw, &head, ask);
                rc = read_answer(ctx, raw, ask, &reading);
        }
        if (rc == OK)
                rc = take_answer(ctx, &reading, ret);
        if (rc == OK)
                ret->certificate = *http_raw_certificate(raw);
        buf_done(&head);
        buf_done(&reading.text);
        return rc;
}

/* Is it signed with the key that only a process with this home can know? */
static bool is_ours(const struct doctor_place *place, const json_t *seen, const char *nonce)
{
        const char *proof = json_string_at(seen, "proof");
        char wanted[SHA256_HEX_SIZE];

        return proof && doctor_token_proof(place->token->key, nonce, wanted) &&
               strcmp(proof, wanted) == 0;
}

enum err doctor_ask_echo(struct ctx *ctx, const struct doctor_place *place,
                         const struct doctor_ask *ask, struct doctor_answer *ret_answer,
                         json_t **ret)
{
        unsigned char random[NONCE_SIZE];
        char nonce[2 * NONCE_SIZE + 1];
        struct doctor_ask signed_ask = *ask;
        json_t *seen = NULL;
        enum err rc;

        if (!crypto_random(random, sizeof(random)))
                return ctx_fail(ctx, ERR_INTERNAL, "no randomness");
        crypto_hex(random, sizeof(random), nonce);
        signed_ask.headers = arena_printf(ctx->arena, DOCTOR_NONCE_HEADER ": %s\r\n%s", nonce,
                                          ask->headers ? ask->headers : "");
        if (!signed_ask.headers)
                return ctx_nomem(ctx);
        rc = doctor_ask(ctx, place, &signed_ask, ret_answer);
        if (rc != OK)
                return rc;
        if (ret_answer->status != 200 ||
            json_parse_object(ctx, "answer", ret_answer->body, ret_answer->body_len, &seen) != OK)
                return ctx_fail(ctx, ERR_NOT_FOUND, "the answer has status %d", ret_answer->status);
        rc = json_keep(ctx, seen);
        if (rc == OK && !is_ours(place, seen, nonce))
                rc = ctx_fail(ctx, ERR_NOT_FOUND, "somebody else answers");
        if (rc == OK)
                *ret = seen;
        return rc;
}
