"""Webhooks: who may tell us something, what it changes, and that it is told once."""

import concurrent.futures
import json
import secrets
import time

import pytest

import expect
import sim_webhooks
from stack import PROVIDER, WEBHOOK

STALE, FUTURE = -301, 330


def event(job, event_type, **fields):
    """An event as the trainer reports it."""
    return {"event_type": event_type, "job_id": job.job_id, **fields}


def received(answer):
    body = expect.ok(answer)
    assert body["status"] == "received", body
    return body


def refused(cloud, job, answer, status=401):
    """The caller learns nothing but the status, and nothing has changed."""
    body = expect.error(answer, status)
    assert job.job_id not in json.dumps(body)
    assert cloud.status(job.job_id) == "queued"


# Replicate's own deliveries


def test_a_job_follows_its_prediction(cloud, job):
    assert cloud.sim.advance(job.prediction_id, "processing").status == 200
    view = cloud.job(job.job_id)
    assert view["status"] == "running" and view["started_at"]
    assert cloud.sim.advance(job.prediction_id, "succeeded").status == 200
    assert cloud.status(job.job_id) == "completed"


@pytest.mark.parametrize("word, status", [
    ("succeeded", "completed"), ("failed", "failed"), ("canceled", "cancelled"),
    ("aborted", "failed")])
def test_every_end_of_a_prediction_ends_the_job(cloud, job, word, status):
    delivery = cloud.sim.advance(job.prediction_id, word)
    assert delivery.status == 200
    assert cloud.status(job.job_id) == status


def test_the_answer_tells_what_changed(cloud, job):
    delivery = cloud.sim.advance(job.prediction_id, "processing")
    body = json.loads(delivery.attempts[-1]["body"])
    assert body["status"] == "received" and body["job_id"] == job.job_id
    assert body["updates"]["status"] == "running"


def test_a_job_may_end_without_having_run(cloud, job):
    cloud.sim.advance(job.prediction_id, "succeeded")
    assert cloud.status(job.job_id) == "completed"


@pytest.mark.parametrize("late", ["starting", "processing", "failed", "canceled"])
def test_late_events_change_nothing(cloud, job, late):
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.advance(job.prediction_id, "succeeded")
    ended = cloud.job_row(job.job_id)
    delivery = cloud.sim.advance(job.prediction_id, late, force=True, error="late")
    assert delivery.status == 200
    assert cloud.job_row(job.job_id) == ended


