#include "core/cloud/audit/audit_forward.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/base/log.h"
#include "core/cloud/audit/audit_types.h"
#include "core/cloud/audit/syslog_client.h"
#include "core/cloud/cloud.h"
#include "core/cloud/http/http_settings.h"
#include "core/db/db.h"
#include "core/store/store_audit.h"

#define BATCH        100
#define MESSAGE_MAX  (4 * MiB)
#define HTTP_S       5.0
#define WORK_US      (30 * US_PER_S) /* begin nothing more after that */
#define CLAIM_US     (60 * US_PER_S) /* longer than the work and one message */
#define BACKOFF_MAX  (300 * US_PER_S)
#define BACKOFF_STEP 8 /* doublings until then */

struct message {
        int64_t audit_id;
        const char *text; /* NULL: not one to forward */
        size_t len;
};

struct batch {
        const struct audit_target *target;
        bool to_syslog;
        struct message messages[BATCH];
        unsigned count;
        struct audit_cursor cursor;
        int64_t stop_at_us;
        unsigned sent;
};

/* ---- what is sent ---- */

static void format_message(const struct batch *batch, const struct audit_row *row, struct buf *out)
{
        const struct syslog_head head = {
                .time_us = row->created_at_us,
                .warning = audit_type_is_security(row->event_type),
                .msg_id = row->event_type,
        };
        CLEANUP(buf_done) struct buf text = { 0 };

        if (!batch->to_syslog) {
                audit_format_row(out, AUDIT_ECS, row);
                return;
        }
        buf_init(&text, MESSAGE_MAX);
        audit_format_row(&text, batch->target->format, row);
        syslog_format(out, &head, buf_str(&text));
}

/* Nothing is sent while the database is read: a slow receiver would hold up others there. */
static enum err take_row(struct ctx *ctx, void *arg, const struct audit_row *row)
{
        struct batch *batch = arg;
        struct message *message = &batch->messages[batch->count++];
        CLEANUP(buf_done) struct buf text = { 0 };

        *message = (struct message){ .audit_id = row->audit_id };
        if (batch->target->security_only && !audit_type_is_security(row->event_type))
                return OK;
        buf_init(&text, MESSAGE_MAX);
        format_message(batch, row, &text);
        message->len = text.len;
        message->text = arena_strndup(ctx->arena, buf_str(&text), text.len);
        return buf_ok(&text) && message->text ? OK : ctx_nomem(ctx);
}

/* ---- the two ways ---- */

/* May another message be begun? */
static bool goes_on(struct ctx *ctx, const struct batch *batch)
{
        return clock_mono_us(ctx->clock) < batch->stop_at_us &&
               !(ctx->cloud && atomic_load(&ctx->cloud->draining));
}

/* Inside batch: everything up to here has arrived. */
static void note_arrival(struct batch *batch, const struct message *message)
{
        batch->cursor.last_id = message->audit_id;
        batch->sent += message->text != NULL;
}

static enum err post(struct ctx *ctx, const struct http_settings *settings,
                     const struct http_request *request)
{
        struct http_answer answer = { 0 };
        enum err rc = http_perform(ctx, settings, request, &answer);

        if (rc == OK && (answer.status < 200 || answer.status > 299))
                return ctx_fail(ctx, ERR_PROVIDER, "the webhook answers with status %ld",
                                answer.status);
        return rc;
}

static enum err send_by_webhook(struct ctx *ctx, struct batch *batch)
{
        const struct audit_target *target = batch->target;
        struct http_settings settings = http_settings_for(ctx->config, target->webhook_url);
        const char *authorization, *headers[2] = { NULL, NULL };
        struct http_request request = {
                .method = "POST",
                .url = target->webhook_url,
                .headers = headers,
                .content_type = "application/json",
                .repeatable = true,
        };
        enum err rc = audit_target_authorization(ctx, target, &authorization);

        settings.timeout_s = HTTP_S;
        if (rc == OK && authorization) {
                headers[0] = arena_printf(ctx->arena, "Authorization: %s", authorization);
                if (!headers[0])
                        return ctx_nomem(ctx);
        }
        for (unsigned i = 0; rc == OK && i < batch->count && goes_on(ctx, batch); i++) {
                request.body = batch->messages[i].text;
                request.body_len = batch->messages[i].len;
                if (request.body)
                        rc = post(ctx, &settings, &request);
                if (rc == OK)
                        note_arrival(batch, &batch->messages[i]);
        }
        return rc;
}

/* What a connection took is known when it ends: all of the batch has arrived, or none. */
static enum err send_by_syslog(struct ctx *ctx, struct batch *batch)
{
        CLEANUP(syslog_freep) struct syslog_link *link = NULL;
        unsigned i = 0;
        enum err rc = OK;

        for (; rc == OK && i < batch->count && goes_on(ctx, batch); i++) {
                const struct message *message = &batch->messages[i];

                if (message->text && !link)
                        rc = syslog_open(ctx, batch->target->syslog_url, &link);
                if (rc == OK && message->text)
                        rc = syslog_send(ctx, link, message->text, message->len);
        }
        if (rc == OK && link)
                rc = syslog_finish(ctx, link);
        for (unsigned n = 0; rc == OK && n < i; n++)
                note_arrival(batch, &batch->messages[n]);
        return rc;
}

/* ---- cursors ---- */

