/* Who is asking, and may they. Until there are users, a loopback peer without any forwarding header
 * is the local administrator; everyone else holds an upload token or is anonymous. */
#ifndef CORE_CLOUD_AUTH_H
#define CORE_CLOUD_AUTH_H

#include <stdbool.h>

#include "core/base/ctx.h"
#include "core/base/ipnet.h"

enum permission {
        PERM_UNSET, /* a route that says nothing does not start */
        PERM_PUBLIC,
        PERM_JOB_VIEW,
        PERM_JOB_SUBMIT,
        PERM_JOB_CANCEL,
        PERM_JOB_DELETE,
        PERM_CONFIG,        /* admin.config */
        PERM_ADMIN_AUDIT,   /* admin.audit */
        PERM_LOGIN,         /* whoever is somebody: one's own things */
        PERM_STORAGE_READ,  /* administrators, and a job in its own bucket */
        PERM_STORAGE_WRITE, /* the same */
        PERM_COUNT
};

/* The permission's name: "job.view". */
const char *permission_name(enum permission permission);

/* What a request presents. NULL: not presented. */
struct credentials {
        struct ipaddr peer; /* REMOTE_ADDR */
        bool forwarded;     /* any header that a forwarding proxy adds is there */
        bool foreign;       /* a page of another site may have made the request */
        const char *api_key, *authorization, *upload_token;
};

/* Set ctx->actor. ERR_UNAUTHENTICATED: a credential is presented and is not good; a bad one never
 * falls through to a weaker identity. Faults. */
NODISCARD enum err auth_identify(struct ctx *ctx, const struct credentials *credentials);

/* ERR_UNAUTHENTICATED: anonymous. ERR_DENIED: known, but not allowed. */
NODISCARD enum err auth_require(struct ctx *ctx, enum permission permission);

/* For a job's token: its own bucket only. ERR_DENIED. Administrators pass. */
NODISCARD enum err auth_require_bucket(struct ctx *ctx, const char *bucket);

#endif