def test_reordered_events_change_nothing(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.advance(job.prediction_id, "starting")
    assert cloud.status(job.job_id) == "running"


@pytest.mark.parametrize("word", ["resting", "", "SUCCEEDED!", None, 7, ["succeeded"], {}])
def test_an_unknown_status_moves_nothing(cloud, job, word):
    body = cloud.sim.store.get(job.prediction_id) | {"status": word}
    answer = cloud.webhook(body, f"?job_id={job.job_id}")
    assert answer.status_code in (200, 400), answer.text
    assert cloud.status(job.job_id) == "queued"


def test_a_sender_that_met_our_fault_succeeds_later(cloud, job):
    """The same webhook-id with a new timestamp is the same delivery."""
    body = cloud.sim.store.get(job.prediction_id) | {"status": "processing"}
    now = int(time.time())
    received(cloud.webhook(body, webhook_id="msg_retry" + job.job_id, timestamp=now - 60))
    again = cloud.webhook(body, webhook_id="msg_retry" + job.job_id, timestamp=now)
    assert expect.ok(again)["status"] == "duplicate"


@pytest.mark.parametrize("sent, shown", [
    ("https://example.com/a.zip", "https://example.com/a.zip"),
    (["https://example.com/b.zip", "x"], "https://example.com/b.zip"),
    ("javascript:alert(1)", None), ({"weights": 1}, None), (None, None)])
def test_only_web_addresses_become_the_output(cloud, job, sent, shown):
    cloud.sim.advance(job.prediction_id, "succeeded", output=sent)
    assert cloud.job(job.job_id)["output_url"] == shown


# The trainer's events


@pytest.mark.parametrize("event_type, fields, status", [
    ("completed", {}, "completed"), ("failed", {"error": "no"}, "failed"),
    ("error", {"message": "no"}, "failed"), ("canceled", {}, "cancelled"),
    ("lifecycle.stage", {"status": "running"}, "running"),
    ("training.status", {"status": "processing"}, "running"),
    ("training.status", {"status": "completed"}, "completed"),
    ("training.checkpoint", {"status": "completed"}, "queued"),
    ("start", {}, "queued"), ("logs", {"logs": "x"}, "queued"), ("colour", {}, "queued")])
def test_an_event_of_the_trainer_moves_the_job(cloud, job, event_type, fields, status):
    received(cloud.webhook(event(job, event_type, **fields)))
    assert cloud.status(job.job_id) == status


def test_type_is_another_name_for_event_type(cloud, job):
    received(cloud.webhook({"type": "completed", "job_id": job.job_id}))
    assert cloud.status(job.job_id) == "completed"


def test_the_trainer_may_use_the_id_of_the_provider(cloud, job):
    received(cloud.webhook({"event_type": "completed", "job_id": job.prediction_id}))
    assert cloud.status(job.job_id) == "completed"


def test_the_message_of_an_error_is_kept(cloud, job):
    received(cloud.webhook(event(job, "error", message="disk full")))
    assert cloud.job(job.job_id)["error_message"] == "disk full"


@pytest.mark.parametrize("body", [
    {}, {"event_type": "completed"}, {"status": "succeeded"},
    {"event_type": "completed", "job_id": ""}])
def test_news_of_no_job_are_ignored(cloud, body):
    answer = expect.ok(cloud.webhook(body))
    assert (answer["status"], answer["reason"]) == ("ignored", "no job_id")
    assert cloud.delivery(answer)["outcome"] == "ignored"


@pytest.mark.parametrize("body", [
    {"event_type": "completed", "job_id": "01hzzzzzzzzzzzzzzzzzzzzzzz"},
    {"id": "nobody", "status": "succeeded"}, {"event_type": "completed", "job_id": "a" * 5000}])
def test_news_of_an_unknown_job_are_received_and_come_to_nothing(cloud, body):
    delivery = cloud.delivery(received(cloud.webhook(body)))
    assert (delivery["outcome"], delivery["reason"]) == ("ignored", "unknown job")


def about(cloud, job, our_job_id):
    """The prediction of a job, with this id as ours in it."""
    body = cloud.sim.store.get(job.prediction_id)
    env = body["input"]["env"] | {"SIMPLETUNER_JOB_ID": our_job_id}
    return body | {"status": "processing", "input": body["input"] | {"env": env}}


def test_news_that_name_two_jobs_move_neither(cloud, job):
    other = cloud.new_job()
    delivery = cloud.delivery(received(cloud.webhook(about(cloud, job, other.job_id))))
    assert (delivery["outcome"], delivery["reason"]) == ("ignored", "names two jobs")
    assert cloud.status(job.job_id) == "queued" == cloud.status(other.job_id)


@pytest.mark.parametrize("our_job_id", ["01hzzzzzzzzzzzzzzzzzzzzzzz", "of-another-service", ""])
def test_an_id_that_is_none_of_ours_does_not_matter(cloud, job, our_job_id):
    """As in a job that another service submitted and this one adopted."""
    received(cloud.webhook(about(cloud, job, our_job_id)))
    assert cloud.status(job.job_id) == "running"


# Signatures


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_all_three_headers_are_needed(cloud, job, name, value):
    refused(cloud, job, cloud.webhook(event(job, "completed"), headers={name: value}))


def good_and_bad(cloud, body, kind):
    """A webhook-signature header for body under msg_fixed at 1, in one of several shapes."""
    good = sim_webhooks.sign(cloud.sim.webhook_secret, *body)
    bad = sim_webhooks.sign(sim_webhooks.new_secret(), *body)
    return {"bad": bad, "empty-v1": "v1,", "prefix": good[:-8], "no-version": good[3:],
            "v2": "v2," + good[3:], "v1a": "v1a," + good[3:], "upper": "V1," + good[3:],
            "longer": good + "AAAA", "twice-wrong": f"{bad} {bad}", "garbage": "\x07,\t,,",
            "comma-list": f"{bad},{good}", "long": " ".join([bad] * 40),
            "last": f"{bad} v2,x v1a,AAAA {good}", "first": f"{good} {bad}", "alone": good,
            "blanks": f"  {good}  "}[kind]


@pytest.mark.parametrize("kind", ["bad", "empty-v1", "prefix", "no-version", "v2", "v1a", "upper",
                                  "longer", "twice-wrong", "comma-list", "long"])
def test_a_bad_signature_is_refused(cloud, job, kind):
    body, now = json.dumps(event(job, "completed")).encode(), int(time.time())
    header = good_and_bad(cloud, ("msg_fixed", now, body), kind)
    answer = cloud.webhook(body, webhook_id="msg_fixed", timestamp=now,
                           headers={"webhook-signature": header})
    refused(cloud, job, answer)


@pytest.mark.parametrize("kind", ["alone", "first", "last"])
def test_one_good_signature_in_the_list_is_enough(cloud, job, kind):
    body, now = json.dumps(event(job, "completed")).encode(), int(time.time())
    header = good_and_bad(cloud, ("msg_" + job.job_id, now, body), kind)
    received(cloud.webhook(body, webhook_id="msg_" + job.job_id, timestamp=now,
                           headers={"webhook-signature": header}))


@pytest.mark.parametrize("offset", [STALE, FUTURE, -10 ** 9, 10 ** 9])
def test_a_timestamp_out_of_the_window_is_refused(cloud, job, offset):
    answer = cloud.webhook(event(job, "completed"), timestamp=int(time.time()) + offset)
    refused(cloud, job, answer)


@pytest.mark.parametrize("offset", [-280, 280])
def test_a_timestamp_within_the_window_is_accepted(cloud, job, offset):
    received(cloud.webhook(event(job, "completed"), timestamp=int(time.time()) + offset))


@pytest.mark.parametrize("stamp", ["now", "1e9", "-1", "0", "99999999999999999999", "0x10", "1 2"])
def test_a_timestamp_that_is_no_number_is_refused(cloud, job, stamp):
    refused(cloud, job, cloud.webhook(event(job, "completed"), timestamp=stamp))


def test_the_body_is_verified_byte_for_byte(cloud, job):
    body = json.dumps(event(job, "completed")).encode()
    signed = sim_webhooks.headers(cloud.sim.webhook_secret, body)
    changed = cloud.post(WEBHOOK, data=body + b" ", headers=signed)
    refused(cloud, job, changed)
    received(cloud.post(WEBHOOK, data=body, headers=signed))


def test_odd_but_valid_json_is_accepted(cloud, job):
    body = ('\n { "job_id" : "%s",\t"event_type":"completed" , "x":"\\u00fc ü \\ud83d\\ude00" } '
            % job.job_id).encode()
    received(cloud.webhook(body))


def test_a_refused_delivery_does_not_use_up_its_id(cloud, job):
    webhook_id = "msg_" + secrets.token_hex(8)
    refused(cloud, job, cloud.webhook(event(job, "completed"), webhook_id=webhook_id,
                                      secret=sim_webhooks.new_secret()))
    received(cloud.webhook(event(job, "completed"), webhook_id=webhook_id))


def test_every_reason_looks_the_same_from_outside(cloud, job):
    answers = [cloud.webhook(event(job, "completed"), headers={"webhook-signature": "v1,AAAA"}),
               cloud.webhook(event(job, "completed"), timestamp=int(time.time()) - 4000),
               cloud.webhook(event(job, "completed"), headers={"webhook-id": None})]
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_unsigned_calls_pass_only_when_signatures_are_not_required(cloud, job):
    unsigned = {"webhook-id": None, "webhook-timestamp": None, "webhook-signature": None}
    refused(cloud, job, cloud.webhook(event(job, "completed"), headers=unsigned))
    cloud.configure(webhook_require_signature=False)
    received(cloud.webhook(event(job, "completed"), headers=unsigned))
    assert cloud.status(job.job_id) == "completed"


def test_a_wrong_signature_fails_even_when_none_is_required(cloud, job):
    cloud.configure(webhook_require_signature=False)
    refused(cloud, job, cloud.webhook(event(job, "completed"),
                                      secret=sim_webhooks.new_secret()))


# Once


def test_a_delivery_counts_once(cloud, job):
    webhook_id = "msg_" + secrets.token_hex(8)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: expect.ok(cloud.webhook(
            event(job, "training.status", status="running"), webhook_id=webhook_id))["status"],
            range(16)))
    assert sorted(set(answers)) == ["duplicate", "received"]
    assert answers.count("received") == 1


