"""Looking at jobs and cancelling them."""

import concurrent.futures
import time

import pytest

import expect

VIEW = {"job_id", "job_type", "provider", "external_id", "status", "config_name", "created_at",
        "started_at", "completed_at", "cost_usd", "hardware_type", "error_message", "output_url",
        "metadata", "is_terminal", "is_active", "duration_seconds", "upload_progress", "archive"}
UNKNOWN = "01hzzzzzzzzzzzzzzzzzzzzzzz"


def jobs(cloud, query=""):
    return expect.ok(cloud.get(f"/api/cloud/jobs{query}"))


def cancel(cloud, job_id):
    return cloud.post(f"/api/cloud/jobs/{job_id}/cancel")


def test_a_job_shows_all_its_fields(cloud):
    job = cloud.new_job(config_name="portrait", tracker_run_name="run-1",
                        hardware_profile="l40s")
    view = cloud.job(job.job_id)
    assert VIEW <= set(view)
    assert view["job_id"] == job.job_id
    assert view["job_type"] == "cloud" and view["provider"] == "replicate"
    assert view["external_id"] == job.prediction_id
    assert view["config_name"] == "portrait"
    assert view["status"] == "queued"
    assert view["is_active"] is True and view["is_terminal"] is False
    assert view["started_at"] is None and view["duration_seconds"] is None
    assert view["created_at"].endswith("Z")
    assert view["metadata"]["tracker_run_name"] == "run-1"
    assert view["upload_progress"] == {"files": 0, "bytes": 0, "in_flight": 0, "in_flight_bytes": 0,
                                       "last_upload_at": None}


