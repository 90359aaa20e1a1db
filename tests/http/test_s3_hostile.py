"""S3 requests that break, lie or reach for what is not theirs."""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import random
import socket
import zlib

import pytest

import s3_bucket
import s3_signer
import s3_tools
from s3_bucket import (BUCKET, ROOT, begin, complete, connect, files, nothing_is_left, put_part,
                       rows)
from s3_signer import UNSIGNED, refused, sha256
from s3_tools import MiB
from small_disk import DISK_MIB, fill
from waiting import until

TRAVERSALS = [
    "..", ".", "../x", "a/../b", "a/..", "./a", "a/./b", "%2e%2e", "%2e%2e/x", "..%2fx",
    "a%2f..%2fb", "a/%2e%2e/%2e%2e/b", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/../x", "//../x",
    "a//..//b", "%00", "a%00b", "a%00/../b", "%01", "a%0ab", "a%0d%0aX:%20y", "a%7f", "%ff",
    "a%c3%28", "%ed%a0%80", "%c0%ae%c0%ae/x", "x" * 256, "k/" * 600 + "k", "%zz", "a%2", "%",
    ".archive-x"]


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


# Where it must not go


@pytest.mark.parametrize("path", TRAVERSALS, ids=lambda path: path[:20])
def test_no_key_leaves_its_bucket(signer, path):
    signer.request("PUT", f"{ROOT}/good", b"good")
    before = {item for item in signer.cloud.home.rglob("*") if item.is_file()}
    for method, query in (("PUT", ""), ("POST", "?uploads"), ("GET", ""), ("DELETE", "")):
        body = b"evil" if method == "PUT" else b""
        answer = signer.request(method, f"{ROOT}/{path}{query}", body)
        gone = method == "DELETE" and answer.status == 204
        assert gone or 400 <= answer.status < 500, (method, answer)
    copy = {"x-amz-copy-source": f"/{BUCKET}/{path}"}
    assert 400 <= signer.request("PUT", f"{ROOT}/copy", headers=copy).status < 500
    after = {item for item in signer.cloud.home.rglob("*") if item.is_file()}
    assert {item for item in after - before if "cloud.db" not in item.name} == set()
    assert s3_tools.all_keys(signer.s3, BUCKET) == ["good"]


def test_no_key_of_a_list_leaves_its_bucket(signer, tmp_path):
    outside = signer.cloud.home / "outputs" / "outside"
    outside.write_bytes(b"kept")
    keys = ["../outside", "a/../../outside", "./../outside", "/../outside", str(outside)]
    listing = "".join(f"<Object><Key>{key}</Key></Object>" for key in keys)
    body = f"<Delete>{listing}</Delete>".encode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = signer.request("POST", f"{ROOT}?delete", body, headers={"content-md5": md5})
    assert answer.status in (200, 400), answer
    assert outside.read_bytes() == b"kept"
    outside.unlink()


@pytest.mark.parametrize("upload_id", [
    "..", "..%2F..", "", "x", "0" * 26, "a" * 5000, "%C3%A9", "%27", "%2A", "%25"])
@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "DELETE"])
def test_an_upload_that_is_none_is_no_such_upload(signer, method, upload_id):
    number = "partNumber=1&" if method == "PUT" else ""
    parts = b"<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>"
    body = {"PUT": b"x", "POST": b"<CompleteMultipartUpload>" + parts +
            b"</CompleteMultipartUpload>"}.get(method, b"")
    answer = signer.request(method, f"{ROOT}/a?{number}uploadId={upload_id}", body)
    assert answer.status in (400, 404), answer
    assert s3_signer.error_fields(answer)["Code"] in ("NoSuchUpload", "InvalidArgument",
                                                      "InvalidURI")
    nothing_is_left(signer.cloud)


def test_an_upload_is_good_for_its_key_only(signer):
    upload = begin(signer, "mine")
    other = upload.replace("/mine?", "/other?")
    refused(put_part(signer, other, 1, b"x"), 404, "NoSuchUpload")
    refused(complete(signer, other, [(1, "x")]), 404, "NoSuchUpload")
    refused(signer.request("DELETE", other), 404, "NoSuchUpload")
    assert signer.request("DELETE", upload).status == 204
    refused(signer.request("DELETE", upload), 404, "NoSuchUpload")
    nothing_is_left(signer.cloud)


