"""What each kind of caller gets from each route, and what the routes are asked with."""

# A line for each route, a column for each kind of caller, in this order. They ask for what belongs
# to owner: his active job, its bucket and an object in it. viewer and foreign are strangers to it.
# scoped is a key of owner that may only job.view.own, job is the token of owner's job.
#   +  the caller may (whatever comes of it)     1  401     3  403     4  404
# What only S3 clients ask ("?uploads") is answered as S3 does, where strangers get 403.
CALLERS = ("anonymous", "viewer", "owner", "lead", "admin", "foreign", "scoped", "job")
EXPECTED = """
GET    /health                                               + + + + + + + +
GET    /api/cloud/health                                     + + + + + + + +
GET    /api/cloud/health/live                                + + + + + + + +
GET    /api/cloud/health/ready                               + + + + + + + +
GET    /api/metrics/health                                   + + + + + + + +
GET    /api/metrics/health/live                              + + + + + + + +
GET    /api/metrics/health/ready                             + + + + + + + +

GET    /api/cloud/doctor/echo                                4 4 4 4 4 4 4 4
GET    /api/events/doctor                                    4 4 4 4 4 4 4 4
GET    /api/cloud/storage/.doctor/{key...}                   4 4 4 4 4 4 4 4
PUT    /api/cloud/storage/.doctor/{key...}                   4 4 4 4 4 4 4 4

GET    /api/openapi.json                                     + + + + + + + +
GET    /api/cloud/providers                                  1 + + + + + 3 3
GET    /api/cloud/providers/{provider}                       1 3 3 3 + 3 3 3
PUT    /api/cloud/providers/{provider}                       1 3 3 3 + 3 3 3
GET    /api/cloud/providers/{provider}/config                1 3 3 3 + 3 3 3
PUT    /api/cloud/providers/{provider}/config                1 3 3 3 + 3 3 3
GET    /api/cloud/providers/{provider}/advanced              1 3 3 3 + 3 3 3
PATCH  /api/cloud/providers/{provider}/advanced              1 3 3 3 + 3 3 3
PUT    /api/cloud/providers/{provider}/token                 1 3 3 3 + 3 3 3
DELETE /api/cloud/providers/{provider}/token                 1 3 3 3 + 3 3 3
GET    /api/cloud/providers/{provider}/validate              1 3 3 3 + 3 3 3
GET    /api/cloud/providers/{provider}/versions              1 + + + + + 3 3
GET    /api/cloud/providers/{provider}/billing               1 + + + + + 3 3
GET    /api/cloud/providers/{provider}/status                1 + + + + + 3 3
POST   /api/cloud/providers/{provider}/test-webhook          1 3 3 3 + 3 3 3
POST   /api/cloud/providers/{provider}/test-webhook-external 1 3 3 3 + 3 3 3
GET    /api/cloud/hardware-options                           1 + + + + + 3 3

GET    /api/cloud/circuit-breakers                           1 3 3 3 + 3 3 3
POST   /api/cloud/circuit-breakers/{provider}/reset          1 3 3 3 + 3 3 3

GET    /api/rate-limits/usage                                1 3 3 3 + 3 3 3

GET    /api/users/me                                         1 + + + + + + 3
GET    /api/users/me/profile                                 1 + + + + + + 3
PATCH  /api/users/me/profile                                 1 + + + + + 3 3
PUT    /api/users/me/password                                1 + + + + + 3 3
POST   /api/users/me/avatar/upload                           1 + + + + + 3 3
DELETE /api/users/me/avatar                                  1 4 4 4 4 4 3 3
GET    /api/users/me/credentials                             1 + + + + + + 3
POST   /api/users/me/credentials                             1 + + + + + 3 3
POST   /api/users/me/credentials/validate                    1 + + + + + 3 3
DELETE /api/users/me/credentials/{provider}/{name}           1 4 4 4 4 4 3 3

GET    /api/users/meta/auth-status                           + + + + + + + +
GET    /api/users/meta/levels                                1 3 3 3 + 3 3 3
GET    /api/users/meta/permissions                           1 3 3 3 + 3 3 3
GET    /api/users/levels                                     1 3 3 3 + 3 3 3
POST   /api/users/levels                                     1 3 3 3 + 3 3 3
GET    /api/users/levels/{id}                                1 3 3 3 4 3 3 3
PUT    /api/users/levels/{id}                                1 3 3 3 4 3 3 3
DELETE /api/users/levels/{id}                                1 3 3 3 4 3 3 3
PUT    /api/users/levels/{id}/permissions                    1 3 3 3 + 3 3 3
GET    /api/users/levels/{id}/rules                          1 3 3 3 4 3 3 3
PUT    /api/users/levels/{id}/rules                          1 3 3 3 + 3 3 3
GET    /api/users/resource-rules                             1 3 3 3 + 3 3 3
POST   /api/users/resource-rules                             1 3 3 3 + 3 3 3
GET    /api/users/resource-rules/{id}                        1 3 3 3 4 3 3 3
PUT    /api/users/resource-rules/{id}                        1 3 3 3 4 3 3 3
DELETE /api/users/resource-rules/{id}                        1 3 3 3 4 3 3 3
GET    /api/users                                            1 3 3 3 + 3 3 3
POST   /api/users                                            1 3 3 3 + 3 3 3
GET    /api/users/{id}                                       1 3 3 3 4 3 3 3
PATCH  /api/users/{id}                                       1 3 3 3 4 3 3 3
DELETE /api/users/{id}                                       1 3 3 3 4 3 3 3
POST   /api/users/{id}/activate                              1 3 3 3 4 3 3 3
POST   /api/users/{id}/deactivate                            1 3 3 3 4 3 3 3
POST   /api/users/{id}/levels                                1 3 3 3 + 3 3 3
DELETE /api/users/{id}/levels/{name}                         1 3 3 3 4 3 3 3
GET    /api/users/{id}/permissions                           1 3 3 3 4 3 3 3
POST   /api/users/{id}/permissions                           1 3 3 3 + 3 3 3
DELETE /api/users/{id}/permissions/{name}                    1 3 3 3 + 3 3 3
GET    /api/users/{id}/credentials                           1 3 3 3 4 3 3 3
DELETE /api/users/{id}/credentials/{provider}/{name}         1 3 3 3 4 3 3 3
GET    /api/users/{id}/avatar                                1 4 4 4 4 4 4 3

GET    /api/orgs                                             1 3 3 + + 3 3 3
POST   /api/orgs                                             1 3 3 3 + 3 3 3
GET    /api/orgs/{org_id}                                    1 3 3 4 4 3 3 3
PATCH  /api/orgs/{org_id}                                    1 3 3 3 4 3 3 3
DELETE /api/orgs/{org_id}                                    1 3 3 3 4 3 3 3
GET    /api/orgs/{org_id}/members                            1 3 3 4 4 3 3 3
POST   /api/orgs/{org_id}/members                            1 3 3 3 + 3 3 3
DELETE /api/orgs/{org_id}/members/{user_id}                  1 3 3 3 4 3 3 3
GET    /api/orgs/{org_id}/teams                              1 3 3 4 4 3 3 3
POST   /api/orgs/{org_id}/teams                              1 3 3 + + 3 3 3
GET    /api/orgs/{org_id}/teams/{team_id}                    1 3 3 4 4 3 3 3
PATCH  /api/orgs/{org_id}/teams/{team_id}                    1 3 3 4 4 3 3 3
DELETE /api/orgs/{org_id}/teams/{team_id}                    1 3 3 3 4 3 3 3
GET    /api/orgs/{org_id}/teams/{team_id}/members            1 3 3 4 4 3 3 3
POST   /api/orgs/{org_id}/teams/{team_id}/members            1 3 3 + + 3 3 3
DELETE /api/orgs/{org_id}/teams/{team_id}/members/{user_id}  1 3 3 4 4 3 3 3

GET    /api/auth/setup/status                                + + + + + + + +
POST   /api/auth/setup/first-admin                           + + + + + + + +
POST   /api/auth/register                                    3 3 3 3 3 3 3 3
POST   /api/auth/login                                       1 1 1 1 1 1 1 1
POST   /api/auth/logout                                      + + + + + + + +
GET    /api/auth/check                                       + + + + + + + +
GET    /api/auth/me                                          1 + + + + + + 3
POST   /api/auth/change-password                             1 + + + + + 3 3
GET    /api/auth/sessions                                    1 + + + + + + 3
DELETE /api/auth/sessions/{session_id}                       1 4 + 4 4 4 3 3
DELETE /api/auth/sessions                                    1 + + + + + 3 3
GET    /api/auth/api-keys                                    1 + + + + + + 3
POST   /api/auth/api-keys                                    1 3 + + + + 3 3
DELETE /api/auth/api-keys/{key_id}                           1 4 + 4 + 4 3 3
GET    /api/cloud/settings/registration                      1 3 3 3 + 3 3 3
PUT    /api/cloud/settings/registration                      1 3 3 3 + 3 3 3

GET    /api/auth/s3-credentials                              1 + + + + + + 3
POST   /api/auth/s3-credentials                              1 + + + + + 3 3
DELETE /api/auth/s3-credentials/{access_key_id}              1 4 + 4 + 4 3 3

POST   /api/cloud/jobs                                       1 3 + + + + 3 3
POST   /api/cloud/jobs/submit                                1 3 + + + + 3 3
POST   /api/cloud/jobs/sync                                  1 3 3 3 + 3 3 3
GET    /api/cloud/jobs                                       1 + + + + + + 3
GET    /api/cloud/jobs/{job_id}                              1 4 + + + 4 + 3
DELETE /api/cloud/jobs/{job_id}                              1 3 + 3 + 4 3 3
POST   /api/cloud/jobs/{job_id}/cancel                       1 3 + 3 + 4 3 3
POST   /api/cloud/jobs/{job_id}/retry                        1 3 + 3 + 4 3 3
GET    /api/cloud/jobs/{job_id}/logs                         1 4 + + + 4 + 3
GET    /api/cloud/jobs/{job_id}/inline-progress              1 4 + + + 4 + 3
POST   /api/cloud/jobs/{job_id}/archive                      1 3 + 3 + 4 3 3
GET    /api/cloud/available-configs                          1 + + + + + 3 3

POST   /api/cloud/data-consent/preview                       1 3 + + + + 3 3
GET    /api/cloud/data-consent/setting                       1 + + + + + 3 3
PUT    /api/cloud/data-consent/setting                       1 3 3 3 + 3 3 3

POST   /api/cloud/cost-estimate                              1 3 + + + + 3 3
GET    /api/cloud/cost-limit/status                          1 + + + + + + 3
GET    /api/cloud/metrics                                    1 + + + + + + 3

GET    /api/cloud/metrics/prometheus                         + + + + + + + +
GET    /api/metrics/prometheus                               + + + + + + + +
GET    /api/cloud/metrics/config                             1 3 3 3 + 3 3 3
PUT    /api/cloud/metrics/config                             1 3 3 3 + 3 3 3
GET    /api/cloud/metrics/config/categories                  1 3 3 3 + 3 3 3
GET    /api/cloud/metrics/config/templates                   1 3 3 3 + 3 3 3
POST   /api/cloud/metrics/config/templates/{template_id}     1 3 3 3 4 3 3 3
POST   /api/cloud/metrics/config/apply-template/{template_id} 1 3 3 3 4 3 3 3
GET    /api/cloud/metrics/config/preview                     1 3 3 3 + 3 3 3
POST   /api/cloud/metrics/config/preview                     1 3 3 3 + 3 3 3
GET    /api/cloud/polling/status                             1 + + + + + 3 3
PUT    /api/cloud/polling/setting                            1 3 3 3 + 3 3 3

POST   /api/webhooks/test                                    1 3 3 3 + 3 3 3
POST   /api/webhooks/{provider}                              1 1 1 1 1 1 1 1
GET    /api/webhooks/deliveries                              1 3 3 3 + 3 3 3
GET    /api/webhooks/deliveries/{delivery_id}                1 3 3 3 4 3 3 3
POST   /api/webhooks/deliveries/{delivery_id}/replay         1 3 3 3 4 3 3 3

GET    /api/audit                                            1 3 3 + + 3 3 3
GET    /api/audit/stats                                      1 3 3 + + 3 3 3
GET    /api/audit/types                                      1 3 3 + + 3 3 3
GET    /api/audit/verify                                     1 3 3 + + 3 3 3
GET    /api/audit/security                                   1 3 3 + + 3 3 3
GET    /api/audit/export                                     1 3 3 + + 3 3 3
GET    /api/audit/export-config                              1 3 3 + + 3 3 3
POST   /api/audit/export-config                              1 3 3 3 + 3 3 3
GET    /api/audit/user/{user_id}                             1 3 3 + + 3 3 3

GET    /api/backup                                           1 3 3 3 + 3 3 3
POST   /api/backup                                           1 3 3 3 + 3 3 3
GET    /api/backup/{backup_id}                               1 3 3 3 4 3 3 3
DELETE /api/backup/{backup_id}                               1 3 3 3 4 3 3 3
POST   /api/backup/{backup_id}/restore                       1 3 3 3 4 3 3 3
POST   /api/backup/{backup_id}/verify                        1 3 3 3 4 3 3 3

GET    /api/database/health                                  1 3 3 3 + 3 3 3
GET    /api/database/stats                                   1 3 3 3 + 3 3 3
GET    /api/database/verify/{database}                       1 3 3 3 + 3 3 3
POST   /api/database/vacuum/{database}                       1 3 3 3 + 3 3 3
GET    /api/database/migrations                              1 3 3 3 + 3 3 3
POST   /api/database/migrations/run                          1 3 3 3 + 3 3 3

GET    /api/quotas                                           1 3 3 + + 3 3 3
POST   /api/quotas                                           1 3 3 3 + 3 3 3
GET    /api/quotas/types                                     1 3 3 + + 3 3 3
GET    /api/quotas/me                                        1 + + + + + + 3
POST   /api/quotas/cost-estimate                             1 + + + + + + 3
GET    /api/quotas/user/{user_id}                            1 3 3 + + 3 3 3
GET    /api/quotas/{quota_id}                                1 3 3 4 4 3 3 3
DELETE /api/quotas/{quota_id}                                1 3 3 3 4 3 3 3
GET    /api/orgs/{org_id}/quotas                             1 3 3 4 4 3 3 3
POST   /api/orgs/{org_id}/quotas                             1 3 3 3 4 3 3 3
DELETE /api/orgs/{org_id}/quotas/{quota_id}                  1 3 3 3 4 3 3 3
GET    /api/orgs/{org_id}/teams/{team_id}/quotas             1 3 3 4 4 3 3 3
POST   /api/orgs/{org_id}/teams/{team_id}/quotas             1 3 3 4 4 3 3 3
DELETE /api/orgs/{org_id}/teams/{team_id}/quotas/{quota_id}  1 3 3 4 4 3 3 3

GET    /api/approvals/rules                                  1 3 3 + + 3 3 3
POST   /api/approvals/rules                                  1 3 3 + + 3 3 3
GET    /api/approvals/rules/{rule_id}                        1 3 3 4 4 3 3 3
PATCH  /api/approvals/rules/{rule_id}                        1 3 3 4 4 3 3 3
DELETE /api/approvals/rules/{rule_id}                        1 3 3 4 4 3 3 3
GET    /api/approvals/conditions                             1 3 3 + + 3 3 3
GET    /api/approvals/me                                     1 + + + + + + 3
POST   /api/approvals/expire                                 1 3 3 + + 3 3 3
GET    /api/approvals/requests                               1 3 3 + + 3 3 3
POST   /api/approvals/requests/bulk-approve                  1 3 3 + + 3 3 3
POST   /api/approvals/requests/bulk-reject                   1 3 3 + + 3 3 3
GET    /api/approvals/requests/pending/count                 1 3 3 + + 3 3 3
GET    /api/approvals/requests/job/{job_id}                  1 4 4 4 4 4 4 3
GET    /api/approvals/requests/{request_id}                  1 3 3 4 4 3 3 3
POST   /api/approvals/requests/{request_id}/approve          1 3 3 4 4 3 3 3
POST   /api/approvals/requests/{request_id}/reject           1 3 3 4 4 3 3 3
POST   /api/approvals/requests/{request_id}/cancel           1 3 4 4 4 4 3 3
GET    /api/queue/stats                                      1 3 + + + + 3 3
POST   /api/queue/{job_id}/approve                           1 3 3 4 4 3 3 3
POST   /api/queue/{job_id}/reject                            1 3 3 4 4 3 3 3

GET    /api/events                                           1 + + + + + + 3
GET    /api/events/stream                                    1 + + + + + + 3
GET    /api/events/recent                                    1 + + + + + + 3

GET    /api/cloud/storage                                    1 + + + + + + +
GET    /api/cloud/storage/{bucket}?location                  3 4 + + + 4 + +
GET    /api/cloud/storage/{bucket}?uploads                   3 4 + + + 4 + +
GET    /api/cloud/storage/{bucket}                           1 4 + + + 4 + +
PUT    /api/cloud/storage/{bucket}                           1 3 3 3 + 3 3 +
DELETE /api/cloud/storage/{bucket}                           1 3 3 3 3 3 3 3
POST   /api/cloud/storage/{bucket}?delete                    3 3 + 3 + 4 3 +
GET    /api/cloud/storage/{bucket}/{key...}?uploadId         3 4 + + + 4 + +
GET    /api/cloud/storage/{bucket}/{key...}?tagging          3 4 + + + 4 + +
GET    /api/cloud/storage/{bucket}/{key...}                  1 4 + + + 4 + +
PUT    /api/cloud/storage/{bucket}/{key...}?uploadId         3 3 + 3 + 4 3 +
PUT    /api/cloud/storage/{bucket}/{key...}?tagging          3 3 + 3 + 4 3 +
PUT    /api/cloud/storage/{bucket}/{key...}                  1 3 + 3 + 4 3 +
POST   /api/cloud/storage/{bucket}/{key...}?uploads          3 3 + 3 + 4 3 +
POST   /api/cloud/storage/{bucket}/{key...}?uploadId         3 3 + 3 + 4 3 +
DELETE /api/cloud/storage/{bucket}/{key...}?uploadId         3 3 + 3 + 4 3 +
DELETE /api/cloud/storage/{bucket}/{key...}?tagging          3 3 + 3 + 4 3 +
DELETE /api/cloud/storage/{bucket}/{key...}                  1 3 + 3 + 4 3 +
"""

