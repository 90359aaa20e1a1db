#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/s3/sigv4_canonical.h"

#define EXPIRES_MAX_S  604800 /* a week */
#define AMZ_DATE_LEN   16     /* 20130524T000000Z */
#define SERVICE        "s3"
#define TERMINATOR     "aws4_request"
#define CREDENTIAL_MAX 512
#define HEX_DIGITS     "0123456789abcdef"

/* A credential in pieces, from the header or the query. */
struct pieces {
        const char *code; /* S3's word when they are malformed */
        const char *credential, *signed_headers, *signature;
};

/* Text that may be shown and logged. */
static bool is_printable(const char *text)
{
        for (; *text; text++) {
                if (*text <= ' ' || *text > '~')
                        return false;
        }
        return true;
}

static bool is_sha256_hex(const char *text)
{
        return strlen(text) == SHA256_HEX_SIZE - 1 &&
               strspn(text, HEX_DIGITS) == SHA256_HEX_SIZE - 1;
}

static bool parse_amz_date(const char *text, int64_t *ret_us)
{
        char iso[CLOCK_ISO_SIZE];

        if (strlen(text) != AMZ_DATE_LEN || text[8] != 'T' || text[15] != 'Z' ||
            strspn(text, "0123456789") != 8 || strspn(text + 9, "0123456789") != 6)
                return false;
        snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4, text + 6,
                 text + 9, text + 11, text + 13);
        return clock_parse_iso(iso, ret_us);
}

/* "Fri, 24 May 2013 00:00:00 GMT" as x-amz-date has it. */
static bool from_http_date(const char *text, char ret_amz_date[AMZ_DATE_LEN + 1])
{
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        unsigned day, year, hour, minute, second;
        char month[4], zone[6], amz_date[64];
        const char *at;

        if (sscanf(text, "%*3s, %2u %3s %4u %2u:%2u:%2u %5s", &day, month, &year, &hour, &minute,
                   &second, zone) != 7)
                return false;
        at = strstr(months, month);
        if (!at || strlen(month) != 3 || (at - months) % 3 != 0 ||
            (strcmp(zone, "GMT") != 0 &&
             strcmp(zone + (*zone == '+' || *zone == '-'), "0000") != 0))
                return false;
        snprintf(amz_date, sizeof(amz_date), "%04u%02u%02uT%02u%02u%02uZ", year,
                 (unsigned)(at - months) / 3 + 1, day, hour, minute, second);
        memcpy(ret_amz_date, amz_date, AMZ_DATE_LEN);
        ret_amz_date[AMZ_DATE_LEN] = '\0';
        return true;
}

static enum err fail_credential(struct ctx *ctx, const struct pieces *pieces, const char *why)
{
        return ctx_fail_as(ctx, ERR_INVALID, pieces->code, "The credential is malformed: %s", why);
}

/* KEY/20130524/REGION/s3/aws4_request; the key may have slashes of its own. */
static enum err split_credential(struct ctx *ctx, const struct pieces *pieces, struct sigv4 *sigv4)
{
        const char *slash[4], *end = pieces->credential + strlen(pieces->credential);
        const char *scope;

        for (size_t i = 4; i-- > 0; end = slash[i]) {
                slash[i] = memrchr(pieces->credential, '/', (size_t)(end - pieces->credential));
                if (!slash[i])
                        return fail_credential(ctx, pieces,
                                               "expecting KEY/YYYYMMDD/REGION/s3/aws4_request");
        }
        scope = slash[0] + 1;
        if (strlen(pieces->credential) > CREDENTIAL_MAX)
                return fail_credential(ctx, pieces, "it is too long");
        if (!is_printable(pieces->credential) || slash[0] == pieces->credential)
                return fail_credential(ctx, pieces, "the access key ID is empty or not ASCII");
        if (strcmp(slash[3] + 1, TERMINATOR) != 0)
                return fail_credential(ctx, pieces, "it must end in /" TERMINATOR);
        if (strncmp(slash[2], "/" SERVICE "/", 4) != 0)
                return fail_credential(ctx, pieces, "the service must be " SERVICE);
        if (slash[2] == slash[1] + 1)
                return fail_credential(ctx, pieces, "the region is empty");
        if (slash[1] - scope != 8 || strncmp(scope, sigv4->amz_date, 8) != 0)
                return fail_credential(ctx, pieces, "its date is not the day of the request");
        sigv4->access_key_id = arena_strndup(ctx->arena, pieces->credential,
                                             (size_t)(slash[0] - pieces->credential));
        sigv4->scope = scope;
        sigv4->date = arena_strndup(ctx->arena, scope, 8);
        sigv4->region = arena_strndup(ctx->arena, slash[1] + 1, (size_t)(slash[2] - slash[1] - 1));
        return sigv4->access_key_id && sigv4->date && sigv4->region ? OK : ctx_nomem(ctx);
}

