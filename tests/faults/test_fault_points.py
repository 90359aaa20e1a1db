"""kill -9 at every step of submit, webhook, poll, archive and upload: nothing acknowledged is lost,
nothing is paid for twice, nothing is left half visible."""

import pytest

import expect
import faults
import test_data_fault_points

SUBMIT = "/api/cloud/jobs/submit"
GRACE_S = 3600  # longer than a submission may be in flight
SCENARIOS = {}


def strikes_at(*points):
    """Register a scenario: it makes a program die at the point and checks what is left."""
    def register(scenario):
        SCENARIOS.update(dict.fromkeys(points, scenario))
        return scenario
    return register


def test_every_fault_point_has_a_scenario():
    assert faults.points() == {*SCENARIOS, *test_data_fault_points.POINTS}


def submission(point):
    return {"config": {"a": 1}, "config_name": point, "idempotency_key": f"key-{point}"}


@strikes_at("submit.stored", "submit.called", "submit.recorded")
def submit_dies(cloud, point):
    name = f"{point}-{cloud.front}-{bool(cloud.database_url)}"
    before = len(cloud.sim.predictions())
    with faults.armed(cloud, point):
        cloud.post(SUBMIT, json=submission(name))
    called = point != "submit.stored"
    assert len(cloud.sim.predictions()) == before + called
    [job] = faults.named(cloud, name)
    assert job["status"] == ("queued" if point == "submit.recorded" else "pending")

    again = expect.ok(cloud.post(SUBMIT, json=submission(name)))
    assert again["idempotent_hit"] and again["job_id"] == job["job_id"]
    assert len(cloud.sim.predictions()) == before + called, "paid for twice"

    faults.age(cloud, job["job_id"], GRACE_S)
    assert cloud.companion("poll").returncode == 0
    [after] = faults.named(cloud, name)
    if called:
        [prediction] = cloud.sim.find_job(job["job_id"])
        assert (after["external_id"], after["status"]) == (prediction["id"], "queued")
    else:
        assert after["status"] == "failed" and "interrupted" in after["error_message"]
    assert len(cloud.sim.predictions()) == before + called


@strikes_at("cancel.called")
def cancel_dies(cloud, point):
    job = cloud.new_job()
    with faults.armed(cloud, point):
        cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel", data=b"")
    assert cloud.companion("poll").returncode == 0
    assert cloud.status(job.job_id) == "cancelled"
    assert cloud.sim.store.get(job.prediction_id)["status"] == "canceled"


@strikes_at("webhook.stored", "webhook.applying", "webhook.applied")
def webhook_dies(cloud, point):
    job = cloud.new_job()
    payload = {"event_type": "completed", "job_id": job.job_id}
    with faults.armed(cloud, point):
        cloud.send_webhook(payload, webhook_id=f"msg_{job.job_id}")
    assert cloud.status(job.job_id) == "completed"
    again = expect.ok(cloud.send_webhook(payload, webhook_id=f"msg_{job.job_id}"))
    assert again["status"] == "duplicate"
    assert cloud.query("SELECT COUNT(*) FROM events WHERE job_id = %s AND event = "
                       "'job_status_changed' AND data LIKE '%%completed%%'", job.job_id) == [(1,)]


@strikes_at("poll.answered", "poll.recorded")
def poll_dies(cloud, point):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    faults.companion_dies(cloud, point, "poll")
    assert cloud.status(job.job_id) == ("queued" if point == "poll.answered" else "completed")
    assert cloud.companion("poll").returncode == 0
    assert cloud.status(job.job_id) == "completed"


@pytest.mark.parametrize("point", sorted(SCENARIOS))
def test_nothing_is_lost_or_paid_twice(cloud, point):
    SCENARIOS[point](cloud, point)
