/* The way out: to each provider, over proxy and TLS; and the clock, which others compare with
 * theirs. */
#include <inttypes.h>
#include <string.h>
#include <sys/timex.h>

#include "core/base/config.h"
#include "core/cloud/cloud.h"
#include "core/cloud/doctor/doctor_clock.h"
#include "core/cloud/doctor/doctor_http.h"
#include "core/cloud/doctor/doctor_part.h"
#include "core/cloud/http/http_settings.h"
#include "core/cloud/provider/provider.h"

#define CALL_S       6
#define EXPIRES_DAYS 14

/* One thing outside that we call. */
struct remote {
        const char *name, *url;
        struct http_settings settings;
        bool in_use; /* somebody has configured it */
};

/* With its own settings where the database has them, else with those of the environment. False: it
 * has no address. */
static bool remote_of(struct ctx *ctx, const struct doctor *doctor, const struct provider *provider,
                      struct remote *ret)
{
        struct remote remote = { .name = provider->name, .url = provider->default_api_base };
        struct provider_session session;

        if (!doctor->skip && provider_open_for(ctx, provider->id, "", &session) == OK) {
                remote.url = session.api_base;
                remote.settings = session.http;
                remote.in_use = provider_check_configured(ctx, &session) == OK;
        } else if (remote.url) {
                remote.settings = http_settings_for(ctx->config, remote.url);
        }
        remote.settings.timeout_s = CALL_S;
        *ret = remote;
        return remote.url != NULL;
}

/* The same call by hand. */
static const char *curl_command(struct ctx *ctx, const struct remote *remote)
{
        return doctor_curl(ctx, &remote->settings, "-sSv -o /dev/null", remote->url);
}

static const char *host_of(struct ctx *ctx, const char *url)
{
        struct doctor_place place;

        return doctor_place_of(ctx, url, &place) == OK ? place.authority : url;
}

void doctor_judge_certificate(struct ctx *ctx, struct doctor *doctor, const char *url,
                              const struct crypto_certificate *seen)
{
        const int64_t left_us = seen->not_after_us - clock_wall_us(ctx->clock);
        const char *host = host_of(ctx, url);
        char until[CLOCK_ISO_SIZE];

        if (!*seen->subject || seen->not_after_us == 0)
                return;
        clock_format_iso(seen->not_after_us, until);
        if (left_us < EXPIRES_DAYS * US_PER_DAY)
                doctor_say(
                        ctx, doctor, DOCTOR_WARNING,
                        DOCTOR_COMMAND(ctx,
                                       "openssl s_client -connect %s%s </dev/null | openssl "
                                       "x509 -noout -subject -issuer -dates",
                                       host, strchr(host, ':') ? "" : ":443"),
                        "The certificate of %s (subject: %s; issuer: %s) ends on %.10s, in %" PRId64
                        " days",
                        host, seen->subject, seen->issuer, until, left_us / US_PER_DAY);
}

static void look_at(struct ctx *ctx, struct doctor *doctor, const struct remote *remote)
{
        CLEANUP(http_raw_closep) struct http_raw *raw = NULL;
        const struct crypto_certificate *seen;
        enum err rc = http_raw_open(ctx, &remote->settings, remote->url, &raw);
        const char *proxy;

        if (rc != OK) {
                doctor_say(ctx, doctor, remote->in_use ? DOCTOR_ERROR : DOCTOR_NOTE,
                           curl_command(ctx, remote), "%s at %s cannot be reached: %s",
                           remote->name, host_of(ctx, remote->url), ctx->detail);
                return;
        }
        seen = http_raw_certificate(raw);
        proxy = http_raw_proxy(raw);
        doctor_judge_certificate(ctx, doctor, remote->url, seen);
        doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s at %s can be reached%s%s%s%s", remote->name,
                   host_of(ctx, remote->url), proxy ? " through the proxy " : "",
                   proxy ? proxy : "", *seen->issuer ? ", with a certificate of " : "",
                   seen->issuer);
        if (!remote->settings.ssl_verify && strncmp(remote->url, "https://", 8) == 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING, curl_command(ctx, remote),
                           "The certificate of %s is not looked at (ssl_verify is off)",
                           remote->name);
}

void doctor_network(struct ctx *ctx, struct doctor *doctor)
{
        for (size_t i = 0; provider_at(i); i++) {
                struct remote remote;

                if (remote_of(ctx, doctor, provider_at(i), &remote))
                        look_at(ctx, doctor, &remote);
        }
}

/* ---- the clock ---- */

enum doctor_level doctor_judge_ntp(int state, int status, const char **ret_found)
{
        if (state == TIME_ERROR || status & STA_UNSYNC) {
                *ret_found = "The clock of this host is not kept by NTP";
                return DOCTOR_NOTE;
        }
        *ret_found = "The clock of this host is kept by NTP";
        return DOCTOR_OK;
}

bool doctor_parse_http_date(const char *text, int64_t *ret_us)
{
        struct tm tm = { 0 };
        const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);

        if (!end || *end)
                return false;
        *ret_us = (int64_t)timegm(&tm) * US_PER_S;
        return true;
}

enum doctor_level doctor_judge_offset(int64_t offset_s, int64_t tolerance_s)
{
        const int64_t off_s = offset_s < 0 ? -offset_s : offset_s;

        if (off_s >= tolerance_s)
                return DOCTOR_ERROR;
        return off_s >= 30 ? DOCTOR_WARNING : DOCTOR_OK;
}

static void compare(struct ctx *ctx, struct doctor *doctor, const struct remote *remote)
{
        struct doctor_ask ask = { .method = "HEAD", .target = "/" };
        struct doctor_answer answer;
        struct doctor_place place;
        int64_t theirs_us, offset_s;
        enum doctor_level level;
        const char *date;

        if (doctor_place_of(ctx, remote->url, &place) != OK)
                return;
        place.settings = remote->settings;
        if (doctor_ask(ctx, &place, &ask, &answer) != OK)
                return; /* "network" says why */
        date = doctor_answer_header(ctx, &answer, "Date");
        if (!date || !doctor_parse_http_date(date, &theirs_us))
                return;
        offset_s = (clock_wall_us(ctx->clock) - theirs_us) / US_PER_S;
        level = doctor_judge_offset(offset_s, (int64_t)ctx->config->webhook_tolerance_s);
        if (level == DOCTOR_OK)
                doctor_say(ctx, doctor, level, NULL,
                           "The clocks here and at %s are %" PRId64 " s apart", remote->name,
                           offset_s < 0 ? -offset_s : offset_s);
        else
                doctor_say(ctx, doctor, level, "timedatectl status; timedatectl set-ntp true",
                           "The clock here is %" PRId64 " s %s that of %s%s",
                           offset_s < 0 ? -offset_s : offset_s,
                           offset_s < 0 ? "behind" : "ahead of", remote->name,
                           level == DOCTOR_ERROR ? ": webhooks and signatures are refused" : "");
}

void doctor_clock(struct ctx *ctx, struct doctor *doctor)
{
        struct timex timex = { 0 };
        int state = adjtimex(&timex);
        const char *found;

        if (state >= 0) {
                enum doctor_level level = doctor_judge_ntp(state, timex.status, &found);

                doctor_say(ctx, doctor, level,
                           level == DOCTOR_OK ? NULL : "timedatectl set-ntp true", "%s", found);
        }
        for (size_t i = 0; provider_at(i); i++) {
                struct remote remote;

                if (remote_of(ctx, doctor, provider_at(i), &remote))
                        compare(ctx, doctor, &remote);
        }
}
