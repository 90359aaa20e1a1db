"""Jobs after their submission: retried, deleted, read, listed, and found at the provider."""

import concurrent.futures
import json
import threading

import pytest

import expect
from waiting import until

UNKNOWN = "01hzzzzzzzzzzzzzzzzzzzzzzz"


def path(job_id, suffix=""):
    return f"/api/cloud/jobs/{job_id}{suffix}"


def jobs(cloud, query=""):
    return expect.ok(cloud.get(f"/api/cloud/jobs{query}"))


def end(cloud, job, status="failed"):
    cloud.sim.advance(job.prediction_id, status)
    until(lambda: cloud.job(job.job_id)["is_terminal"], 5, "the job does not end")


def audit(cloud, job_id):
    return [event for (event,) in cloud.query(
        "SELECT event_type FROM audit_log WHERE target_id = %s ORDER BY audit_id", job_id)]


# Retry


def test_a_retry_repeats_configuration_data_and_hardware(cloud):
    job = cloud.new_job(config={"model_type": "full", "n": 1}, dataloader_config=[{"id": "d"}],
                        hardware_profile="l40s-x2", config_name="n", tracker_run_name="t",
                        max_runtime_minutes=7)
    end(cloud, job)
    cloud.configure(hardware_profile="h100")
    body = expect.ok(cloud.post(path(job.job_id, "/retry"), data=""))
    assert (body["retry_of"], body["attempt"]) == (job.job_id, 2)
    [again] = cloud.sim.find_job(body["job_id"])
    first, second = (json.loads(prediction["input"]["config_json"])
                     for prediction in (job.prediction, again))
    for config in (first, second):
        config.pop("publishing_config")
    assert first == second
    assert again["input"]["dataloader_json"] == job.prediction["input"]["dataloader_json"]
    assert again["model"] == job.prediction["model"]
    assert again["input"]["env"]["SIMPLETUNER_UPLOAD_TOKEN"] != job.token
    view = cloud.job(body["job_id"])
    assert view["retry_of"] == job.job_id and view["config_name"] == "n"
    assert view["metadata"]["tracker_run_name"] == "t"


def test_a_retry_of_a_retry_counts_on(cloud, job):
    end(cloud, job)
    second = expect.ok(cloud.post(path(job.job_id, "/retry"), json={}))
    expect.ok(cloud.post(path(second["job_id"], "/cancel")))
    third = expect.ok(cloud.post(path(second["job_id"], "/retry"), json={}))
    assert (third["retry_of"], third["attempt"]) == (second["job_id"], 3)


def test_an_active_job_is_not_retried(cloud, job):
    expect.error(cloud.post(path(job.job_id, "/retry"), json={}), 409, "queued")


def test_what_was_submitted_is_not_readable_in_the_database(cloud):
    cloud.new_job(config={"wandb_key": "very-secret-key"})
    assert "very-secret-key" not in cloud.database_text()


@pytest.mark.parametrize("body", [{"colour": 1}, {"idempotency_key": 7}, []], ids=str)
def test_a_wrong_retry_is_refused(cloud, job, body):
    end(cloud, job)
    expect.error(cloud.post(path(job.job_id, "/retry"), json=body), 400)


# Delete


def test_a_deleted_job_is_gone(cloud, job):
    end(cloud, job)
    total = jobs(cloud)["total"]
    assert expect.ok(cloud.delete(path(job.job_id))) == {"success": True, "job_id": job.job_id}
    expect.error(cloud.get(path(job.job_id)), 404)
    expect.error(cloud.delete(path(job.job_id)), 404)
    assert jobs(cloud)["total"] == total - 1


def test_an_active_job_is_not_deleted(cloud, job):
    expect.error(cloud.delete(path(job.job_id)), 409, "queued")
    assert cloud.status(job.job_id) == "queued"


@pytest.mark.parametrize("method, suffix", [("DELETE", ""), ("POST", "/retry"), ("GET", "/logs"),
                                            ("GET", "/inline-progress")])
@pytest.mark.parametrize("job_id", [UNKNOWN, "x", "..%2f.."])
def test_an_unknown_job_is_not_found(cloud, method, suffix, job_id):
    status, _, body = cloud.raw(method, path(job_id, suffix), b"" if method == "POST" else None)
    assert status in (404, 400), body


def test_the_audit_log_tells_who_did_what(cloud, job):
    expect.ok(cloud.post(path(job.job_id, "/cancel")))
    expect.ok(cloud.delete(path(job.job_id)))
    assert audit(cloud, job.job_id) == ["job.submitted", "job.cancelled", "job.deleted"]


