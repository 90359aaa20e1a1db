/* Every handler: one file per resource, h_<resource>.c. */
#ifndef FCGI_HANDLERS_H
#define FCGI_HANDLERS_H

#include "fcgi/routes.h"

extern const struct operation openapi_show;
extern const struct operation breakers_list, breakers_reset;
extern const struct operation doctor_echo, doctor_stream, doctor_storage_get, doctor_storage_put;
extern const struct operation rate_limits_usage;
extern const struct operation health_plain, health_full, health_live, health_is_ready;
extern const struct operation providers_list, providers_show, providers_update;
extern const struct operation advanced_show, advanced_update;
extern const struct operation providers_token_save, providers_token_delete, providers_validate;
extern const struct operation providers_versions, providers_billing, providers_status,
        hardware_options;
extern const struct operation webhook_test_stored, webhook_test_outside, webhook_test_given;
extern const struct operation credentials_list, credentials_save, credentials_delete,
        credentials_validate;
extern const struct operation jobs_submit, jobs_list, jobs_show, jobs_cancel;
extern const struct operation jobs_retry, configs_list;
extern const struct operation jobs_delete, jobs_logs, jobs_progress, jobs_sync;
extern const struct operation costs_estimate, costs_limit_status, costs_metrics;
extern const struct operation jobs_archive;
extern const struct operation data_consent_preview, data_consent_show, data_consent_update;
extern const struct operation metrics_scrape, metrics_config_show, metrics_config_update,
        metrics_categories;
extern const struct operation metrics_templates, metrics_template_apply, metrics_preview,
        metrics_preview_posted;
extern const struct operation polling_show, polling_update;
extern const struct operation webhooks_receive;
extern const struct operation events_stream, events_recent;
extern const struct operation backups_list, backups_create, backups_show, backups_restore,
        backups_verify, backups_delete;
extern const struct operation deliveries_list, deliveries_show, deliveries_replay;
extern const struct operation audit_show;
extern const struct operation quotas_list, quotas_set, quotas_show, quotas_delete, quotas_types;
extern const struct operation quotas_user, quotas_me, quotas_estimate;
extern const struct operation quota_groups_list, quota_groups_set, quota_groups_delete;
extern const struct operation approval_rules_list, approval_rules_add, approval_rules_show;
extern const struct operation approval_rules_update, approval_rules_delete, approval_conditions;
extern const struct operation approvals_list, approvals_mine, approvals_pending, approvals_show,
        approvals_of_job;
extern const struct operation approvals_approve, approvals_reject, approvals_cancel,
        approvals_expire;
extern const struct operation approvals_bulk_approve, approvals_bulk_reject;
extern const struct operation queue_approve, queue_reject, queue_stats;
extern const struct operation auth_login, auth_logout, auth_me, auth_check, auth_change_password;
extern const struct operation auth_setup_status, auth_first_admin, auth_register;
extern const struct operation registration_show, registration_update;
extern const struct operation sessions_list, sessions_revoke, sessions_revoke_all;
extern const struct operation users_list, users_show, users_create, users_update, users_delete,
        users_auth_status;
extern const struct operation users_activate, users_deactivate, users_level_add, users_level_remove;
extern const struct operation users_permissions_show, users_permission_set, users_permission_clear;
extern const struct operation users_credentials_list, users_credentials_delete;
extern const struct operation profile_show, profile_update, profile_password, avatar_upload,
        avatar_delete, avatar_show;
extern const struct operation levels_list, levels_show, levels_create, levels_update, levels_delete;
extern const struct operation levels_set_permissions, permissions_list, level_rules_show,
        level_rules_update;
extern const struct operation resource_rules_list, resource_rules_show, resource_rules_create;
extern const struct operation resource_rules_update, resource_rules_delete;
extern const struct operation orgs_list, orgs_show, orgs_create, orgs_update, orgs_delete;
extern const struct operation org_members_list, org_members_add, org_members_remove;
extern const struct operation teams_list, teams_show, teams_create, teams_update, teams_delete;
extern const struct operation team_members_list, team_members_add, team_members_remove;
extern const struct operation api_keys_list, api_keys_add, api_keys_revoke;
extern const struct operation audit_show, audit_show_security, audit_show_user;
extern const struct operation audit_show_export, audit_target_show, audit_target_save;
extern const struct operation audit_show_stats, audit_show_types, audit_show_verify;
extern const struct operation s3_credentials_list, s3_credentials_add, s3_credentials_revoke;
extern const struct operation storage_buckets, storage_bucket_create, storage_bucket_delete,
        storage_location;
extern const struct operation storage_list, storage_get, storage_put, storage_delete,
        storage_delete_many;
extern const struct operation multipart_begin, multipart_put, multipart_end, multipart_cancel;
extern const struct operation uploads_list, parts_list;
extern const struct operation tags_show, tags_put, tags_delete;
extern const struct operation database_health, database_stats, database_verify, database_vacuum,
        database_migrations, database_migrate;

#endif
