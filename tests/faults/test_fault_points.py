"""kill -9 at every step of submit, webhook, poll, archive and upload: nothing acknowledged is lost,
nothing is paid for twice, nothing is left half visible."""

import contextlib
import hashlib

import pytest

import expect
import faults
import test_approval_fault_points
import test_audit_fault_points
import test_backup_fault_points
import test_copy_fault_points
import test_data_fault_points
import test_key_fault_points
import test_storage_fault_points
import test_wal_fault_points
from stack import WEBHOOK
from waiting import until

SUBMIT = "/api/cloud/jobs/submit"
GRACE_S = 3600  # longer than a submission may be in flight
BIG = bytes(range(256)) * 4096
SCENARIOS = {}


def strikes_at(*points):
    """Register a scenario: it makes a program die at the point and checks what is left."""
    def register(scenario):
        SCENARIOS.update(dict.fromkeys(points, scenario))
        return scenario
    return register


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
    """The sender tries again until it is told that all is well, as senders do."""
    jobs = [cloud.new_job() for _ in range(4)]

    def accepted(job):
        payload = {"event_type": "completed", "job_id": job.job_id}
        with contextlib.suppress(OSError):
            answer = cloud.post(WEBHOOK, **cloud.sign(payload, webhook_id=f"msg_{job.job_id}"))
            return answer.status_code == 200 and answer.json()["status"] in ("received",
                                                                             "duplicate")
        return False

    with faults.armed(cloud, point):
        for job in jobs:
            until(lambda job=job: accepted(job), 20, "the webhook is never accepted")
    for job in jobs:
        assert cloud.status(job.job_id) == "completed"
        assert cloud.query("SELECT outcome, attempts FROM webhook_deliveries WHERE job_id = %s",
                           job.job_id) == [("applied", 1)]
        assert cloud.query("SELECT COUNT(*) FROM events WHERE job_id = %s AND event = "
                           "'job_status_changed' AND data LIKE '%%completed%%'",
                           job.job_id) == [(1,)]


@strikes_at("task.leased", "poll.answered", "poll.recorded")
def companion_dies(cloud, point):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    faults.companion_dies(cloud, point, "poll")
    assert cloud.status(job.job_id) == ("running" if point == "poll.recorded" else "queued")
    faults.let_leases_end(cloud)
    assert cloud.companion("poll").returncode == 0
    assert cloud.status(job.job_id) == "running"


@strikes_at("archive.claimed", "archive.part", "archive.stored")
def archive_dies(cloud, point):
    """What was fetched before is not fetched again, and nothing half is to be seen."""
    job = cloud.new_job()
    url, _ = cloud.sim.deliver(job.prediction_id, "w.bin", BIG)
    with faults.armed(cloud, point):
        cloud.sim.advance(job.prediction_id, "succeeded", output=url)
    listed = expect.ok(cloud.get(job.storage()))["Contents"]
    assert all(row["Size"] == len(BIG) for row in listed if row["Key"].endswith("w.bin"))
    faults.let_claims_end(cloud)
    view = until(lambda: faults.settled_archive(cloud, job), 30, "the results do not come")
    assert (view["state"], view["bytes"]) == ("done", len(BIG))
    assert cloud.get(job.storage("archive/outputs/w.bin")).content == BIG
    manifest = cloud.get(job.storage("archive/manifest.json")).json()
    assert manifest["files"][0]["sha256"] == hashlib.sha256(BIG).hexdigest()
    asked = [record["headers"].get("Range") for record in
             cloud.sim.requests_to("GET", f"/delivery/{job.prediction_id}/w.bin")]
    assert [bool(start) for start in asked] == ([False, True] if point == "archive.part"
                                                else [False])


def test_every_fault_point_has_a_scenario():
    assert faults.points() == {*SCENARIOS, *test_approval_fault_points.POINTS,
                               *test_audit_fault_points.POINTS,
                               *test_backup_fault_points.POINTS,
                               *test_copy_fault_points.POINTS,
                               *test_data_fault_points.POINTS,
                               *test_key_fault_points.POINTS,
                               *test_storage_fault_points.POINTS,
                               *test_wal_fault_points.POINTS}


@pytest.mark.parametrize("point", sorted(SCENARIOS))
def test_nothing_is_lost_or_paid_twice(cloud, point):
    SCENARIOS[point](cloud, point)
