#include "core/cloud/auth/permission.h"

#include <string.h>

/* clang-format off */
static const struct {
        const char *name, *description;
} permissions[PERM_COUNT] = {
        [PERM_UNSET] = { "unset", NULL },
        [PERM_PUBLIC] = { "public", NULL },
        [PERM_ANYONE] = { "anyone", NULL },
        [PERM_PROBE] = { "probe", NULL },
        [PERM_LOGIN] = { "login", NULL },
        [PERM_ACCOUNT] = { "account", NULL },
        [PERM_STORAGE_READ] = { "storage.read", NULL },
        [PERM_STORAGE_WRITE] = { "storage.write", NULL },
        [PERM_STORAGE_MAKE] = { "storage.make", NULL },
        [PERM_JOB_SUBMIT] = { "job.submit", "Submit jobs" },
        [PERM_JOB_VIEW_OWN] = { "job.view.own", "See own jobs" },
        [PERM_JOB_VIEW_ALL] = { "job.view.all", "See all jobs" },
        [PERM_JOB_CANCEL_OWN] = { "job.cancel.own", "Cancel own jobs" },
        [PERM_JOB_CANCEL_ALL] = { "job.cancel.all", "Cancel all jobs" },
        [PERM_JOB_DELETE_OWN] = { "job.delete.own", "Delete own jobs" },
        [PERM_JOB_DELETE_ALL] = { "job.delete.all", "Delete all jobs" },
        [PERM_JOB_PRIORITY_HIGH] = { "job.priority.high", "Submit with high priority" },
        [PERM_JOB_BYPASS_QUEUE] = { "job.bypass.queue", "Pass the queue" },
        [PERM_JOB_BYPASS_APPROVAL] = { "job.bypass.approval", "Submit without approval" },
        [PERM_JOB_BYPASS_QUOTA] = { "job.bypass.quota", "Submit beyond quotas" },
        [PERM_CONFIG_VIEW] = { "config.view", "See configurations" },
        [PERM_CONFIG_CREATE] = { "config.create", "Make configurations" },
        [PERM_CONFIG_EDIT_OWN] = { "config.edit.own", "Change own configurations" },
        [PERM_CONFIG_EDIT_ALL] = { "config.edit.all", "Change all configurations" },
        [PERM_CONFIG_DELETE_OWN] = { "config.delete.own", "Delete own configurations" },
        [PERM_CONFIG_DELETE_ALL] = { "config.delete.all", "Delete all configurations" },
        [PERM_QUEUE_VIEW] = { "queue.view", "See the queue" },
        [PERM_QUEUE_VIEW_ALL] = { "queue.view.all", "See everybody in the queue" },
        [PERM_QUEUE_CANCEL_OWN] = { "queue.cancel.own", "Take own jobs from the queue" },
        [PERM_QUEUE_CANCEL_ALL] = { "queue.cancel.all", "Take all jobs from the queue" },
        [PERM_QUEUE_APPROVE] = { "queue.approve", "Approve and reject blocked jobs" },
        [PERM_QUEUE_MANAGE] = { "queue.manage", "Set priorities and concurrency" },
        [PERM_QUOTA_VIEW] = { "quota.view", "See quotas" },
        [PERM_QUOTA_MANAGE] = { "quota.manage", "Set quotas" },
        [PERM_ADMIN_USERS] = { "admin.users", "Manage users" },
        [PERM_ADMIN_LEVELS] = { "admin.levels", "Manage levels and permissions" },
        [PERM_ADMIN_QUOTAS] = { "admin.quotas", "Administer quotas" },
        [PERM_ADMIN_APPROVE] = { "admin.approve", "Manage approvals" },
        [PERM_ADMIN_CONFIG] = { "admin.config", "Change the settings of the service" },
        [PERM_ADMIN_AUDIT] = { "admin.audit", "Read the audit log" },
        [PERM_ADMIN_QUEUE] = { "admin.queue", "Administer the queue" },
        [PERM_ADMIN_WORKERS] = { "admin.workers", "Administer workers" },
        [PERM_ADMIN_BACKUP] = { "admin.backup", "Make and restore backups" },
        [PERM_ADMIN_DATABASE] = { "admin.database", "Maintain the database" },
        [PERM_ORG_VIEW] = { "org.view", "See organisations" },
        [PERM_ORG_CREATE] = { "org.create", "Make organisations" },
        [PERM_ORG_EDIT] = { "org.edit", "Change organisations" },
        [PERM_ORG_DELETE] = { "org.delete", "Delete organisations" },
        [PERM_ORG_MANAGE_MEMBERS] = { "org.manage.members", "Manage members of organisations" },
        [PERM_ORG_MANAGE_QUOTAS] = { "org.manage.quotas", "Set limits of organisations" },
        [PERM_TEAM_VIEW] = { "team.view", "See teams" },
        [PERM_TEAM_CREATE] = { "team.create", "Make teams" },
        [PERM_TEAM_EDIT] = { "team.edit", "Change teams" },
        [PERM_TEAM_DELETE] = { "team.delete", "Delete teams" },
        [PERM_TEAM_MANAGE_MEMBERS] = { "team.manage.members", "Manage members of teams" },
        [PERM_TEAM_MANAGE_QUOTAS] = { "team.manage.quotas", "Set limits of teams" },
        [PERM_API_ACCESS] = { "api.access", "Use the API with keys" },
        [PERM_API_KEYS_OWN] = { "api.keys.own", "Make own API keys" },
        [PERM_API_KEYS_ALL] = { "api.keys.all", "Manage all API keys" },
};