/* Lower-case names between semicolons. */
static bool is_name_list(const char *text)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

        while (*text) {
                size_t len = strspn(text, letters);

                if (len == 0)
                        return false;
                text += len;
                if (*text == ';' && text[1])
                        text++;
                else if (*text)
                        return false;
        }
        return true;
}

static enum err check_pieces(struct ctx *ctx, const struct pieces *pieces, struct sigv4 *sigv4)
{
        if (!is_sha256_hex(pieces->signature))
                return ctx_fail_as(ctx, ERR_INVALID, pieces->code,
                                   "The signature must be 64 lower-case hexadecimal digits");
        if (!is_name_list(pieces->signed_headers) || !sigv4_signs(pieces->signed_headers, "host"))
                return ctx_fail_as(ctx, ERR_INVALID, pieces->code,
                                   "The signed headers must be lower-case names with ';' between "
                                   "them, and host among them");
        sigv4->signature = pieces->signature;
        sigv4->signed_headers = pieces->signed_headers;
        return split_credential(ctx, pieces, sigv4);
}

static enum err classify_payload(struct ctx *ctx, const char *word, struct sigv4 *sigv4)
{
        static const char *const words[SIGV4_PAYLOAD_COUNT] = {
                [SIGV4_UNSIGNED] = "UNSIGNED-PAYLOAD",
                [SIGV4_STREAMING_SIGNED] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                [SIGV4_STREAMING_SIGNED_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                [SIGV4_STREAMING_UNSIGNED_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        };

        sigv4->payload_hash = word;
        sigv4->payload = SIGV4_HASHED;
        if (is_sha256_hex(word))
                return OK;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
                if (words[i] && strcmp(word, words[i]) == 0) {
                        sigv4->payload = (enum sigv4_payload)i;
                        return OK;
                }
        }
        return ctx_fail_as(
                ctx, ERR_INVALID, "InvalidArgument",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a SHA-256 in lower-case "
                "hexadecimal digits");
}

/* The header form */

/* "Name=value" up to a comma; sets the piece of that name. */
static enum err read_field(struct ctx *ctx, const char *text, size_t len, struct pieces *pieces)
{
        struct {
                const char *name;
                const char **value;
        } const fields[] = {
                { "Credential=", &pieces->credential },
                { "SignedHeaders=", &pieces->signed_headers },
                { "Signature=", &pieces->signature },
        };

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                size_t name_len = strlen(fields[i].name);

                if (len < name_len || strncmp(text, fields[i].name, name_len) != 0)
                        continue;
                if (*fields[i].value)
                        break;
                *fields[i].value = arena_strndup(ctx->arena, text + name_len, len - name_len);
                return *fields[i].value ? OK : ctx_nomem(ctx);
        }
        return ctx_fail_as(ctx, ERR_INVALID, pieces->code,
                           "The authorization header is malformed: it wants Credential, "
                           "SignedHeaders and Signature, once each, with commas between them");
}

static enum err split_header(struct ctx *ctx, const char *text, struct pieces *pieces)
{
        enum err rc;

        while (*(text += strspn(text, " \t,"))) {
                size_t len = strcspn(text, ","), end = len;

                while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
                        end--;
                rc = read_field(ctx, text, end, pieces);
                if (rc != OK)
                        return rc;
                text += len;
        }
        if (!pieces->credential || !pieces->signed_headers || !pieces->signature)
                return ctx_fail_as(ctx, ERR_INVALID, pieces->code,
                                   "The authorization header is malformed: Credential, "
                                   "SignedHeaders or Signature is missing");
        return OK;
}

