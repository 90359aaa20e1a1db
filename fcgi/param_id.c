#include "fcgi/param_id.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 18 /* fits an int64_t */

enum err param_id(struct ctx *ctx, const struct request *request, const char *name,
                  const char *what, int64_t *ret)
{
        const char *text = request_param(request, name);
        const size_t len = strlen(text);

        if (len == 0 || len > DIGITS_MAX || text[0] == '0' || strspn(text, "0123456789") != len)
                return ctx_fail(ctx, ERR_NOT_FOUND, "%s %.64s not found", what, text);
        *ret = strtoll(text, NULL, 10);
        return OK;
}
