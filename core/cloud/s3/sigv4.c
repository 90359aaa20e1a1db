#include "core/cloud/s3/sigv4.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "core/cloud/s3/sigv4_canonical.h"

#define SKEW_S 900

static enum err check_header_time(struct ctx *ctx, const struct sigv4 *sigv4, int64_t now_us)
{
        int64_t skew_us = now_us - sigv4->signed_at_us;
        char now[CLOCK_ISO_SIZE];

        if (skew_us <= SKEW_S * US_PER_S && skew_us >= -SKEW_S * US_PER_S)
                return OK;
        clock_format_iso(now_us, now);
        return ctx_fail_as(ctx, ERR_DENIED, "RequestTimeTooSkewed",
                           "The difference between the request time and the current time is too "
                           "large: the request says %s, the server %s",
                           sigv4->amz_date, now);
}

static enum err check_time(struct ctx *ctx, const struct sigv4 *sigv4, int64_t now_us)
{
        if (!sigv4->presigned)
                return check_header_time(ctx, sigv4, now_us);
        if (now_us < sigv4->signed_at_us - SKEW_S * US_PER_S)
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied", "Request is not valid yet");
        if (now_us > sigv4->signed_at_us + sigv4->expires_s * US_PER_S)
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied", "Request has expired");
        return OK;
}

/* In the header form the payload hash is signed by itself. The other one CloudFront puts in on the
 * way. */
static bool may_be_unsigned(const struct sigv4 *sigv4, const char *name)
{
        return (!sigv4->presigned && strcmp(name, "x-amz-content-sha256") == 0) ||
               strcmp(name, "x-amz-cf-id") == 0;
}

static enum err check_all_signed(struct ctx *ctx, const struct sigv4_request *request,
                                 const struct sigv4 *sigv4)
{
        const char *name;

        if (!request->header_name)
                return OK;
        for (size_t i = 0; (name = request->header_name(request->arg, i)); i++) {
                if (strlen(name) < 6 || !sigv4_same_name(name, "x-amz-", 6) ||
                    may_be_unsigned(sigv4, name) || sigv4_signs(sigv4->signed_headers, name))
                        continue;
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied",
                                   "There were headers present in the request which were not "
                                   "signed: %.100s",
                                   name);
        }
        return OK;
}

/* The path without the prefix, NULL when it is not below it. */
static const char *below_prefix(const struct sigv4_request *request)
{
        size_t len = strlen(request->prefix);
        const char *rest = request->path + len;

        if (len == 0 || strncmp(request->path, request->prefix, len) != 0)
                return NULL;
        if (*rest == '\0')
                return "/";
        return *rest == '/' ? rest : NULL;
}

#define FORMS_MAX 5
struct forms {
        struct sigv4_view views[FORMS_MAX];
        size_t count;
};

static enum err add_form(struct ctx *ctx, struct forms *forms, const char *path, const char *host)
{
        if (!path || !host)
                return ctx_nomem(ctx);
        forms->views[forms->count++] = (struct sigv4_view){ .path = path, .host = host };
        return OK;
}

/* s3cmd takes the prefix for a part of the host, in lower case. */
static const char *host_with_prefix(struct ctx *ctx, const char *host, const char *before,
                                    const char *prefix)
{
        char *joined = arena_printf(ctx->arena, "%s%s%s", host, before, prefix);

        for (size_t i = 0; joined && host[i]; i++)
                joined[i] = (char)tolower((unsigned char)host[i]);
        return joined;
}

/* The ways to see a request that was sent to this host: as the SDKs do, as s3fs, as s3cmd. */
static enum err list_forms(struct ctx *ctx, const struct sigv4_request *request, const char *host,
                           struct forms *forms)
{
        const char *rest = below_prefix(request);
        const char *public_path = request->public_path ? request->public_path : "";
        enum err rc = add_form(ctx, forms, request->path, host);

