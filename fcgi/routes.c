/* THE route table. HEAD is answered wherever GET is, OPTIONS everywhere. "?name" at the end of a
 * path asks for that query parameter; the row without it stands behind. */
#include "fcgi/routes.h"

#include <string.h>

#include "core/cloud/doctor/doctor_token.h"
#include "fcgi/handlers.h"
#include "fcgi/s3.h"

#define P_ID "/api/cloud/providers/{provider}"
#define J_ID "/api/cloud/jobs/{job_id}"
#define W_ID "/api/webhooks/deliveries/{delivery_id}"
#define A_R  "/api/approvals"
#define B_ID "/api/backup/{backup_id}"
#define M_C  "/api/cloud/metrics/config"
#define O_Q  "/api/orgs/{org_id}/quotas"
#define T_Q  "/api/orgs/{org_id}/teams/{team_id}/quotas"

#define DATABASE "/api/database"
#define USERS    "/api/users"
#define ME       USERS "/me"
#define LEVELS   USERS "/levels"
#define RULES    USERS "/resource-rules"
#define U_ID     USERS "/{id}"
#define ORGS     "/api/orgs"
#define O_ID     ORGS "/{org_id}"
#define TEAMS    O_ID "/teams"
#define T_ID     TEAMS "/{team_id}"

#define DOCTOR_KEY DOCTOR_STORAGE_PATH "/{key...}"

#define METRICS_HEALTH "/api/metrics/health"

#define BUCKET S3_PATH "/{bucket}"
#define OBJECT S3_PATH "/{bucket}/{key...}"
#define AUTH   "/api/auth"
#define S3     AUTH "/s3-credentials"