def test_a_cancel_that_comes_too_late_is_not_audited(cloud, job):
    end(cloud, job)
    expect.error(cloud.post(path(job.job_id, "/cancel")), 409)
    assert audit(cloud, job.job_id) == ["job.submitted"]


def test_a_job_can_be_cancelled_while_it_is_submitted(cloud):
    """The provider thinks about it; what it made in the end is cancelled there too."""
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=2)
    newest = jobs(cloud, "?limit=1")["jobs"]
    submit = threading.Thread(target=cloud.submit)
    submit.start()
    until(lambda: jobs(cloud, "?limit=1")["jobs"] != newest, 1.8, "there is no job")
    job_id = jobs(cloud, "?limit=1")["jobs"][0]["job_id"]
    expect.ok(cloud.post(path(job_id, "/cancel")))
    submit.join()
    assert cloud.status(job_id) == "cancelled"
    [prediction] = cloud.sim.find_job(job_id)
    assert prediction["status"] == "canceled"


def test_many_lives_at_once_do_not_get_in_each_others_way(cloud):
    """Submitted, cancelled and deleted by many, while the counters they share stay true."""
    before = jobs(cloud, "?limit=1")["total"]

    def live(_):
        job_id = cloud.submit().json()["job_id"]
        return [cloud.post(path(job_id, "/cancel")).status_code,
                cloud.delete(path(job_id)).status_code, cloud.submit().status_code]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        codes = [code for codes in pool.map(live, range(24)) for code in codes]
    assert codes == [200] * len(codes)
    assert jobs(cloud, "?limit=1")["total"] == before + 24


# Logs and progress


