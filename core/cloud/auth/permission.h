/* Permissions: their names, and sets of them. Levels, overrides and the scopes of API keys are kept
 * as names ("job.submit job.view.own"), so that rows outlive every change of this list. */
#ifndef CORE_CLOUD_AUTH_PERMISSION_H
#define CORE_CLOUD_AUTH_PERMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/ctx.h"

/* The first are rules of routes, which nobody can be given; up to PERM_PROBE strangers pass. A
 * route that needs "own" is passed by those who have "all" too: who has the one has the other. */
enum permission {
        PERM_UNSET,         /* a route that says nothing does not start */
        PERM_PUBLIC,        /* nobody looks at who is asking */
        PERM_ANYONE,        /* strangers too, but the answer depends on who is asking */
        PERM_PROBE,         /* the same, also while nobody can be looked up */
        PERM_LOGIN,         /* whoever is somebody: looking at one's own things */
        PERM_ACCOUNT,       /* the same, but no key whose scopes bound it: changing them */
        PERM_STORAGE_READ,  /* a job in its own bucket, and who may see the bucket's job */
        PERM_STORAGE_WRITE, /* a job in its own bucket, and who may delete the bucket's job */
        PERM_STORAGE_MAKE,  /* making and removing buckets: a job its own, and admin.config */
        PERM_JOB_SUBMIT,    /* the first that has a name */
        PERM_JOB_VIEW_OWN,
        PERM_JOB_VIEW_ALL,
        PERM_JOB_CANCEL_OWN,
        PERM_JOB_CANCEL_ALL,
        PERM_JOB_DELETE_OWN,
        PERM_JOB_DELETE_ALL,
        PERM_JOB_PRIORITY_HIGH,
        PERM_JOB_BYPASS_QUEUE,
        PERM_JOB_BYPASS_APPROVAL,
        PERM_JOB_BYPASS_QUOTA,
        PERM_CONFIG_VIEW,
        PERM_CONFIG_CREATE,
        PERM_CONFIG_EDIT_OWN,
        PERM_CONFIG_EDIT_ALL,
        PERM_CONFIG_DELETE_OWN,
        PERM_CONFIG_DELETE_ALL,
        PERM_QUEUE_VIEW,
        PERM_QUEUE_VIEW_ALL,
        PERM_QUEUE_CANCEL_OWN,
        PERM_QUEUE_CANCEL_ALL,
        PERM_QUEUE_APPROVE,
        PERM_QUEUE_MANAGE,
        PERM_QUOTA_VIEW,
        PERM_QUOTA_MANAGE,
        PERM_ADMIN_USERS,
        PERM_ADMIN_LEVELS,
        PERM_ADMIN_QUOTAS,
        PERM_ADMIN_APPROVE,
        PERM_ADMIN_CONFIG,
        PERM_ADMIN_AUDIT,
        PERM_ADMIN_QUEUE,
        PERM_ADMIN_WORKERS,
        PERM_ADMIN_BACKUP,
        PERM_ADMIN_DATABASE,
        PERM_ORG_VIEW,
        PERM_ORG_CREATE,
        PERM_ORG_EDIT,
        PERM_ORG_DELETE,
        PERM_ORG_MANAGE_MEMBERS,
        PERM_ORG_MANAGE_QUOTAS,
        PERM_TEAM_VIEW,
        PERM_TEAM_CREATE,
        PERM_TEAM_EDIT,
        PERM_TEAM_DELETE,
        PERM_TEAM_MANAGE_MEMBERS,
        PERM_TEAM_MANAGE_QUOTAS,
        PERM_API_ACCESS,
        PERM_API_KEYS_OWN,
        PERM_API_KEYS_ALL,
        PERM_COUNT
};
#define PERM_FIRST PERM_JOB_SUBMIT

/* "job.view.all"; of the first ones a word in the same style. Never NULL. */
const char *permission_name(enum permission permission);
/* What it allows, for people: "See all jobs". NULL for those that nobody can be given. */
const char *permission_description(enum permission permission);
/* Its category: what stands before the first dot. */
bool permission_parse(const char *name, enum permission *ret);

/* A set as bits: bit n is the permission PERM_FIRST + n. struct actor carries one. */
typedef uint64_t permission_set;
#define PERMISSION_SET_ALL ((UINT64_C(1) << (PERM_COUNT - PERM_FIRST)) - 1)
_Static_assert(PERM_COUNT - PERM_FIRST < 64, "a set is one word");

static inline bool permission_set_has(permission_set set, enum permission permission)
{
        return permission >= PERM_FIRST && (set >> (permission - PERM_FIRST) & 1);
}
static inline bool permission_set_within(permission_set set, permission_set other)
{
        return (set & ~other) == 0;
}

/* Names separated by spaces, "*" and "job.*" among them, as a set. Unknown words are nothing: of a
 * newer program's level the rest still counts. */
permission_set permission_set_parse(const char *names);
/* With "own" wherever it has "all". */
permission_set permission_set_close(permission_set set);

/* The names of a set in the order above, separated by spaces; "*" for all. ERR_NOMEM. */
NODISCARD enum err permission_set_text(struct ctx *ctx, permission_set set, const char **ret);

#endif
