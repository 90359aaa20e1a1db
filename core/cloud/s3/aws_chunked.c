#include "core/cloud/s3/aws_chunked.h"

#include <ctype.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/cloud/s3/sigv4_canonical.h"

#define SIZE_DIGITS_MAX 16
#define SIGNATURE_LEN   (SHA256_HEX_SIZE - 1)
#define CHUNK_EXTENSION ";chunk-signature="
#define TRAILER_NAME    "x-amz-trailer-signature"
#define TRAILERS_MAX    (AWS_CHUNKED_TRAILERS_MAX * (AWS_CHUNKED_LINE_MAX + 2))
#define EMPTY_SHA256    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum state {
        CHUNK_LINE,  /* size and signature of the next chunk */
        CHUNK_BYTES, /* its bytes */
        CHUNK_END,   /* the line end after them */
        LAST_END,    /* the same after the last chunk, when no trailer follows */
        TRAILER,     /* lines up to an empty one */
        COMPLETE,    /* nothing may follow */
        FAILED,
};

struct trailer {
        const char *name, *value;
};

struct aws_chunked {
        struct aws_chunked_options options;
        struct sigv4_proof proof; /* signature: of what came last */
        struct crypto_hash *hash;
        enum state state;
        char line[AWS_CHUNKED_LINE_MAX + 2]; /* with CR and NUL */
        size_t line_len;
        int64_t left;                    /* bytes of this chunk to come */
        int64_t decoded;                 /* bytes of all chunks begun */
        char signature[SHA256_HEX_SIZE]; /* that this chunk should have */
        struct trailer trailers[AWS_CHUNKED_TRAILERS_MAX];
        size_t trailer_count;
        bool trailer_begun, trailer_signed;
};

static void free_hash(void *hash)
{
        crypto_hash_free(hash);
}

static void wipe(void *chunked)
{
        secret_wipe(&((struct aws_chunked *)chunked)->proof, sizeof(struct sigv4_proof));
}

enum err aws_chunked_new(struct ctx *ctx, const struct aws_chunked_options *options,
                         struct aws_chunked **ret)
{
        struct aws_chunked *chunked = arena_alloc(ctx->arena, sizeof(*chunked));

        if (!chunked || !arena_own(ctx->arena, chunked, wipe))
                return ctx_nomem(ctx);
        chunked->options = *options;
        if (options->proof) {
                chunked->proof = *options->proof;
                chunked->hash = crypto_hash_new(CRYPTO_SHA256);
                if (!chunked->hash || !arena_own(ctx->arena, chunked->hash, free_hash))
                        return ctx_nomem(ctx);
        }
        *ret = chunked;
        return OK;
}

/* Is text the signature of a kind's text with these hashes, and of all that came before? Then it is
 * what the next one goes on from. */
static enum err check_signature(struct ctx *ctx, struct aws_chunked *chunked, const char *kind,
                                const char *hashes, const char *text)
{
        struct sigv4_proof *proof = &chunked->proof;
        char signature[SHA256_HEX_SIZE];
        const char *to_sign;
        CLEANUP(buf_done) struct buf buf;

        buf_init(&buf, KiB);
        buf_printf(&buf, SIGV4_ALGORITHM "-%s\n%s\n%s\n%s\n%s", kind, proof->amz_date, proof->scope,
                   proof->signature, hashes);
        if (!buf_ok(&buf))
                return ctx_nomem(ctx);
        to_sign = buf_str(&buf);
        if (!sigv4_sign(proof->signing_key, to_sign, signature))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot sign a chunk");
        if (!secret_equal((struct secret){ signature, SIGNATURE_LEN },
                          (struct secret){ text, strlen(text) }))
                return ctx_fail_as(ctx, ERR_DENIED, "SignatureDoesNotMatch",
                                   "The signature of a chunk or of the trailer does not match");
        memcpy(proof->signature, signature, sizeof(signature));
        return OK;
}

static enum err check_chunk(struct ctx *ctx, struct aws_chunked *chunked)
{
        char hashes[2 * SHA256_HEX_SIZE] = EMPTY_SHA256 "\n";
        unsigned char hash[SHA256_SIZE];

        if (!chunked->options.proof)
                return OK;
        if (!crypto_hash_end(chunked->hash, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a chunk");
        crypto_hex(hash, SHA256_SIZE, hashes + SHA256_HEX_SIZE);
        return check_signature(ctx, chunked, "PAYLOAD", hashes, chunked->signature);
}

static enum err fail_incomplete(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_INVALID, "IncompleteBody",
                           "You did not provide the number of bytes specified by the "
                           "x-amz-decoded-content-length header");
}

/* Hexadecimal digits without a sign; returns how many, 0 when they are none or too many. */
static size_t read_size(const char *line, int64_t *ret)
{
        size_t digits = strspn(line, "0123456789abcdefABCDEF");
        uint64_t size = 0;

        if (digits > SIZE_DIGITS_MAX)
                return 0;
        for (size_t i = 0; i < digits; i++)
                size = size << 4 | (uint64_t)(line[i] <= '9' ? line[i] - '0' : (line[i] & 7) + 9);
        *ret = size > AWS_CHUNKED_CHUNK_MAX ? AWS_CHUNKED_CHUNK_MAX + 1 : (int64_t)size;
        return digits;
}

/* What follows the size: the signature if chunks are signed, else nothing. */
static enum err read_extension(struct ctx *ctx, struct aws_chunked *chunked, const char *text)
{
        size_t start = strlen(CHUNK_EXTENSION);
        const char *wanted = chunked->options.proof ? CHUNK_EXTENSION : "";

