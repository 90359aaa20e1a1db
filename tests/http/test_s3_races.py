"""S3 requests at the same time: one of them wins, whole, and quotas hold."""

import hashlib
import threading

import pytest

import s3_bucket
from s3_bucket import (BUCKET, ROOT, at_once, begin, complete, connect, empty, files,
                       nothing_is_left, put_part)
from s3_signer import UNSIGNED, refused
from s3_tools import MiB
from waiting import until

PARALLEL = 20


@pytest.fixture(scope="module")
def service(stack):
    """Behind lighttpd, once with each database, and a signer of the administrator."""
    stack.reset()
    signer = s3_bucket.open_bucket(stack)
    yield signer
    s3_bucket.close_bucket(signer)


@pytest.fixture
def signer(service):
    """The bucket is empty at first, and nothing stays in it."""
    s3_bucket.empty(service)
    return service


def test_of_two_writers_the_last_one_wins(signer):
    """What is there afterwards is whole, of this round, and what its ETag and its row say."""
    for number in range(15):
        bodies = [bytes([letter, number]) * (200_000 + letter) for letter in b"ab"]
        answers = at_once(*(lambda body=body: signer.request("PUT", f"{ROOT}/a", body)
                            for body in bodies))
        assert [answer.status for answer in answers] == [200, 200]
        answer = signer.request("GET", f"{ROOT}/a")
        assert answer.body in bodies
        assert answer.headers["ETag"] == f'"{hashlib.md5(answer.body).hexdigest()}"'
        assert signer.cloud.query("SELECT size_bytes FROM objects WHERE bucket = %s",
                                  BUCKET) == [(len(answer.body),)]
    assert len(files(signer.cloud)) == 1


def test_a_writer_that_begins_after_the_other_has_ended_wins(signer):
    for number in range(10):
        body = f"{number}".encode()
        assert signer.request("PUT", f"{ROOT}/a", body).status == 200
        assert signer.request("GET", f"{ROOT}/a").body == body


def test_a_reader_sees_one_writer_or_the_other(signer):
    bodies = [bytes([letter]) * MiB for letter in b"ab"]
    signer.request("PUT", f"{ROOT}/a", bodies[0])
    done = threading.Event()
    seen = []

    def write():
        for number in range(20):
            assert signer.request("PUT", f"{ROOT}/a", bodies[number % 2]).status == 200
        done.set()

    def read():
        while not done.is_set():
            seen.append(signer.request("GET", f"{ROOT}/a"))

    at_once(write, read, read)
    assert {answer.status for answer in seen} == {200}
    assert all(answer.body in bodies for answer in seen)


def one_part(signer, key):
    upload = begin(signer, key)
    answer = put_part(signer, upload, 1, key.encode())
    assert answer.status == 200, answer.body
    return upload, [(1, answer.headers["ETag"])]


def test_complete_and_abort_are_never_both_done(signer):
    done = []
    for number in range(20):
        upload, parts = one_part(signer, f"race-{number}")
        completed, aborted = at_once(lambda: complete(signer, upload, parts),
                                     lambda: signer.request("DELETE", upload))
        assert sorted([completed.status == 200, aborted.status == 204]) == [False, True], (
            completed, aborted)
        for answer in (completed, aborted):
            assert answer.status in (200, 204) or refused(answer, 404, "NoSuchUpload")
        there = signer.request("GET", f"{ROOT}/race-{number}").status
        assert there == (200 if completed.status == 200 else 404)
        done.append(completed.status)
    empty(signer)
    nothing_is_left(signer.cloud)


def test_complete_that_is_asked_twice_is_done_once(signer):
    for number in range(15):
        key = f"twice-{number}"
        upload, parts = one_part(signer, key)
        answers = at_once(*[lambda: complete(signer, upload, parts)] * 3)
        assert [answer.status for answer in answers] == [200, 200, 200], [a.body for a in answers]
        assert len({answer.body for answer in answers}) == 1
        answer = signer.request("GET", f"{ROOT}/{key}")
        assert answer.body == key.encode() and answer.headers["ETag"].endswith('-1"')
    empty(signer)
    nothing_is_left(signer.cloud)


def test_a_part_that_comes_while_its_upload_completes_is_in_or_refused(signer):
    for number in range(15):
        key = f"late-{number}"
        upload, parts = one_part(signer, key)
        completed, late = at_once(lambda: complete(signer, upload, parts),
                                  lambda: put_part(signer, upload, 1, b"another"))
        assert completed.status in (200, 400), completed
        assert late.status in (200, 404), late
        answer = signer.request("GET", f"{ROOT}/{key}")
        if completed.status == 200:
            assert answer.body == key.encode()
        else:
            refused(completed, 400, "InvalidPart")
            assert late.status == 200 and answer.status == 404
            assert signer.request("DELETE", upload).status == 204
    empty(signer)
    nothing_is_left(signer.cloud)


# Quotas

QUOTA = 10 * MiB


@pytest.fixture(params=["sqlite", "postgresql"])
def small_quota(request, new_stack):
    """A job that may have 10 MiB, and a service that may have 20."""
    cloud = new_stack({"SIMPLETUNER_JOB_QUOTA_BYTES": str(QUOTA),
                       "SIMPLETUNER_STORAGE_QUOTA_BYTES": str(2 * QUOTA)}, database=request.param)
    signer = s3_bucket.open_bucket(cloud)
    signer.job = cloud.new_job()
    signer.storage = signer.job.storage
    return signer


