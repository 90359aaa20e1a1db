"""The poll round: what the companion asks the provider, and what follows from its answers."""

import concurrent.futures
import json

import pytest

import expect
import waiting
from stack import BREAKERS

SETTING = "/api/cloud/polling/setting"
STATUS = "/api/cloud/polling/status"
GRACE_US = 16 * 60 * 1_000_000
PREDICTIONS = "/v1/predictions"
MANY = 70
LATENCY_S = 0.5


def poll(cloud):
    result = cloud.companion("poll", "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def make_due(cloud):
    """The waits of all jobs that are still asked about are over."""
    cloud.change("UPDATE jobs SET poll_at_us = 0 WHERE poll_at_us IS NOT NULL")


def asked_about(cloud, job):
    return len(cloud.sim.requests_to("GET", f"{PREDICTIONS}/{job.prediction_id}"))


def new_jobs(cloud, count):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda _: cloud.new_job(), range(count)))


def lost_submission(cloud, mode="drop-after-commit"):
    """A job whose submission had no answer: pending, without the provider's id."""
    cloud.configure(http_timeout=1)
    cloud.sim.fault(mode, "POST", PREDICTIONS, seconds=2)
    answer = cloud.submit()
    cloud.configure(http_timeout=30)
    assert answer.status_code == 502, answer.text
    job = expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["jobs"][0]
    assert (job["status"], job["external_id"]) == ("pending", None)
    return job["job_id"]


# Answers


def test_a_round_takes_every_answer_for_what_it_is(cloud):
    running, done, failed, same, gone, broken = new_jobs(cloud, 6)
    cloud.sim.advance(running.prediction_id, "processing", deliver=False)
    cloud.sim.advance(done.prediction_id, "processing", deliver=False)
    cloud.sim.advance(done.prediction_id, "succeeded", deliver=False)
    cloud.sim.advance(failed.prediction_id, "failed", deliver=False, error="no data")
    cloud.sim.fault("500", "GET", f"{PREDICTIONS}/{broken.prediction_id}")
    with cloud.sim.store.hidden(gone.prediction_id):
        report = poll(cloud)
    assert (report["asked"], report["moved"], report["failed"]) == (6, 3, 1)
    jobs = [cloud.job(job.job_id) for job in (running, done, failed, same, gone, broken)]
    assert [job["status"] for job in jobs] == ["running", "completed", "failed", "queued", "queued",
                                               "queued"]
    assert jobs[1]["cost_usd"] is not None and jobs[2]["error_message"] == "no data"


def test_a_job_that_failed_to_be_asked_waits_and_the_others_do_not(cloud):
    healthy, broken = new_jobs(cloud, 2)
    cloud.sim.fault("500", "GET", f"{PREDICTIONS}/{broken.prediction_id}")
    poll(cloud)
    report = poll(cloud)
    assert (report["asked"], report["failed"]) == (1, 0)
    assert (asked_about(cloud, healthy), asked_about(cloud, broken)) == (2, 1)
    make_due(cloud)
    assert poll(cloud)["asked"] == 2
    assert poll(cloud)["asked"] == 2, "an answer ends the waiting"


@pytest.mark.parametrize("mode", ["429", "503", "garbage", "reset", "huge"])
def test_an_error_moves_no_job(cloud, job, mode):
    for _ in range(4):
        cloud.sim.fault(mode, "GET", f"{PREDICTIONS}/{job.prediction_id}")
        make_due(cloud)
        assert poll(cloud)["failed"] == 1
    assert cloud.status(job.job_id) == "queued"
    make_due(cloud)
    assert poll(cloud)["failed"] == 0


def test_a_job_missing_at_the_provider_fails_at_the_third_look(cloud, job):
    cloud.sim.store.forget(job.prediction_id)
    for _ in range(2):
        poll(cloud)
        assert cloud.status(job.job_id) == "queued"
        assert poll(cloud)["asked"] == 0, "the next look is half a minute away"
        make_due(cloud)
    assert poll(cloud)["moved"] == 1
    view = cloud.job(job.job_id)
    assert (view["status"], view["error_message"]) == ("failed", "Job not found at provider")


def test_a_404_of_a_wrong_address_is_not_the_providers_word(cloud, job):
    cloud.configure(api_base_url=f"{cloud.url}/no/such/api")
    for _ in range(4):
        make_due(cloud)
        poll(cloud)
    assert cloud.status(job.job_id) == "queued"


# Many


def test_many_jobs_are_asked_about_at_once(cloud):
    jobs = new_jobs(cloud, MANY)
    for job in jobs[::2]:
        cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    cloud.sim.latency_s, cloud.sim.busiest = LATENCY_S, 0
    try:
        report = poll(cloud)
    finally:
        cloud.sim.latency_s = 0
    assert (report["asked"], report["moved"], report["failed"]) == (MANY, MANY / 2, 0)
    assert 16 <= cloud.sim.busiest <= 32
    statuses = {cloud.status(job.job_id) for job in jobs[::2]}
    assert statuses == {"running"}


def test_a_provider_that_is_out_is_left_alone_for_the_round(cloud):
    jobs = new_jobs(cloud, 50)
    before = len(cloud.sim.requests_to("GET", PREDICTIONS))
    cloud.sim.fault("503", "GET", PREDICTIONS, count=1000)
    report = poll(cloud)
    calls = len(cloud.sim.requests_to("GET", PREDICTIONS)) - before
    assert 5 <= report["failed"] == calls < 5 + 32, "those that were under way, and no more"
    assert report["left"] == len(jobs) - calls
    cloud.sim.clear_faults()
    assert poll(cloud)["left"] == len(jobs) - calls, "nor is it asked by the next"
    expect.ok(cloud.post(f"{BREAKERS}/replicate/reset"))
    assert poll(cloud)["asked"] == len(jobs) - calls, "what was not asked is still due"


