#include "core/base/err.h"

static const char *const codes[ERR_COUNT] = {
        [OK] = "ok",
        [ERR_NOT_FOUND] = "not_found",
        [ERR_CONFLICT] = "conflict",
        [ERR_INVALID] = "invalid",
        [ERR_UNAUTHENTICATED] = "unauthenticated",
        [ERR_DENIED] = "permission_denied",
        [ERR_LIMITED] = "rate_limited",
        [ERR_OVER_LIMIT] = "cost_limit_exceeded",
        [ERR_OVER_QUOTA] = "quota_exceeded",
        [ERR_TOO_LARGE] = "too_large",
        [ERR_PRECONDITION] = "precondition_failed",
        [ERR_RANGE] = "range_not_satisfiable",
        [ERR_UNSUPPORTED] = "not_implemented",
        [ERR_UNSUPPORTED_TYPE] = "unsupported_media_type",
        [ERR_NO_SPACE] = "insufficient_storage",
        [ERR_PROVIDER] = "provider_error",
        [ERR_OUTCOME_UNKNOWN] = "provider_outcome_unknown",
        [ERR_NOT_READY] = "not_ready",
        [ERR_UNAVAILABLE] = "unavailable",
        [ERR_NOMEM] = "out_of_memory",
        [ERR_INTERNAL] = "internal",
};

const char *err_code(enum err rc)
{
        return rc >= 0 && rc < ERR_COUNT && codes[rc] ? codes[rc] : "internal";
}

bool err_is_fault(enum err rc)
{
        return rc >= ERR_UNAVAILABLE;
}
