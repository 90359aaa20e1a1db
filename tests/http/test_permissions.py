"""Who may use which route: every route with every kind of caller, compared with a table."""

import json
import re
import subprocess
import urllib.parse

import pytest

from people import Anonymous, Bearer, Person
from s3_clients import new_credentials
from stack import RESPONDER, Stack

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


def routes():
    lines = subprocess.run([RESPONDER, "--routes"], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def expected():
    """{"GET /health": "++++++++"}"""
    lines = [line.split() for line in EXPECTED.splitlines() if line]
    return {f"{method} {path}": "".join(marks) for method, path, *marks in lines}


class Scene:
    """A service with people, and what belongs to one of them."""

    def __init__(self, stack):
        self.stack = stack
        stack.reset()
        self.admin = Person(stack, "matrix-admin", "admin")
        self.owner = Person(stack, "matrix-owner", "researcher")
        self.foreign = Person(stack, "matrix-foreign", "researcher")
        self.lead = Person(stack, "matrix-lead", "lead")
        # A viewer has no use of keys; with that added he can be asked like the others.
        self.viewer = Person(stack, "matrix-viewer", "viewer", granted="api.access")
        self.scoped = Bearer(stack, X_API_Key=self.owner.new_key(scopes="job.view.own"))
        self.anonymous = Anonymous(stack)
        self.active = self.owner.new_job()
        self.ended = self.owner.ended_job()
        self.job = Bearer(stack, X_Upload_Token=self.active.token)
        assert stack.upload(self.active, "kept.txt", b"text").status_code in (200, 201)
        # One of each kind for each column, to be removed by those who may.
        columns = range(len(CALLERS))
        self.s3_keys = [new_credentials(self.owner, f"key {i}")[0] for i in columns]
        self.keys = [self.owner.key_id(self.owner.new_key()) for _ in columns]
        self.sessions = [self.owner.new_session() for _ in columns]

    def values(self, route, column):
        values = {"quota_id": "999999", "rule_id": "999999", "request_id": "999999",
                  "provider": "replicate", "user_id": str(self.owner.user_id), "json": {},
                  "job_id": self.active.job_id, "name": "no-such-name", "key": "kept.txt",
                  "delivery_id": "no-such-delivery", "bucket": self.active.job_id,
                  "id": "999999999", "org_id": "999999999", "team_id": "999999999"}
        return {name: value(self, column) if callable(value) else value
                for name, value in (values | REQUESTS.get(route, {})).items()}

    def ask(self, route, column):
        """The mark that this caller's answer deserves."""
        method, path = route.split(" ", 1)
        values = self.values(route, column)
        path = re.sub(r"{(\w+)(\.\.\.)?}", lambda match: urllib.parse.quote(values[match[1]]), path)
        path = re.sub(r"\?uploadId$", "?uploadId=none&partNumber=1", path)
        options = {"json": values["json"]} if method != "GET" else {}
        with getattr(self, CALLERS[column]).request(method, path, stream=True,
                                                    **options) as answer:
            return mark(answer)


def mark(answer):
    if answer.status_code not in (401, 403, 404):
        assert answer.status_code < 500 or answer.status_code in (502, 503), answer.text
        return "+"
    code = re.search(r"<Code>(\w+)</Code>", answer.text)
    return "+" if code and code[1] in WITHIN_BUCKET else str(answer.status_code)[2]


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def scene(request, fleet):
    """One of its own: once there are users, nobody is the administrator for being near."""
    with Stack("lighttpd", fleet.database_url(request.param),
               {"SIMPLETUNER_EVENT_HEARTBEAT": "1"}) as stack:
        yield Scene(stack)


def test_every_route_is_in_the_table_and_nothing_else():
    names = [f"{route['method']} {route['path']}" for route in routes()]
    assert sorted(names) == sorted(expected())
    assert all(len(marks) == len(CALLERS) for marks in expected().values())


@pytest.mark.parametrize("column", range(len(CALLERS)), ids=CALLERS)
def test_each_caller_gets_what_the_table_says(scene, column):
    wrong = {route: f"{mark}, not {marks[column]}" for route, marks in expected().items()
             if (mark := scene.ask(route, column)) != marks[column]}
    assert not wrong