# Lost submissions


def test_lost_submissions_are_found_in_one_walk(cloud):
    lost = [lost_submission(cloud) for _ in range(3)]
    before = len(cloud.sim.requests_to("GET", PREDICTIONS))
    report = poll(cloud)
    assert (report["asked"], report["found"]) == (3, 3)
    assert len(cloud.sim.requests_to("GET", PREDICTIONS)) - before == 1
    for job_id in lost:
        [prediction] = cloud.sim.find_job(job_id)
        job = cloud.job(job_id)
        assert (job["status"], job["external_id"]) == ("queued", prediction["id"])


def test_a_submission_the_provider_never_had_fails_after_its_grace(cloud):
    job_id = lost_submission(cloud, "hang")
    assert poll(cloud)["moved"] == 0
    assert cloud.status(job_id) == "pending"
    cloud.change("UPDATE jobs SET created_at_us = created_at_us - %s WHERE job_id = %s", GRACE_US,
                 job_id)
    assert poll(cloud)["moved"] == 1
    job = cloud.job(job_id)
    assert job["status"] == "failed" and "interrupted" in job["error_message"]


def test_a_list_that_breaks_off_proves_nothing(cloud):
    job_id = lost_submission(cloud, "hang")
    cloud.change("UPDATE jobs SET created_at_us = created_at_us - %s WHERE job_id = %s", GRACE_US,
                 job_id)
    cloud.sim.fault("500", "GET", PREDICTIONS, count=3)
    assert poll(cloud)["failed"] == 1
    assert cloud.status(job_id) == "pending"
    make_due(cloud)
    poll(cloud)
    assert cloud.status(job_id) == "failed"


def test_a_job_cancelled_before_it_was_named_is_cancelled_at_the_provider_too(cloud):
    job_id = lost_submission(cloud)
    [prediction] = cloud.sim.find_job(job_id)
    with cloud.sim.store.hidden(prediction["id"]):
        expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))
    assert cloud.sim.store.get(prediction["id"])["status"] == "starting"
    assert poll(cloud)["asked"] == 0, "its submission may still be under way"
    make_due(cloud)
    poll(cloud)
    assert cloud.sim.store.get(prediction["id"])["status"] == "canceled"
    job = cloud.job(job_id)
    assert (job["status"], job["external_id"]) == ("cancelled", prediction["id"])
    make_due(cloud)
    assert poll(cloud)["asked"] == 0, "that was all there was to do"


def test_a_job_named_after_its_cancellation_is_cancelled_at_the_provider_too(cloud):
    job_id = lost_submission(cloud)
    [prediction] = cloud.sim.find_job(job_id)
    with cloud.sim.store.hidden(prediction["id"]):
        expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))
    cloud.sim.advance(prediction["id"], "processing")
    waiting.until(lambda: cloud.job(job_id)["external_id"], 10, "no webhook named it")
    make_due(cloud)
    poll(cloud)
    assert cloud.sim.store.get(prediction["id"])["status"] == "canceled"
    assert cloud.status(job_id) == "cancelled"
    make_due(cloud)
    assert poll(cloud)["asked"] == 0, "that was all there was to do"


def test_a_job_named_while_it_is_cancelled_is_cancelled_at_the_provider_too(cloud):
    job_id = lost_submission(cloud)
    [prediction] = cloud.sim.find_job(job_id)
    other = cloud.new_job()
    cloud.change("UPDATE jobs SET external_id = NULL WHERE job_id = %s", other.job_id)
    cloud.sim.fault("slow", "GET", PREDICTIONS, seconds=LATENCY_S)
    before = len(cloud.sim.requests_to("GET", PREDICTIONS))
    with (cloud.sim.store.hidden(prediction["id"]),
          concurrent.futures.ThreadPoolExecutor(1) as pool):
        cancel = pool.submit(cloud.post, f"/api/cloud/jobs/{job_id}/cancel")
        waiting.until(lambda: len(cloud.sim.requests_to("GET", PREDICTIONS)) > before, 10,
                      "the provider is not asked")
        cloud.change("UPDATE jobs SET external_id = %s WHERE job_id = %s", other.prediction_id,
                     job_id)
        expect.ok(cancel.result())
    assert cloud.sim.store.get(other.prediction_id)["status"] == "canceled"
    assert cloud.job(job_id)["external_id"] == other.prediction_id


# The switch


@pytest.fixture
def switch(cloud):
    yield lambda enabled: cloud.put(SETTING, json={"enabled": enabled})
    cloud.put(SETTING, json={"enabled": None})


def test_polling_is_switched_off_and_on(cloud, job, switch):
    poll(cloud)
    status = expect.ok(cloud.get(STATUS))
    assert status["is_active"] is True and status["preference"] is None and status["last_run_at"]
    assert expect.ok(switch(False)) == {"success": True, "enabled": False, "is_active": False}
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    assert poll(cloud)["outcome"] == "idle"
    assert cloud.status(job.job_id) == "queued"
    assert expect.ok(cloud.get(STATUS))["preference"] is False
    assert expect.ok(switch(True))["enabled"] is True
    assert poll(cloud)["moved"] == 1
    assert expect.ok(switch(None))["enabled"] is None


@pytest.mark.parametrize("body", [{}, {"enabled": 1}, {"enabled": "false"}, [],
                                  {"enabled": True, "every": 5}])
def test_a_switch_is_on_off_or_default(cloud, body):
    assert cloud.put(SETTING, json=body).status_code == 400
    assert expect.ok(cloud.get(STATUS))["preference"] is None
