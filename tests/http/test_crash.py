"""kill -9: what was acknowledged is in effect after the restart."""

import concurrent.futures
import threading

import expect
from waiting import until

BURST = 120
SENDERS = 12


def test_acknowledged_webhooks_survive_a_kill(cloud):
    """Every job gets two events; the responder is killed in the middle of the burst."""
    jobs = [cloud.new_job() for _ in range(BURST)]
    acknowledged, answered = [], threading.Semaphore(0)

    def deliver(job):
        for event_type, status in (("training.status", "running"), ("completed", "completed")):
            payload = {"event_type": event_type, "job_id": job.job_id, "status": "running"}
            try:
                answer = cloud.webhook(payload)
            except OSError:
                continue
            finally:
                answered.release()
            if answer.status_code == 200 and answer.json()["status"] == "received":
                acknowledged.append((job.job_id, status))

    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        work = [pool.submit(deliver, job) for job in jobs]
        for _ in range(BURST // 2):
            answered.acquire(timeout=30)
        cloud.kill_responder()
        for item in work:
            item.result()
    assert len(acknowledged) > BURST // 4
    last = dict(sorted(acknowledged, key=lambda item: item[1] == "completed"))
    wrong = {job_id: (status, cloud.status(job_id)) for job_id, status in last.items()
             if cloud.status(job_id) not in (status, "completed")}
    assert not wrong


def test_an_interrupted_burst_can_be_sent_again(cloud):
    """What was not acknowledged is retried under its id: received or duplicate, never lost."""
    jobs = [cloud.new_job() for _ in range(20)]
    unsure = []

    def deliver(job):
        payload = {"event_type": "completed", "job_id": job.job_id}
        try:
            if cloud.webhook(payload, webhook_id=f"msg_{job.job_id}").status_code == 200:
                return
        except OSError:
            pass
        unsure.append(job)

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        work = [pool.submit(deliver, job) for job in jobs]
        cloud.kill_responder()
        for item in work:
            item.result()
    for job in unsure:
        payload = {"event_type": "completed", "job_id": job.job_id}
        body = expect.ok(cloud.webhook(payload, webhook_id=f"msg_{job.job_id}"))
        assert body["status"] in ("received", "duplicate")
    assert {cloud.status(job.job_id) for job in jobs} == {"completed"}


def test_acknowledged_settings_and_jobs_survive_a_kill(cloud):
    cloud.configure(org_id="survivor")
    job = cloud.new_job(config_name="survivor")
    cloud.upload(job, "a", b"survivor")
    cloud.kill_responder()
    assert expect.ok(cloud.get("/api/cloud/providers/replicate"))["config"]["org_id"] == "survivor"
    assert cloud.job(job.job_id)["config_name"] == "survivor"
    assert cloud.get(job.storage("a")).content == b"survivor"


def test_a_kill_during_a_submit_pays_once(cloud):
    """The provider made the prediction, we died before its answer: polling puts them together."""
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=2)

    def submit():
        try:
            return cloud.submit(config_name="killed").status_code
        except OSError:
            return None

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        before = len(cloud.sim.predictions())
        answer = pool.submit(submit)
        until(lambda: len(cloud.sim.predictions()) == before + 1, 10, "no prediction was made")
        cloud.kill_responder()
        assert answer.result() != 200
    [job] = [job for job in expect.ok(cloud.get("/api/cloud/jobs?limit=5"))["jobs"]
             if job["config_name"] == "killed" and job["external_id"] is None]
    assert cloud.companion("poll").returncode == 0
    [prediction] = cloud.sim.find_job(job["job_id"])
    assert cloud.job(job["job_id"])["external_id"] == prediction["id"]