def test_a_finished_job_has_times_and_cost(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.advance(job.prediction_id, "succeeded", metrics={"predict_time": 100.0})
    view = cloud.job(job.job_id)
    assert view["status"] == "completed"
    assert view["is_terminal"] is True and view["is_active"] is False
    assert view["started_at"] <= view["completed_at"]
    assert view["duration_seconds"] >= 0
    assert view["cost_usd"] == pytest.approx(100 * 0.001525, rel=0.01)
    assert view["output_url"] == cloud.sim.store.get(job.prediction_id)["output"]


def test_a_failed_job_tells_why(cloud, job):
    cloud.sim.advance(job.prediction_id, "failed", error="CUDA out of memory <b>")
    view = cloud.job(job.job_id)
    assert view["status"] == "failed" and view["error_message"] == "CUDA out of memory <b>"


def test_names_are_data(cloud):
    name = """Robert'); DROP TABLE jobs;-- <script>"\\ ünï %s %n"""
    job = cloud.new_job(config_name=name)
    assert cloud.job(job.job_id)["config_name"] == name


def test_the_list_has_the_newest_first_and_a_true_total(cloud):
    before = jobs(cloud)["total"]
    ids = [cloud.new_job().job_id for _ in range(3)]
    page = jobs(cloud, "?limit=2")
    assert [job["job_id"] for job in page["jobs"]] == ids[:0:-1]
    assert page["total"] == before + 3


def test_paging_meets_every_job_once(cloud):
    wanted = {cloud.new_job().job_id for _ in range(7)}
    seen, query = [], "?limit=3"
    while query:
        page = jobs(cloud, query)
        assert len(page["jobs"]) <= 3
        seen += [job["job_id"] for job in page["jobs"]]
        query = page["next_before"] and f"?limit=3&before={page['next_before']}"
    assert len(seen) == len(set(seen)) == jobs(cloud)["total"]
    assert wanted <= set(seen)
    assert seen == sorted(seen, reverse=True)


def test_the_list_is_filtered_by_status(cloud):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.settle()
    page = jobs(cloud, "?status=running&limit=500")
    assert job.job_id in [item["job_id"] for item in page["jobs"]]
    assert {item["status"] for item in page["jobs"]} == {"running"}
    assert page["total"] == len(page["jobs"])


def test_the_list_is_filtered_by_provider(cloud, job):
    page = jobs(cloud, "?provider=replicate&limit=1")
    assert page["jobs"][0]["job_id"] == job.job_id
    assert page["total"] == jobs(cloud)["total"]


def test_the_list_is_searched_by_name_and_id_and_nothing_in_it_is_special(cloud):
    first = cloud.new_job(config_name="Search me 100%").job_id
    second = cloud.new_job(config_name="search_me too").job_id

    def found(**query):
        return [job["job_id"] for job in expect.ok(
            cloud.get("/api/cloud/jobs", params=query))["jobs"] if job["job_id"] >= first]

    assert found(search="SEARCH") == [second, first]
    assert found(search="100%") == [first]
    assert found(search="search_me") == [second]
    assert found(search="%") == [first]
    assert found(search="!") == found(search="' OR 1=1 --") == []
    assert found(search=second.upper()) == [second]
    assert found(search="search", order="asc") == [first, second]
    assert found(search="search", status="failed") == []
    assert found(search="search", status="queued", provider="replicate", limit=1) == [second]
    assert jobs(cloud, "?search=search")["total"] is None


def test_the_oldest_come_first_when_asked_for(cloud):
    made = [cloud.new_job().job_id for _ in range(3)]
    newest_first = [job["job_id"] for job in jobs(cloud, "?limit=500")["jobs"]]
    seen, after = [], ""
    while after is not None:
        page = jobs(cloud, f"?order=asc&limit=7{after and '&after=' + after}")
        assert page["next_before"] is None
        seen += [job["job_id"] for job in page["jobs"]]
        after = page["next_after"]
    assert seen == newest_first[::-1] and seen[-3:] == made


def test_the_list_tells_how_many_there_are_of_each_status(cloud, job):
    counts = jobs(cloud, "?counts=true&status=failed&limit=1")["counts"]
    assert sum(counts.values()) == jobs(cloud)["total"]
    assert counts["failed"] == jobs(cloud, "?status=failed")["total"]
    cloud.sim.advance(job.prediction_id, "failed", error="x")
    cloud.settle()
    assert jobs(cloud, "?counts=true")["counts"]["failed"] == counts["failed"] + 1


def test_the_list_tells_how_far_running_jobs_are(cloud, job):
    assert cloud.job(job.job_id)["progress"] is None
    cloud.sim.advance(job.prediction_id, "processing", logs="step 1/4\n")
    cloud.settle()
    [row] = jobs(cloud, f"?search={job.job_id}")["jobs"]
    assert row["progress"] == {"stage": "Training", "last_log": "step 1/4", "progress": 25.0}


@pytest.mark.parametrize("query", [
    "limit=0", "limit=501", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=1e2",
    "limit=99999999999999999999", "limit=0x1", "status=sleeping", "status=",
    "status=Queued", "before=nonsense", "before=" + "u" * 26, "after=nonsense", "order=up",
    f"after={UNKNOWN}", f"order=asc&before={UNKNOWN}", "search=" + "x" * 201, "counts=yes"])
def test_a_bad_query_is_refused(cloud, query):
    expect.error(cloud.get(f"/api/cloud/jobs?{query}"), 400)


@pytest.mark.parametrize("query", ["limit=%31%00", "status=%ff", "before=%00", "status=queued%00"])
def test_bytes_that_are_no_text_are_refused_in_a_query(cloud, query):
    """By the front server or by us."""
    assert cloud.get(f"/api/cloud/jobs?{query}").status_code == 400


def test_an_unknown_provider_filter_matches_nothing_or_is_refused(cloud):
    answer = cloud.get("/api/cloud/jobs?provider=nobody")
    assert answer.status_code in (200, 400, 404), answer.text
    if answer.status_code == 200:
        assert answer.json()["jobs"] == [] and answer.json()["total"] == 0


@pytest.mark.parametrize("job_id", [UNKNOWN, "x", "a" * 300, "%2e%2e", "..%2f..%2fetc",
                                    "01HZZZZZZZZZZZZZZZZZZZZZZZ", "'%20OR%201=1", "%00"])
@pytest.mark.parametrize("method, suffix", [("GET", ""), ("POST", "/cancel")])
def test_an_unknown_job_is_not_found(cloud, job_id, method, suffix):
    status, _, body = cloud.raw(method, f"/api/cloud/jobs/{job_id}{suffix}",
                                b"" if method == "POST" else None)
    assert status in (404, 400), body
    assert status == 404 or "%" in job_id or len(job_id) > 200


def test_cancelling_reaches_the_provider(cloud, job):
    body = expect.ok(cancel(cloud, job.job_id))
    assert body["success"] is True
    assert (body["job_id"], body["status"]) == (job.job_id, "cancelled")
    assert cloud.status(job.job_id) == "cancelled"
    assert cloud.sim.store.get(job.prediction_id)["status"] == "canceled"
    assert cloud.job(job.job_id)["completed_at"]


def test_a_running_job_can_be_cancelled(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing")
    expect.ok(cancel(cloud, job.job_id))
    assert cloud.status(job.job_id) == "cancelled"


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_an_ended_job_cannot_be_cancelled(cloud, job, status):
    cloud.sim.advance(job.prediction_id, status)
    ended = cloud.job_row(job.job_id)
    expect.error(cancel(cloud, job.job_id), 409)
    assert cloud.job_row(job.job_id) == ended


def test_cancelling_twice_is_a_conflict(cloud, job):
    expect.ok(cancel(cloud, job.job_id))
    expect.error(cancel(cloud, job.job_id), 409)


def test_a_prediction_that_is_gone_counts_as_cancelled(cloud, job):
    cloud.sim.store.forget(job.prediction_id)
    expect.ok(cancel(cloud, job.job_id))
    assert cloud.status(job.job_id) == "cancelled"


@pytest.mark.parametrize("mode", ["500", "429", "reset", "hang"])
def test_a_cancel_the_provider_did_not_confirm_changes_nothing(cloud, job, mode):
    cloud.configure(http_timeout=1)
    cloud.sim.fault(mode, "POST", f"/v1/predictions/{job.prediction_id}/cancel", count=10,
                    seconds=2)
    answer = cancel(cloud, job.job_id)
    assert answer.status_code in (502, 503), answer.text
    assert cloud.status(job.job_id) == "queued"
    cloud.sim.clear_faults()
    expect.ok(cancel(cloud, job.job_id))


def test_a_completed_word_after_a_cancel_changes_nothing(cloud, job):
    expect.ok(cancel(cloud, job.job_id))
    cloud.sim.advance(job.prediction_id, "succeeded", force=True)
    assert cloud.status(job.job_id) == "cancelled"


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_cancel_needs_no_body(cloud, job, body):
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel", data=body,
                         headers={"Content-Type": "application/json"}))