def test_an_accepted_delivery_is_stored(cloud, job):
    webhook_id = "msg_" + secrets.token_hex(8)
    answer = received(cloud.webhook(event(job, "completed", extra="kept"), webhook_id=webhook_id))
    delivery = cloud.delivery(answer)
    assert delivery["webhook_id"] == webhook_id and delivery["body"]["extra"] == "kept"


# Addresses


@pytest.mark.parametrize("allowed, forwarded, passes", [
    (["203.0.113.0/24"], None, False),
    (["127.0.0.0/8"], None, True),
    (["203.0.113.0/24"], "203.0.113.9", True),
    (["203.0.113.9"], "203.0.113.9", True),
    (["203.0.113.0/24"], "203.0.114.9", False),
    (["203.0.113.0/24"], "198.51.100.1, 203.0.113.9", True),
    (["203.0.113.0/24"], "203.0.113.9, 198.51.100.1", False),
    (["203.0.113.0/24"], "203.0.113.9, 127.0.0.1", True),
    (["203.0.113.0/24"], "nonsense", False),
    (["203.0.113.0/24"], "203.0.113.9, nonsense", False),
    (["2001:db8::/32"], "2001:db8::7", True),
    (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
    (["2001:db8::/32"], "203.0.113.9", False),
    ([], "203.0.113.9", True),
])
def test_the_allowlist_decides_by_the_address_of_the_client(cloud, job, allowed, forwarded,
                                                            passes):
    cloud.configure(webhook_allowed_ips=allowed)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = cloud.webhook(event(job, "completed"), headers=headers)
    if passes:
        received(answer)
    else:
        refused(cloud, job, answer, 403)


def test_the_allowlist_comes_before_the_signature(cloud, job):
    cloud.configure(webhook_allowed_ips=["203.0.113.0/24"])
    refused(cloud, job, cloud.webhook(event(job, "completed"),
                                      headers={"webhook-signature": None}), 403)


# Bodies and methods


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"null", b'"x"', b'{"a":\xff}',
                                  b'{"a":1}{', b"[" * 20000], ids=lambda body: repr(body[:9]))
