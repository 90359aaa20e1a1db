/* The front server: what it makes of requests, tried with requests. Each trap has a command that
 * finds the line of the configuration. Our own configurations are without any of them. */
#include <inttypes.h>
#include <string.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_http.h"
#include "core/cloud/doctor/doctor_part.h"

#define PAUSE_MS    600
#define STREAMED_MS (PAUSE_MS / 2)
#define SMALL       (64 * KiB)
#define PART        (9 * MiB)      /* jobs send parts of 8 MiB */
#define PART_FAR    (2 * MiB)      /* where the way is long */
#define SPOOFED     "203.0.113.77" /* of RFC 5737: nobody's */

/* What all trials have in hand. */
struct front {
        struct ctx *ctx;
        struct doctor *doctor;
        struct doctor_place place;
        const json_t *first; /* what the responder saw of the first request */
};

/* Where configurations are. */
#define GREP(what)                                                                                 \
        "grep -rnE '" what "' /etc/apache2 /etc/httpd /etc/lighttpd /etc/nginx 2>/dev/null"

static int64_t number_at(const json_t *object, const char *key)
{
        return (int64_t)json_number_at(object, key, -1);
}

static bool is_true_at(const json_t *object, const char *key)
{
        return json_is_true(json_object_get(object, key));
}

static void say(const struct front *front, enum doctor_level level, const char *command,
                const char *text)
{
        doctor_say(front->ctx, front->doctor, level, command, "%s", text);
}

/* True: it came through, *ret says how; false: *ret_status is what came instead, 0: nothing. */
static bool try_it(const struct front *front, const struct doctor_ask *ask, int *ret_status,
                   json_t **ret)
{
        struct doctor_answer answer = { 0 };
        enum err rc = doctor_ask_echo(front->ctx, &front->place, ask, &answer, ret);

        *ret_status = answer.status;
        return rc == OK;
}

/* ---- headers ---- */

static void check_authorization(const struct front *front)
{
        if (!is_true_at(front->first, "authorization"))
                say(front, DOCTOR_ERROR, GREP("CGIPassAuth|FcgidPassHeader"),
                    "The front server keeps the Authorization header for itself: no API key and no "
                    "S3 client gets in (Apache needs \"CGIPassAuth On\", or \"FcgidPassHeader "
                    "Authorization\")");
}

static void check_addresses(const struct front *front)
{
        const char *client = json_string_at(front->first, "client");
        const char *forwarded = json_string_at(front->first, "forwarded_for");
        const char *peer = json_string_at(front->first, "peer");
        bool local = peer && (strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0);

        if (!forwarded || !strstr(forwarded, SPOOFED)) {
                if (!client || strcmp(client, SPOOFED) != 0)
                        say(front, DOCTOR_NOTE, GREP("RemoteIP|X-Forwarded-For|extforward"),
                            "The front server takes X-Forwarded-For away: behind another proxy all "
                            "clients would have its address");
        } else if (client && strcmp(client, SPOOFED) == 0 && !local) {
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR,
                           GREP("RemoteIP|X-Forwarded-For|extforward"),
                           "Anybody can choose the address that limits and allow lists see: "
                           "X-Forwarded-For is believed from %s (SIMPLETUNER_TRUSTED_PROXIES)",
                           peer ? peer : "everywhere");
        }
}

/* lighttpd makes one variable of both spellings. */
static void check_underscores(const struct front *front)
{
        const struct doctor_ask ask = { .method = "GET",
                                        .target = DOCTOR_ECHO_PATH,
                                        .headers = "X_Forwarded_For: " SPOOFED "\r\n" };
        json_t *seen;
        int status;

        if (!try_it(front, &ask, &status, &seen))
                return;
        if (json_string_at(seen, "forwarded_for") &&
            strstr(json_string_at(seen, "forwarded_for"), SPOOFED))
                say(front, DOCTOR_ERROR, GREP("set-request-header|underscores_in_headers"),
                    "A client's header X_Forwarded_For passes for X-Forwarded-For: behind a proxy "
                    "anybody can choose their address (lighttpd needs the "
                    "setenv.set-request-header "
                    "of our configuration)");
}

static void check_tls(const struct front *front)
{
        const bool https = strncmp(front->place.url, "https://", 8) == 0;

        if (https && !is_true_at(front->first, "tls"))
                say(front, DOCTOR_WARNING, GREP("X-Forwarded-Proto|RequestHeader|proxy_set_header"),
                    "The responder does not learn that clients speak TLS, so cookies are not "
                    "\"Secure\": the proxy has to send X-Forwarded-Proto, from an address in "
                    "SIMPLETUNER_TRUSTED_PROXIES");
}

