#include "core/cloud/job/polling.h"

#include <stdlib.h>
#include <string.h>

#include "core/cloud/preference.h"
#include "core/cloud/task_lease.h"
#include "core/store/store_preferences.h"

#define PREFERENCE    "polling.enabled"
#define ACTIVE_FOR_US (180 * US_PER_S) /* cron starts the companion every minute */

static enum err read_preference(struct ctx *ctx, enum polling_preference *ret)
{
        const char *value;
        enum err rc = store_preference_get(ctx, PREFERENCE, &value);

        if (rc == ERR_NOT_FOUND) {
                *ret = POLLING_UNSET;
                return OK;
        }
        if (rc == OK)
                *ret = strcmp(value, "false") == 0 ? POLLING_OFF : POLLING_ON;
        return rc;
}

enum err polling_is_off(struct ctx *ctx, bool *ret_off)
{
        enum polling_preference preference;
        enum err rc = read_preference(ctx, &preference);

        if (rc == OK)
                *ret_off = preference == POLLING_OFF;
        return rc;
}

enum err polling_status(struct ctx *ctx, struct polling_status *ret)
{
        const int64_t now_us = clock_wall_us(ctx->clock);
        struct polling_status status = { 0 };
        struct task_row task;
        enum err rc;

        rc = read_preference(ctx, &status.preference);
        if (rc == OK)
                rc = task_state(ctx, POLLING_TASK, &task);
        if (rc != OK)
                return rc;
        status.last_run_at_us = task.finished_at_us;
        status.active = status.preference != POLLING_OFF && task.finished_at_us > 0 &&
                        llabs(now_us - task.finished_at_us) < ACTIVE_FOR_US;
        *ret = status;
        return OK;
}

enum err polling_set(struct ctx *ctx, enum polling_preference preference)
{
        static const char *const values[] = {
                [POLLING_UNSET] = NULL, [POLLING_ON] = "true", [POLLING_OFF] = "false"
        };
        const char *value = values[preference];
        CLEANUP(json_decrefp)
        json_t *details = json_pack("{s:o}", "enabled",
                                    value ? json_boolean(preference == POLLING_ON) : json_null());
        const struct audit_entry entry = {
                .event_type = "config.polling_changed",
                .target_type = "preference",
                .target_id = PREFERENCE,
                .action = "Polling was switched on, off or to its default",
                .details = details,
        };

        return details ? preference_set(ctx, value, &entry) : ctx_nomem(ctx);
}
