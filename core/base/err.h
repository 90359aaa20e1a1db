/* The one closed set of results. Two classes:
 *   conditions  documented per function; the caller handles or answers them.
 *   faults      never matched on, passed up unchanged, logged once at the top.
 * fcgi/reply.c alone turns them into HTTP statuses, core/cron/main.c alone into exit codes. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stdbool.h>

enum err {
        OK = 0,
        /* conditions */
        ERR_NOT_FOUND,        /* no such thing, or the caller may not know of it */
        ERR_CONFLICT,         /* the thing is in a state that forbids this */
        ERR_INVALID,          /* the input is wrong; detail names the field */
        ERR_UNAUTHENTICATED,  /* no credential, or a bad one */
        ERR_DENIED,           /* known caller without the right */
        ERR_LIMITED,          /* a rate or quota limit */
        ERR_OVER_LIMIT,       /* it would cost more than may be spent */
        ERR_OVER_QUOTA,       /* a quota of who asks does not allow it */
        ERR_TOO_LARGE,        /* the body exceeds what the route takes */
        ERR_PRECONDITION,     /* what the caller made it depend on is not so */
        ERR_RANGE,            /* nothing of the thing is in the range asked for */
        ERR_UNSUPPORTED,      /* a known wish that this service does not fulfil */
        ERR_UNSUPPORTED_TYPE, /* the body is of a type the route does not take */
        ERR_NO_SPACE,         /* the disk or a quota is full */
        ERR_PROVIDER,         /* the provider refused or answered nonsense; nothing happened */
        ERR_OUTCOME_UNKNOWN,  /* the provider did not answer; it may or may not have happened */
        ERR_NOT_READY,        /* waits for the operator or for time; detail may be shown */
        /* faults */
        ERR_UNAVAILABLE, /* something we depend on is away; trying again later makes sense */
        ERR_NOMEM,
        ERR_INTERNAL,
        ERR_COUNT
};

/* The stable word for a result in answers and logs: "not_found". Never NULL. */
const char *err_code(enum err rc);

/* True for results that are our own fault and belong in the error log. */
bool err_is_fault(enum err rc);

#endif