def test_logs_come_from_the_provider(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing", logs="step 1/4\nöde <b>\n")
    body = expect.ok(cloud.get(path(job.job_id, "/logs")))
    assert body["job_id"] == job.job_id and body["logs"] == "step 1/4\nöde <b>\n"


def test_a_job_without_logs_says_so(cloud, job):
    assert expect.ok(cloud.get(path(job.job_id, "/logs")))["logs"] == "(No logs available)"


def test_a_job_that_is_not_there_yet_says_so(cloud):
    cloud.configure(http_timeout=1)
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    job_id = cloud.submit().json()["details"]["job_id"]
    cloud.configure(http_timeout=30)
    logs = expect.ok(cloud.get(path(job_id, "/logs")))["logs"]
    assert logs == "(Job has not reached the provider yet)"


def test_a_provider_that_does_not_answer_is_a_remark(cloud, job):
    cloud.configure(api_base_url="https://nowhere.invalid/v1")
    assert expect.ok(cloud.get(path(job.job_id, "/logs")))["logs"].startswith("(Error fetching")
    cloud.delete("/api/cloud/providers/replicate/token")
    assert expect.ok(cloud.get(path(job.job_id, "/logs")))["logs"] == "(No API token configured)"


def test_long_logs_show_their_end(cloud, job):
    lines = "".join(f"line {number} {'x' * 90}\n" for number in range(60000))
    cloud.sim.advance(job.prediction_id, "processing", logs=lines)
    body = expect.ok(cloud.get(path(job.job_id, "/logs")))
    assert body["truncated"] is True
    assert lines.endswith("\n" + body["logs"]) and len(body["logs"]) > 4_000_000


def test_archived_logs_outlive_the_provider(cloud, job):
    cloud.sim.advance(job.prediction_id, "succeeded", logs="what was said\n")
    until(lambda: (cloud.job(job.job_id)["archive"] or {}).get("state") == "done", 20,
          "the results are not fetched")
    cloud.sim.store.forget(job.prediction_id)
    assert expect.ok(cloud.get(path(job.job_id, "/logs")))["logs"] == "what was said\n"


def test_progress_is_what_the_last_poll_read(cloud, job):
    nothing = {"job_id": job.job_id, "stage": None, "last_log": None, "progress": None}
    assert expect.ok(cloud.get(path(job.job_id, "/inline-progress"))) == nothing
    cloud.sim.advance(job.prediction_id, "processing", logs="loading\nstep 5/8, loss 0.25\n")
    assert cloud.companion("poll").returncode == 0
    calls = len(cloud.sim.requests)
    assert expect.ok(cloud.get(path(job.job_id, "/inline-progress"))) == {
        "job_id": job.job_id, "stage": "Training", "last_log": "step 5/8, loss 0.25",
        "progress": 62.5}
    assert len(cloud.sim.requests) == calls
    end(cloud, job, "succeeded")
    assert expect.ok(cloud.get(path(job.job_id, "/inline-progress"))) == nothing


# Lists


def test_a_page_may_begin_further_on(cloud):
    ids = [cloud.new_job().job_id for _ in range(3)][::-1]
    assert [job["job_id"] for job in jobs(cloud, "?limit=2&offset=1")["jobs"]] == ids[1:]
    assert jobs(cloud, "?offset=10000&limit=1")["jobs"] == []


def test_there_are_no_local_jobs(cloud, job):
    assert jobs(cloud, "?job_type=local") == {"jobs": [], "total": 0, "next_before": None}
    assert jobs(cloud, "?job_type=cloud&limit=1")["jobs"][0]["job_id"] == job.job_id


def test_the_list_is_filtered_by_owner(cloud, job):
    assert jobs(cloud, "?owner=local&limit=1")["jobs"][0]["job_id"] == job.job_id
    assert jobs(cloud, "?owner=nobody")["total"] == 0


@pytest.mark.parametrize("query", ["offset=-1", "offset=10001", "offset=x", "job_type=remote",
                                   "job_type=", "sync_active=maybe"])
def test_a_bad_query_is_refused(cloud, query):
    expect.error(cloud.get(f"/api/cloud/jobs?{query}"), 400, query.split("=")[0])


def test_waiting_jobs_know_their_place(cloud):
    first, second = cloud.new_job().job_id, cloud.new_job().job_id
    places = {job["job_id"]: job["queue_position"] for job in jobs(cloud, "?limit=2")["jobs"]}
    assert places[second] == places[first] + 1 >= 2
    assert cloud.job(first)["queue_position"] == places[first]
    [prediction] = cloud.sim.find_job(first)
    cloud.sim.advance(prediction["id"], "processing")
    until(lambda: "queue_position" not in cloud.job(first), 5, "it still waits")
    assert cloud.job(second)["queue_position"] == places[second] - 1


def test_a_list_may_ask_the_provider_first(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    seen = {item["job_id"]: item["status"]
            for item in jobs(cloud, "?sync_active=true&limit=5")["jobs"]}
    assert seen[job.job_id] == "running"


# Sync


def sync(cloud):
    return expect.ok(cloud.post("/api/cloud/jobs/sync", data=""))


def test_a_sync_takes_in_what_was_submitted_elsewhere(cloud):
    sync(cloud)
    view = cloud.sim.create({"version": "simpletuner/advanced-trainer-l40s-x2", "input": {}})
    cloud.sim.advance(view["id"], "succeeded", metrics={"predict_time": 100.0})
    body = sync(cloud)
    assert (body["synced"], body["updated"]) == (1, 0)
    assert body["message"] == "Discovered 1 new jobs from Replicate"
    job = jobs(cloud, "?limit=1")["jobs"][0]
    assert (job["external_id"], job["status"]) == (view["id"], "completed")
    assert job["metadata"] == {"adopted": True} and job["hardware_type"] == "2x L40S"
    assert job["cost_usd"] == pytest.approx(100 * 2 * 0.000972222, rel=0.01)
    assert sync(cloud)["synced"] == 0
    expect.error(cloud.post(path(job["job_id"], "/retry"), json={}), 409, "not known")


def test_a_sync_moves_known_jobs_on(cloud, job):
    sync(cloud)
    cloud.sim.advance(job.prediction_id, "failed", deliver=False)
    body = sync(cloud)
    assert (body["synced"], body["updated"]) == (0, 1)
    assert cloud.status(job.job_id) == "failed"


def test_a_sync_reads_every_page(cloud):
    sync(cloud)
    job = cloud.new_job()
    for _ in range(5):
        cloud.new_job()
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    cloud.sim.page_size = 2
    try:
        body = sync(cloud)
    finally:
        cloud.sim.page_size = 100
    assert body["updated"] == 1 and cloud.status(job.job_id) == "running"


def test_a_sync_finds_a_lost_submission(cloud):
    sync(cloud)
    cloud.configure(http_timeout=1)
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    job_id = cloud.submit().json()["details"]["job_id"]
    cloud.configure(http_timeout=30)
    assert sync(cloud)["synced"] == 0
    [prediction] = cloud.sim.find_job(job_id)
    assert cloud.job(job_id)["external_id"] == prediction["id"]


def test_a_sync_without_an_answer_says_so(cloud):
    cloud.sim.fault("500", "GET", "/v1/predictions", count=10)
    expect.error(cloud.post("/api/cloud/jobs/sync", data=""), 502)


def test_strangers_do_nothing(cloud, job):
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    end(cloud, job)
    for method, suffix in (("DELETE", ""), ("POST", "/retry"), ("GET", "/logs")):
        answer = cloud.request(method, path(job.job_id, suffix), headers=stranger, data="")
        expect.error(answer, 401)
    expect.error(cloud.post("/api/cloud/jobs/sync", headers=stranger, data=""), 401)
    assert cloud.status(job.job_id) == "failed"