static void check_answer_headers(const struct front *front)
{
        const struct doctor_ask ask = { .method = "GET",
                                        .target = DOCTOR_ECHO_PATH,
                                        .headers = DOCTOR_WANT_HEADER ": pad\r\n" };
        json_t *seen;
        int status;

        if (!try_it(front, &ask, &status, &seen))
                doctor_say(front->ctx, front->doctor, DOCTOR_WARNING,
                           GREP("ProxyIOBufferSize|ResponseFieldSize|fastcgi_buffer_size"),
                           "An answer with %d bytes of headers does not get through (status %d): "
                           "objects with much metadata cannot be read",
                           DOCTOR_PAD, status);
}

static void check_head(const struct front *front)
{
        const struct doctor_ask ask = { .method = "HEAD", .target = DOCTOR_STORAGE_PATH "/a" };
        struct doctor_ask full = ask;
        struct doctor_answer answer = { 0 };

        full.headers = DOCTOR_NONCE_HEADER ": head\r\n";
        if (doctor_ask(front->ctx, &front->place, &full, &answer) != OK || answer.status != 200 ||
            answer.body_len > 0)
                doctor_say(front->ctx, front->doctor, DOCTOR_WARNING,
                           GREP("LimitExcept|<Limit|limit_except|allow-http11"),
                           "HEAD does not work (status %d, %zu bytes of body): S3 clients ask with "
                           "it whether an object is there",
                           answer.status, answer.body_len);
}

/* ---- paths ---- */

/* Does this target arrive as it was sent? */
static bool keeps_target(const struct front *front, const char *key, int *ret_status,
                         const char **ret_path)
{
        const char *target = arena_printf(front->ctx->arena, DOCTOR_STORAGE_PATH "/%s", key);
        const struct doctor_ask ask = { .method = "GET", .target = target };
        const char *path;
        json_t *seen;

        *ret_path = "";
        if (!target || !try_it(front, &ask, ret_status, &seen))
                return false;
        path = json_string_at(seen, "path");
        *ret_path = path ? path : "";
        return path && strlen(path) >= strlen(target) &&
               strcmp(path + strlen(path) - strlen(target), target) == 0;
}

static void check_paths(const struct front *front)
{
        static const struct {
                const char *key, *what, *command;
        } trials[] = {
                { "a%2Fb", "an encoded slash, \"%2F\" (Apache needs \"AllowEncodedSlashes On\")",
                  GREP("AllowEncodedSlashes|url-path-2f|http-parseopts") },
                { "a%25b",
                  "an encoded percent sign, \"%25\" (not \"AllowEncodedSlashes NoDecode\")",
                  GREP("AllowEncodedSlashes|nocanon") },
                { "a//b", "two slashes (Apache needs \"MergeSlashes Off\")",
                  GREP("MergeSlashes|merge_slashes") },
                { "a%20b%2Bc", "escaped characters", GREP("nocanon|http-parseopts|rewrite") },
        };

        for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
                const char *path;
                int status = 0;

                if (keeps_target(front, trials[i].key, &status, &path))
                        continue;
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, trials[i].command,
                           "The front server does not leave %s in an object key as it is: %s "
                           "(status %d)",
                           trials[i].what, *path ? path : "the request does not get through",
                           status);
        }
}

/* "nocanon" of mod_proxy refuses them all. */
static void check_query(const struct front *front)
{
        const struct doctor_ask ask = { .method = "GET",
                                        .target = DOCTOR_STORAGE_PATH "/a?x=1%2F2&y" };
        const char *query;
        json_t *seen;
        int status;

        if (!try_it(front, &ask, &status, &seen)) {
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, GREP("nocanon"),
                           "A request with a query does not get through (status %d)", status);
                return;
        }
        query = json_string_at(seen, "query");
        if (!query || strcmp(query, "x=1%2F2&y") != 0)
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, GREP("RewriteRule|rewrite"),
                           "The front server changes queries, which breaks the signatures of S3 "
                           "clients: x=1%%2F2&y arrives as %s",
                           query ? query : "nothing");
}

/* ---- bodies ---- */

/* The length is announced and nothing is sent: "100 Continue" or an answer of ours say that it
 * would be taken. */