/* clang-format off */
static const struct route routes[] = {
  { METHOD_GET,    "/health",                                &health_plain,            PERM_PUBLIC,              BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/cloud/health",                      &health_full,             PERM_PROBE,               BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/cloud/health/live",                 &health_live,             PERM_PUBLIC,              BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/cloud/health/ready",                &health_is_ready,         PERM_PUBLIC,              BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    METRICS_HEALTH,                           &health_full,             PERM_PROBE,               BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    METRICS_HEALTH "/live",                   &health_live,             PERM_PUBLIC,              BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    METRICS_HEALTH "/ready",                  &health_is_ready,         PERM_PUBLIC,              BODY_NONE,   RATE_EXEMPT  },

  { METHOD_GET,    DOCTOR_ECHO_PATH,                         &doctor_echo,             PERM_PUBLIC,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    DOCTOR_STREAM_PATH,                       &doctor_stream,           PERM_PUBLIC,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    DOCTOR_KEY,                               &doctor_storage_get,      PERM_PUBLIC,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    DOCTOR_KEY,                               &doctor_storage_put,      PERM_PUBLIC,              BODY_STREAM, RATE_DEFAULT },

  { METHOD_GET,    "/api/openapi.json",                      &openapi_show,            PERM_PUBLIC,              BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/cloud/providers",                   &providers_list,          PERM_CONFIG_VIEW,         BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    P_ID,                                     &providers_show,          PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    P_ID,                                     &providers_update,        PERM_ADMIN_CONFIG,        256 * KiB,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/config",                           &providers_show,          PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    P_ID "/config",                           &providers_update,        PERM_ADMIN_CONFIG,        256 * KiB,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/advanced",                         &advanced_show,           PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  P_ID "/advanced",                         &advanced_update,         PERM_ADMIN_CONFIG,        64 * KiB,    RATE_DEFAULT },
  { METHOD_PUT,    P_ID "/token",                            &providers_token_save,    PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, P_ID "/token",                            &providers_token_delete,  PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/validate",                         &providers_validate,      PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/versions",                         &providers_versions,      PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/billing",                          &providers_billing,       PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    P_ID "/status",                           &providers_status,        PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   P_ID "/test-webhook",                     &webhook_test_stored,     PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   P_ID "/test-webhook-external",            &webhook_test_outside,    PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/hardware-options",            &hardware_options,        PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/cloud/circuit-breakers",            &breakers_list,           PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   "/api/cloud/circuit-breakers/{provider}/reset",
                                                             &breakers_reset,          PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/rate-limits/usage",                 &rate_limits_usage,       PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    ME,                                       &profile_show,            PERM_LOGIN,               BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    ME "/profile",                            &profile_show,            PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  ME "/profile",                            &profile_update,          PERM_ACCOUNT,             8 * KiB,     RATE_DEFAULT },
  { METHOD_PUT,    ME "/password",                           &profile_password,        PERM_ACCOUNT,             8 * KiB,     RATE_PASSWORD },
  { METHOD_POST,   ME "/avatar/upload",                      &avatar_upload,           PERM_ACCOUNT,             768 * KiB,   RATE_DEFAULT },
  { METHOD_DELETE, ME "/avatar",                             &avatar_delete,           PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    ME "/credentials",                        &credentials_list,        PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   ME "/credentials",                        &credentials_save,        PERM_ACCOUNT,             8 * KiB,     RATE_DEFAULT },
  { METHOD_POST,   ME "/credentials/validate",               &credentials_validate,    PERM_ACCOUNT,             4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, ME "/credentials/{provider}/{name}",      &credentials_delete,      PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    USERS "/meta/auth-status",                &users_auth_status,       PERM_ANYONE,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    USERS "/meta/levels",                     &levels_list,             PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    USERS "/meta/permissions",                &permissions_list,        PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    LEVELS,                                   &levels_list,             PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   LEVELS,                                   &levels_create,           PERM_ADMIN_LEVELS,        16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    LEVELS "/{id}",                           &levels_show,             PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    LEVELS "/{id}",                           &levels_update,           PERM_ADMIN_LEVELS,        16 * KiB,    RATE_DEFAULT },
  { METHOD_DELETE, LEVELS "/{id}",                           &levels_delete,           PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    LEVELS "/{id}/permissions",               &levels_set_permissions,  PERM_ADMIN_LEVELS,        16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    LEVELS "/{id}/rules",                     &level_rules_show,        PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    LEVELS "/{id}/rules",                     &level_rules_update,      PERM_ADMIN_USERS,         16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    RULES,                                    &resource_rules_list,     PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   RULES,                                    &resource_rules_create,   PERM_ADMIN_USERS,         16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    RULES "/{id}",                            &resource_rules_show,     PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    RULES "/{id}",                            &resource_rules_update,   PERM_ADMIN_USERS,         16 * KiB,    RATE_DEFAULT },
  { METHOD_DELETE, RULES "/{id}",                            &resource_rules_delete,   PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    USERS,                                    &users_list,              PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   USERS,                                    &users_create,            PERM_ADMIN_USERS,         16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    U_ID,                                     &users_show,              PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  U_ID,                                     &users_update,            PERM_ADMIN_USERS,         16 * KiB,    RATE_DEFAULT },
  { METHOD_DELETE, U_ID,                                     &users_delete,            PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   U_ID "/activate",                         &users_activate,          PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   U_ID "/deactivate",                       &users_deactivate,        PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   U_ID "/levels",                           &users_level_add,         PERM_ADMIN_LEVELS,        4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, U_ID "/levels/{name}",                    &users_level_remove,      PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    U_ID "/permissions",                      &users_permissions_show,  PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   U_ID "/permissions",                      &users_permission_set,    PERM_ADMIN_LEVELS,        4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, U_ID "/permissions/{name}",               &users_permission_clear,  PERM_ADMIN_LEVELS,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    U_ID "/credentials",                      &users_credentials_list,  PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_DELETE, U_ID "/credentials/{provider}/{name}",    &users_credentials_delete,PERM_ADMIN_USERS,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    U_ID "/avatar",                           &avatar_show,             PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    ORGS,                                     &orgs_list,               PERM_ORG_VIEW,            BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   ORGS,                                     &orgs_create,             PERM_ORG_CREATE,          8 * KiB,     RATE_DEFAULT },
  { METHOD_GET,    O_ID,                                     &orgs_show,               PERM_ORG_VIEW,            BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  O_ID,                                     &orgs_update,             PERM_ORG_EDIT,            8 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, O_ID,                                     &orgs_delete,             PERM_ORG_DELETE,          BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    O_ID "/members",                          &org_members_list,        PERM_ORG_VIEW,            BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   O_ID "/members",                          &org_members_add,         PERM_ORG_MANAGE_MEMBERS,  4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, O_ID "/members/{user_id}",                &org_members_remove,      PERM_ORG_MANAGE_MEMBERS,  BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    TEAMS,                                    &teams_list,              PERM_TEAM_VIEW,           BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   TEAMS,                                    &teams_create,            PERM_TEAM_CREATE,         8 * KiB,     RATE_DEFAULT },
  { METHOD_GET,    T_ID,                                     &teams_show,              PERM_TEAM_VIEW,           BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  T_ID,                                     &teams_update,            PERM_TEAM_EDIT,           8 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, T_ID,                                     &teams_delete,            PERM_TEAM_DELETE,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    T_ID "/members",                          &team_members_list,       PERM_TEAM_VIEW,           BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   T_ID "/members",                          &team_members_add,        PERM_TEAM_MANAGE_MEMBERS, 4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, T_ID "/members/{user_id}",                &team_members_remove,     PERM_TEAM_MANAGE_MEMBERS, BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    AUTH "/setup/status",                     &auth_setup_status,       PERM_ANYONE,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   AUTH "/setup/first-admin",                &auth_first_admin,        PERM_ANYONE,              8 * KiB,     RATE_REGISTER },
  { METHOD_POST,   AUTH "/register",                         &auth_register,           PERM_ANYONE,              8 * KiB,     RATE_REGISTER },
  { METHOD_POST,   AUTH "/login",                            &auth_login,              PERM_ANYONE,              8 * KiB,     RATE_LOGIN   },
  { METHOD_POST,   AUTH "/logout",                           &auth_logout,             PERM_ANYONE,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    AUTH "/check",                            &auth_check,              PERM_ANYONE,              BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    AUTH "/me",                               &auth_me,                 PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   AUTH "/change-password",                  &auth_change_password,    PERM_ACCOUNT,             8 * KiB,     RATE_PASSWORD },
  { METHOD_GET,    AUTH "/sessions",                         &sessions_list,           PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_DELETE, AUTH "/sessions",                         &sessions_revoke_all,     PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },
  { METHOD_DELETE, AUTH "/sessions/{session_id}",            &sessions_revoke,         PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    AUTH "/api-keys",                         &api_keys_list,           PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   AUTH "/api-keys",                         &api_keys_add,            PERM_API_KEYS_OWN,        8 * KiB,     RATE_API_KEYS },
  { METHOD_DELETE, AUTH "/api-keys/{key_id}",                &api_keys_revoke,         PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/settings/registration",       &registration_show,       PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    "/api/cloud/settings/registration",       &registration_update,     PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },

  { METHOD_GET,    S3,                                       &s3_credentials_list,     PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   S3,                                       &s3_credentials_add,      PERM_ACCOUNT,             4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, S3 "/{access_key_id}",                    &s3_credentials_revoke,   PERM_ACCOUNT,             BODY_NONE,   RATE_DEFAULT },

  { METHOD_POST,   "/api/cloud/jobs",                        &jobs_submit,             PERM_JOB_SUBMIT,          1 * MiB,     RATE_SUBMIT  },
  { METHOD_POST,   "/api/cloud/jobs/submit",                 &jobs_submit,             PERM_JOB_SUBMIT,          1 * MiB,     RATE_SUBMIT  },
  { METHOD_POST,   "/api/cloud/jobs/sync",                   &jobs_sync,               PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/jobs",                        &jobs_list,               PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    J_ID,                                     &jobs_show,               PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_DELETE, J_ID,                                     &jobs_delete,             PERM_JOB_DELETE_OWN,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   J_ID "/cancel",                           &jobs_cancel,             PERM_JOB_CANCEL_OWN,      BODY_NONE,   RATE_CANCEL  },
  { METHOD_POST,   J_ID "/retry",                            &jobs_retry,              PERM_JOB_SUBMIT,          4 * KiB,     RATE_SUBMIT  },
  { METHOD_GET,    J_ID "/logs",                             &jobs_logs,               PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    J_ID "/inline-progress",                  &jobs_progress,           PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/available-configs",           &configs_list,            PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   J_ID "/archive",                          &jobs_archive,            PERM_JOB_CANCEL_OWN,      BODY_NONE,   RATE_DEFAULT },

  { METHOD_POST,   "/api/cloud/data-consent/preview",        &data_consent_preview,    PERM_JOB_SUBMIT,          1 * MiB,     RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/data-consent/setting",        &data_consent_show,       PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    "/api/cloud/data-consent/setting",        &data_consent_update,     PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },

  { METHOD_POST,   "/api/cloud/cost-estimate",               &costs_estimate,          PERM_JOB_SUBMIT,          1 * MiB,     RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/cost-limit/status",           &costs_limit_status,      PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/cloud/metrics",                     &costs_metrics,           PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/cloud/polling/status",              &polling_show,            PERM_CONFIG_VIEW,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    "/api/cloud/polling/setting",             &polling_update,          PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },

  { METHOD_GET,    "/api/cloud/metrics/prometheus",          &metrics_scrape,          PERM_PROBE,               BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/metrics/prometheus",                &metrics_scrape,          PERM_PROBE,               BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    M_C,                                      &metrics_config_show,     PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_PUT,    M_C,                                      &metrics_config_update,   PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },
  { METHOD_GET,    M_C "/categories",                        &metrics_categories,      PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    M_C "/templates",                         &metrics_templates,       PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   M_C "/templates/{template_id}",           &metrics_template_apply,  PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   M_C "/apply-template/{template_id}",      &metrics_template_apply,  PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    M_C "/preview",                           &metrics_preview,         PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   M_C "/preview",                           &metrics_preview_posted,  PERM_ADMIN_CONFIG,        4 * KiB,     RATE_DEFAULT },

  { METHOD_POST,   "/api/webhooks/test",                     &webhook_test_given,      PERM_ADMIN_CONFIG,        8 * KiB,     RATE_WEBHOOK },
  { METHOD_POST,   "/api/webhooks/{provider}",               &webhooks_receive,        PERM_PUBLIC,              8 * MiB,     RATE_WEBHOOK },
  { METHOD_GET,    "/api/webhooks/deliveries",               &deliveries_list,         PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_WEBHOOK },
  { METHOD_GET,    W_ID,                                     &deliveries_show,         PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_WEBHOOK },
  { METHOD_POST,   W_ID "/replay",                           &deliveries_replay,       PERM_ADMIN_CONFIG,        BODY_NONE,   RATE_WEBHOOK },

  { METHOD_GET,    "/api/audit",                             &audit_show,              PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/stats",                       &audit_show_stats,        PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/types",                       &audit_show_types,        PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/verify",                      &audit_show_verify,       PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/security",                    &audit_show_security,     PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/export",                      &audit_show_export,       PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/export-config",               &audit_target_show,       PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   "/api/audit/export-config",               &audit_target_save,       PERM_ADMIN_CONFIG,        16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    "/api/audit/user/{user_id}",              &audit_show_user,         PERM_ADMIN_AUDIT,         BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/backup",                            &backups_list,            PERM_ADMIN_BACKUP,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   "/api/backup",                            &backups_create,          PERM_ADMIN_BACKUP,        8 * KiB,     RATE_DEFAULT },
  { METHOD_GET,    B_ID,                                     &backups_show,            PERM_ADMIN_BACKUP,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_DELETE, B_ID,                                     &backups_delete,          PERM_ADMIN_BACKUP,        BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   B_ID "/restore",                          &backups_restore,         PERM_ADMIN_BACKUP,        8 * KiB,     RATE_DEFAULT },
  { METHOD_POST,   B_ID "/verify",                           &backups_verify,          PERM_ADMIN_BACKUP,        BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    "/api/quotas",                            &quotas_list,             PERM_QUOTA_VIEW,          BODY_NONE,   RATE_QUOTAS  },
  { METHOD_POST,   "/api/quotas",                            &quotas_set,              PERM_QUOTA_MANAGE,        4 * KiB,     RATE_QUOTAS  },
  { METHOD_GET,    "/api/quotas/types",                      &quotas_types,            PERM_QUOTA_VIEW,          BODY_NONE,   RATE_QUOTAS  },
  { METHOD_GET,    "/api/quotas/me",                         &quotas_me,               PERM_LOGIN,               BODY_NONE,   RATE_QUOTAS  },
  { METHOD_POST,   "/api/quotas/cost-estimate",              &quotas_estimate,         PERM_LOGIN,               BODY_NONE,   RATE_QUOTAS  },
  { METHOD_GET,    "/api/quotas/user/{user_id}",             &quotas_user,             PERM_QUOTA_VIEW,          BODY_NONE,   RATE_QUOTAS  },
  { METHOD_GET,    "/api/quotas/{quota_id}",                 &quotas_show,             PERM_QUOTA_VIEW,          BODY_NONE,   RATE_QUOTAS  },
  { METHOD_DELETE, "/api/quotas/{quota_id}",                 &quotas_delete,           PERM_QUOTA_MANAGE,        BODY_NONE,   RATE_QUOTAS  },
  { METHOD_GET,    O_Q,                                      &quota_groups_list,       PERM_ORG_VIEW,            BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   O_Q,                                      &quota_groups_set,        PERM_ORG_MANAGE_QUOTAS,   4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, O_Q "/{quota_id}",                        &quota_groups_delete,     PERM_ORG_MANAGE_QUOTAS,   BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    T_Q,                                      &quota_groups_list,       PERM_TEAM_VIEW,           BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   T_Q,                                      &quota_groups_set,        PERM_TEAM_MANAGE_QUOTAS,  4 * KiB,     RATE_DEFAULT },
  { METHOD_DELETE, T_Q "/{quota_id}",                        &quota_groups_delete,     PERM_TEAM_MANAGE_QUOTAS,  BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    A_R "/rules",                             &approval_rules_list,     PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   A_R "/rules",                             &approval_rules_add,      PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    A_R "/rules/{rule_id}",                   &approval_rules_show,     PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_PATCH,  A_R "/rules/{rule_id}",                   &approval_rules_update,   PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_DELETE, A_R "/rules/{rule_id}",                   &approval_rules_delete,   PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    A_R "/conditions",                        &approval_conditions,     PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    A_R "/me",                                &approvals_mine,          PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   A_R "/expire",                            &approvals_expire,        PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    A_R "/requests",                          &approvals_list,          PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   A_R "/requests/bulk-approve",             &approvals_bulk_approve,  PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_POST,   A_R "/requests/bulk-reject",              &approvals_bulk_reject,   PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_GET,    A_R "/requests/pending/count",            &approvals_pending,       PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    A_R "/requests/job/{job_id}",             &approvals_of_job,        PERM_LOGIN,               BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    A_R "/requests/{request_id}",             &approvals_show,          PERM_ADMIN_APPROVE,       BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   A_R "/requests/{request_id}/approve",     &approvals_approve,       PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_POST,   A_R "/requests/{request_id}/reject",      &approvals_reject,        PERM_ADMIN_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_POST,   A_R "/requests/{request_id}/cancel",      &approvals_cancel,        PERM_JOB_CANCEL_OWN,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,    "/api/queue/stats",                       &queue_stats,             PERM_QUEUE_VIEW,          BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,   "/api/queue/{job_id}/approve",            &queue_approve,           PERM_QUEUE_APPROVE,       16 * KiB,    RATE_DEFAULT },
  { METHOD_POST,   "/api/queue/{job_id}/reject",             &queue_reject,            PERM_QUEUE_APPROVE,       16 * KiB,    RATE_DEFAULT },

  { METHOD_GET,    "/api/events",                            &events_stream,           PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/events/stream",                     &events_stream,           PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_EXEMPT  },
  { METHOD_GET,    "/api/events/recent",                     &events_recent,           PERM_JOB_VIEW_OWN,        BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,      DATABASE "/health",                        &database_health,         PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,      DATABASE "/stats",                         &database_stats,          PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,      DATABASE "/verify/{database}",             &database_verify,         PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,     DATABASE "/vacuum/{database}",             &database_vacuum,         PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_GET,      DATABASE "/migrations",                    &database_migrations,     PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },
  { METHOD_POST,     DATABASE "/migrations/run",                &database_migrate,        PERM_ADMIN_DATABASE,      BODY_NONE,   RATE_DEFAULT },

  { METHOD_GET,    S3_PATH,                                  &storage_buckets,         PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },

  { METHOD_GET,    BUCKET "?location",                       &storage_location,        PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_GET,    BUCKET "?uploads",                        &uploads_list,            PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_GET,    BUCKET,                                   &storage_list,            PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_PUT,    BUCKET,                                   &storage_bucket_create,   PERM_STORAGE_MAKE,        64 * KiB,    RATE_STORAGE },
  { METHOD_DELETE, BUCKET,                                   &storage_bucket_delete,   PERM_STORAGE_MAKE,        BODY_NONE,   RATE_STORAGE },
  { METHOD_POST,   BUCKET "?delete",                         &storage_delete_many,     PERM_STORAGE_WRITE,       2 * MiB,     RATE_STORAGE },

  { METHOD_GET,    OBJECT "?uploadId",                       &parts_list,              PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_GET,    OBJECT "?tagging",                        &tags_show,               PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_GET,    OBJECT,                                   &storage_get,             PERM_STORAGE_READ,        BODY_NONE,   RATE_STORAGE },
  { METHOD_PUT,    OBJECT "?uploadId",                       &multipart_put,           PERM_STORAGE_WRITE,       BODY_STREAM, RATE_STORAGE },
  { METHOD_PUT,    OBJECT "?tagging",                        &tags_put,                PERM_STORAGE_WRITE,       64 * KiB,    RATE_STORAGE },
  { METHOD_PUT,    OBJECT,                                   &storage_put,             PERM_STORAGE_WRITE,       BODY_STREAM, RATE_STORAGE },
  { METHOD_POST,   OBJECT "?uploads",                        &multipart_begin,         PERM_STORAGE_WRITE,       BODY_NONE,   RATE_STORAGE },
  { METHOD_POST,   OBJECT "?uploadId",                       &multipart_end,           PERM_STORAGE_WRITE,       4 * MiB,     RATE_STORAGE },
  { METHOD_DELETE, OBJECT "?uploadId",                       &multipart_cancel,        PERM_STORAGE_WRITE,       BODY_NONE,   RATE_STORAGE },
  { METHOD_DELETE, OBJECT "?tagging",                        &tags_delete,             PERM_STORAGE_WRITE,       BODY_NONE,   RATE_STORAGE },
  { METHOD_DELETE, OBJECT,                                   &storage_delete,          PERM_STORAGE_WRITE,       BODY_NONE,   RATE_STORAGE },
};
/* clang-format on */

const struct route *routes_all(size_t *ret_count)
{
        *ret_count = ARRAY_SIZE(routes);
        return routes;
}

/* Paths and names are of letters that JSON leaves as they are. */
void routes_print(FILE *out)
{
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
                fprintf(out, "{\"method\": \"%s\", \"path\": \"%s\", \"permission\": \"%s\"}\n",
                        method_name(routes[i].method), routes[i].path,
                        permission_name(routes[i].permission));
}

const char *routes_check(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
                const struct route *route = &routes[i];

                if (!route->operation || route->permission == PERM_UNSET ||
                    route->rate == RATE_UNSET)
                        return route->path;
                for (size_t j = 0; j < i; j++) {
                        if (route->method == routes[j].method &&
                            strcmp(route->path, routes[j].path) == 0)
                                return route->path;
                }
        }
        return NULL;
}
