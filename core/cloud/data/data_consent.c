#include "core/cloud/data/data_consent.h"

#include <string.h>

#include "core/cloud/preference.h"
#include "core/store/store_preferences.h"

#define PREFERENCE "data_consent"
#define ASK        "ask"
#define ALLOW      "allow"
#define DENY       "deny"

const char *const data_consent_choices[] = { ASK, ALLOW, DENY, NULL };

enum err data_consent_get(struct ctx *ctx, const char **ret_consent)
{
        const char *stored = ASK;
        enum err rc = store_preference_get(ctx, PREFERENCE, &stored);

        if (rc != OK && rc != ERR_NOT_FOUND)
                return rc;
        *ret_consent = DENY; /* what a word means that we do not know */
        for (const char *const *choice = data_consent_choices; *choice; choice++) {
                if (strcmp(*choice, stored) == 0)
                        *ret_consent = *choice;
        }
        return OK;
}

enum err data_consent_set(struct ctx *ctx, const char *consent)
{
        CLEANUP(json_decrefp) json_t *details = json_pack("{s:s}", "consent", consent);
        const struct audit_entry entry = {
                .event_type = "config.data_consent_changed",
                .target_type = "preference",
                .target_id = PREFERENCE,
                .action = "Whether local data may be sent to providers was changed",
                .details = details,
        };

        return details ? preference_set(ctx, consent, &entry) : ctx_nomem(ctx);
}

enum err data_consent_require(struct ctx *ctx, bool given)
{
        const char *consent;
        enum err rc = data_consent_get(ctx, &consent);

        if (rc != OK)
                return rc;
        if (strcmp(consent, DENY) == 0)
                return ctx_fail(ctx, ERR_DENIED,
                                "Local data sets must not be sent to providers: the data consent "
                                "setting is deny");
        if (strcmp(consent, ASK) == 0 && !given)
                return ctx_fail(ctx, ERR_CONFLICT,
                                "This job's local data sets would be sent to the provider: submit "
                                "it with \"data_consent\": true if they may");
        return OK;
}