# What a route is asked with, where {} would not do or would do too much: its body, and parameters
# of its path. Each is a value, or a function of the scene and the number of the column.
ACCOUNT = {"username": "another", "email": "another@example.org", "password": "correct horse"}
QUOTA = {"quota_type": "jobs_per_day", "limit_value": 1}
REQUESTS = {
    "POST /api/auth/setup/first-admin": {"json": ACCOUNT},
    "POST /api/auth/register": {"json": ACCOUNT},
    "POST /api/auth/login": {
        "json": lambda _, column: {"username": f"nobody-{column}", "password": "correct horse"}},
    "POST /api/auth/api-keys": {"json": {"name": "matrix"}},
    "DELETE /api/auth/sessions/{session_id}": {
        "session_id": lambda scene, column: scene.sessions[column]},
    "DELETE /api/auth/api-keys/{key_id}": {"key_id": lambda scene, column: scene.keys[column]},
    "POST /api/cloud/jobs/{job_id}/cancel": {"job_id": lambda scene, _: scene.ended.job_id},
    "POST /api/users/me/credentials": {
        "json": {"provider": "replicate", "credential_name": "other", "value": "r8_x"}},
    "POST /api/auth/s3-credentials": {"json": {"name": "matrix"}},
    "DELETE /api/auth/s3-credentials/{access_key_id}": {
        "access_key_id": lambda scene, column: scene.s3_keys[column]},
    "PUT /api/cloud/storage/{bucket}/{key...}": {"key": "put.txt"},
    "DELETE /api/cloud/storage/{bucket}/{key...}": {"key": "never-was.txt"},
    "DELETE /api/cloud/providers/{provider}/token": {"provider": "http"},
    "PUT /api/cloud/providers/{provider}/token": {"provider": "http"},
    "PUT /api/cloud/polling/setting": {"json": {"enabled": None}},
    "POST /api/cloud/cost-estimate": {"json": []},
    "POST /api/quotas/cost-estimate": {"json": None},
    "POST /api/orgs/{org_id}/quotas": {"json": QUOTA},
    "POST /api/orgs/{org_id}/teams/{team_id}/quotas": {"json": QUOTA},
    "POST /api/approvals/requests/{request_id}/reject": {"json": {"reason": "no"}},
    "POST /api/queue/{job_id}/reject": {"json": {"reason": "no"}},
    "POST /api/cloud/data-consent/preview": {"json": []},
}
# These say what is missing in a bucket that the caller may see.
WITHIN_BUCKET = {"NoSuchUpload", "NoSuchKey"}
