#include "core/cron/secret_print.h"

#include <stdio.h>

#define SHOWN    4
#define LONG_LEN 20 /* what is left of it is no shorter secret */

enum err secret_print_source(struct ctx *ctx, const char *name, const char **ret)
{
        struct secret_finding findings[SECRET_SOURCES_MAX];
        size_t count = 0;
        enum err rc = secrets_explain(ctx, name, findings, &count);

        if (rc != OK)
                return rc;
        *ret = NULL;
        for (size_t i = 0; i < count; i++) {
                if (findings[i].state == SECRET_FAILED)
                        return ctx_fail(ctx, ERR_UNAVAILABLE, "%s", findings[i].detail);
                if (findings[i].state == SECRET_USED) {
                        *ret = findings[i].source;
                        break;
                }
        }
        return OK;
}

void secret_print_mask(struct secret value, char ret[SECRET_MASK_SIZE])
{
        const bool is_long = value.len >= LONG_LEN;

        snprintf(ret, SECRET_MASK_SIZE, "***%s", is_long ? value.bytes + value.len - SHOWN : "");
}