static void check_large_body(const struct front *front)
{
        const uint64_t most = front->ctx->config->max_object_bytes;
        const uint64_t five = UINT64_C(5) * 1024 * MiB, length = most < five ? most : five;
        struct doctor_ask ask = { .method = "PUT",
                                  .target = DOCTOR_STORAGE_PATH "/large",
                                  .length_is_said = true,
                                  .stops_at_100 = true };
        struct doctor_answer answer = { 0 };

        ask.headers = arena_printf(front->ctx->arena,
                                   DOCTOR_NONCE_HEADER ": large\r\n" DOCTOR_WANT_HEADER
                                                       ": head\r\nContent-Length: %" PRIu64
                                                       "\r\nExpect: 100-continue\r\n",
                                   length);
        if (!ask.headers || doctor_ask(front->ctx, &front->place, &ask, &answer) != OK)
                return; /* it waits for the body: that is no refusal */
        if (answer.status != 100 && answer.status != 200)
                doctor_say(front->ctx, front->doctor, DOCTOR_WARNING,
                           GREP("LimitRequestBody|max-request-size|client_max_body_size|"
                                "FcgidMaxRequestLen"),
                           "The front server does not take uploads of %" PRIu64
                           " MiB (status %d), which SIMPLETUNER_MAX_OBJECT_BYTES allows",
                           length / MiB, answer.status);
}

static bool is_near(const struct front *front)
{
        return strncmp(front->place.authority, "127.", 4) == 0 ||
               strncmp(front->place.authority, "localhost", 9) == 0 ||
               strncmp(front->place.authority, "[::1]", 5) == 0;
}

/* mod_fcgid tells its limit only by breaking off. */
static void check_part(const struct front *front)
{
        const size_t len = is_near(front) ? PART : PART_FAR;
        struct doctor_ask ask = { .method = "PUT",
                                  .target = DOCTOR_STORAGE_PATH "/part",
                                  .body = arena_alloc(front->ctx->arena, len),
                                  .body_len = len };
        json_t *seen;
        int status;

        if (!ask.body)
                return;
        if (!try_it(front, &ask, &status, &seen))
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR,
                           GREP("LimitRequestBody|max-request-size|client_max_body_size|"
                                "FcgidMaxRequestLen"),
                           "A body of %zu MiB does not get through (status %d): jobs cannot upload",
                           len / MiB, status);
        else if (number_at(seen, "bytes") != (int64_t)len || !is_true_at(seen, "whole"))
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, GREP("LimitRequestBody"),
                           "Of a body of %zu bytes only %" PRId64 " arrive", len,
                           number_at(seen, "bytes"));
}

static void check_spooling(const struct front *front)
{
        struct doctor_ask ask = { .method = "PUT",
                                  .target = DOCTOR_STORAGE_PATH "/slow",
                                  .body = arena_alloc(front->ctx->arena, SMALL),
                                  .body_len = SMALL,
                                  .pause_ms = PAUSE_MS };
        json_t *seen;
        int status;

        if (ask.body && try_it(front, &ask, &status, &seen) &&
            number_at(seen, "took_ms") < STREAMED_MS)
                say(front, DOCTOR_NOTE,
                    GREP("stream-request-body|fastcgi_request_buffering|proxy-sendrequestbody|"
                         "fcgid"),
                    "The front server collects each upload before it passes it on: its temporary "
                    "directory needs room for them");
}

/* With a pause: what is there at once is a body of known length to some. */
static void check_chunked(const struct front *front)
{
        static const char body[] = "5\r\nhello\r\n0\r\n\r\n";
        const struct doctor_ask ask = { .method = "PUT",
                                        .target = DOCTOR_STORAGE_PATH "/chunked",
                                        .headers = "Transfer-Encoding: chunked\r\n",
                                        .body = body,
                                        .body_len = strlen(body),
                                        .pause_ms = PAUSE_MS / 2,
                                        .length_is_said = true };
        json_t *seen;
        int status;

        if (!try_it(front, &ask, &status, &seen))
                doctor_say(front->ctx, front->doctor, DOCTOR_WARNING,
                           GREP("stream-request-body|proxy-sendchunked"),
                           "A body without Content-Length does not get through (status %d), which "
                           "some S3 clients send (lighttpd: \"server.stream-request-body = 0\" for "
                           "those)",
                           status);
        else if (number_at(seen, "bytes") != 5)
                say(front, DOCTOR_ERROR, GREP("stream-request-body|proxy-sendchunked"),
                    "A body without Content-Length arrives empty");
}

