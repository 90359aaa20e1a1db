"""One id from the request that began it to all that followed: found in the log by one search."""

import itertools
import os

import pytest

import expect
from log_lines import access_lines, lines_with_id
from office import CONFIG, SUBMIT, approve, office, open_office  # noqa: F401
from waiting import until

SERIAL = itertools.count(1)
WAIT_S = 30


@pytest.fixture
def trace():
    return f"trace-{os.getpid()}-{next(SERIAL)}"


def submit(cloud, trace, **body):
    body.setdefault("config", {"model_type": "lora", "max_train_steps": 10})
    answer = cloud.post("/api/cloud/jobs/submit", json=body, headers={"X-Correlation-ID": trace})
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Correlation-ID"] == trace
    return cloud.known_job(answer.json()["job_id"])


def calls_with(cloud, trace, method, path):
    return [record for record in cloud.sim.requests_to(method, path)
            if trace in record["headers"].values()]


def wait_for_archive(cloud, job):
    until(lambda: (cloud.job(job.job_id)["archive"] or {}).get("state") == "done", WAIT_S,
          "the results do not come")


def test_one_id_leads_from_the_request_to_the_results(cloud, trace):
    job = submit(cloud, trace)
    assert len(calls_with(cloud, trace, "POST", "/v1/predictions")) == 1
    cloud.sim.advance(job.prediction_id, "processing")
    url, _ = cloud.sim.deliver(job.prediction_id, "out.bin", b"weights")
    cloud.sim.advance(job.prediction_id, "succeeded", output=url)
    wait_for_archive(cloud, job)

    # the call that fetched the results, long after the request
    assert calls_with(cloud, trace, "GET", f"/delivery/{job.prediction_id}/out.bin")
    # the webhooks: their deliveries, and the lines of their requests
    deliveries = expect.ok(cloud.get(f"/api/webhooks/deliveries?job_id={job.job_id}"))
    assert {item["correlation_id"] for item in deliveries["deliveries"]} == {trace}
    # events
    events = expect.ok(cloud.get("/api/events/recent?limit=100"))["events"]
    ours = [event for event in events if event["job_id"] == job.job_id]
    assert ours and {event["data"]["correlation_id"] for event in ours} == {trace}
    # the audit log
    entries = expect.ok(cloud.get(f"/api/audit?target_id={job.job_id}"))["entries"]
    assert entries and {entry["correlation_id"] for entry in entries} == {trace}
    # the log
    lines = lines_with_id(cloud.log(), trace)
    routes = {line["extra"]["route"] for line in access_lines(cloud.log())
              if line["correlation_id"] == trace}
    assert routes == {"/api/cloud/jobs/submit", "/api/webhooks/{provider}"}
    assert [line for line in lines if line["message"] == "Results are archived"
            and line["extra"]["job_id"] == job.job_id]


def test_the_companion_goes_on_under_the_id_of_each_job(cloud, trace):
    """Of two jobs of one poll each is asked about under its own id, and so are their ends."""
    traces = [f"{trace}-a", f"{trace}-b"]
    jobs = [submit(cloud, each) for each in traces]
    for job in jobs:
        cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    cloud.change("UPDATE jobs SET poll_at_us = 1 WHERE poll_at_us IS NOT NULL")
    assert cloud.companion("poll").returncode == 0
    for job, each in zip(jobs, traces):
        [call] = calls_with(cloud, each, "GET", f"/v1/predictions/{job.prediction_id}")
        assert cloud.status(job.job_id) == "completed"
        events = [event for event in expect.ok(cloud.get("/api/events/recent?limit=100"))["events"]
                  if event["job_id"] == job.job_id]
        assert {event["data"]["correlation_id"] for event in events} == {each}


def test_what_the_companion_says_of_a_job_has_the_id_of_the_job(cloud, trace):
    job = submit(cloud, trace)
    cloud.change("UPDATE jobs SET poll_at_us = 1 WHERE job_id = %s", job.job_id)
    cloud.sim.fault("500", "GET", f"/v1/predictions/{job.prediction_id}", count=20)
    result = cloud.companion("poll")
    [line] = [line for line in lines_with_id(result.stderr, trace)
              if line["message"] == "A job could not be polled"]
    assert line["extra"]["job_id"] == job.job_id


def test_a_webhook_to_another_address_is_joined_by_its_job(cloud, trace):
    """Its URL was given by somebody else and carries no id; what it does has one all the same."""
    cloud.configure(webhook_url=f"{cloud.url}/api/webhooks/replicate")
    job = submit(cloud, trace)
    cloud.sim.advance(job.prediction_id, "processing")
    assert cloud.status(job.job_id) == "running"
    events = [event for event in expect.ok(cloud.get("/api/events/recent?limit=100"))["events"]
              if event["job_id"] == job.job_id]
    assert {event["data"]["correlation_id"] for event in events} == {trace}


@pytest.mark.parametrize("value", ["x" * 65, "a%20b", "%3Cscript%3E", "", "%0d%0aX:%201"])
def test_a_bad_id_in_a_webhook_url_is_not_taken(cloud, job, value):
    answer = cloud.webhook({"id": job.prediction_id, "status": "processing"},
                           query=f"?correlation_id={value}")
    assert answer.status_code == 200
    delivery = cloud.delivery(answer.json())
    assert delivery["correlation_id"] == answer.headers["X-Correlation-ID"]
    assert len(delivery["correlation_id"]) == 12


def test_a_replay_is_a_request_of_its_own(cloud, trace):
    job = submit(cloud, trace)
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.settle()
    [delivery] = expect.ok(cloud.get(f"/api/webhooks/deliveries?job_id={job.job_id}"))["deliveries"]
    answer = cloud.post(f"/api/webhooks/deliveries/{delivery['delivery_id']}/replay",
                        headers={"X-Correlation-ID": f"{trace}-again"})
    assert answer.headers["X-Correlation-ID"] == f"{trace}-again"
    [entry] = expect.ok(cloud.get(
        f"/api/audit?target_id={delivery['delivery_id']}"))["entries"]
    assert entry["correlation_id"] == f"{trace}-again"


def test_an_approved_job_is_submitted_under_the_id_of_its_request(office, trace):
    """Hours may lie between the two: the call that costs is found by the id of the request."""
    office.rule()
    answer = office.owner.post(SUBMIT, json={"config": CONFIG, "config_name": "portrait"},
                               headers={"X-Correlation-ID": trace})
    waiting = answer.json()["approval_request"]
    expect.ok(approve(office.lead, waiting["id"]))
    until(lambda: calls_with(office, trace, "POST", "/v1/predictions"), WAIT_S,
          "the job was not submitted under its id")