/* Who has the first has the second. */
static const enum permission implied[][2] = {
        { PERM_JOB_VIEW_ALL, PERM_JOB_VIEW_OWN },
        { PERM_JOB_CANCEL_ALL, PERM_JOB_CANCEL_OWN },
        { PERM_JOB_DELETE_ALL, PERM_JOB_DELETE_OWN },
        { PERM_CONFIG_EDIT_ALL, PERM_CONFIG_EDIT_OWN },
        { PERM_CONFIG_DELETE_ALL, PERM_CONFIG_DELETE_OWN },
        { PERM_QUEUE_VIEW_ALL, PERM_QUEUE_VIEW },
        { PERM_QUEUE_CANCEL_ALL, PERM_QUEUE_CANCEL_OWN },
        { PERM_QUOTA_MANAGE, PERM_QUOTA_VIEW },
        { PERM_API_KEYS_ALL, PERM_API_KEYS_OWN },
};
/* clang-format on */

const char *permission_name(enum permission permission)
{
        return permissions[permission].name;
}

const char *permission_description(enum permission permission)
{
        return permissions[permission].description;
}

static permission_set bit(enum permission permission)
{
        return UINT64_C(1) << (permission - PERM_FIRST);
}

/* All whose names are word, or begin with it when it ends in "*". */
static permission_set matching(const char *word, size_t len)
{
        const bool below = word[len - 1] == '*';
        permission_set set = 0;

        if (below)
                len--;
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                const char *name = permissions[i].name;

                if (strncmp(name, word, len) == 0 && (below || name[len] == '\0'))
                        set |= bit(i);
        }
        return set;
}

bool permission_parse(const char *name, enum permission *ret)
{
        for (enum permission i = PERM_FIRST; i < PERM_COUNT; i++) {
                if (strcmp(permissions[i].name, name) == 0) {
                        *ret = i;
                        return true;
                }
        }
        return false;
}

permission_set permission_set_close(permission_set set)
{
        for (size_t i = 0; i < ARRAY_SIZE(implied); i++) {
                if (permission_set_has(set, implied[i][0]))
                        set |= bit(implied[i][1]);
        }
        return set;
}

permission_set permission_set_parse(const char *names)
{
        permission_set set = 0;

        for (const char *word = names; *word;) {
                size_t len = strcspn(word, " ");

                if (len > 0)
                        set |= matching(word, len);
                word += len + strspn(word + len, " ");
        }
        return set;
}

enum err permission_set_text(struct ctx *ctx, permission_set set, const char **ret)
{
        const char *text = "";

        if (set == PERMISSION_SET_ALL) {
                *ret = "*";
                return OK;
        }
        for (enum permission i = PERM_FIRST; text && i < PERM_COUNT; i++) {
                if (permission_set_has(set, i))
                        text = arena_printf(ctx->arena, "%s%s%s", text, *text ? " " : "",
                                            permissions[i].name);
        }
        if (!text)
                return ctx_nomem(ctx);
        *ret = text;
        return OK;
}
