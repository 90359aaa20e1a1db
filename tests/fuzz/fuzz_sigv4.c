/* Requests of strangers: what is refused has S3's word for it, and what can be read is verified
 * with the signature that belongs to it and with no other. The input: method, path, query, host,
 * public host and public path, a line each, then headers. */
#include <stdlib.h>
#include <string.h>

#include "core/cloud/s3/sigv4_canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US      (INT64_C(1369353600) * US_PER_S) /* 20130524T000000Z */
#define HEADERS_MAX 32

struct headers {
        char *names[HEADERS_MAX + 1], *values[HEADERS_MAX];
};

static const char *find_header(void *arg, const char *name)
{
        const struct headers *headers = arg;

        for (size_t i = 0; headers->names[i]; i++) {
                if (strcmp(headers->names[i], name) == 0)
                        return headers->values[i];
        }
        return NULL;
}

static const char *name_header(void *arg, size_t index)
{
        return ((const struct headers *)arg)->names[index];
}

/* Cut the next line off; "" when there is none. */
static char *next_line(char **text)
{
        char *line = *text, *end = strchr(line, '\n');

        if (end)
                *end = '\0';
        *text = end ? end + 1 : line + strlen(line);
        return line;
}

static void read_headers(char *text, struct headers *ret)
{
        for (size_t i = 0; i < HEADERS_MAX && *text; i++) {
                char *line = next_line(&text), *colon = strchr(line, ':');

                if (colon)
                        *colon = '\0';
                ret->names[i] = line;
                ret->values[i] = colon ? colon + 1 : line + strlen(line);
        }
}

/* A failure has a word, and signatures are judged last. */
static void check_refusal(const struct ctx *ctx, enum err rc, bool may_mismatch)
{
        if (rc == OK || rc == ERR_NOT_FOUND)
                return;
        if ((rc != ERR_INVALID && rc != ERR_DENIED) || !ctx->code || !ctx->detail[0])
                abort();
        if (!may_mismatch && strcmp(ctx->code, "SignatureDoesNotMatch") == 0)
                abort();
}

/* Sign it as one of its clients would, then see that this is taken and a changed one is not. */
static void sign_and_verify(struct ctx *ctx, const struct sigv4_request *request,
                            struct sigv4 sigv4)
{
        struct secret secret = { "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40 };
        struct sigv4_view view = { request->path, request->host, false };
        char signature[SHA256_HEX_SIZE];
        struct sigv4_proof proof;
        const char *text;
        enum err rc;

        check_refusal(ctx, sigv4_verify(ctx, request, &sigv4, secret, &proof), true);
        rc = sigv4_canonical_request(ctx, request, &sigv4, &view, &text);
        check_refusal(ctx, rc, false);
        if (rc != OK)
                return;
        if (sigv4_string_to_sign(ctx, &sigv4, text, &text) != OK ||
            !sigv4_signing_key(secret, sigv4.scope, proof.signing_key) ||
            !sigv4_sign(proof.signing_key, text, signature))
                abort();
        sigv4.signature = signature;
        rc = sigv4_verify(ctx, request, &sigv4, secret, &proof);
        check_refusal(ctx, rc, false);
        if (rc != OK)
                return;
        if (memcmp(proof.signature, signature, sizeof(signature)) != 0)
                abort();
        signature[63] = signature[63] == '0' ? '1' : '0';
        if (sigv4_verify(ctx, request, &sigv4, secret, &proof) != ERR_DENIED ||
            !sigv4.canonical_request || !sigv4.string_to_sign)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        struct ctx ctx = { .arena = arena };
        char *text = arena ? arena_strndup(arena, (const char *)data, size) : NULL;
        struct headers headers = { 0 };
        struct sigv4 sigv4;
        enum err rc;

        if (!text)
                return 0;
        struct sigv4_request request = {
                .method = next_line(&text),
                .path = next_line(&text),
                .query = next_line(&text),
                .prefix = "/api/cloud/storage",
                .host = next_line(&text),
                .public_host = next_line(&text),
                .public_path = next_line(&text),
                .header = find_header,
                .header_name = name_header,
                .arg = &headers,
                .now_us = NOW_US,
        };
        read_headers(text, &headers);
        if (!*request.public_host)
                request.public_host = NULL;
        rc = sigv4_parse(&ctx, &request, &sigv4);
        check_refusal(&ctx, rc, false);
        if (rc == OK)
                sign_and_verify(&ctx, &request, sigv4);
        return 0;
}
