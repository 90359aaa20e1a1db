#include "core/cloud/secrets/aws_sign.h"

#include <stdio.h>
#include <string.h>

#include "core/cloud/s3/sigv4_canonical.h"

/* host[:port] as it goes into the Host header: without the usual port. NULL: out of memory. */
static const char *host_of(struct ctx *ctx, const char *endpoint, const char **ret_path)
{
        const char *host = strstr(endpoint, "://"), *usual;
        size_t len;

        usual = strncmp(endpoint, "https:", 6) == 0 ? ":443" : ":80";
        host = host ? host + 3 : endpoint;
        len = strcspn(host, "/");
        *ret_path = host + len;
        if (len > strlen(usual) && strncmp(host + len - strlen(usual), usual, strlen(usual)) == 0)
                len -= strlen(usual);
        return arena_strndup(ctx->arena, host, len);
}

/* "20240115T103000Z" of "2024-01-15T10:30:00.000Z". */
static void write_date(const struct ctx *ctx, char ret[17])
{
        char iso[CLOCK_ISO_SIZE];
        size_t n = 0;

        clock_format_iso(clock_wall_us(ctx->clock), iso);
        for (const char *c = iso; *c != '.' && n < 15; c++) {
                if (*c != '-' && *c != ':')
                        ret[n++] = *c;
        }
        ret[n++] = 'Z';
        ret[n] = '\0';
}

struct draft {
        const char *host, *path, *token_line; /* the last "" without a token */
        const char *names;                    /* of the signed headers */
        char date[17], body_hash[SHA256_HEX_SIZE];
        const char *scope;
};

static const char *string_to_sign(struct ctx *ctx, const struct aws_call *call,
                                  const struct draft *draft)
{
        const char *canonical =
                arena_printf(ctx->arena,
                             "POST\n%s/\n\ncontent-type:" AWS_CONTENT_TYPE "\nhost:%s\n"
                             "x-amz-date:%s\n%sx-amz-target:%s\n\n%s\n%s",
                             draft->path, draft->host, draft->date, draft->token_line, call->target,
                             draft->names, draft->body_hash);
        char hash[SHA256_HEX_SIZE];

        if (!canonical || !crypto_sha256_hex(canonical, strlen(canonical), hash))
                return NULL;
        return arena_printf(ctx->arena, SIGV4_ALGORITHM "\n%s\n%s\n%s", draft->date, draft->scope,
                            hash);
}

static bool make_draft(struct ctx *ctx, const struct aws_call *call, const struct aws_keys *keys,
                       struct draft *draft)
{
        draft->host = host_of(ctx, call->endpoint, &draft->path);
        write_date(ctx, draft->date);
        draft->token_line =
                keys->token ? arena_printf(ctx->arena, "x-amz-security-token:%s\n", keys->token)
                            : "";
        draft->names = keys->token
                               ? "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
                               : "content-type;host;x-amz-date;x-amz-target";
        draft->scope = arena_printf(ctx->arena, "%.8s/%s/%s/aws4_request", draft->date,
                                    call->region, call->service);
        return draft->host && draft->token_line && draft->scope &&
               crypto_sha256_hex(call->body, strlen(call->body), draft->body_hash);
}

enum err aws_sign(struct ctx *ctx, const struct aws_call *call, const struct aws_keys *keys,
                  struct aws_signed *ret)
{
        const struct secret secret = { keys->secret, strlen(keys->secret) };
        char signature[SHA256_HEX_SIZE];
        unsigned char key[SHA256_SIZE];
        struct draft draft;
        const char *text =
                make_draft(ctx, call, keys, &draft) ? string_to_sign(ctx, call, &draft) : NULL;
        size_t n = 0;
        bool done;

        if (!text)
                return ctx_nomem(ctx);
        done = sigv4_signing_key(secret, draft.scope, key) && sigv4_sign(key, text, signature);
        secret_wipe(key, sizeof(key));
        if (!done)
                return ctx_fail(ctx, ERR_INTERNAL, "cannot sign for AWS");
        *ret = (struct aws_signed){ .url = arena_printf(ctx->arena, "%s/", call->endpoint) };
        ret->headers[n++] = arena_printf(ctx->arena, "Host: %s", draft.host);
        ret->headers[n++] = arena_printf(ctx->arena, "X-Amz-Date: %s", draft.date);
        ret->headers[n++] = arena_printf(ctx->arena, "X-Amz-Target: %s", call->target);
        ret->headers[n++] = arena_printf(ctx->arena,
                                         "Authorization: " SIGV4_ALGORITHM " Credential=%s/%s, "
                                         "SignedHeaders=%s, Signature=%s",
                                         keys->id, draft.scope, draft.names, signature);
        if (keys->token)
                ret->headers[n++] =
                        arena_printf(ctx->arena, "X-Amz-Security-Token: %s", keys->token);
        for (size_t i = 0; i < n; i++) {
                if (!ret->headers[i])
                        return ctx_nomem(ctx);
        }
        return ret->url ? OK : ctx_nomem(ctx);
}
