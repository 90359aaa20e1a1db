/* Every handler: one file per resource, h_<resource>.c. */
#ifndef FCGI_HANDLERS_H
#define FCGI_HANDLERS_H

#include "fcgi/routes.h"

handler_fn breakers_list, breakers_reset;
handler_fn doctor_echo, doctor_stream, doctor_storage_get;
handler_fn rate_limits_usage;
handler_fn health_plain, health_full, health_live, health_is_ready;
handler_fn providers_list, providers_show, providers_update;
handler_fn advanced_show, advanced_update;
handler_fn providers_token_save, providers_token_delete, providers_validate;
handler_fn providers_versions, providers_billing, providers_status, hardware_options;
handler_fn webhook_test_stored, webhook_test_outside, webhook_test_given;
handler_fn credentials_list, credentials_save, credentials_delete, credentials_validate;
handler_fn jobs_submit, jobs_list, jobs_show, jobs_cancel;
handler_fn jobs_retry, configs_list;
handler_fn jobs_delete, jobs_logs, jobs_progress, jobs_sync;
handler_fn costs_estimate, costs_limit_status, costs_metrics;
handler_fn jobs_archive;
handler_fn data_consent_preview, data_consent_show, data_consent_update;
handler_fn metrics_scrape, metrics_config_show, metrics_config_update, metrics_categories;
handler_fn metrics_templates, metrics_template_apply, metrics_preview, metrics_preview_posted;
handler_fn polling_show, polling_update;
handler_fn webhooks_receive;
handler_fn events_stream, events_recent;
handler_fn deliveries_list, deliveries_show, deliveries_replay;
handler_fn audit_show;
handler_fn quotas_list, quotas_set, quotas_show, quotas_delete, quotas_types;
handler_fn quotas_user, quotas_me, quotas_estimate;
handler_fn quota_groups_list, quota_groups_set, quota_groups_delete;
handler_fn approval_rules_list, approval_rules_add, approval_rules_show;
handler_fn approval_rules_update, approval_rules_delete, approval_conditions;
handler_fn approvals_list, approvals_mine, approvals_pending, approvals_show, approvals_of_job;
handler_fn approvals_approve, approvals_reject, approvals_cancel, approvals_expire;
handler_fn approvals_bulk_approve, approvals_bulk_reject;
handler_fn queue_approve, queue_reject, queue_stats;
handler_fn auth_login, auth_logout, auth_me, auth_check, auth_change_password;
handler_fn auth_setup_status, auth_first_admin, auth_register;
handler_fn registration_show, registration_update;
handler_fn sessions_list, sessions_revoke, sessions_revoke_all;
handler_fn users_list, users_show, users_create, users_update, users_delete, users_auth_status;
handler_fn users_activate, users_deactivate, users_level_add, users_level_remove;
handler_fn users_permissions_show, users_permission_set, users_permission_clear;
handler_fn users_credentials_list, users_credentials_delete;
handler_fn profile_show, profile_update, profile_password, avatar_upload, avatar_delete,
        avatar_show;
handler_fn levels_list, levels_show, levels_create, levels_update, levels_delete;
handler_fn levels_set_permissions, permissions_list, level_rules_show, level_rules_update;
handler_fn resource_rules_list, resource_rules_show, resource_rules_create;
handler_fn resource_rules_update, resource_rules_delete;
handler_fn orgs_list, orgs_show, orgs_create, orgs_update, orgs_delete;
handler_fn org_members_list, org_members_add, org_members_remove;
handler_fn teams_list, teams_show, teams_create, teams_update, teams_delete;
handler_fn team_members_list, team_members_add, team_members_remove;
handler_fn api_keys_list, api_keys_add, api_keys_revoke;
handler_fn audit_show, audit_show_security, audit_show_user;
handler_fn audit_export, audit_target_show, audit_target_save;
handler_fn audit_show_stats, audit_show_types, audit_show_verify;
handler_fn s3_credentials_list, s3_credentials_add, s3_credentials_revoke;
handler_fn storage_buckets, storage_bucket_create, storage_bucket_delete, storage_location;
handler_fn storage_list, storage_get, storage_put, storage_delete, storage_delete_many;
handler_fn multipart_begin, multipart_put, multipart_end, multipart_cancel;
handler_fn uploads_list, parts_list;
handler_fn tags_show, tags_put, tags_delete;

#endif