def test_planted_links_are_not_followed(signer, tmp_path):
    signer.request("PUT", f"{ROOT}/real", b"x")
    bucket = signer.cloud.home / "outputs" / BUCKET
    (tmp_path / "secret").write_bytes(b"secret")
    (bucket / "link").symlink_to(tmp_path)
    (bucket / "file").symlink_to(tmp_path / "secret")
    for key in ("link/secret", "file"):
        answer = signer.request("GET", f"{ROOT}/{key}")
        assert 400 <= answer.status < 500 and b"secret" != answer.body
        copy = {"x-amz-copy-source": f"/{BUCKET}/{key}"}
        assert 400 <= signer.request("PUT", f"{ROOT}/copy", headers=copy).status < 500
    assert 400 <= signer.request("PUT", f"{ROOT}/link/new", b"evil").status < 500
    upload = begin(signer, "link/parts")
    part = put_part(signer, upload, 1, b"evil")
    assert 400 <= complete(signer, upload, [(1, part.headers["ETag"])]).status < 500
    assert signer.request("PUT", f"{ROOT}/file", b"mine").status == 200
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert sorted(os.listdir(tmp_path)) == ["secret"]
    assert signer.request("GET", f"{ROOT}/file").body == b"mine"
    (bucket / "link").unlink()


# What is not what it says


def checksum(kind, body):
    raw = {"crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
           "sha1": lambda: hashlib.sha1(body).digest(),
           "sha256": lambda: hashlib.sha256(body).digest(),
           "crc32c": lambda: bytes(4), "crc64nvme": lambda: bytes(8)}[kind]()
    return base64.b64encode(raw).decode()