        if (strncmp(text, CHUNK_EXTENSION, strlen(wanted)) != 0 ||
            strlen(text) != (*wanted ? start + SIGNATURE_LEN : 0))
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   *wanted ? "A chunk has no chunk-signature of 64 digits"
                                           : "A chunk has more than its size in its first line");
        if (*wanted)
                memcpy(chunked->signature, text + start, SIGNATURE_LEN + 1);
        return OK;
}

static enum err take_chunk_line(struct ctx *ctx, struct aws_chunked *chunked)
{
        int64_t size, said = chunked->options.decoded_length;
        size_t digits = read_size(chunked->line, &size);
        enum err rc;

        if (digits == 0 || size > AWS_CHUNKED_CHUNK_MAX)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidChunkSizeError",
                                   "A chunk's size must be at most 5 GiB in hexadecimal digits");
        rc = read_extension(ctx, chunked, chunked->line + digits);
        if (rc != OK)
                return rc;
        if (size > INT64_MAX - chunked->decoded || (said >= 0 && size > said - chunked->decoded))
                return fail_incomplete(ctx);
        chunked->decoded += size;
        chunked->left = size;
        if (size > 0) {
                chunked->state = CHUNK_BYTES;
                return OK;
        }
        if (said >= 0 && chunked->decoded != said)
                return fail_incomplete(ctx);
        chunked->state = chunked->options.trailer ? TRAILER : LAST_END;
        return check_chunk(ctx, chunked);
}

static enum err take_chunk_end(struct ctx *ctx, struct aws_chunked *chunked)
{
        if (chunked->line_len > 0)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "A chunk is longer than its size says");
        if (chunked->state == LAST_END) {
                chunked->state = COMPLETE;
                return OK;
        }
        chunked->state = CHUNK_LINE;
        return check_chunk(ctx, chunked);
}

static enum err fail_trailer(struct ctx *ctx, const char *why)
{
        return ctx_fail_as(ctx, ERR_INVALID, "MalformedTrailerError",
                           "The trailer is not well-formed: %s", why);
}

/* It signs the lines before it, in their order, each with a line feed. */
static enum err check_trailer(struct ctx *ctx, struct aws_chunked *chunked, const char *signature)
{
        char hash[SHA256_HEX_SIZE];
        const char *text;
        CLEANUP(buf_done) struct buf buf;

        buf_init(&buf, TRAILERS_MAX);
        for (size_t i = 0; i < chunked->trailer_count; i++)
                buf_printf(&buf, "%s:%s\n", chunked->trailers[i].name, chunked->trailers[i].value);
        if (!buf_ok(&buf))
                return ctx_nomem(ctx);
        text = buf_str(&buf);
        if (!crypto_sha256_hex(text, buf.len, hash))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a trailer");
        return check_signature(ctx, chunked, "TRAILER", hash, signature);
}

static enum err keep_trailer(struct ctx *ctx, struct aws_chunked *chunked, const char *name,
                             const char *value)
{
        struct trailer *trailer = &chunked->trailers[chunked->trailer_count];
        enum err rc;

        if (chunked->trailer_count == AWS_CHUNKED_TRAILERS_MAX)
                return fail_trailer(ctx, "it has more than 8 lines");
        if (aws_chunked_trailer(chunked, name))
                return fail_trailer(ctx, "a name is there twice");
        rc = ctx_strdup(ctx, name, &trailer->name);
        if (rc != OK)
                return rc;
        rc = ctx_strdup(ctx, value, &trailer->value);
        if (rc != OK)
                return rc;
        chunked->trailer_count++;
        return OK;
}

/* "name:value", the name to lower case, the value without space at its ends. */
static enum err take_trailer(struct ctx *ctx, struct aws_chunked *chunked)
{
        size_t len = chunked->line_len, name_len = strcspn(chunked->line, ":");
        char *name = chunked->line, *value = name + name_len + 1;
        enum err rc;

        if (chunked->trailer_signed)
                return fail_trailer(ctx, "something follows its signature");
        if (name_len == 0 || name_len == len)
                return fail_trailer(ctx, "a line is not name:value");
        for (size_t i = 0; i < name_len; i++) {
                if (name[i] <= ' ' || name[i] > '~')
                        return fail_trailer(ctx, "a line is not name:value");
                name[i] = (char)tolower(name[i]);
        }
        name[name_len] = '\0';
        value += strspn(value, " \t");
        while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
                name[--len] = '\0';
        if (!chunked->options.proof || strcmp(name, TRAILER_NAME) != 0)
                return keep_trailer(ctx, chunked, name, value);
        rc = check_trailer(ctx, chunked, value);
        chunked->trailer_signed = rc == OK;
        return rc;
}

