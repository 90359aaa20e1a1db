"""What jobs cost: estimates, the limit on what may be spent, and the summary."""

import concurrent.futures

import pytest

import expect

H100 = 0.001525
UNUSED = "l40s-x4"  # nobody completes a job on it, so that there is no history
UNUSED_PRICE = 4 * 0.000972222
STATUS = "/api/cloud/cost-limit/status"
ESTIMATE = "/api/cloud/cost-estimate"


@pytest.fixture
def limited(cloud):
    """limited(left, action): a limit that leaves so many USD from now on; removed afterwards."""
    def limit(left, action="block", period="daily"):
        now = status(cloud)
        spent = now["current_spend"] + now["running_estimate"]
        cloud.configure(cost_limit_enabled=True, cost_limit_amount=round(spent + left, 6),
                        cost_limit_action=action, cost_limit_period=period)
    yield limit
    cloud.configure(cost_limit_enabled=False)


def status(cloud):
    return expect.ok(cloud.get(f"{STATUS}?provider=replicate"))


def finish(cloud, job, seconds):
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.advance(job.prediction_id, "succeeded", metrics={"predict_time": seconds})
    assert cloud.status(job.job_id) == "completed"


def test_the_status_has_all_fields(cloud):
    cloud.configure(cost_limit_enabled=False)
    view = status(cloud)
    assert {"enabled", "limit_amount", "period", "action", "current_spend", "percent_used",
            "is_exceeded", "is_warning", "message"} <= set(view)
    assert view["enabled"] is False
    assert view["is_exceeded"] is False and view["is_warning"] is False
    assert view["message"] is None


def test_an_unknown_provider_has_no_limit(cloud):
    expect.error(cloud.get(f"{STATUS}?provider=nobody"), 404)


def test_what_a_job_has_cost_is_spent(cloud):
    before = status(cloud)["current_spend"]
    finish(cloud, cloud.new_job(), 1000.0)
    assert status(cloud)["current_spend"] == pytest.approx(before + 1000 * H100, abs=1e-4)


def test_a_deleted_job_was_paid_for_all_the_same(cloud):
    job = cloud.new_job()
    finish(cloud, job, 100.0)
    spent = status(cloud)["current_spend"]
    expect.ok(cloud.delete(f"/api/cloud/jobs/{job.job_id}"))
    assert status(cloud)["current_spend"] == spent


def test_an_active_job_is_counted_with_its_estimate(cloud):
    before = status(cloud)["running_estimate"]
    job = cloud.new_job(max_runtime_minutes=1, hardware_profile=UNUSED)
    estimate = cloud.job(job.job_id)["estimated_cost_usd"]
    assert estimate == pytest.approx(60 * UNUSED_PRICE, abs=1e-5)
    assert status(cloud)["running_estimate"] == pytest.approx(before + estimate, abs=1e-4)
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    assert status(cloud)["running_estimate"] == pytest.approx(before, abs=1e-4)


def test_a_job_over_the_limit_is_refused_before_anything_happens(cloud, limited):
    limited(0.000001)
    total = expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]
    sent = len(cloud.sim.requests)
    body = expect.error(cloud.submit(hardware_profile=UNUSED), 403, "limit",
                        code="cost_limit_exceeded")
    assert {"limit_amount", "current_spend", "running_estimate", "job_estimate",
            "period"} <= set(body["details"])
    assert expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"] == total
    assert len(cloud.sim.requests) == sent


def test_jobs_submitted_at_once_do_not_pass_the_limit_together(cloud, limited):
    limited(3.5 * 60 * UNUSED_PRICE)

    def submit(_):
        return cloud.submit(max_runtime_minutes=1, hardware_profile=UNUSED).status_code

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        codes = sorted(pool.map(submit, range(12)))
    assert codes == [200] * 3 + [403] * 9


def test_a_limit_that_warns_lets_the_job_through(cloud, limited):
    limited(0.000001, action="warn")
    body = expect.ok(cloud.submit(hardware_profile=UNUSED))
    assert "Spending limit exceeded" in body["cost_limit_warning"]
    assert body["quota_warnings"] == []


def test_without_a_limit_nothing_is_said(cloud):
    cloud.configure(cost_limit_enabled=False)
    body = expect.ok(cloud.submit())
    assert body["cost_limit_warning"] is None and body["warnings"] == []


