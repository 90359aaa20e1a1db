/* The public URL: does it lead here, as senders of webhooks and jobs use it? */
#include <string.h>

#include "core/base/config.h"
#include "core/base/config_problem.h"
#include "core/cloud/doctor/doctor_clock.h"
#include "core/cloud/doctor/doctor_http.h"
#include "core/cloud/doctor/doctor_part.h"

static bool is_local(const char *url)
{
        const char *host = strstr(url, "://");

        return host &&
               (strncmp(host + 3, "127.", 4) == 0 || strncmp(host + 3, "localhost", 9) == 0 ||
                strncmp(host + 3, "[::1]", 5) == 0);
}

static void say_scheme(struct ctx *ctx, struct doctor *doctor, const char *url)
{
        if (is_local(url))
                doctor_say(ctx, doctor, DOCTOR_NOTE, NULL,
                           "SIMPLETUNER_PUBLIC_URL is %s, which only this host can reach", url);
        else if (strncmp(url, "https://", 8) != 0)
                doctor_say(ctx, doctor, DOCTOR_WARNING,
                           DOCTOR_COMMAND(ctx, "curl -sSI https://%s/", url + strlen("http://")),
                           "SIMPLETUNER_PUBLIC_URL is %s: tokens travel without TLS", url);
}

static void say_answer(struct ctx *ctx, struct doctor *doctor, const struct doctor_place *place,
                       const struct doctor_answer *answer)
{
        const char *command = doctor_curl_health(ctx, place, "-sSi");
        const char *location = doctor_answer_header(ctx, answer, "Location");

        if (answer->status >= 300 && answer->status < 400)
                doctor_say(ctx, doctor, DOCTOR_ERROR, command,
                           "%s redirects to %.200s: senders of webhooks do not follow", place->url,
                           location ? location : "somewhere");
        else if (doctor_is_gateway_failure(answer->status))
                doctor_say(ctx, doctor, DOCTOR_ERROR, DOCTOR_BEHIND_FRONT,
                           "%s leads to a front server that does not get at a responder (status "
                           "%d)",
                           place->url, answer->status);
        else if (answer->status == 200)
                doctor_say(ctx, doctor, DOCTOR_ERROR, command,
                           "%s is answered by somebody else: what comes back is not signed by a "
                           "responder with the home %s",
                           place->url, ctx->config->home);
        else
                doctor_say(ctx, doctor, DOCTOR_ERROR, command,
                           "%s does not lead to a responder with the home %s (status %d)",
                           place->url, ctx->config->home, answer->status);
}

static void look_at(struct ctx *ctx, struct doctor *doctor, const struct doctor_place *place)
{
        const struct doctor_ask live = { .method = "GET", .target = "/api/cloud/health/live" };
        const struct doctor_ask echo = { .method = "GET", .target = DOCTOR_ECHO_PATH };
        struct doctor_answer answer = { 0 };
        json_t *seen;
        enum err rc = doctor_ask_echo(ctx, place, &echo, &answer, &seen);

        if (rc != OK && rc != ERR_NOT_FOUND) {
                doctor_say(ctx, doctor, DOCTOR_ERROR, doctor_curl_health(ctx, place, "-sSv"),
                           "%s cannot be reached: %s", place->url, ctx->detail);
                return;
        }
        if (rc == ERR_NOT_FOUND) {
                say_answer(ctx, doctor, place, &answer);
                return;
        }
        doctor_judge_certificate(ctx, doctor, place->url, &answer.certificate);
        rc = doctor_ask(ctx, place, &live, &answer);
        if (rc != OK || answer.status != 200)
                doctor_say(ctx, doctor, DOCTOR_ERROR, doctor_curl_health(ctx, place, "-sSi"),
                           "%s/api/cloud/health/live answers with status %d", place->url,
                           answer.status);
        else
                doctor_say(ctx, doctor, DOCTOR_OK, NULL, "%s leads here", place->url);
}

/* It is set, to something that is no URL. */
static bool is_unreadable(const struct ctx *ctx)
{
        const struct config_problem *problem = ctx->config->problems;

        while (problem && !strstr(problem->text, "SIMPLETUNER_PUBLIC_URL "))
                problem = problem->next;
        return problem != NULL;
}

void doctor_public_url(struct ctx *ctx, struct doctor *doctor)
{
        const char *url = ctx->config->public_url;
        struct doctor_token token;
        struct doctor_place place;
        enum err rc;

        if (!*url && is_unreadable(ctx)) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, "simpletuner-cloud doctor --only settings",
                           "Not tried: SIMPLETUNER_PUBLIC_URL cannot be read");
                return;
        }
        if (!*url) {
                doctor_say(ctx, doctor, DOCTOR_NOTE, "simpletuner-cloud --help",
                           "SIMPLETUNER_PUBLIC_URL is not set: no webhooks come, and jobs cannot "
                           "upload; polling alone finds out how they are");
                return;
        }
        say_scheme(ctx, doctor, url);
        rc = doctor_place_of(ctx, url, &place);
        if (rc == OK)
                rc = doctor_token_make(ctx, &token);
        if (rc != OK) {
                doctor_say_untried(ctx, doctor);
                return;
        }
        place.settings.ssl_verify = true; /* others look, whatever is set here */
        place.token = &token;
        look_at(ctx, doctor, &place);
        doctor_token_remove(&token);
}
