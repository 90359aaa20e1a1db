#include "core/cloud/settings_test.h"

#include "core/base/config.h"
#include "core/cloud/audit/audit_key.h"
#include "core/cloud/limits/limiter.h"
#include "core/cloud/limits/rate_rules.h"
#include "core/db/database.h"

enum err settings_test(struct ctx *ctx)
{
        CLEANUP(database_closep) struct database *database = NULL;
        CLEANUP(rate_rules_freep) struct rate_rules *rules = NULL;
        CLEANUP(audit_keys_freep) struct audit_keys *keys = NULL;
        CLEANUP(limiter_freep) struct limiter *limiter = NULL;
        enum err rc = database_open(ctx, ctx->config->database_url, &database);

        if (rc == OK)
                rc = rate_rules_new(ctx, &rules);
        if (rc == OK)
                rc = audit_keys_new(ctx, &keys);
        if (rc == OK)
                rc = limiter_new(ctx, &limiter);
        return rc;
}