LIES = [
    ({"content-md5": base64.b64encode(hashlib.md5(b"else").digest()).decode()}, "BadDigest"),
    ({"content-md5": "nonsense"}, "InvalidDigest"), ({"content-md5": "AAAA"}, "InvalidDigest"),
    *(({f"x-amz-checksum-{kind}": checksum(kind, b"else")}, "BadDigest")
      for kind in ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")),
    ({"x-amz-checksum-crc32": "AAA="}, "InvalidRequest"),
    ({"x-amz-checksum-crc32": "?"}, "InvalidRequest"),
    ({"x-amz-checksum-crc32": checksum("crc32", b"this"),
      "x-amz-checksum-sha1": checksum("sha1", b"this")}, "InvalidRequest"),
    (None, "XAmzContentSHA256Mismatch")]


@pytest.mark.parametrize("before", [None, b"the old one"])
@pytest.mark.parametrize("headers, code", LIES, ids=str)
def test_a_wrong_sum_leaves_no_trace(signer, headers, code, before):
    signing = {"headers": headers} if headers else {"payload": sha256(b"else")}
    if before:
        assert signer.request("PUT", f"{ROOT}/a", before).status == 200
    refused(signer.request("PUT", f"{ROOT}/a", b"this", **signing), 400, code)
    if before:
        assert signer.request("GET", f"{ROOT}/a").body == before
        assert len(files(signer.cloud)) == 1
    else:
        nothing_is_left(signer.cloud)


@pytest.mark.parametrize("headers, code", LIES, ids=str)
def test_a_wrong_sum_of_a_part_leaves_no_trace(signer, headers, code):
    signing = {"headers": headers} if headers else {"payload": sha256(b"else")}
    upload = begin(signer)
    refused(put_part(signer, upload, 1, b"this", **signing), 400, code)
    assert files(signer.cloud) == [] and rows(signer.cloud) == [0, 0]


@pytest.mark.parametrize("kind", ["object", "part"])
@pytest.mark.parametrize("sent", [0, 1, 99_999])
def test_a_body_that_is_shorter_than_said_leaves_no_trace(signer, kind, sent):
    target = f"{ROOT}/a" if kind == "object" else begin(signer) + "&partNumber=1"
    connection = connect(signer, target, 100_000, bytes(sent))
    connection.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        assert b" 200 " not in connection.recv(4096)[:20]
    connection.close()
    nothing_is_left(signer.cloud)


def test_a_body_that_is_longer_than_said_ends_where_it_was_said(signer):
    connection = connect(signer, f"{ROOT}/a", 5, b"0123456789\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    connection.close()
    assert signer.request("GET", f"{ROOT}/a").body == b"01234"


def test_disconnects_at_random_bytes_leave_no_trace(signer):
    """200 times, seeded, objects and parts, closed and reset, six at a time."""
    chance = random.Random(4)
    upload = begin(signer)
    body = os.urandom(300_000)
    plans = [(number, chance.random(), chance.random() < 0.5) for number in range(200)]

    def cut(plan):
        number, where, is_reset = plan
        target = f"{ROOT}/cut-{number % 7}" if number % 2 else f"{upload}&partNumber={number + 1}"
        size = len(body) + 600  # with the head, or a little less than it
        connection = connect(signer, target, len(body), body, int(where * size))
        if is_reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(cut, plans))
    nothing_is_left(signer.cloud)
    assert signer.request("PUT", f"{ROOT}/after", b"x").status == 200
    assert signer.request("DELETE", upload).status == 204


# Many parts


def put_tiny_parts(signer, upload, numbers):
    """{number: ETag} over one connection."""
    path, _, query = upload.partition("?")
    connection = http.client.HTTPConnection("127.0.0.1", signer.cloud.port, timeout=30)
    etags = {}
    for number in numbers:
        target = f"{path}?partNumber={number}&{query}"
        connection.request("PUT", target, b"x", signer.headers("PUT", target, UNSIGNED))
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 200, said
        etags[number] = answer.headers["ETag"]
    connection.close()
    return etags


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_ten_thousand_parts_and_no_more(signer):
    upload = begin(signer)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        shares = pool.map(lambda start: put_tiny_parts(signer, upload, range(start, 10_001, 8)),
                          range(1, 9))
    etags = {number: etag for share in shares for number, etag in share.items()}
    assert len(etags) == 10_000
    for number in (10_001, 0, -1, "x", "1.0", ""):
        refused(put_part(signer, upload, number, b"x"), 400, "InvalidArgument")
    refused(complete(signer, upload, sorted(etags.items())), 400, "EntityTooSmall")
    refused(complete(signer, upload, sorted(etags.items())[::-1]), 400, "InvalidPartOrder")
    key, upload_id = "big", upload.rpartition("=")[2]
    pages = signer.s3.get_paginator("list_parts").paginate(
        Bucket=BUCKET, Key=key, UploadId=upload_id)
    assert [part["PartNumber"] for page in pages for part in page["Parts"]] == list(
        range(1, 10_001))
    assert signer.request("DELETE", upload).status == 204
    nothing_is_left(signer.cloud)


# The disk is full


@pytest.mark.parametrize("kind", ["object", "part"])
def test_a_disk_that_fills_up_in_the_middle_leaves_no_trace(new_stack, small_disk, kind):
    cloud = new_stack({"SIMPLETUNER_MIN_FREE_BYTES": "65536"})
    outputs = small_disk / "outputs"
    cloud.configure(s3_output_path=str(outputs))
    signer = s3_bucket.open_bucket(cloud)
    assert signer.request("PUT", f"{ROOT}/kept", b"kept").status == 200
    refused(signer.request("PUT", f"{ROOT}/huge", bytes(DISK_MIB * MiB)), 507,
            "InsufficientStorage")
    target = f"{ROOT}/big" if kind == "object" else begin(signer) + "&partNumber=1"
    size = 16 * MiB
    connection = connect(signer, target, size, bytes(MiB))
    until(lambda: [path for path in files(cloud, outputs) if path.stat().st_size], 20,
          "nothing arrives")
    fill(small_disk)
    with contextlib.suppress(ConnectionError):
        connection.sendall(bytes(size - MiB))
    answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 507 ") and b"InsufficientStorage" in answer, answer
    connection.close()
    until(lambda: [path.name for path in files(cloud, outputs)] == ["kept"], 20, "files are left")
    assert rows(cloud) == [0, 0]
    (small_disk / "ballast").unlink()
    assert signer.request("GET", f"{ROOT}/kept").body == b"kept"
    assert signer.request("PUT", target, bytes(MiB)).status == 200
