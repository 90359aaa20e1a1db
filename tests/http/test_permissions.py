"""Who may use which route: every route with every kind of caller, compared with a table."""

import json
import re
import subprocess
import urllib.parse

import pytest

import expect
from event_stream import open_stream
from people import Anonymous, Bearer, Person
from rights_table import CALLERS, EXPECTED, REQUESTS, WITHIN_BUCKET
from s3_clients import body_of, new_client, new_credentials, refused
from stack import RESPONDER, Stack
from waiting import until


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


# what is shown of what there is

def test_a_stranger_is_told_the_same_of_a_job_as_of_none(scene):
    nothing = scene.foreign.get("/api/cloud/jobs/01hm3v00000000000000000001")
    theirs = scene.foreign.get(f"/api/cloud/jobs/{scene.active.job_id}")
    assert expect.error(theirs, 404) == expect.error(nothing, 404)


def test_a_stranger_is_told_the_same_of_a_bucket_as_of_none(scene):
    nothing = scene.foreign.get("/api/cloud/storage/no-such-bucket")
    theirs = scene.foreign.get(f"/api/cloud/storage/{scene.active.job_id}")
    assert expect.error(theirs, 404) == expect.error(nothing, 404)


def ids(person, query=""):
    return {job["job_id"] for job in expect.ok(person.get(f"/api/cloud/jobs{query}"))["jobs"]}


def test_lists_show_ones_own_jobs_or_all(scene):
    theirs = {scene.active.job_id, scene.ended.job_id}
    assert theirs <= ids(scene.owner) and theirs <= ids(scene.lead)
    assert not ids(scene.foreign) & theirs


def test_asking_for_anothers_jobs_finds_none(scene):
    own = scene.foreign.new_job()
    assert ids(scene.foreign) == {own.job_id}
    assert ids(scene.foreign, "?owner=matrix-owner") == set()
    assert expect.ok(scene.foreign.get("/api/cloud/jobs?owner=matrix-owner"))["total"] == 0
    assert ids(scene.lead, "?owner=matrix-foreign") == {own.job_id}


def test_numbers_are_of_ones_own_jobs_or_of_all(scene):
    def count(person):
        return expect.ok(person.get("/api/cloud/metrics"))["job_count"]

    newcomer = Person(scene.stack, "matrix-newcomer", "researcher")
    assert count(newcomer) == 0
    newcomer.new_job()
    assert count(newcomer) == 1
    assert count(scene.lead) == count(scene.admin) > count(scene.owner) > 0


def test_the_limit_shows_what_one_spends_oneself(scene):
    status = "/api/cloud/cost-limit/status?provider=replicate"
    spender = Person(scene.stack, "matrix-spender", "researcher")
    assert expect.ok(spender.get(status))["running_estimate"] == 0
    spender.new_job()
    own = expect.ok(spender.get(status))["running_estimate"]
    assert 0 < own < expect.ok(scene.lead.get(status))["running_estimate"]


def test_a_refusal_for_the_limit_keeps_what_others_spend(scene):
    limit = {"cost_limit_enabled": True, "cost_limit_amount": 0.01, "cost_limit_action": "block"}
    body = {"config": {"model_type": "lora", "max_train_steps": 10}}
    expect.ok(scene.admin.put("/api/cloud/providers/replicate", json=limit))
    try:
        own = expect.error(scene.foreign.post("/api/cloud/jobs/submit", json=body), 403, "limit",
                           code="cost_limit_exceeded")
        whole = scene.lead.post("/api/cloud/jobs/submit", json=body).json()
    finally:
        expect.ok(scene.admin.put("/api/cloud/providers/replicate",
                                  json={"cost_limit_enabled": False}))
    assert "current_spend" not in own["details"] and "spent" not in own["detail"]
    assert "current_spend" in whole["details"]


def test_an_idempotency_key_is_ones_own(scene):
    body = {"config": {"model_type": "lora", "max_train_steps": 10}, "idempotency_key": "same"}
    first = scene.owner.post("/api/cloud/jobs/submit", json=body).json()
    other = scene.foreign.post("/api/cloud/jobs/submit", json=body).json()
    assert other["job_id"] != first["job_id"] and other["idempotent_hit"] is False
    again = scene.owner.post("/api/cloud/jobs/submit", json=body).json()
    assert again["job_id"] == first["job_id"] and again["idempotent_hit"] is True


def test_tokens_at_providers_are_ones_own(scene):
    mine = "/api/users/me/credentials"
    holder = Person(scene.stack, "matrix-holder", "researcher")
    body = {"provider": "replicate", "value": "r8_of_holder"}
    assert holder.post(mine, json=body).status_code == 201
    [row] = expect.ok(holder.get(mine))["credentials"]
    assert expect.ok(scene.admin.get(mine))["credentials"] == []
    name = row["credential_name"]
    expect.error(scene.admin.delete(f"{mine}/replicate/{name}"), 404)
    expect.ok(holder.delete(f"{mine}/replicate/{name}"))


def test_only_those_who_manage_all_jobs_submit_anothers_again(scene):
    path = f"/api/cloud/jobs/{scene.ended.job_id}/retry"
    expect.error(scene.lead.post(path), 403, "job.cancel.all")
    retried = expect.ok(scene.admin.post(path))
    assert retried["retry_of"] == scene.ended.job_id
    assert expect.ok(scene.owner.post(path))["attempt"] == 2


# storage