def stored_bytes(cloud, job=None):
    sql = ("SELECT COALESCE((SELECT SUM(size_bytes) FROM objects WHERE {0}), 0) + "
           "COALESCE((SELECT SUM(parts.size_bytes) FROM parts JOIN multiparts "
           "ON multiparts.upload_id = parts.upload_id WHERE {0}), 0)")
    where, values = ("bucket = %s", [job.job_id] * 2) if job else ("1 = 1", [])
    return int(cloud.query(sql.format(where), *values)[0][0])


def test_a_quota_holds_and_what_is_replaced_does_not_count(small_quota):
    signer, put = small_quota, small_quota.request
    assert put("PUT", signer.storage("a"), bytes(6 * MiB)).status == 200
    refused(put("PUT", signer.storage("b"), bytes(4 * MiB + 1)), 507, "QuotaExceeded")
    assert put("PUT", signer.storage("b"), bytes(4 * MiB)).status == 200
    refused(put("PUT", signer.storage("c"), b"x"), 507, "QuotaExceeded")
    assert put("PUT", signer.storage("empty")).status == 200
    assert put("PUT", signer.storage("a"), bytes(5 * MiB)).status == 200
    assert put("PUT", signer.storage("c"), bytes(MiB)).status == 200
    copy = {"x-amz-copy-source": signer.job.job_id + "/c"}
    refused(put("PUT", signer.storage("d"), headers=copy), 507, "QuotaExceeded")
    refused(put("PUT", f"{ROOT}/a", bytes(10 * MiB + 1)), 507, "QuotaExceeded")
    assert put("PUT", f"{ROOT}/a", bytes(10 * MiB)).status == 200
    assert put("DELETE", f"{ROOT}/a").status == 204
    assert stored_bytes(signer.cloud) == QUOTA


def test_parts_count_until_they_are_an_object(small_quota):
    signer = small_quota
    target = signer.storage("big")
    answer = signer.request("POST", f"{target}?uploads")
    upload = f"{target}?uploadId=" + answer.body.decode().partition("<UploadId>")[2].partition(
        "<")[0]
    parts = [(number, put_part(signer, upload, number, bytes(5 * MiB)).headers["ETag"])
             for number in (1, 2)]
    assert put_part(signer, upload, 2, bytes(5 * MiB)).status == 200, "in place of itself"
    refused(put_part(signer, upload, 3, b"x"), 507, "QuotaExceeded")
    refused(signer.request("PUT", signer.storage("other"), b"x"), 507, "QuotaExceeded")
    assert complete(signer, upload, parts).status == 200, "it needs no room of its own"
    refused(signer.request("PUT", signer.storage("other"), b"x"), 507, "QuotaExceeded")
    assert signer.request("DELETE", target).status == 204
    assert signer.request("PUT", signer.storage("other"), b"x").status == 200


def test_a_quota_that_fills_up_meanwhile_leaves_what_was_there(small_quota):
    """A replacement that had room when it began, and has none when it has arrived."""
    signer = small_quota
    target = signer.storage("a")
    assert signer.request("PUT", target, b"old").status == 200
    connection = connect(signer, target, 4 * MiB, bytes(MiB))
    until(lambda: [path for path in (signer.cloud.home / "outputs" / ".incoming").iterdir()
                   if path.stat().st_size], 20, "nothing arrives")
    assert signer.request("PUT", signer.storage("b"), bytes(9 * MiB)).status == 200
    connection.sendall(bytes(3 * MiB))
    answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 507 ") and b"QuotaExceeded" in answer, answer
    connection.close()
    answer = signer.request("GET", target)
    assert answer.body == b"old"
    assert answer.headers["ETag"] == f'"{hashlib.md5(b"old").hexdigest()}"'


@pytest.mark.parametrize("kind", ["objects", "parts"])
@pytest.mark.parametrize("whose", ["job", "all"])
def test_many_at_once_never_pass_a_quota(small_quota, whose, kind):
    signer = small_quota
    root = signer.storage() if whose == "job" else ROOT
    limit = QUOTA if whose == "job" else 2 * QUOTA
    size = limit // 8
    uploads = {}
    if kind == "parts":
        for number in range(PARALLEL // 2):
            answer = signer.request("POST", f"{root}/{number}?uploads")
            uploads[number] = answer.body.decode().partition("<UploadId>")[2].partition("<")[0]

    def put(number):
        target = f"{root}/{number}"
        if kind == "parts" and number % 2 == 0:
            target = f"{root}/{number // 2}?partNumber=1&uploadId={uploads[number // 2]}"
        return signer.request("PUT", target, bytes(size), payload=UNSIGNED)

    answers = at_once(*(lambda number=number: put(number) for number in range(PARALLEL)))
    good = [answer for answer in answers if answer.status == 200]
    for answer in answers:
        assert answer.status == 200 or refused(answer, 507, "QuotaExceeded")
    total = stored_bytes(signer.cloud, signer.job if whose == "job" else None)
    assert total == len(good) * size <= limit
    assert len(good) >= 6, "and they fill it"
