"""PostgreSQL goes away and comes back: our fault is 503, and nothing needs a restart."""

import concurrent.futures

import pytest

import expect
from postgres import Cluster
from stack import PROVIDER, Stack
from waiting import until


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster().start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def running(cluster):
    stack = Stack("lighttpd", cluster.new_database())
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def cloud(running, cluster):
    running.reset()
    yield running
    cluster.resume()
    until(running.is_ready, 30, "the service does not recover")


def test_without_its_database_the_service_is_alive_but_not_ready(cloud, cluster):
    cluster.pause()
    assert expect.ok(cloud.get("/api/cloud/health/live")) == {"status": "ok"}
    expect.error(cloud.get("/api/cloud/health/ready"), 503)
    assert expect.ok(cloud.get("/api/cloud/health"))["status"] == "unhealthy"


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/api/cloud/jobs", None), ("GET", PROVIDER, None), ("PUT", PROVIDER, {"org_id": "x"}),
    ("POST", "/api/cloud/jobs/submit", {"config": {"a": 1}})])
def test_without_its_database_everything_else_is_503(cloud, cluster, method, path, body):
    made = len(cloud.sim.predictions())
    cluster.pause()
    answer = cloud.request(method, path, json=body)
    error = expect.error(answer, 503)
    for word in ("SELECT", "INSERT", "postgres@", "5432", str(cluster.port)):
        assert word not in error["detail"]
    assert len(cloud.sim.predictions()) == made


def test_a_webhook_that_meets_no_database_is_delivered_later(cloud, cluster):
    job = cloud.new_job()
    cluster.pause()
    delivery = cloud.sim.advance(job.prediction_id, "succeeded", wait_s=0)
    until(lambda: delivery.attempts, 30, "no attempt was made")
    assert delivery.attempts[0]["status"] == 503
    cluster.resume()
    until(lambda: delivery.done.is_set(), 60, "the sender gave up")
    assert delivery.status == 200
    assert cloud.status(job.job_id) == "completed"


def test_an_upload_that_meets_no_database_leaves_no_trace(cloud, cluster):
    job = cloud.new_job()
    cluster.pause()
    assert cloud.upload(job, "a", b"x").status_code == 503
    cluster.resume()
    until(cloud.is_ready, 30, "the service does not recover")
    assert expect.ok(cloud.get(job.storage()))["Contents"] == []
    assert cloud.upload(job, "a", b"x").status_code == 200


def test_a_database_that_restarts_during_a_submit_costs_one_prediction(cloud, cluster):
    """The provider takes the job while nobody can write that down: it is found again."""
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=3)
    made = len(cloud.sim.predictions())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        submit = pool.submit(cloud.submit, config_name="restarted")
        until(lambda: len(cloud.sim.predictions()) == made + 1, 10, "no prediction was made")
        cluster.pause()
        assert submit.result().status_code in (502, 503)
    cluster.resume()
    until(cloud.is_ready, 30, "the service does not recover")
    [job] = [job for job in expect.ok(cloud.get("/api/cloud/jobs?limit=5"))["jobs"]
             if job["config_name"] == "restarted"]
    assert job["status"] == "pending"
    assert cloud.companion("poll").returncode == 0
    [prediction] = cloud.sim.find_job(job["job_id"])
    assert cloud.job(job["job_id"])["external_id"] == prediction["id"]
    assert len(cloud.sim.predictions()) == made + 1
