#include "core/cloud/http/http_retry.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/crypto.h"
#include "core/cloud/cloud.h"

#define ATTEMPT_MIN_US (100 * US_PER_MS) /* with less time left there is no use in trying */

struct http_retry http_retry_begin(const struct ctx *ctx, double budget_s)
{
        return (struct http_retry){
                .until_us = clock_mono_us(ctx->clock) + (int64_t)(budget_s * (double)US_PER_S),
        };
}

double http_retry_left_s(const struct ctx *ctx, const struct http_retry *retry)
{
        int64_t left_us = retry->until_us - clock_mono_us(ctx->clock);

        return (double)(left_us > ATTEMPT_MIN_US ? left_us : ATTEMPT_MIN_US) / (double)US_PER_S;
}

static bool may_repeat(const struct http_request *request)
{
        return request->repeatable || strcmp(request->method, "GET") == 0;
}

static bool may_heal(enum err rc, const struct http_answer *answer)
{
        static const long statuses[] = { 429, 500, 502, 503, 504 };

        if (rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN)
                return !answer->permanent;
        for (size_t i = 0; rc == OK && i < ARRAY_SIZE(statuses); i++) {
                if (answer->status == statuses[i])
                        return true;
        }
        return false;
}

/* Seconds that the other side asks to wait for; 0: it does not say. Replicate's 429 says it in
 * words: "Request was throttled. Your rate limit resets in ~30s."
 * (replicate.com/docs/reference/http, "Rate limits") */
static long asked_wait_s(enum err rc, const struct http_answer *answer)
{
        static const char words[] = "resets in ~";
        const char *at;
        char *end;
        long wait_s;

        if (rc != OK || answer->retry_after_s > 0)
                return rc == OK ? answer->retry_after_s : 0;
        at = answer->status == 429 && answer->body ? strstr(answer->body, words) : NULL;
        if (!at)
                return 0;
        at += strlen(words);
        wait_s = *at >= '0' && *at <= '9' ? strtol(at, &end, 10) : 0;
        return wait_s > 0 && *end == 's' ? wait_s : 0;
}

/* Any time up to the longest that is due after so many attempts. */
static int64_t jittered_us(unsigned attempts)
{
        int64_t longest_us = HTTP_WAIT_FIRST_S * US_PER_S;
        uint64_t random;

        while (--attempts > 0 && longest_us < HTTP_WAIT_MAX_S * US_PER_S)
                longest_us *= 2;
        if (longest_us > HTTP_WAIT_MAX_S * US_PER_S)
                longest_us = HTTP_WAIT_MAX_S * US_PER_S;
        return crypto_random(&random, sizeof(random))
                       ? (int64_t)(random % (uint64_t)(longest_us + 1))
                       : longest_us;
}

static bool is_draining(const struct ctx *ctx)
{
        return ctx->cloud && atomic_load(&ctx->cloud->draining);
}

bool http_retry_wait(struct ctx *ctx, struct http_retry *retry, const struct http_request *request,
                     enum err rc, const struct http_answer *answer)
{
        int64_t wait_us;
        long asked_s;

        retry->attempts++;
        if (retry->attempts >= HTTP_ATTEMPTS || !may_repeat(request) || !may_heal(rc, answer) ||
            is_draining(ctx))
                return false;
        asked_s = asked_wait_s(rc, answer);
        if (asked_s > HTTP_WAIT_MAX_S)
                return false;
        wait_us = jittered_us(retry->attempts);
        if (wait_us < asked_s * US_PER_S)
                wait_us = asked_s * US_PER_S;
        if (clock_mono_us(ctx->clock) + wait_us + ATTEMPT_MIN_US > retry->until_us)
                return false;
        clock_sleep_us(ctx->clock, wait_us);
        return true;
}