/* x-amz-date, or Date for clients that have only that. */
static enum err read_header_date(struct ctx *ctx, const struct sigv4_request *request,
                                 const struct pieces *pieces, struct sigv4 *sigv4)
{
        const char *name = "x-amz-date", *text = request->header(request->arg, name);
        char from_date[AMZ_DATE_LEN + 1];

        if (!text) {
                name = "date";
                text = request->header(request->arg, name);
                if (text && from_http_date(text, from_date))
                        text = from_date;
        }
        if (!text || !parse_amz_date(text, &sigv4->signed_at_us))
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied",
                                   "AWS authentication requires a valid Date or x-amz-date header");
        if (!sigv4_signs(pieces->signed_headers, name))
                return ctx_fail_as(ctx, ERR_INVALID, pieces->code,
                                   "The signed headers must have %s among them", name);
        return ctx_strdup(ctx, text, &sigv4->amz_date);
}

static enum err parse_header(struct ctx *ctx, const struct sigv4_request *request, const char *text,
                             struct sigv4 *sigv4)
{
        struct pieces pieces = { .code = "AuthorizationHeaderMalformed" };
        const char *payload = request->header(request->arg, "x-amz-content-sha256");
        enum err rc = split_header(ctx, text, &pieces);

        if (rc != OK)
                return rc;
        if (!payload)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                                   "Missing required header for this request: "
                                   "x-amz-content-sha256");
        rc = read_header_date(ctx, request, &pieces, sigv4);
        if (rc != OK)
                return rc;
        rc = check_pieces(ctx, &pieces, sigv4);
        return rc == OK ? classify_payload(ctx, payload, sigv4) : rc;
}

/* The query form */

static const char *find_parameter(const char *query, const char *name, size_t *ret_len)
{
        size_t name_len = strlen(name);

        for (const char *at = query; *at;) {
                size_t len = strcspn(at, "&");

                if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
                        *ret_len = len - name_len - 1;
                        return at + name_len + 1;
                }
                at += len + (at[len] == '&');
        }
        return NULL;
}

static bool has_parameter(const char *query, const char *name)
{
        size_t len;

        return find_parameter(query, name, &len) != NULL;
}

/* Decodes what needs no escape to be shown; NULL: anything else. */
static const char *decode(char *text)
{
        char *out = text;

        for (const char *in = text; *in; in++) {
                unsigned c = (unsigned char)*in;

                if (c == '%') {
                        if (sscanf(in, "%%%2x", &c) != 1 || strspn(in + 1, HEX_DIGITS "ABCDEF") < 2)
                                return NULL;
                        in += 2;
                }
                if (c <= ' ' || c > '~')
                        return NULL;
                *out++ = (char)c;
        }
        *out = '\0';
        return text;
}

/* *ret is NULL when it is not there. */
static enum err read_parameter(struct ctx *ctx, const char *query, const char *name,
                               const char **ret)
{
        size_t len, again;
        const char *raw = find_parameter(query, name, &len);
        char *copy;

        *ret = NULL;
        if (!raw)
                return OK;
        copy = arena_strndup(ctx->arena, raw, len);
        if (!copy)
                return ctx_nomem(ctx);
        *ret = decode(copy);
        if (!*ret || find_parameter(raw + len, name, &again))
                return ctx_fail_as(ctx, ERR_INVALID, "AuthorizationQueryParametersError",
                                   "%s is badly encoded or there twice", name);
        return OK;
}

static enum err check_expires(struct ctx *ctx, const char *text, int64_t *ret_s)
{
        bool past = *text == '-';
        size_t digits;

        text += past;
        digits = strspn(text, "0123456789");
        if (digits > 0 && !text[digits] && past)
                return ctx_fail_as(ctx, ERR_DENIED, "AccessDenied",
                                   "Request has expired: X-Amz-Expires is negative");
        if (digits == 0 || text[digits])
                return ctx_fail_as(ctx, ERR_INVALID, "AuthorizationQueryParametersError",
                                   "X-Amz-Expires must be a number that is not negative");
        *ret_s = digits > 9 ? EXPIRES_MAX_S + 1 : strtoll(text, NULL, 10);
        if (*ret_s > EXPIRES_MAX_S)
                return ctx_fail_as(ctx, ERR_INVALID, "AuthorizationQueryParametersError",
                                   "X-Amz-Expires must be at most a week (604800 seconds)");
        return OK;
}