static enum err claim(struct ctx *ctx, struct audit_cursor *cursor)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        const int64_t now_us = clock_wall_us(ctx->clock);
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_audit_cursor_claim(ctx, cursor->target, now_us, now_us + CLAIM_US);
        if (rc == OK) /* as it is now that nobody else changes it */
                rc = store_audit_cursor_get(ctx, cursor->target, cursor);
        return rc == OK ? db_commit(&tx) : rc;
}

static enum err give_back(struct ctx *ctx, const struct audit_cursor *cursor)
{
        CLEANUP(db_rollback_unless_committed) struct db_tx tx = { 0 };
        enum err rc = db_begin(ctx, &tx);

        if (rc == OK)
                rc = store_audit_cursor_put(ctx, cursor);
        return rc == OK ? db_commit(&tx) : rc;
}

static void note_success(struct ctx *ctx, struct audit_cursor *cursor)
{
        cursor->failures = 0;
        cursor->next_at_us = 0;
        cursor->last_error = NULL;
        cursor->forwarded_at_us = clock_wall_us(ctx->clock);
}

static void note_failure(struct ctx *ctx, struct batch *batch)
{
        struct audit_cursor *cursor = &batch->cursor;
        int64_t wait_us = BACKOFF_MAX;

        cursor->failures = batch->sent > 0 ? 1 : cursor->failures + 1;
        if (cursor->failures <= BACKOFF_STEP)
                wait_us = US_PER_S << (cursor->failures - 1);
        cursor->next_at_us = clock_wall_us(ctx->clock) + wait_us;
        cursor->last_error = arena_strdup(ctx->arena, ctx->detail);
        if (cursor->failures == 1)
                log_event(ctx, LOG_WARNING, "simpletuner.cloud.audit",
                          "The audit log cannot be forwarded", "target", cursor->target, "reason",
                          ctx->detail);
}

/* Is it the receiver that failed? Then its cursor tells; anything else is ours. */
static bool is_receivers(enum err rc)
{
        return rc == ERR_PROVIDER || rc == ERR_OUTCOME_UNKNOWN || rc == ERR_DENIED;
}

static enum err forward_claimed(struct ctx *ctx, struct batch *batch)
{
        enum err rc;

        batch->stop_at_us = clock_mono_us(ctx->clock) + WORK_US;
        rc = store_audit_scan(ctx, batch->cursor.last_id + 1, BATCH, take_row, batch);
        if (rc == OK)
                rc = batch->to_syslog ? send_by_syslog(ctx, batch) : send_by_webhook(ctx, batch);
        FAULT_POINT("audit.sent");
        if (rc == OK)
                note_success(ctx, &batch->cursor);
        else
                note_failure(ctx, batch);
        if (rc != OK && !is_receivers(rc)) {
                enum err back = give_back(ctx, &batch->cursor);

                return back == OK ? rc : back;
        }
        return give_back(ctx, &batch->cursor);
}

/* One batch for one target. *ret_sent of it arrived; *ret_more: it was full and all of it did. */
static enum err forward_to(struct ctx *ctx, const struct audit_target *target, bool to_syslog,
                           unsigned *ret_sent, bool *ret_more)
{
        struct batch *batch = arena_alloc(ctx->arena, sizeof(*batch));
        enum err rc;

        if (!batch)
                return ctx_nomem(ctx);
        batch->target = target;
        batch->to_syslog = to_syslog;
        rc = store_audit_cursor_get(ctx, to_syslog ? AUDIT_TO_SYSLOG : AUDIT_TO_WEBHOOK,
                                    &batch->cursor);
        if (rc == ERR_NOT_FOUND || (rc == OK && batch->cursor.last_id >= batch->cursor.newest_id))
                return OK;
        if (rc == OK)
                rc = claim(ctx, &batch->cursor);
        if (rc == ERR_CONFLICT || rc == ERR_NOT_FOUND)
                return OK;
        if (rc == OK)
                rc = forward_claimed(ctx, batch);
        *ret_sent += batch->sent;
        *ret_more = *ret_more || (rc == OK && batch->count == BATCH && batch->cursor.failures == 0);
        return rc;
}

enum err audit_forward_state(struct ctx *ctx, const char *target, struct audit_cursor *ret)
{
        return store_audit_cursor_get(ctx, target, ret);
}

static enum err forward_once(struct ctx *ctx, unsigned *ret_sent, bool *ret_more)
{
        struct audit_target target;
        enum err rc = audit_target_load(ctx, &target);

        *ret_more = false;
        if (rc != OK)
                return rc;
        if (target.syslog_url)
                rc = forward_to(ctx, &target, true, ret_sent, ret_more);
        if (target.webhook_url) {
                enum err other = forward_to(ctx, &target, false, ret_sent, ret_more);

                rc = rc == OK ? other : rc;
        }
        return rc;
}

enum err audit_forward_run(struct ctx *ctx, bool *ret_more)
{
        unsigned sent = 0;

        return forward_once(ctx, &sent, ret_more);
}

enum err audit_forward_all(struct ctx *ctx, int64_t limit_us, unsigned *ret_count)
{
        const int64_t stop_at_us = clock_mono_us(ctx->clock) + limit_us;
        bool more;
        enum err rc;

        *ret_count = 0;
        do
                rc = forward_once(ctx, ret_count, &more);
        while (rc == OK && more && clock_mono_us(ctx->clock) < stop_at_us);
        return rc;
}