def test_a_signed_body_that_is_no_json_object_is_refused(cloud, body):
    expect.error(cloud.webhook(body), 400)


@pytest.mark.parametrize("body", [b"{", b"[]"])
def test_an_unsigned_body_is_not_even_read_as_json(cloud, body):
    expect.error(cloud.webhook(body, headers={"webhook-signature": "v1,AAAA"}), 401)


def test_a_body_without_measure_is_refused(cloud):
    answer = cloud.webhook(b'{"logs":"' + b"x" * (9 << 20) + b'"}')
    assert answer.status_code == 413  # from the front server or from us


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_webhooks_are_posted(cloud, method):
    answer = cloud.request(method, WEBHOOK)
    expect.error(answer, 405)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("name", ["nobody", "Replicate", "simpletuner"])
def test_an_unknown_provider_has_no_webhook(cloud, name):
    expect.error(cloud.post(f"/api/webhooks/{name}", json={}), 404)


def test_a_redirecting_answer_is_never_given(cloud, job):
    answer = cloud.post(WEBHOOK + "/", json={}, allow_redirects=False)
    assert answer.status_code in (401, 404)


# Stacks of their own


def test_several_secrets_are_valid_during_a_rotation(new_stack):
    old, new = sim_webhooks.new_secret(), sim_webhooks.new_secret()
    cloud = new_stack({"REPLICATE_WEBHOOK_SECRET": f"{old}, {new}"})
    for secret in (old, new):
        received(cloud.webhook(event(cloud.new_job(), "completed"), secret=secret))
    job = cloud.new_job()
    refused(cloud, job, cloud.webhook(event(job, "completed")))
    assert cloud.sim.requests_to("GET", "/v1/webhooks") == []


def test_the_tolerance_is_a_setting(new_stack):
    cloud = new_stack({"SIMPLETUNER_WEBHOOK_TIMESTAMP_TOLERANCE": "5"})
    job = cloud.new_job()
    refused(cloud, job, cloud.webhook(event(job, "completed"), timestamp=int(time.time()) - 20))
    received(cloud.webhook(event(job, "completed")))


def test_a_rotated_secret_of_the_provider_is_fetched_when_needed(new_stack):
    cloud = new_stack()
    first, second = cloud.new_job(), cloud.new_job()
    received(cloud.webhook(event(first, "completed")))
    fetched = len(cloud.sim.requests_to("GET", "/v1/webhooks"))
    cloud.sim.webhook_secret = sim_webhooks.new_secret()
    answer = cloud.webhook(event(second, "completed"))
    assert answer.status_code in (200, 401, 503), answer.text
    for _ in range(20):
        cloud.webhook(event(second, "logs"), secret=sim_webhooks.new_secret())
    assert len(cloud.sim.requests_to("GET", "/v1/webhooks")) <= fetched + 1


def test_another_account_brings_its_own_signing_secret(new_stack):
    cloud = new_stack()
    received(cloud.webhook(event(cloud.new_job(), "completed")))
    cloud.sim.webhook_secret = sim_webhooks.new_secret()
    cloud.sim.token = "r8_" + secrets.token_hex(18)
    cloud.put(f"{PROVIDER}/token", json={"api_token": cloud.sim.token})
    received(cloud.webhook(event(cloud.new_job(), "completed")))


def test_while_the_secret_cannot_be_had_the_sender_is_asked_to_wait(new_stack):
    cloud = new_stack()
    job = cloud.new_job()
    cloud.sim.fault("500", "GET", "/v1/webhooks", count=1000)
    expect.error(cloud.webhook(event(job, "completed")), 503)
    assert cloud.status(job.job_id) == "queued"
    for _ in range(20):
        cloud.webhook(event(job, "completed"))
    assert len(cloud.sim.requests_to("GET", "/v1/webhooks")) < 10