        if (rc == OK && rest)
                rc = add_form(ctx, forms, rest, host);
        if (rc == OK && rest)
                rc = add_form(ctx, forms, rest, host_with_prefix(ctx, host, "", request->prefix));
        if (rc != OK || !*public_path)
                return rc;
        rc = add_form(ctx, forms, arena_printf(ctx->arena, "%s%s", public_path, request->path),
                      host);
        if (rc == OK && rest)
                rc = add_form(ctx, forms, rest,
                              host_with_prefix(ctx, host, public_path, request->prefix));
        return rc;
}

/* What verifying goes along with. */
struct attempt {
        const struct sigv4_request *request;
        struct sigv4 *sigv4;
        const unsigned char *key;
        bool matched;
};

/* The first attempt is what a refusal shows. */
static enum err try_view(struct ctx *ctx, struct attempt *attempt, const struct sigv4_view *view)
{
        struct sigv4 *sigv4 = attempt->sigv4;
        struct secret shown = { sigv4->signature, SHA256_HEX_SIZE - 1 };
        char signature[SHA256_HEX_SIZE];
        const char *canonical, *to_sign;
        enum err rc;

        rc = sigv4_canonical_request(ctx, attempt->request, sigv4, view, &canonical);
        if (rc != OK)
                return rc;
        rc = sigv4_string_to_sign(ctx, sigv4, canonical, &to_sign);
        if (rc != OK)
                return rc;
        if (!sigv4_sign(attempt->key, to_sign, signature))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot sign a request");
        if (secret_equal(shown, (struct secret){ signature, SHA256_HEX_SIZE - 1 }))
                attempt->matched = true;
        if (!sigv4->canonical_request) {
                sigv4->canonical_request = canonical;
                sigv4->string_to_sign = to_sign;
        }
        return OK;
}

/* Each form with the path as sent, and with the path as it should have been encoded. */
static enum err try_host(struct ctx *ctx, struct attempt *attempt, const char *host)
{
        struct forms forms = { .count = 0 };
        enum err rc = list_forms(ctx, attempt->request, host, &forms);

        for (size_t i = 0; rc == OK && !attempt->matched && i < 2 * forms.count; i++) {
                struct sigv4_view view = forms.views[i / 2];

                view.encode_path = i % 2;
                rc = try_view(ctx, attempt, &view);
        }
        return rc;
}

static enum err try_hosts(struct ctx *ctx, struct attempt *attempt)
{
        const struct sigv4_request *request = attempt->request;
        enum err rc = try_host(ctx, attempt, request->host);

        if (rc != OK || attempt->matched || !request->public_host)
                return rc;
        return try_host(ctx, attempt, request->public_host);
}

enum err sigv4_verify(struct ctx *ctx, const struct sigv4_request *request, struct sigv4 *sigv4,
                      struct secret secret_key, struct sigv4_proof *ret_proof)
{
        struct sigv4_proof proof = { .scope = sigv4->scope, .amz_date = sigv4->amz_date };
        struct attempt attempt = { request, sigv4, proof.signing_key, false };
        enum err rc;

        rc = check_time(ctx, sigv4, request->now_us);
        if (rc != OK)
                return rc;
        rc = check_all_signed(ctx, request, sigv4);
        if (rc != OK)
                return rc;
        sigv4->canonical_request = NULL;
        if (!sigv4_signing_key(secret_key, sigv4->scope, proof.signing_key))
                return ctx_fail(ctx, ERR_INTERNAL, "cannot make a signing key");
        rc = try_hosts(ctx, &attempt);
        if (rc == OK && attempt.matched) {
                memcpy(proof.signature, sigv4->signature, sizeof(proof.signature));
                *ret_proof = proof;
        }
        secret_wipe(proof.signing_key, sizeof(proof.signing_key));
        if (rc == OK && !attempt.matched)
                return ctx_fail_as(ctx, ERR_DENIED, "SignatureDoesNotMatch",
                                   "The request signature we calculated does not match the "
                                   "signature you provided. Check your key and signing method.");
        return rc;
}
