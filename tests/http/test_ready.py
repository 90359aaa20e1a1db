"""Readiness, through a real front server: 503 and why, for each reason there is; and an answer
within a bound when the database does not answer at all."""

import os
import signal
import time

import pytest

import expect
from postgres import Cluster
from stack import Stack
from waiting import until

READY = "/api/cloud/health/ready"
HEALTH = "/api/cloud/health"
MiB = 1 << 20


def not_ready(stack, reason):
    """The service says that it is not ready, and nothing but the reason."""
    answer = stack.get(READY)
    body = expect.error(answer, 503, reason)
    assert body["detail"].startswith("Not ready: "), body
    return body["detail"]


def start_anew(stack):
    """The launcher puts a new responder in the place of this one, which need not get ready."""
    old = stack.responder_pid()
    os.kill(old, signal.SIGTERM)
    until(lambda: stack.new_pid(old), 15, "the responder was not started again")
    until(lambda: stack.get(HEALTH + "/live").status_code == 200, 15, "the responder is not alive")


@pytest.fixture(params=["sqlite", "postgresql"])
def own(request, new_stack):
    return new_stack(database=request.param)


def test_a_missing_migration_is_not_ready(own):
    [row] = own.query("SELECT version, name, sha256, applied_at_us FROM schema_migrations "
                      "ORDER BY version DESC LIMIT 1")
    own.change("DELETE FROM schema_migrations WHERE version = %s", row[0])
    start_anew(own)
    assert f"this program needs {row[0]}: run \"simpletuner-cloud migrate\"" in not_ready(
        own, "schema version")
    body = expect.ok(own.get(HEALTH))
    assert body["status"] == "unhealthy"
    own.change("INSERT INTO schema_migrations (version, name, sha256, applied_at_us) "
               "VALUES (%s, %s, %s, %s)", *row)
    until(own.is_ready, 10, "the service does not see that the migration was made")


def test_the_disk_floor_is_not_ready(new_stack):
    cloud = new_stack()
    (cloud.home / "cloud.env").write_text("SIMPLETUNER_MIN_FREE_BYTES=1000000000000000\n")
    start_anew(cloud)
    assert not_ready(cloud, "disk") == "Not ready: the disk is nearly full"
    body = expect.ok(cloud.get(HEALTH))
    assert body["status"] == "unhealthy"
    [storage] = [part for part in body["components"] if part["name"] == "storage"]
    assert storage["status"] == "unhealthy" and "MiB free" in storage["message"]


def slow_upload(cloud, job):
    """An upload through the front server whose body has not come yet: (connection, the rest)."""
    connection = cloud.connect()
    head = (f"PUT {job.storage('slow')} HTTP/1.1\r\nHost: 127.0.0.1:{cloud.port}\r\n"
            f"X-Upload-Token: {job.token}\r\nContent-Length: {2 * MiB}\r\n\r\n")
    connection.sendall(head.encode() + bytes(MiB))
    return connection


def status_line(connection):
    data = b""
    while b"\r\n" not in data:
        part = connection.recv(4096)
        assert part, "the connection was closed"
        data += part
    return data.split(b"\r\n")[0]


def test_a_service_that_drains_is_not_ready_and_finishes_what_it_began(new_stack):
    cloud = new_stack()
    job = cloud.new_job()
    connection = slow_upload(cloud, job)
    until(lambda: cloud.job(job.job_id)["upload_progress"]["in_flight"] == 1, 10,
          "the upload has not begun")
    pid = cloud.responder_pid()
    os.kill(pid, signal.SIGTERM)
    until(lambda: cloud.get(READY).status_code == 503, 10, "it still says that it is ready")
    assert not_ready(cloud, "shutting down") == "Not ready: shutting down"
    assert cloud.get(HEALTH + "/live").json() == {"status": "ok"}
    assert cloud.responder_pid() == pid
    connection.sendall(bytes(MiB))
    assert status_line(connection).split()[1] == b"200"
    connection.close()
    until(lambda: cloud.new_pid(pid), 15, "the responder does not end")
    until(cloud.is_ready, 20, "the new responder does not get ready")


@pytest.fixture
def freezing():
    """A service and the PostgreSQL cluster under it, of this test's own."""
    cluster = Cluster().start()
    try:
        with Stack("lighttpd", cluster.new_database()) as stack:
            stack.reset()
            try:
                yield stack, cluster
            finally:
                cluster.thaw()
    finally:
        cluster.stop()


def seconds_for(call):
    begin = time.monotonic()
    return call(), time.monotonic() - begin


def test_a_database_that_hangs_holds_up_no_probe(freezing):
    cloud, cluster = freezing
    cluster.freeze()
    answer, took = seconds_for(lambda: cloud.get(HEALTH + "/live"))
    assert answer.json() == {"status": "ok"} and took < 1
    for _ in range(2):  # with a connection that hangs, and without one
        answer, took = seconds_for(lambda: cloud.get(READY))
        assert "does not answer" in expect.error(answer, 503)["detail"] and took < 6
        answer, took = seconds_for(lambda: cloud.get(HEALTH))
        assert expect.ok(answer)["status"] == "unhealthy" and took < 8
    cluster.thaw()
    until(cloud.is_ready, 20, "the service does not recover")
    assert expect.ok(cloud.get(HEALTH))["status"] != "unhealthy"


def test_a_database_that_is_away_is_not_ready(freezing):
    cloud, cluster = freezing
    cluster.pause()
    assert not_ready(cloud, "database") == "Not ready: the database does not answer"
    cluster.resume()
    until(cloud.is_ready, 20, "the service does not recover")

