#include "core/cloud/http/http_failure.h"

#include <string.h>

#define PROXY_WANTS_LOGIN 407

/* Nothing of the request is sent before the connection, through the proxy and with its TLS,
 * stands. */
static bool surely_not_delivered(CURL *curl)
{
        curl_off_t stands_after_us = 0;

        curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &stands_after_us);
        return stands_after_us == 0;
}

/* Did a SOCKS proxy refuse the user and password, or want some? */
static bool refused_by_socks(CURL *curl)
{
        long error = CURLPX_OK;

        curl_easy_getinfo(curl, CURLINFO_PROXY_ERROR, &error);
        return error == CURLPX_USER_REJECTED || error == CURLPX_NO_AUTH;
}

/* Our settings are wrong, or the other side is not what it should be: no matter of time. */
static bool would_come_again(CURL *curl, CURLcode code)
{
        switch (code) {
        case CURLE_PROXY:
                return refused_by_socks(curl);
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_WRITE_ERROR: /* larger than we take */
                return true;
        default:
                return false;
        }
}

/* What a proxy answered to CONNECT when it did not connect; 0: it did, or was not asked. */
static long refusal_of_proxy(CURL *curl)
{
        long status = 0;

        curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status);
        return status >= 300 ? status : 0;
}

/* Did it break between us and the proxy? */
static bool is_between_us_and_proxy(CURL *curl, CURLcode code)
{
        curl_off_t connected_us = 0;

        curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected_us);
        return connected_us == 0 || code == CURLE_PROXY || code == CURLE_COULDNT_RESOLVE_PROXY;
}

/* Corporate networks show other certificates than the world has: say which, and what was trusted
 * beside the system's. */
static enum err explain_certificate(struct ctx *ctx, const struct transfer *transfer)
{
        const struct crypto_certificate *seen = &transfer->certificate;
        const char *bundle = transfer->settings->ca_bundle;

        return ctx_fail(ctx, ERR_PROVIDER,
                        "the certificate is not trusted: %s (subject: %.120s; issuer: %.120s); "
                        "%s%.120s",
                        *seen->problem ? seen->problem : transfer->reason,
                        *seen->subject ? seen->subject : "not seen",
                        *seen->issuer ? seen->issuer : "not seen",
                        bundle ? "extra CA file in use: " : "no extra CA file is set",
                        bundle ? bundle : "");
}

static enum err explain_reason(struct ctx *ctx, const struct transfer *transfer, CURLcode code,
                               enum err rc)
{
        const char *reason = *transfer->reason ? transfer->reason : curl_easy_strerror(code);
        const char *proxy = transfer->route.proxy_name;

        /* In OpenSSL's words, "wrong version number". */
        if (code == CURLE_SSL_CONNECT_ERROR && strstr(reason, "wrong version number"))
                reason = "what answers does not speak TLS";
        if (!proxy)
                return ctx_fail(ctx, rc, "%s", reason);
        if (is_between_us_and_proxy(transfer->curl, code))
                return ctx_fail(ctx, rc, "proxy %.200s: %s", proxy, reason);
        return ctx_fail(ctx, rc, "%s (through proxy %.200s)", reason, proxy);
}

enum err http_failure_explain(struct ctx *ctx, const struct transfer *transfer, CURLcode code,
                              bool *ret_permanent)
{
        enum err rc = surely_not_delivered(transfer->curl) ? ERR_PROVIDER : ERR_OUTCOME_UNKNOWN;
        long refusal = refusal_of_proxy(transfer->curl);

        *ret_permanent = true;
        if (transfer->stopped)
                return ERR_CONFLICT;
        if (transfer->guarded)
                return ctx_fail(ctx, ERR_DENIED, HTTP_NOT_PUBLIC);
        *ret_permanent =
                would_come_again(transfer->curl, code) || (refusal >= 400 && refusal < 500);
        if (refusal)
                return ctx_fail(ctx, ERR_PROVIDER, "proxy %.200s refused CONNECT: %s",
                                transfer->route.proxy_name, transfer->status_line);
        if (code == CURLE_WRITE_ERROR)
                return ctx_fail(ctx, rc, "the answer is larger than %zu MiB",
                                HTTP_ANSWER_MAX / MiB);
        if (code == CURLE_PEER_FAILED_VERIFICATION)
                return explain_certificate(ctx, transfer);
        if (code == CURLE_SSL_CACERT_BADFILE && transfer->settings->ca_bundle)
                return ctx_fail(ctx, ERR_PROVIDER,
                                "the extra CA file cannot be read or has no certificate: %.300s",
                                transfer->settings->ca_bundle);
        return explain_reason(ctx, transfer, code, rc);
}

enum err http_failure_of_proxy(struct ctx *ctx, const struct transfer *transfer, long status)
{
        if (status != PROXY_WANTS_LOGIN || !transfer->route.proxy)
                return OK;
        return ctx_fail(ctx, ERR_PROVIDER, "proxy %.200s refused the request: %s",
                        transfer->route.proxy_name, transfer->status_line);
}