static enum err parse_payload_of_query(struct ctx *ctx, const struct sigv4_request *request,
                                       struct sigv4 *sigv4)
{
        const char *word;
        enum err rc = read_parameter(ctx, request->query, "X-Amz-Content-Sha256", &word);

        if (rc != OK)
                return rc;
        if (!word)
                word = request->header(request->arg, "x-amz-content-sha256");
        return classify_payload(ctx, word ? word : "UNSIGNED-PAYLOAD", sigv4);
}

static enum err parse_query(struct ctx *ctx, const struct sigv4_request *request,
                            struct sigv4 *sigv4)
{
        struct pieces pieces = { .code = "AuthorizationQueryParametersError" };
        const char *algorithm, *expires;
        struct {
                const char *name;
                const char **value;
        } const parameters[] = {
                { "X-Amz-Algorithm", &algorithm },
                { "X-Amz-Credential", &pieces.credential },
                { "X-Amz-Date", &sigv4->amz_date },
                { "X-Amz-Expires", &expires },
                { "X-Amz-SignedHeaders", &pieces.signed_headers },
                { "X-Amz-Signature", &pieces.signature },
        };
        enum err rc;

        for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
                rc = read_parameter(ctx, request->query, parameters[i].name, parameters[i].value);
                if (rc != OK)
                        return rc;
                if (!*parameters[i].value)
                        return ctx_fail_as(ctx, ERR_INVALID, pieces.code, "%s is missing",
                                           parameters[i].name);
        }
        if (strcmp(algorithm, SIGV4_ALGORITHM) != 0)
                return ctx_fail_as(ctx, ERR_INVALID, pieces.code,
                                   "X-Amz-Algorithm must be " SIGV4_ALGORITHM);
        if (!parse_amz_date(sigv4->amz_date, &sigv4->signed_at_us))
                return ctx_fail_as(ctx, ERR_INVALID, pieces.code,
                                   "X-Amz-Date must be in the form of 20130524T000000Z");
        rc = check_expires(ctx, expires, &sigv4->expires_s);
        if (rc != OK)
                return rc;
        rc = check_pieces(ctx, &pieces, sigv4);
        if (rc != OK)
                return rc;
        sigv4->presigned = true;
        return parse_payload_of_query(ctx, request, sigv4);
}

/* Which form is it? */

static bool is_presigned(const char *query)
{
        return has_parameter(query, "X-Amz-Algorithm") ||
               has_parameter(query, "X-Amz-Credential") || has_parameter(query, "X-Amz-Signature");
}

static enum err refuse_version_2(struct ctx *ctx)
{
        return ctx_fail_as(ctx, ERR_INVALID, "InvalidRequest",
                           "Signature Version 2 is not supported, use Version 4 "
                           "(" SIGV4_ALGORITHM "): in boto3 "
                           "Config(signature_version='s3v4')");
}

enum err sigv4_parse(struct ctx *ctx, const struct sigv4_request *request, struct sigv4 *ret)
{
        const char *header = request->header(request->arg, "authorization");
        bool presigned = is_presigned(request->query);
        struct sigv4 sigv4 = { 0 };
        enum err rc;

        if (header && strncmp(header, "AWS", 3) != 0)
                header = NULL; /* of another scheme */
        if (header && presigned)
                return ctx_fail_as(ctx, ERR_INVALID, "InvalidArgument",
                                   "Only one auth mechanism allowed: the Authorization header or "
                                   "the X-Amz-Signature query parameter");
        if (header && strncmp(header, "AWS ", 4) == 0)
                return refuse_version_2(ctx);
        if (!header && !presigned && has_parameter(request->query, "AWSAccessKeyId") &&
            has_parameter(request->query, "Signature"))
                return refuse_version_2(ctx);
        if (!header && !presigned)
                return ctx_fail(ctx, ERR_NOT_FOUND, "the request is not signed");
        if (header && strncmp(header, SIGV4_ALGORITHM " ", strlen(SIGV4_ALGORITHM) + 1) != 0)
                return ctx_fail_as(
                        ctx, ERR_INVALID, "InvalidRequest",
                        "The authorization mechanism is not supported, use " SIGV4_ALGORITHM);
        rc = header ? parse_header(ctx, request, header + strlen(SIGV4_ALGORITHM) + 1, &sigv4)
                    : parse_query(ctx, request, &sigv4);
        if (rc == OK)
                *ret = sigv4;
        return rc;
}