def test_the_status_warns_from_eighty_per_cent(cloud):
    finish(cloud, cloud.new_job(), 1000.0)
    spent = status(cloud)["current_spend"]
    for share, warning, exceeded in ((0.7, False, False), (0.9, True, False), (1.1, False, True)):
        cloud.configure(cost_limit_enabled=True, cost_limit_amount=spent / share)
        view = status(cloud)
        assert (view["is_warning"], view["is_exceeded"]) == (warning, exceeded)
        assert view["percent_used"] == pytest.approx(share * 100, abs=0.1)
        assert bool(view["message"]) == (warning or exceeded)
    cloud.configure(cost_limit_enabled=False)


# Estimates


def test_without_history_the_most_it_can_be_is_named(cloud):
    body = expect.ok(cloud.post(ESTIMATE, json={"hardware_profile": "l40s-x8",
                                                "max_runtime_minutes": 10}))
    assert body["has_estimate"] is False and body["avg_duration_seconds"] is None
    assert "Not enough completed jobs" in body["message"]
    assert body["estimated_cost_usd"] == pytest.approx(600 * 8 * 0.000972222, rel=1e-4)
    assert body["hardware_cost_per_hour"] == pytest.approx(3600 * 8 * 0.000972222, rel=1e-4)


def test_an_estimate_comes_from_completed_jobs(cloud):
    job = cloud.new_job(hardware_profile="h100-x8")
    cloud.sim.advance(job.prediction_id, "succeeded", started_at="2026-01-01T10:00:00Z",
                      completed_at="2026-01-01T10:10:00Z")
    assert cloud.job(job.job_id)["duration_seconds"] == 600
    body = expect.ok(cloud.post(ESTIMATE, json={"hardware_profile": "h100-x8"}))
    assert body["has_estimate"] is True and body["avg_duration_seconds"] == 600
    assert body["estimated_cost_usd"] == pytest.approx(600 * 8 * H100, rel=1e-4)
    capped = expect.ok(cloud.post(ESTIMATE, json={"hardware_profile": "h100-x8",
                                                  "max_runtime_minutes": 5}))
    assert capped["estimated_cost_usd"] == pytest.approx(300 * 8 * H100, rel=1e-4)
    submitted = expect.ok(cloud.submit(hardware_profile="h100-x8"))
    assert submitted["estimated_cost_usd"] == body["estimated_cost_usd"]


@pytest.mark.parametrize("body", [[], [{"id": "pictures"}]], ids=str)
def test_data_sets_alone_are_enough(cloud, body):
    view = expect.ok(cloud.post(ESTIMATE, json=body))
    assert view["estimated_cost_usd"] > 0 and view["hardware_cost_per_hour"] > 0


@pytest.mark.parametrize("body, status, mention", [
    ({"hardware_profile": "tpu"}, 400, "profile"), ({"max_runtime_minutes": 0}, 400, "max_runtime"),
    ({"colour": 1}, 400, "colour"), ("x", 400, "array"), (7, 400, "array"),
    ({"provider": "nobody"}, 404, "nobody")], ids=str)
def test_a_wrong_estimate_is_refused(cloud, body, status, mention):
    expect.error(cloud.post(ESTIMATE, json=body), status, mention)


# The summary


def test_the_summary_counts_jobs_and_costs_by_day(cloud):
    before = expect.ok(cloud.get("/api/cloud/metrics?days=1"))
    finish(cloud, cloud.new_job(), 500.0)
    failed = cloud.new_job()
    cloud.sim.advance(failed.prediction_id, "failed")
    assert cloud.status(failed.job_id) == "failed"
    after = expect.ok(cloud.get("/api/cloud/metrics?days=1"))
    assert after["credit_balance"] is None and after["estimated_jobs_remaining"] is None
    assert after["period_days"] == 1
    assert after["job_count"] == before["job_count"] + 2
    assert after["total_cost"] == pytest.approx(before["total_cost"] + 500 * H100, abs=0.01)
    assert after["jobs_by_status"]["failed"] == before["jobs_by_status"]["failed"] + 1
    assert after["avg_job_duration_seconds"] is not None
    today = after["cost_by_day"][-1]
    assert {"date", "total_jobs", "completed", "failed", "cancelled", "local_jobs", "cloud_jobs",
            "total_cost_usd"} == set(today)
    assert sum(day["total_cost_usd"] for day in after["cost_by_day"]) == pytest.approx(
        after["total_cost"], abs=1e-4)


@pytest.mark.parametrize("days", ["0", "366", "x", "-1"])
def test_a_summary_covers_one_day_to_a_year(cloud, days):
    expect.error(cloud.get(f"/api/cloud/metrics?days={days}"), 400, "days")
