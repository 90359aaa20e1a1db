/* Bodies of strangers: how they are cut on the wire changes nothing, and a signed one that was
 * changed on the way is refused, or is still the same object.
 * The input: a byte of what to do, a byte of where to damage or cut, then the body. */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/cloud/s3/aws_chunked.h"
#include "core/cloud/s3/sigv4_canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WITH_TRAILER = 1, WITH_LENGTH = 2, WITH_PROOF = 4, ENCODED_HERE = 8 };

#define TRAILER "x-amz-checksum-crc32"
#define VALUE   "AAAAAA=="
#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static enum err collect(struct ctx *ctx, void *arg, const void *bytes, size_t len)
{
        (void)ctx;
        if (len == 0 || !buf_add(arg, bytes, len))
                abort();
        return OK;
}

static struct sigv4_proof make_proof(void)
{
        struct sigv4_proof proof = { .scope = "20130524/us-east-1/s3/aws4_request",
                                     .amz_date = "20130524T000000Z",
                                     .signature = EMPTY };

        if (!sigv4_signing_key((struct secret){ "secret", 6 }, proof.scope, proof.signing_key))
                abort();
        return proof;
}

static struct aws_chunked *decode(struct ctx *ctx, struct aws_chunked_options options,
                                  const struct buf *wire, size_t step, enum err *ret_rc)
{
        struct aws_chunked *chunked;
        enum err rc = aws_chunked_new(ctx, &options, &chunked);

        for (size_t at = 0; rc == OK && at < wire->len; at += step)
                rc = aws_chunked_feed(ctx, chunked, wire->data + at,
                                      step < wire->len - at ? step : wire->len - at);
        *ret_rc = rc == OK ? aws_chunked_end(ctx, chunked) : rc;
        if (*ret_rc != OK && ((*ret_rc != ERR_INVALID && *ret_rc != ERR_DENIED) || !ctx->code))
                abort();
        return chunked;
}

/* Whole, and in pieces: the same end, and at a good end the same bytes. */
static void cut_in_two_ways(struct ctx *ctx, struct aws_chunked_options options,
                            const struct buf *wire, size_t step)
{
        CLEANUP(buf_done) struct buf whole;
        CLEANUP(buf_done) struct buf pieces;
        enum err rc, again;

        buf_init(&whole, MiB);
        buf_init(&pieces, MiB);
        options.arg = &whole;
        decode(ctx, options, wire, wire->len + 1, &rc);
        options.arg = &pieces;
        decode(ctx, options, wire, step, &again);
        if (rc != again || strcmp(buf_str(&whole), buf_str(&pieces)) != 0 ||
            whole.len != pieces.len)
                abort();
        if (rc == OK && options.decoded_length >= 0 && (size_t)options.decoded_length != whole.len)
                abort();
}

/* The signature of a text that goes on from the last one, which it takes the place of. */
static void sign_next(struct sigv4_proof *proof, const char *kind, const char *hashes)
{
        CLEANUP(buf_done) struct buf text;

        buf_init(&text, KiB);
        buf_printf(&text, SIGV4_ALGORITHM "-%s\n%s\n%s\n%s\n%s", kind, proof->amz_date,
                   proof->scope, proof->signature, hashes);
        if (!buf_ok(&text) || !sigv4_sign(proof->signing_key, text.data, proof->signature))
                abort();
}

static void put_chunk(struct buf *wire, struct sigv4_proof *proof, const char *bytes, size_t len)
{
        char hashes[2 * SHA256_HEX_SIZE] = EMPTY "\n";

        if (!crypto_sha256_hex(bytes, len, hashes + SHA256_HEX_SIZE))
                abort();
        sign_next(proof, "PAYLOAD", hashes);
        buf_printf(wire, "%zx;chunk-signature=%s\r\n", len, proof->signature);
        buf_add(wire, bytes, len);
        buf_puts(wire, len > 0 ? "\r\n" : "");
}

static void encode(struct buf *wire, struct sigv4_proof proof, const struct buf *body, size_t step)
{
        static const char trailer[] = TRAILER ":" VALUE "\n";
        char hash[SHA256_HEX_SIZE];

        for (size_t at = 0; at < body->len; at += step)
                put_chunk(wire, &proof, body->data + at,
                          step < body->len - at ? step : body->len - at);
        put_chunk(wire, &proof, "", 0);
        if (!crypto_sha256_hex(trailer, strlen(trailer), hash))
                abort();
        sign_next(&proof, "TRAILER", hash);
        buf_printf(wire, TRAILER ":" VALUE "\r\nx-amz-trailer-signature:%s\r\n\r\n",
                   proof.signature);
        if (!buf_ok(wire))
                abort();
}

/* Encode the body, see it decoded, then change one bit of it on the way. */
static void damage(struct ctx *ctx, struct aws_chunked_options options, const struct buf *body,
                   size_t where)
{
        CLEANUP(buf_done) struct buf wire;
        CLEANUP(buf_done) struct buf out;
        struct aws_chunked *chunked;
        enum err rc;

        buf_init(&wire, 64 * MiB);
        buf_init(&out, 64 * MiB);
        encode(&wire, *options.proof, body, where + 1);
        options.arg = &out;
        options.trailer = true;
        for (int i = 0; i < 2; i++) {
                chunked = decode(ctx, options, &wire, where + 1, &rc);
                if (i == 0 && rc != OK)
                        abort();
                if (rc == OK &&
                    (out.len != body->len || strcmp(buf_str(&out), buf_str(body)) != 0 ||
                     strcmp(aws_chunked_trailer(chunked, TRAILER), VALUE) != 0))
                        abort();
                buf_reset(&out);
                wire.data[where * 7919 % wire.len] ^= (char)(1 << where % 8);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(arena_freep) struct arena *arena = arena_new();
        CLEANUP(buf_done) struct buf body;
        struct ctx ctx = { .arena = arena };
        struct sigv4_proof proof = make_proof();

        buf_init(&body, MiB);
        if (!arena || size < 2 || !buf_add(&body, data + 2, size - 2))
                return 0;
        struct aws_chunked_options options = {
                .proof = data[0] & (WITH_PROOF | ENCODED_HERE) ? &proof : NULL,
                .trailer = data[0] & WITH_TRAILER,
                .decoded_length = data[0] & WITH_LENGTH ? data[1] : -1,
                .sink = collect,
        };
        if (data[0] & ENCODED_HERE) {
                options.decoded_length = data[0] & WITH_LENGTH ? (int64_t)body.len : -1;
                damage(&ctx, options, &body, data[1]);
        } else {
                cut_in_two_ways(&ctx, options, &body, 1 + data[1] % 8);
        }
        return 0;
}
