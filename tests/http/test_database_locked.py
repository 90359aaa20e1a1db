"""Another program holds SQLite's write lock for 20 seconds: readers go on, writers wait, and what
was asked meanwhile is done once."""

import concurrent.futures
import contextlib
import sqlite3
import threading
import time

import pytest

import expect
from waiting import until

LOCKED_S = 20


@contextlib.contextmanager
def locked(database):
    """Hold the write lock of a SQLite file; yields an event that is set once it is released."""
    holds, released = threading.Event(), threading.Event()

    def hold():
        connection = sqlite3.connect(database, isolation_level=None, timeout=10)
        connection.execute("BEGIN IMMEDIATE")
        holds.set()
        released.wait(LOCKED_S)
        connection.execute("ROLLBACK")
        connection.close()
        released.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert holds.wait(10)
    try:
        yield released
    finally:
        released.set()
        thread.join()


@pytest.fixture
def cloud(fleet):
    stack = fleet.get("lighttpd", "sqlite")
    stack.reset()
    return stack


def test_a_database_locked_for_20_seconds_loses_nothing_and_pays_once(cloud):
    job = cloud.new_job()
    body = {"event_type": "completed", "job_id": job.job_id}
    made = len(cloud.sim.predictions())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with locked(cloud.home / "cloud.db") as released:
            submit = pool.submit(cloud.post, "/api/cloud/jobs/submit", timeout=60,
                                 json={"config": {"a": 1}, "config_name": "patient"})
            webhook = pool.submit(cloud.webhook, body, webhook_id="msg_patient")
            begin = time.monotonic()
            for _ in range(5):
                expect.ok(cloud.get("/api/cloud/jobs"))
                expect.ok(cloud.get("/api/cloud/health/live"))
            assert time.monotonic() - begin < LOCKED_S / 2, "readers wait for the writer"
            assert not submit.done(), submit.result().text
            assert not webhook.done(), webhook.result().text
            assert len(cloud.sim.predictions()) == made, "paid for before it was stored"
            released.wait(LOCKED_S + 5)
        answer = submit.result()
        assert webhook.result().status_code == 200
    assert answer.status_code == 200, answer.text
    assert len(cloud.sim.find_job(answer.json()["job_id"])) == 1
    until(lambda: cloud.status(job.job_id) == "completed", 10, "the webhook was not applied")
