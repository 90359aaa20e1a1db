"""One key, one job: whatever is sent twice is done and paid once."""

import concurrent.futures
import json
import secrets

import pytest

import expect

CONFIG = {"model_type": "lora", "max_train_steps": 10}
TOGETHER = 50


def submit(cloud, key, headers=None, query="", **body):
    body = {"config": CONFIG, "idempotency_key": key} | body
    return cloud.post(f"/api/cloud/jobs/submit{query}", headers=headers,
                      json={name: value for name, value in body.items() if value is not None})


def jobs_total(cloud):
    return expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]


@pytest.fixture
def key():
    return f"key-{secrets.token_hex(8)}"


def test_the_same_request_is_the_same_job(cloud, key):
    first = expect.ok(submit(cloud, key))
    assert first["idempotent_hit"] is False
    again = expect.ok(submit(cloud, key))
    assert again["idempotent_hit"] is True and again["success"] is True
    assert again["job_id"] == first["job_id"]
    assert len(cloud.sim.find_job(first["job_id"])) == 1


def test_the_answer_tells_the_current_state(cloud, key):
    job_id = expect.ok(submit(cloud, key))["job_id"]
    [prediction] = cloud.sim.find_job(job_id)
    cloud.sim.advance(prediction["id"], "failed", error="out of memory")
    assert cloud.status(job_id) == "failed"
    again = expect.ok(submit(cloud, key))
    assert (again["job_id"], again["status"]) == (job_id, "failed")
    assert again["error"] == "out of memory"


def test_fifty_equal_requests_at_once_are_one_job(cloud, key):
    before, sent = jobs_total(cloud), len(cloud.sim.requests_to("POST", "/v1/predictions"))
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(lambda _: expect.ok(submit(cloud, key)), range(TOGETHER)))
    assert len({answer["job_id"] for answer in answers}) == 1
    assert sorted(answer["idempotent_hit"] for answer in answers) == [False] + [True] * 49
    assert jobs_total(cloud) == before + 1
    assert len(cloud.sim.requests_to("POST", "/v1/predictions")) == sent + 1


def test_how_the_json_is_written_makes_no_difference(cloud, key):
    first = expect.ok(submit(cloud, key, config_name="n"))
    body = json.dumps({"config_name": "n", "idempotency_key": key, "webhook_url": None,
                       "config": dict(reversed(CONFIG.items()))}, indent=4)
    again = expect.ok(cloud.post("/api/cloud/jobs/submit", data=body,
                                 headers={"Content-Type": "application/json"}))
    assert again["job_id"] == first["job_id"]


@pytest.mark.parametrize("other", [{"config": {"model_type": "full"}}, {"config_name": "x"},
                                   {"hardware_profile": "l40s"}, {"dataloader_config": []}], ids=str)
def test_another_request_under_the_key_is_a_conflict(cloud, key, other):
    first = expect.ok(submit(cloud, key))
    before = jobs_total(cloud)
    body = expect.error(submit(cloud, key, **other), 409, "idempotency_key")
    assert body["details"]["job_id"] == first["job_id"]
    assert jobs_total(cloud) == before


def test_the_header_is_as_good_as_the_field(cloud, key):
    first = expect.ok(submit(cloud, None, headers={"Idempotency-Key": key}))
    quoted = expect.ok(submit(cloud, None, headers={"Idempotency-Key": f'"{key}"'}))
    field = expect.ok(submit(cloud, key))
    both = expect.ok(submit(cloud, key, headers={"Idempotency-Key": key}))
    assert {first["job_id"]} == {again["job_id"] for again in (quoted, field, both)}


def test_a_header_that_says_otherwise_is_refused(cloud, key):
    before = jobs_total(cloud)
    expect.error(submit(cloud, key, headers={"Idempotency-Key": "other"}), 400, "idempotency")
    assert jobs_total(cloud) == before


@pytest.mark.parametrize("bad", ["", "x" * 256, 7, ["k"]], ids=repr)
def test_a_bad_key_is_refused(cloud, bad):
    expect.error(submit(cloud, bad), 400, "idempotency_key")


@pytest.mark.parametrize("bad", ['""', "x" * 256])
def test_a_bad_key_in_the_header_is_refused(cloud, bad):
    expect.error(submit(cloud, None, headers={"Idempotency-Key": bad}), 400, "idempotency_key")


def test_a_submission_of_unknown_outcome_is_not_sent_again(cloud, key):
    cloud.configure(http_timeout=1)
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    first = expect.error(submit(cloud, key), 502, code="provider_outcome_unknown")
    cloud.configure(http_timeout=30)
    again = expect.ok(submit(cloud, key))
    assert again["job_id"] == first["details"]["job_id"]
    assert (again["status"], again["idempotent_hit"]) == ("pending", True)
    assert len(cloud.sim.find_job(again["job_id"])) == 1


def test_a_hit_needs_no_token_and_passes_every_limit(cloud, key):
    job_id = expect.ok(submit(cloud, key))["job_id"]
    cloud.delete("/api/cloud/providers/replicate/token")
    assert expect.ok(submit(cloud, key))["job_id"] == job_id


def test_a_request_that_is_refused_leaves_the_key_free(cloud, key):
    cloud.configure(cost_limit_enabled=True, cost_limit_amount=0.000001,
                    cost_limit_action="block")
    try:
        expect.error(submit(cloud, key), 403, code="cost_limit_exceeded")
    finally:
        cloud.configure(cost_limit_enabled=False)
    assert expect.ok(submit(cloud, key))["idempotent_hit"] is False


def test_a_deleted_job_gives_its_key_back(cloud, key):
    first = expect.ok(submit(cloud, key))["job_id"]
    expect.ok(cloud.post(f"/api/cloud/jobs/{first}/cancel"))
    expect.ok(cloud.delete(f"/api/cloud/jobs/{first}"))
    again = expect.ok(submit(cloud, key))
    assert again["job_id"] != first and again["idempotent_hit"] is False


def test_a_retry_has_keys_too(cloud, key):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "failed")
    assert cloud.status(job.job_id) == "failed"
    retry = f"/api/cloud/jobs/{job.job_id}/retry"
    first = expect.ok(cloud.post(retry, json={"idempotency_key": key}))
    again = expect.ok(cloud.post(retry, headers={"Idempotency-Key": key}))
    assert again["job_id"] == first["job_id"] and again["idempotent_hit"] is True
    expect.error(submit(cloud, key), 409, "idempotency_key")
