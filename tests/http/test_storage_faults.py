"""Uploads that break: no trace of them, and no harm to what was there."""

import json
import os
import socket

import pytest

import expect
from test_storage import MiB, bucket_dir, files_on_disk, keys, md5
from waiting import until


def begin(cloud, job, key, length, part, extra=""):
    """Open an upload and send the first part of its body."""
    connection = cloud.connect()
    connection.sendall((f"PUT {job.storage(key)} HTTP/1.1\r\nHost: x\r\n"
                        f"X-Upload-Token: {job.token}\r\nContent-Length: {length}\r\n{extra}\r\n"
                        ).encode() + part)
    return connection


def read_status(connection):
    """The status of the answer, or None when the connection ends without one."""
    data = b""
    try:
        while b"\r\n" not in data:
            part = connection.recv(4096)
            if not part:
                break
            data += part
    except (ConnectionError, socket.timeout):
        return None
    return int(data.split()[1]) if data.startswith(b"HTTP/1.") else None


def in_flight(cloud, job):
    return cloud.job(job.job_id)["upload_progress"]["in_flight"]


def test_an_upload_in_flight_is_counted_and_not_visible(cloud, job):
    connection = begin(cloud, job, "slow", 4 * MiB, bytes(2 * MiB))
    until(lambda: in_flight(cloud, job) == 1, 10, "the upload is not in flight")
    assert keys(cloud, job) == []
    expect.error(cloud.get(job.storage("slow")), 404)
    connection.sendall(bytes(2 * MiB))
    assert read_status(connection) == 200
    assert keys(cloud, job) == ["slow"]
    assert in_flight(cloud, job) == 0


@pytest.mark.parametrize("before", [None, b"the old one"])
def test_a_broken_upload_leaves_no_trace(cloud, job, before):
    if before:
        cloud.upload(job, "big", before)
    connection = begin(cloud, job, "big", 8 * MiB, bytes(5 * MiB))
    until(lambda: in_flight(cloud, job) == 1, 10, "the upload is not in flight")
    connection.close()
    until(lambda: in_flight(cloud, job) == 0, 15, "the upload is still in flight")
    assert keys(cloud, job) == (["big"] if before else [])
    assert [path.read_bytes() for path in files_on_disk(cloud, job)] == (
        [before] if before else [])
    assert cloud.job(job.job_id)["upload_progress"]["bytes"] == len(before or b"")


def test_a_reset_upload_leaves_no_trace(cloud, job):
    connection = begin(cloud, job, "big", 8 * MiB, bytes(5 * MiB))
    until(lambda: in_flight(cloud, job) == 1, 10, "the upload is not in flight")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    until(lambda: in_flight(cloud, job) == 0, 15, "the upload is still in flight")
    assert keys(cloud, job) == [] and files_on_disk(cloud, job) == []


def test_bytes_after_the_announced_length_are_not_stored(cloud, job):
    connection = begin(cloud, job, "short", 5, b"0123456789", "Connection: close\r\n")
    assert read_status(connection) in (200, 400)
    if keys(cloud, job):
        assert cloud.get(job.storage("short")).content == b"01234"


def test_a_chunked_upload_is_stored_whole_or_refused(cloud, job):
    body = os.urandom(MiB)
    answer = cloud.put(job.storage("chunked"), data=(body[at:at + 65536] for at in
                                                     range(0, len(body), 65536)),
                       headers={"X-Upload-Token": job.token})
    assert answer.status_code in (200, 411), answer.text
    if answer.status_code == 200:
        assert answer.headers["ETag"] == md5(body)
        assert cloud.get(job.storage("chunked")).content == body
    else:
        assert keys(cloud, job) == []


@pytest.mark.parametrize("length", ["-1", "x", "1e3", "0x10", "99999999999999999999999"])
def test_a_senseless_length_is_refused(cloud, job, length):
    connection = begin(cloud, job, "a", length, b"abc", "Connection: close\r\n")
    assert read_status(connection) in (400, 411, 413)
    assert keys(cloud, job) == []


def test_expect_continue_is_answered(cloud, job):
    connection = begin(cloud, job, "a", 3, b"", "Expect: 100-continue\r\n")
    assert read_status(connection) in (100, 200)
    connection.sendall(b"abc")
    until(lambda: keys(cloud, job) == ["a"], 10, "the object does not appear")


def test_an_upload_over_the_limit_is_refused(new_stack):
    cloud = new_stack({"SIMPLETUNER_MAX_OBJECT_BYTES": str(MiB)})
    job = cloud.new_job()
    assert cloud.upload(job, "fits", bytes(MiB)).status_code == 200
    expect.error(cloud.upload(job, "big", bytes(MiB + 1)), 413)
    assert keys(cloud, job) == ["fits"]


def test_a_full_disk_is_507_before_it_is_full(responder, local_job):
    """With a floor as high as the disk there is no room for even one byte."""
    disk = os.statvfs(responder.home)
    responder.stop()
    responder.env["SIMPLETUNER_MIN_FREE_BYTES"] = str(disk.f_frsize * disk.f_blocks)
    responder.launch()
    until(responder.answers, 15, "the responder does not answer")
    assert responder.ask("GET", "/api/cloud/health/ready")[0] == 503
    status, _, body = responder.ask("PUT", f"/api/cloud/storage/{local_job}/a", b"x")
    assert status == 507, body
    assert json.loads(body)["error"] == "insufficient_storage"
    assert not [path for path in responder.home.glob("outputs/**/*") if path.is_file()]


def test_kill_9_in_mid_upload_leaves_only_whole_objects(cloud, job):
    earlier = os.urandom(MiB)
    assert cloud.upload(job, "earlier", earlier).status_code == 200
    assert cloud.upload(job, "replaced", b"old").status_code == 200
    connections = [begin(cloud, job, key, 8 * MiB, bytes(5 * MiB)) for key in ("new", "replaced")]
    until(lambda: in_flight(cloud, job) == 2, 10, "the uploads are not in flight")
    cloud.kill_responder()
    for connection in connections:
        assert read_status(connection) != 200
        connection.close()
    assert sorted(keys(cloud, job)) == ["earlier", "replaced"]
    assert cloud.get(job.storage("earlier")).content == earlier
    assert cloud.get(job.storage("replaced")).content == b"old"
    expect.error(cloud.get(job.storage("new")), 404)
    again = os.urandom(MiB)
    assert cloud.upload(job, "new", again).headers["ETag"] == md5(again)
    assert (bucket_dir(cloud, job) / "new").read_bytes() == again
