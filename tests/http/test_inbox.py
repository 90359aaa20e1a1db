"""The inbox: what was acknowledged is stored, applied after that, and can be looked at and replayed."""

import contextlib
import json
import secrets
import sqlite3

import psycopg2
import pytest

import expect
from stack import WEBHOOK
from waiting import until

DELIVERIES = "/api/webhooks/deliveries"


def event(job, event_type, **fields):
    return {"event_type": event_type, "job_id": job.job_id, **fields}


@contextlib.contextmanager
def jobs_locked(cloud):
    """Nobody can change a job: what is received meanwhile cannot take effect (PostgreSQL)."""
    connection = psycopg2.connect(cloud.database_url)
    try:
        connection.cursor().execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


@pytest.fixture
def postgresql(new_stack):
    return new_stack(database="postgresql")


# Stored first


def test_a_webhook_is_answered_before_it_can_be_applied(postgresql):
    cloud = postgresql
    jobs = [cloud.new_job() for _ in range(3)]
    with jobs_locked(cloud):
        for job in jobs:
            signed = cloud.sign(event(job, "completed"))
            assert expect.ok(cloud.post(WEBHOOK, **signed))["status"] == "received"
        waiting = cloud.query("SELECT outcome FROM webhook_deliveries WHERE apply_at_us IS NOT NULL")
        assert waiting == [("received",)] * 3
    assert {cloud.status(job.job_id) for job in jobs} == {"completed"}


def test_what_was_stored_and_not_applied_survives_a_kill(postgresql):
    cloud = postgresql
    job = cloud.new_job()
    with jobs_locked(cloud):
        expect.ok(cloud.post(WEBHOOK, **cloud.sign(event(job, "completed"))))
        cloud.kill_responder()
    assert cloud.status(job.job_id) == "completed"


def test_the_answer_says_what_the_event_means(cloud, job):
    answer = expect.ok(cloud.webhook(event(job, "training.status", status="running")))
    assert answer == {"status": "received", "delivery_id": answer["delivery_id"],
                      "job_id": job.job_id, "updates": {"status": "running"}}
    assert expect.JOB_ID.fullmatch(answer["delivery_id"])
    assert expect.ok(cloud.webhook(event(job, "logs", logs="x")))["updates"] == {}


def test_a_body_that_is_no_event_is_refused_and_not_stored(cloud):
    before = cloud.query("SELECT COUNT(*) FROM webhook_deliveries")
    expect.error(cloud.webhook(b"{"), 400)
    expect.error(cloud.webhook({"event_type": 7}), 400, "event_type")
    assert cloud.query("SELECT COUNT(*) FROM webhook_deliveries") == before


def test_nothing_of_a_delivery_is_stored_in_the_clear(cloud, job):
    body = cloud.sim.store.get(job.prediction_id) | {"status": "processing", "note": "sesame-body"}
    assert job.token in json.dumps(body)
    signed = cloud.sign(body)
    expect.ok(cloud.post(WEBHOOK, **signed))
    cloud.settle()
    text = cloud.database_text()
    for secret in (job.token, "sesame-body", signed["headers"]["webhook-signature"]):
        assert secret not in text


def test_names_of_another_sender_are_understood(cloud, job):
    signed = cloud.sign(event(job, "completed"))
    signed["headers"] = {name.replace("webhook-", "svix-"): value
                         for name, value in signed["headers"].items()}
    answer = expect.ok(cloud.post(WEBHOOK, **signed))
    assert cloud.delivery(answer)["headers"]["webhook-id"] == signed["headers"]["svix-id"]
    assert cloud.status(job.job_id) == "completed"