@pytest.fixture
def clients(scene):
    """{name of a person: a client that signs with a credential of that person}"""
    return {name: new_client(scene.stack, new_credentials(getattr(scene, name), "boto"))
            for name in ("owner", "foreign", "lead", "admin")}


def names(client):
    return {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}


def test_an_s3_credential_may_what_its_user_may(scene, clients):
    bucket = scene.active.job_id
    assert body_of(clients["owner"], bucket, "kept.txt") == b"text"
    clients["owner"].put_object(Bucket=bucket, Key="mine.txt", Body=b"mine")
    assert body_of(clients["lead"], bucket, "mine.txt") == b"mine"
    refused(403, "AccessDenied", clients["lead"].delete_object, Bucket=bucket, Key="mine.txt")
    refused(404, "NoSuchBucket", clients["foreign"].get_object, Bucket=bucket, Key="mine.txt")
    refused(404, "NoSuchBucket", clients["foreign"].delete_object, Bucket=bucket, Key="mine.txt")
    clients["admin"].delete_object(Bucket=bucket, Key="mine.txt")


def test_one_sees_the_buckets_that_one_may_read(scene, clients):
    clients["admin"].create_bucket(Bucket="admins-data")
    assert names(clients["owner"]) >= {scene.active.job_id}
    assert "admins-data" not in names(clients["owner"])
    assert not names(clients["foreign"]) & {scene.active.job_id, "admins-data"}
    assert names(clients["lead"]) >= {scene.active.job_id, "admins-data"}
    listed = expect.ok(scene.foreign.get("/api/cloud/storage"))["Buckets"]
    assert scene.active.job_id not in [bucket["Name"] for bucket in listed]


def test_buckets_are_made_by_those_who_change_settings(clients):
    refused(403, None, clients["lead"].create_bucket, Bucket="leads-data")
    refused(403, None, clients["owner"].create_bucket, Bucket="owners-data")


def test_a_copy_needs_its_source_to_be_readable(scene, clients):
    own = scene.foreign.new_job().job_id
    source = {"Bucket": scene.active.job_id, "Key": "kept.txt"}
    refused(404, "NoSuchBucket", clients["foreign"].copy_object, Bucket=own, Key="stolen.txt",
            CopySource=source)
    upload = clients["foreign"].create_multipart_upload(Bucket=own, Key="stolen.txt")["UploadId"]
    refused(404, "NoSuchBucket", clients["foreign"].upload_part_copy, Bucket=own,
            Key="stolen.txt", UploadId=upload, PartNumber=1, CopySource=source)
    clients["foreign"].abort_multipart_upload(Bucket=own, Key="stolen.txt", UploadId=upload)
    refused(403, "AccessDenied", clients["lead"].copy_object, Bucket=own, Key="x.txt",
            CopySource=source)


def test_the_credentials_of_a_deactivated_user_are_refused(scene):
    person = Person(scene.stack, "matrix-leaver", "researcher")
    client = new_client(scene.stack, new_credentials(person))
    job = person.new_job().job_id
    client.put_object(Bucket=job, Key="a", Body=b"a")
    person.deactivate()
    refused(403, "InvalidAccessKeyId", client.get_object, Bucket=job, Key="a")
    expect.error(person.get("/api/cloud/jobs"), 401)


def test_a_key_with_scopes_makes_no_credential_without_them(scene):
    scoped = Bearer(scene.stack, X_API_Key=scene.admin.new_key(scopes="job.view.own admin.config"))
    expect.error(scoped.post("/api/auth/s3-credentials", json={"name": "wider"}), 403, "scopes")
    expect.ok(scoped.get("/api/auth/s3-credentials"))


# events

def test_events_are_of_ones_own_jobs_or_of_all(scene):
    def heard(person):
        events = expect.ok(person.get("/api/events/recent?limit=100"))["events"]
        return {event["data"].get("job_id") for event in events}

    assert scene.active.job_id not in heard(scene.foreign)
    with open_stream(scene.stack, headers=scene.foreign.headers) as strange, \
            open_stream(scene.stack, headers=scene.owner.headers) as own:
        job = scene.owner.new_job()
        own.until(lambda stream: [event for event in stream.events()
                                  if event.data.get("job_id") == job.job_id])
        foreign = scene.foreign.new_job()
        strange.until(lambda stream: [event for event in stream.events()
                                      if event.data.get("job_id") == foreign.job_id])
        assert not [event for event in strange.events()
                    if event.data.get("job_id") == job.job_id]


@pytest.mark.parametrize("end", ("deactivated", "revoked", "expired", "denied"))
def test_a_stream_ends_with_what_let_it_begin(scene, end):
    person = Person(scene.stack, f"matrix-listener-{end}", "researcher")
    with open_stream(scene.stack, headers=person.headers) as stream:
        stream.wait_for("heartbeat")
        if end == "deactivated":
            person.deactivate()
        elif end == "denied":
            scene.stack.change("UPDATE users SET denied = 'job.view.own' WHERE user_id = %s",
                               person.user_id)
        else:
            column = "revoked_at_us" if end == "revoked" else "expires_at_us"
            scene.stack.change(f"UPDATE api_keys SET {column} = 1 WHERE user_id = %s",
                               person.user_id)
        stream.wait_for("auth")
        assert until(stream.ended.is_set, 10, "the stream goes on")
        assert stream.named("auth")[0].data["type"] == "session_invalidated"
