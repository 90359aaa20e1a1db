"""The audit log: why webhooks were refused, and how the log is read."""

import concurrent.futures
import json
import secrets
import time

import pytest

import expect
import sim_webhooks
from stack import WEBHOOK

AUDIT = "/api/audit"


def entries(cloud, query):
    return expect.ok(cloud.get(AUDIT + query))["entries"]


def address():
    """A client that no other test has been."""
    groups = [f"{0x1000 + secrets.randbelow(0xefff):x}" for _ in range(2)]
    return {"X-Forwarded-For": f"2001:db8:{':'.join(groups)}::1"}


def source(client):
    return client["X-Forwarded-For"].removesuffix("1") + "/64"


def rejected(cloud, client):
    """The rows that this client has caused, newest first."""
    return [entry for entry in entries(cloud, "?event_type=webhook_rejected&limit=500")
            if entry["details"]["client"] == client["X-Forwarded-For"]]


def body(job):
    return {"event_type": "completed", "job_id": job.job_id}


@pytest.mark.parametrize("reason, status, sent", [
    ("missing_header", 401, {"headers": {"webhook-signature": None}}),
    ("no_match", 401, {"headers": {"webhook-signature": "v1,AAAA"}}),
    ("stale", 401, {"timestamp": 1614265330}),
    ("ip_denied", 403, {"headers": {"webhook-signature": None}})])
def test_the_log_has_the_reason_and_the_caller_has_not(cloud, job, reason, status, sent):
    client = address()
    if reason == "ip_denied":
        cloud.configure(webhook_allowed_ips=["203.0.113.0/24"])
    answer = cloud.webhook(body(job), **sent | {"headers": sent.get("headers", {}) | client})
    assert reason not in json.dumps(expect.error(answer, status))
    [entry] = rejected(cloud, client)
    assert entry["event_type"] == "security.webhook_rejected"
    assert entry["details"]["reason"] == reason
    assert (entry["actor"], entry["target_type"], entry["target_id"]) == (
        "anonymous", "provider", "replicate")
    assert entry["correlation_id"] == answer.headers["X-Correlation-ID"]


def test_a_secret_that_is_none_is_logged_and_is_our_fault(new_stack):
    cloud = new_stack({"REPLICATE_WEBHOOK_SECRET": "v1,whsec_"})
    expect.error(cloud.webhook(body(cloud.new_job())), 503)
    [entry] = entries(cloud, "?event_type=webhook_rejected")
    assert entry["details"]["reason"] == "bad_secret_format"


def test_one_source_writes_no_more_than_five_rows_a_minute(new_stack):
    cloud = new_stack()
    job = cloud.new_job()
    expect.ok(cloud.webhook({"event_type": "logs", "job_id": job.job_id}))
    fetched = len(cloud.sim.requests_to("GET", "/v1/webhooks"))
    client = address()
    signed = cloud.sign(body(job), secret=sim_webhooks.new_secret())
    signed["headers"] |= client
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: cloud.post(WEBHOOK, **signed).status_code, range(64)))
    assert set(answers) == {401}
    assert len(rejected(cloud, client)) == 5
    assert len(cloud.sim.requests_to("GET", "/v1/webhooks")) <= fetched + 1
    other = address()
    expect.error(cloud.webhook(body(job), headers=other | {"webhook-id": None}), 401)
    [entry] = rejected(cloud, other)
    assert entry["details"]["not_written_before"] == 59
    assert entry["actor_ip"] == source(other)


def test_the_line_of_the_guide_works(cloud, job):
    expect.error(cloud.webhook(body(job), headers={"webhook-id": None} | address()), 401)
    page = expect.ok(cloud.get("/api/audit?event_type=webhook_rejected&limit=100"))
    assert page["total"] >= len(page["entries"]) >= 1 and page["has_more"] in (True, False)
    assert {entry["event_type"] for entry in page["entries"]} == {"security.webhook_rejected"}
    full = expect.ok(cloud.get("/api/audit?event_type=security.webhook_rejected&limit=100"))
    assert full == page


def test_the_log_is_read_in_pages(cloud, job):
    delivery_id = expect.ok(cloud.webhook(body(job)))["delivery_id"]
    for _ in range(5):
        expect.ok(cloud.post(f"/api/webhooks/deliveries/{delivery_id}/replay"))
    query = f"?target_type=webhook_delivery&target_id={delivery_id}&limit=2"
    first = expect.ok(cloud.get(AUDIT + query))
    assert (first["total"], first["has_more"], len(first["entries"])) == (5, True, 2)
    by_offset = expect.ok(cloud.get(AUDIT + query + "&offset=2"))["entries"]
    by_id = expect.ok(cloud.get(AUDIT + query + f"&before={first['next_before']}"))["entries"]
    assert by_offset == by_id and len(by_id) == 2
    last = expect.ok(cloud.get(AUDIT + query + "&offset=4"))
    assert (last["has_more"], last["next_before"], len(last["entries"])) == (False, None, 1)
    ids = [entry["id"] for entry in first["entries"] + by_id + last["entries"]]
    assert ids == sorted(ids, reverse=True)


def test_the_log_is_read_by_time_and_actor(cloud, job):
    delivery_id = expect.ok(cloud.webhook(body(job)))["delivery_id"]
    expect.ok(cloud.post(f"/api/webhooks/deliveries/{delivery_id}/replay"))
    query = f"?target_id={delivery_id}"
    [entry] = entries(cloud, query)
    hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    assert entries(cloud, f"{query}&since={entry['timestamp']}") == [entry]
    assert entries(cloud, f"{query}&since={hour}&actor=local") == [entry]
    assert entries(cloud, f"{query}&until={hour}") == []
    assert entries(cloud, f"{query}&actor=nobody") == []


@pytest.mark.parametrize("query, name", [
    ("?limit=0", "limit"), ("?limit=501", "limit"), ("?limit=x", "limit"), ("?offset=-1", "offset"),
    ("?before=0", "before"), ("?since=yesterday", "since"), ("?until=2024-01-15", "until")])
def test_a_bad_parameter_is_named(cloud, query, name):
    expect.error(cloud.get(AUDIT + query), 400, name)


def test_the_log_is_for_the_administrator(cloud, job):
    expect.error(cloud.get(AUDIT, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
    expect.error(cloud.get(AUDIT, headers={"X-Upload-Token": job.token}), 403)
