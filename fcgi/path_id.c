#include "fcgi/path_id.h"

#include <stdlib.h>
#include <string.h>

enum err path_id(struct ctx *ctx, const struct request *request, const char *name,
                 const char *thing, int64_t *ret)
{
        const char *text = request_param(request, name);
        const size_t len = strlen(text);
        long long id = 0;

        if (len > 0 && len <= 18 && strspn(text, "0123456789") == len)
                id = strtoll(text, NULL, 10);
        if (id <= 0)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s not found: %.64s", thing, text);
        *ret = id;
        return OK;
}
