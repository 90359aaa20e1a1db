#include "tests/fixture_sigv4.h"

#include <string.h>

static const char *find_header(void *arg, const char *name)
{
        const struct wire *wire = arg;

        for (size_t i = 0; wire->headers[i][0]; i++) {
                if (strcmp(wire->headers[i][0], name) == 0)
                        return wire->headers[i][1];
        }
        return NULL;
}

static const char *name_header(void *arg, size_t index)
{
        const struct wire *wire = arg;

        return wire->headers[index][0];
}

void wire_set_header(struct wire *wire, const char *name, const char *value)
{
        size_t i = 0;

        while (wire->headers[i][0] && strcmp(wire->headers[i][0], name) != 0)
                i++;
        assert_true(i + 1 < HEADERS_MAX);
        wire->headers[i][0] = name;
        wire->headers[i][1] = value;
}

struct wire *wire_new(struct ctx *ctx, const char *method, const char *path, const char *query)
{
        struct wire *wire = arena_alloc(ctx->arena, sizeof(*wire));

        assert_non_null(wire);
        wire->request = (struct sigv4_request){
                .method = method,
                .path = path,
                .query = query,
                .prefix = PREFIX,
                .host = LOCAL,
                .header = find_header,
                .header_name = name_header,
                .arg = wire,
                .now_us = NOW_US,
        };
        return wire;
}

void wire_authorize(struct ctx *ctx, struct wire *wire, const char *names, const char *signature)
{
        const char *value = arena_printf(ctx->arena,
                                         "AWS4-HMAC-SHA256 Credential=" KEY_ID "/" SCOPE
                                         ",SignedHeaders=%s,Signature=%s",
                                         names, signature);

        assert_non_null(value);
        wire_set_header(wire, "authorization", value);
}

struct wire *wire_usual(struct ctx *ctx, const char *path, const char *query, const char *signature)
{
        struct wire *wire = wire_new(ctx, "GET", path, query);

        wire_set_header(wire, "x-amz-date", DATE);
        wire_set_header(wire, "x-amz-content-sha256", EMPTY_SHA256);
        wire_authorize(ctx, wire, USUAL, signature);
        return wire;
}

enum err wire_verify(struct ctx *ctx, const struct wire *wire, struct sigv4 *sigv4)
{
        struct secret secret = { SECRET, strlen(SECRET) };
        struct sigv4_proof proof;
        enum err rc = sigv4_parse(ctx, &wire->request, sigv4);

        if (rc == OK)
                rc = sigv4_verify(ctx, &wire->request, sigv4, secret, &proof);
        if (rc == OK)
                assert_string_equal(proof.signature, sigv4->signature);
        return rc;
}

void assert_good(struct ctx *ctx, const struct wire *wire)
{
        struct sigv4 sigv4;
        enum err rc = wire_verify(ctx, wire, &sigv4);

        if (rc != OK)
                fail_msg("%s %s: %s", wire->request.path, wire->request.query, ctx->detail);
}

void assert_refused(struct ctx *ctx, const struct wire *wire, enum err rc, const char *code)
{
        struct sigv4 sigv4;

        assert_int_equal(wire_verify(ctx, wire, &sigv4), rc);
        assert_non_null(ctx->code);
        assert_string_equal(ctx->code, code);
}

struct wire *wire_presigned(struct ctx *ctx)
{
        struct wire *wire = wire_new(ctx, "GET", "/test.txt", PRESIGNED);

        wire->request.host = AWS_HOST;
        return wire;
}