/* The first may be the line end of the last chunk, which some clients leave out. Only its signature
 * ends a signed trailer: some clients send an empty line before it. */
static enum err take_empty_trailer(struct ctx *ctx, struct aws_chunked *chunked)
{
        if (!chunked->options.proof) {
                if (chunked->trailer_begun)
                        chunked->state = COMPLETE;
                return OK;
        }
        if (chunked->trailer_signed)
                chunked->state = COMPLETE;
        else if (chunked->trailer_begun && chunked->trailer_count == 0)
                return fail_trailer(ctx, "it is not signed");
        return OK;
}

static enum err take_line(struct ctx *ctx, struct aws_chunked *chunked)
{
        enum err rc;

        if (chunked->state == CHUNK_LINE)
                return take_chunk_line(ctx, chunked);
        if (chunked->state != TRAILER)
                return take_chunk_end(ctx, chunked);
        rc = chunked->line_len > 0 ? take_trailer(ctx, chunked) : take_empty_trailer(ctx, chunked);
        chunked->trailer_begun = true;
        return rc;
}

/* Take the line that is there up to its line feed. Between chunks a carriage return is before that;
 * trailers are known to come without. */
static enum err end_line(struct ctx *ctx, struct aws_chunked *chunked)
{
        bool cr = chunked->line_len > 0 && chunked->line[chunked->line_len - 1] == '\r';
        enum err rc;

        if (cr)
                chunked->line_len--;
        chunked->line[chunked->line_len] = '\0';
        if ((!cr && chunked->state != TRAILER) || strlen(chunked->line) != chunked->line_len)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "A line between chunks does not end in CR LF, or has a NUL");
        rc = take_line(ctx, chunked);
        chunked->line_len = 0;
        return rc;
}

static enum err feed_line(struct ctx *ctx, struct aws_chunked *chunked, const char *bytes,
                          size_t len, size_t *ret_used)
{
        const char *end = memchr(bytes, '\n', len);
        size_t used = end ? (size_t)(end - bytes) : len;

        if (used > AWS_CHUNKED_LINE_MAX + 1 - chunked->line_len)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "A line between chunks is longer than 1 KiB");
        memcpy(chunked->line + chunked->line_len, bytes, used);
        chunked->line_len += used;
        *ret_used = used + (end != NULL);
        return end ? end_line(ctx, chunked) : OK;
}

static enum err feed_bytes(struct ctx *ctx, struct aws_chunked *chunked, const char *bytes,
                           size_t len, size_t *ret_used)
{
        size_t used = (int64_t)len < chunked->left ? len : (size_t)chunked->left;

        if (chunked->options.proof && !crypto_hash_add(chunked->hash, bytes, used))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot hash a chunk");
        chunked->left -= (int64_t)used;
        if (chunked->left == 0)
                chunked->state = CHUNK_END;
        *ret_used = used;
        return chunked->options.sink(ctx, chunked->options.arg, bytes, used);
}

static enum err feed_some(struct ctx *ctx, struct aws_chunked *chunked, const char *bytes,
                          size_t len, size_t *ret_used)
{
        if (chunked->state == FAILED)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest", "The body has failed");
        if (chunked->state == COMPLETE)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "Something follows the last chunk");
        if (chunked->state == CHUNK_BYTES)
                return feed_bytes(ctx, chunked, bytes, len, ret_used);
        return feed_line(ctx, chunked, bytes, len, ret_used);
}

enum err aws_chunked_feed(struct ctx *ctx, struct aws_chunked *chunked, const void *bytes,
                          size_t len)
{
        const char *at = bytes;
        size_t used = 0;

        for (; len > 0; at += used, len -= used) {
                enum err rc = feed_some(ctx, chunked, at, len, &used);

                if (rc != OK) {
                        chunked->state = FAILED;
                        return rc;
                }
        }
        return OK;
}

/* Trailers that were announced and did not come are the caller's to miss; but signed ones have a
 * signature, and after it nothing more is needed. */
static bool is_complete(const struct aws_chunked *chunked)
{
        if (chunked->state != TRAILER || chunked->line_len > 0)
                return chunked->state == COMPLETE;
        return chunked->options.proof ? chunked->trailer_signed
                                      : chunked->trailer_begun && chunked->trailer_count == 0;
}

enum err aws_chunked_end(struct ctx *ctx, const struct aws_chunked *chunked)
{
        if (chunked->state == FAILED)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest", "The body has failed");
        if (!is_complete(chunked))
                return ctx_fail_as(ctx, ERR_INVALID, "IncompleteBody",
                                   "The body ended before its last chunk or its trailer");
        return OK;
}

const char *aws_chunked_trailer(const struct aws_chunked *chunked, const char *name)
{
        for (size_t i = 0; i < chunked->trailer_count; i++) {
                if (strcmp(chunked->trailers[i].name, name) == 0)
                        return chunked->trailers[i].value;
        }
        return NULL;
}