def test_two_cancels_at_once_end_in_one_cancelled_job(cloud, job):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cancel(cloud, job.job_id).status_code, range(8)))
    assert set(answers) <= {200, 409} and 200 in answers
    assert cloud.status(job.job_id) == "cancelled"


def test_strangers_see_no_jobs(cloud, job):
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    for path in ("/api/cloud/jobs", f"/api/cloud/jobs/{job.job_id}"):
        assert job.job_id not in cloud.get(path, headers=stranger).text
        expect.error(cloud.get(path, headers=stranger), 401)
    expect.error(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel", headers=stranger), 401)
    expect.error(cloud.post("/api/cloud/jobs/submit", json={"config": {"a": 1}},
                            headers=stranger), 401)
    assert cloud.status(job.job_id) == "queued"


def test_thirty_jobs_at_once_are_all_there(cloud):
    before = jobs(cloud)["total"]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: cloud.submit(), range(30)))
    assert [answer.status_code for answer in answers] == [200] * 30
    ids = {answer.json()["job_id"] for answer in answers}
    assert len(ids) == 30 and jobs(cloud)["total"] == before + 30
    assert all(len(cloud.sim.find_job(job_id)) == 1 for job_id in ids)


def test_polling_brings_what_no_webhook_told(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    assert cloud.companion("poll").returncode == 0
    assert cloud.status(job.job_id) == "running"
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    assert cloud.companion("poll").returncode == 0
    assert cloud.status(job.job_id) == "completed"
    assert cloud.job(job.job_id)["cost_usd"] > 0


def test_created_is_now(cloud, job):
    text = cloud.job(job.job_id)["created_at"]
    created = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.mktime(time.gmtime()) - time.mktime(created)) < 120
