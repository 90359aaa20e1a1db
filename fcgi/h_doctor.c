/* What the doctor asks to learn what the front server makes of requests: an answer that says how
 * they arrived. For the doctor of this home alone, while it runs (doctor_token.h); anybody else is
 * told that there is no such thing. Nothing of a request is kept. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/config.h"
#include "core/cloud/doctor/doctor_token.h"
#include "fcgi/handlers.h"

#define READ_MAX   (16 * MiB) /* more of a body is not wanted */
#define PIECE_SIZE (16 * KiB)

static enum err require_doctor(struct ctx *ctx, const struct request *request,
                               char ret_proof[SHA256_HEX_SIZE])
{
        return doctor_token_check(ctx, request_header(request, DOCTOR_TOKEN_HEADER),
                                  request_header(request, DOCTOR_NONCE_HEADER), ret_proof);
}

static bool wants(const struct request *request, const char *what)
{
        const char *wanted = request_header(request, DOCTOR_WANT_HEADER);

        return wanted && strcmp(wanted, what) == 0;
}

/* Did the header with a credential come through? It is compared with the token, and not told. */
static bool has_authorization(const struct request *request)
{
        static const char scheme[] = "Bearer ";
        const char *value = request_header(request, "Authorization");
        const char *token = request_header(request, DOCTOR_TOKEN_HEADER);

        return value && strncmp(value, scheme, strlen(scheme)) == 0 &&
               strcmp(value + strlen(scheme), token) == 0;
}

static void render_address(struct jsonw *json, const char *key, const struct ipaddr *address)
{
        char text[IPADDR_TEXT_SIZE];

        ipaddr_format(address, text);
        jsonw_string(json, key, text);
}

struct body_seen {
        int64_t bytes, took_us; /* from the start of the handler to the last byte */
        bool whole;
};

static struct body_seen read_body(struct ctx *ctx, const struct request *request)
{
        const int64_t start_us = clock_mono_us(ctx->clock);
        struct body_seen seen = { 0 };
        char piece[PIECE_SIZE];
        size_t len = 1;

        while (len > 0 && seen.bytes < (int64_t)READ_MAX) {
                len = request_read(request, piece, sizeof(piece));
                seen.bytes += (int64_t)len;
        }
        seen.took_us = clock_mono_us(ctx->clock) - start_us;
        seen.whole = len == 0 && request_ended_well(request, seen.bytes);
        return seen;
}

static enum err add_pad(struct ctx *ctx, struct reply *reply)
{
        char *pad = arena_alloc(ctx->arena, DOCTOR_PAD + 1);

        if (!pad)
                return ctx_nomem(ctx);
        memset(pad, 'x', DOCTOR_PAD);
        reply_header(reply, "X-SimpleTuner-Doctor-Pad", pad);
        return OK;
}

static enum err doctor_echo_run(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        char proof[SHA256_HEX_SIZE];
        struct body_seen seen = { 0 };
        struct jsonw json;
        enum err rc = require_doctor(ctx, request, proof);

        if (rc == OK && wants(request, "pad"))
                rc = add_pad(ctx, reply);
        if (rc != OK)
                return rc;
        if (request->method == METHOD_PUT && !wants(request, "head"))
                seen = read_body(ctx, request);

        json = reply_json(reply);
        jsonw_string(&json, "proof", proof);
        jsonw_string(&json, "version", PACKAGE_VERSION);
        jsonw_int(&json, "pid", getpid());
        jsonw_string(&json, "method", method_name(request->method));
        jsonw_string(&json, "path", request->path);
        jsonw_string(&json, "query", request->query);
        jsonw_string(&json, "host", request_header(request, "Host"));
        jsonw_bool(&json, "authorization", has_authorization(request));
        jsonw_string(&json, "forwarded_for", request_header(request, "X-Forwarded-For"));
        render_address(&json, "peer", &request->peer);
        render_address(&json, "client", &request->client);
        jsonw_bool(&json, "tls", request_is_tls(ctx, request));
        jsonw_int(&json, "content_length", request->content_length);
        jsonw_int(&json, "bytes", seen.bytes);
        jsonw_bool(&json, "whole", seen.whole);
        jsonw_int(&json, "took_ms", seen.took_us / US_PER_MS);
        jsonw_bool(&json, "may_sendfile",
                   transport_param(request->transport, "SIMPLETUNER_SENDFILE_ROOT") != NULL);
        return reply_json_end(ctx, reply, &json);
}

const struct operation doctor_echo = {
        OPERATION(doctor_echo),
        .summary = "How a request of the doctor arrived",
};

const struct operation doctor_storage_put = {
        .id = "doctor_storage_put",
        .run = doctor_echo_run,
        .summary = "How an upload of the doctor arrived",
};

/* Two events with some time between them: who gets both at once has a front server that collects.
 */
static int64_t run_stream(struct ctx *ctx, const struct request *request, struct reply *reply,
                          void *arg)
{
        static const char piece[] = ": doctor\n\n";
        int64_t sent = 0;

        (void)reply;
        (void)arg;
        for (int i = 0; i < 2; i++) {
                if (i > 0)
                        clock_sleep_us(ctx->clock, DOCTOR_STREAM_GAP_MS * US_PER_MS);
                if (!transport_write(request->transport, piece, strlen(piece)) ||
                    !transport_flush(request->transport))
                        break;
                sent += (int64_t)strlen(piece);
        }
        return sent;
}

static enum err doctor_stream_run(struct ctx *ctx, const struct request *request,
                                  struct reply *reply)
{
        char proof[SHA256_HEX_SIZE];
        enum err rc = require_doctor(ctx, request, proof);

        if (rc == OK)
                reply_stream(reply, "text/event-stream", run_stream, NULL);
        return rc;
}

const struct operation doctor_stream = {
        OPERATION(doctor_stream),
        .summary = "Two events for the doctor, with a pause between them",
        .gives = "text/event-stream",
};

/* The file that the doctor has put where front servers may look. */
static enum err send_file(struct ctx *ctx, const struct request *request, struct reply *reply)
{
        const char *path = doctor_token_file(ctx, request_header(request, DOCTOR_TOKEN_HEADER));
        struct stat st;

        if (!path)
                return ctx_nomem(ctx);
        reply->file_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (reply->file_fd < 0 || fstat(reply->file_fd, &st) != 0 || !S_ISREG(st.st_mode))
                return ctx_fail(ctx, ERR_NOT_FOUND, "Not found");
        reply->file_path = path;
        reply->file_size = st.st_size;
        reply->content_type = "application/octet-stream";
        return OK;
}

static enum err doctor_storage_get_run(struct ctx *ctx, const struct request *request,
                                       struct reply *reply)
{
        char proof[SHA256_HEX_SIZE];
        enum err rc = require_doctor(ctx, request, proof);

        if (rc != OK)
                return rc;
        return wants(request, "file") ? send_file(ctx, request, reply)
                                      : doctor_echo_run(ctx, request, reply);
}

const struct operation doctor_storage_get = {
        OPERATION(doctor_storage_get),
        .summary = "How a download of the doctor arrived, or a file for it",
};