def test_a_database_that_stays_locked_is_our_fault(new_stack):
    """Another program holds the file for longer than we wait: the sender is told to come again."""
    cloud = new_stack()
    job = cloud.new_job()
    signed = cloud.sign(event(job, "completed"))
    with contextlib.closing(sqlite3.connect(cloud.home / "cloud.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        expect.error(cloud.post(WEBHOOK, timeout=60, **signed), 503)
    assert expect.ok(cloud.post(WEBHOOK, **signed))["status"] == "received"
    assert cloud.status(job.job_id) == "completed"


# Looked at


def test_a_delivery_shows_where_it_came_from_and_what_came_of_it(cloud, job):
    webhook_id = "msg_" + secrets.token_hex(8)
    answer = expect.ok(cloud.webhook(event(job, "completed", extra=[1]), webhook_id=webhook_id,
                                     headers={"User-Agent": "tester/1"}))
    view = cloud.delivery(answer)
    stamp = view["headers"].pop("webhook-timestamp")
    assert stamp.isdigit()
    assert view["headers"] == {"webhook-id": webhook_id, "content-type": "application/json",
                               "user-agent": "tester/1"}
    assert view["body"] == event(job, "completed", extra=[1])
    wanted = {"provider": "replicate", "webhook_id": webhook_id, "verdict": "signed",
              "client": "127.0.0.1", "outcome": "applied", "reason": None, "job_id": job.job_id,
              "attempts": 1, "apply_at": None}
    assert {name: view[name] for name in wanted} == wanted
    assert view["received_at"] <= view["applied_at"]


def test_the_token_of_the_remote_job_is_not_shown(cloud, job):
    assert cloud.sim.advance(job.prediction_id, "processing").status == 200
    cloud.settle()
    [delivery] = listed(cloud, f"?job_id={job.job_id}")
    answer = cloud.get(f"{DELIVERIES}/{delivery['delivery_id']}")
    assert answer.json()["delivery"]["body"]["id"] == job.prediction_id
    assert job.token not in answer.text and "config_json" not in answer.text


def listed(cloud, query):
    return expect.ok(cloud.get(DELIVERIES + query))["deliveries"]


def test_deliveries_are_listed_newest_first_and_in_pages(cloud, job):
    sent = [expect.ok(cloud.webhook(event(job, "logs", logs=str(n))))["delivery_id"]
            for n in range(5)]
    cloud.settle()
    query = f"?job_id={job.job_id}&limit=2"
    seen, before = [], ""
    while before is not None:
        page = expect.ok(cloud.get(DELIVERIES + query + (before and f"&before={before}")))
        assert page["has_more"] == (page["next_before"] is not None)
        seen += [delivery["delivery_id"] for delivery in page["deliveries"]]
        before = page["next_before"]
    assert seen == sorted(sent, reverse=True)


def test_deliveries_are_found_by_what_came_of_them(cloud, job):
    ids = {outcome: expect.ok(cloud.webhook(body))["delivery_id"] for outcome, body in {
        "applied": event(job, "completed"), "unchanged": event(job, "logs"),
        "ignored": {"event_type": "completed"}}.items()}
    cloud.settle()
    for outcome, delivery_id in ids.items():
        [newest] = listed(cloud, f"?outcome={outcome}&provider=replicate&limit=1")
        assert newest["delivery_id"] == delivery_id and newest["outcome"] == outcome


@pytest.mark.parametrize("query, name", [
    ("?limit=0", "limit"), ("?limit=501", "limit"), ("?outcome=good", "outcome"),
    ("?job_id=x", "job_id"), ("?before=x", "before"), ("?provider=nobody", "provider")])
def test_a_filter_that_can_match_nothing_is_refused(cloud, query, name):
    expect.error(cloud.get(DELIVERIES + query), 400, name)


@pytest.mark.parametrize("delivery_id", ["01hzzzzzzzzzzzzzzzzzzzzzzz", "x", "%00"])
def test_a_delivery_that_is_not_there_is_not_found(cloud, delivery_id):
    assert cloud.get(f"{DELIVERIES}/{delivery_id}").status_code in (404, 400)
    assert cloud.post(f"{DELIVERIES}/{delivery_id}/replay").status_code in (404, 400)


@pytest.mark.parametrize("method, path", [
    ("GET", DELIVERIES), ("GET", DELIVERIES + "/x"), ("POST", DELIVERIES + "/x/replay")])
def test_deliveries_are_for_the_administrator(cloud, job, method, path):
    expect.error(cloud.request(method, path, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
    expect.error(cloud.request(method, path, headers={"X-Upload-Token": job.token}), 403)


# Replayed


def test_a_replay_changes_nothing_that_was_applied(cloud, job):
    answer = expect.ok(cloud.webhook(event(job, "completed")))
    ended = cloud.job(job.job_id)
    replayed = expect.ok(cloud.post(f"{DELIVERIES}/{answer['delivery_id']}/replay"))
    assert replayed == {"status": "replayed", "delivery_id": answer["delivery_id"],
                        "outcome": "unchanged", "reason": None, "job_id": job.job_id,
                        "updates": {}}
    assert cloud.job(job.job_id) | {"archive": None} == ended | {"archive": None}
    assert cloud.delivery(answer)["outcome"] == "applied"
    [entry] = expect.ok(cloud.get(
        f"/api/audit?event_type=webhook.replayed&target_id={answer['delivery_id']}"))["entries"]
    assert entry["target_type"] == "webhook_delivery" and entry["actor"] == "local"
    assert entry["details"]["outcome"] == "unchanged"


def test_a_delivery_that_was_given_up_can_be_replayed(cloud, job):
    """As after an outage that outlasted ten attempts."""
    answer = expect.ok(cloud.webhook(event(job, "logs")))
    delivery_id = answer["delivery_id"]
    completed = expect.ok(cloud.webhook(event(job, "completed", output="https://example.com/a")))
    cloud.settle()
    cloud.change("UPDATE webhook_deliveries SET outcome = 'failed' WHERE delivery_id = %s",
           delivery_id)
    cloud.change("UPDATE jobs SET output_url = NULL WHERE job_id = %s", job.job_id)
    replayed = expect.ok(cloud.post(f"{DELIVERIES}/{delivery_id}/replay"))
    assert replayed["outcome"] == "unchanged"
    assert cloud.delivery(answer)["outcome"] == "unchanged"
    replayed = expect.ok(cloud.post(f"{DELIVERIES}/{completed['delivery_id']}/replay"))
    assert replayed["outcome"] == "applied" and replayed["updates"] == {"status": "completed"}
    assert cloud.job(job.job_id)["output_url"] == "https://example.com/a"


def test_a_body_that_does_not_open_is_tried_again_and_is_our_fault(cloud, job):
    answer = expect.ok(cloud.webhook(event(job, "logs")))
    cloud.settle()
    cloud.change("UPDATE webhook_deliveries SET body = 'v1.00000000.AAAA', outcome = 'received', "
                  "attempts = 8, apply_at_us = 1 WHERE delivery_id = %s", answer["delivery_id"])
    row = "SELECT attempts, outcome, reason, apply_at_us IS NULL FROM webhook_deliveries " \
          "WHERE delivery_id = %s"
    until(lambda: cloud.query(row, answer["delivery_id"])[0][0] == 9, 10, "nobody looked")
    [(_, outcome, reason, settled)] = cloud.query(row, answer["delivery_id"])
    assert outcome == "received" and "fault" in reason and not settled
    expect.error(cloud.get(f"{DELIVERIES}/{answer['delivery_id']}"), 503)
    other = cloud.new_job()
    expect.ok(cloud.post(WEBHOOK, **cloud.sign(event(other, "completed"))))
    until(lambda: cloud.query("SELECT status FROM jobs WHERE job_id = %s", other.job_id)
          == [("completed",)], 10, "it holds up the others")
    cloud.change("UPDATE webhook_deliveries SET apply_at_us = 1 WHERE delivery_id = %s",
           answer["delivery_id"])
    until(lambda: cloud.query(row, answer["delivery_id"])[0][1] == "failed", 10, "never given up")