/* ---- answers ---- */

static void check_stream(const struct front *front)
{
        const struct doctor_ask ask = { .method = "GET",
                                        .target = DOCTOR_STREAM_PATH,
                                        .headers = DOCTOR_NONCE_HEADER ": stream\r\n" };
        struct doctor_answer answer = { 0 };
        enum err rc = doctor_ask(front->ctx, &front->place, &ask, &answer);

        if (rc != OK || answer.status != 200)
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, GREP("api/events|bulk.sock"),
                           "A stream of events does not get through: %s (status %d)",
                           rc == OK ? "it is refused" : front->ctx->detail, answer.status);
        else if (answer.spread_us < DOCTOR_STREAM_GAP_MS * US_PER_MS / 2)
                say(front, DOCTOR_ERROR,
                    GREP("flushpackets|OutputBufferSize|stream-response-body|proxy_buffering|"
                         "DEFLATE"),
                    "The front server collects events instead of passing them on at once: pages "
                    "stand still (Apache needs \"flushpackets=on\" or \"FcgidOutputBufferSize 0\", "
                    "lighttpd \"server.stream-response-body = 1\")");
}

/* ---- all of it ---- */

static void check_all(const struct front *front)
{
        check_authorization(front);
        check_addresses(front);
        check_underscores(front);
        check_tls(front);
        check_answer_headers(front);
        check_head(front);
        check_paths(front);
        check_query(front);
        check_large_body(front);
        check_part(front);
        check_spooling(front);
        check_chunked(front);
        check_stream(front);
        doctor_front_sendfile(front->ctx, front->doctor, &front->place);
        if (front->doctor->said == 0)
                doctor_say(front->ctx, front->doctor, DOCTOR_OK, NULL,
                           "The front server at %s passes everything on as it should",
                           front->place.url);
}

static void say_stranger(const struct front *front, const struct doctor_answer *answer)
{
        const char *command = doctor_curl_health(front->ctx, &front->place, "-sSi");

        if (doctor_is_gateway_failure(answer->status))
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, DOCTOR_BEHIND_FRONT,
                           "The front server at %s does not get at a responder (status %d)",
                           front->place.url, answer->status);
        else if (answer->status == 404)
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, command,
                           "%s is answered, but not by a responder with the home %s",
                           front->place.url, front->ctx->config->home);
        else
                doctor_say(front->ctx, front->doctor, DOCTOR_ERROR, command,
                           "%s answers with status %d instead of passing the request on to the "
                           "responder",
                           front->place.url, answer->status);
}

/* Where nobody has said where it is, that nothing is there is no error. */
static enum doctor_level level_of_silence(const struct ctx *ctx, const struct doctor *doctor)
{
        const bool is_said = doctor->options->url || *ctx->config->public_url ||
                             config_secret(ctx->config, "SIMPLETUNER_PORT");

        return is_said ? DOCTOR_ERROR : DOCTOR_WARNING;
}

void doctor_front(struct ctx *ctx, struct doctor *doctor)
{
        struct front front = { .ctx = ctx, .doctor = doctor };
        struct doctor_ask ask = { .method = "GET", .target = DOCTOR_ECHO_PATH };
        struct doctor_answer answer = { 0 };
        struct doctor_token token;
        json_t *seen = NULL;
        enum err rc = doctor_front_place(ctx, doctor->options->url, &front.place);

        if (rc == OK)
                rc = doctor_token_make(ctx, &token);
        if (rc != OK) {
                doctor_say_untried(ctx, doctor);
                return;
        }
        front.place.token = &token;
        ask.headers = arena_printf(ctx->arena,
                                   "Authorization: Bearer %s\r\nX-Forwarded-For: " SPOOFED "\r\n",
                                   token.text);
        rc = doctor_ask_echo(ctx, &front.place, &ask, &answer, &seen);
        front.first = seen;
        if (rc == OK)
                check_all(&front);
        else if (rc == ERR_NOT_FOUND)
                say_stranger(&front, &answer);
        else
                doctor_say(ctx, doctor, level_of_silence(ctx, doctor),
                           doctor_curl_health(ctx, &front.place, "-sSv"),
                           "The front server at %s does not answer: %s", front.place.url,
                           ctx->detail);
        doctor_token_remove(&token);
}
