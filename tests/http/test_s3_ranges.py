"""Ranges of objects, and the parts they were uploaded in."""

import os

import pytest

from s3_clients import body_of, headers, refused

MiB = 1 << 20
CONTENT = b"testcontent"


@pytest.fixture
def key(s3, bucket):
    s3.put_object(Bucket=bucket, Key="testobj", Body=CONTENT)
    return {"Bucket": bucket, "Key": "testobj"}


@pytest.mark.parametrize("asked, piece, said", [
    ("bytes=4-7", CONTENT[4:8], "bytes 4-7/11"), ("bytes=4-", CONTENT[4:], "bytes 4-10/11"),
    ("bytes=-7", CONTENT[-7:], "bytes 4-10/11"), ("bytes=0-0", CONTENT[:1], "bytes 0-0/11"),
    ("bytes=10-10", CONTENT[10:], "bytes 10-10/11"), ("bytes=5-500", CONTENT[5:], "bytes 5-10/11"),
    ("bytes=-500", CONTENT, "bytes 0-10/11"), ("bytes=0-", CONTENT, "bytes 0-10/11")])
def test_a_range_is_answered_with_its_bytes(s3, key, asked, piece, said):
    answer = s3.get_object(**key, Range=asked)
    assert answer["Body"].read() == piece
    assert answer["ContentRange"] == said and answer["ContentLength"] == len(piece)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("asked, said", [("bytes=4-7", "bytes 4-7/11"), ("bytes=-7", "bytes 4-10/11")])
def test_head_tells_of_a_range_what_get_would(s3, key, asked, said):
    answer = s3.head_object(**key, Range=asked)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-range"] == said
    assert answer["ContentLength"] == (4 if asked == "bytes=4-7" else 7)


@pytest.mark.parametrize("asked", ["bytes=40-50", "bytes=11-", "bytes=11-11", "bytes=-0"])
def test_a_range_behind_the_end_is_no_range(s3, key, asked):
    refused(416, "InvalidRange", s3.get_object, **key, Range=asked)


@pytest.mark.parametrize("asked", ["bytes=40-50", "bytes=0-", "bytes=0-0"])
def test_an_empty_object_has_no_ranges(s3, bucket, asked):
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    refused(416, "InvalidRange", s3.get_object, Bucket=bucket, Key="empty", Range=asked)


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes", "byte=0-1"])
def test_what_is_no_range_is_not_followed(s3, key, asked):
    answer = s3.get_object(**key, Range=asked)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["Body"].read() == CONTENT


def test_several_ranges_are_answered_together(s3, key):
    answer = s3.get_object(**key, Range="bytes=0-1,4-6,-2")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    kind, _, boundary = answer["ContentType"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    pieces = answer["Body"].read().split(b"--" + boundary.encode())
    assert [piece.split(b"\r\n\r\n")[1].rstrip(b"\r\n") for piece in pieces[1:-1]] == [
        CONTENT[0:2], CONTENT[4:7], CONTENT[-2:]]


def test_a_range_in_the_middle_of_a_large_object(s3, bucket):
    body = os.urandom(8 * MiB)
    s3.put_object(Bucket=bucket, Key="big", Body=body)
    answer = s3.get_object(Bucket=bucket, Key="big", Range="bytes=3145728-5242880")
    assert answer["Body"].read() == body[3145728:5242881]
    assert answer["ContentRange"] == "bytes 3145728-5242880/8388608"


def test_a_range_under_a_condition(s3, key):
    etag = s3.head_object(**key)["ETag"]
    assert s3.get_object(**key, Range="bytes=0-3", IfMatch=etag)["Body"].read() == CONTENT[:4]
    refused(412, "PreconditionFailed", s3.get_object, **key, Range="bytes=0-3", IfMatch='"other"')
    with headers(s3, "GetObject", If_Range=etag):
        assert s3.get_object(**key, Range="bytes=0-3")["Body"].read() == CONTENT[:4]
    with headers(s3, "GetObject", If_Range='"other"'):
        assert s3.get_object(**key, Range="bytes=0-3")["Body"].read() == CONTENT


# Parts


def upload(s3, bucket, bodies):
    named = {"Bucket": bucket, "Key": "parts"}
    upload_id = s3.create_multipart_upload(**named)["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(
        **named, UploadId=upload_id, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)]
    return s3.complete_multipart_upload(**named, UploadId=upload_id,
                                        MultipartUpload={"Parts": parts})["ETag"]


def test_an_object_is_read_by_its_parts(s3, bucket):
    bodies = [os.urandom(5 * MiB), os.urandom(5 * MiB), b"the rest"]
    etag = upload(s3, bucket, bodies)
    assert s3.head_object(Bucket=bucket, Key="parts", PartNumber=1)["PartsCount"] == 3
    for number, body in enumerate(bodies, 1):
        answer = s3.get_object(Bucket=bucket, Key="parts", PartNumber=number)
        assert answer["Body"].read() == body and answer["ETag"] == etag
        assert answer["ContentLength"] == len(body) and answer["PartsCount"] == 3
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    refused(400, "InvalidPart", s3.get_object, Bucket=bucket, Key="parts", PartNumber=4)
    refused(400, None, s3.head_object, Bucket=bucket, Key="parts", PartNumber=4)


def test_an_object_of_one_part_has_one_part(s3, bucket):
    upload(s3, bucket, [b"whole"])
    assert s3.get_object(Bucket=bucket, Key="parts", PartNumber=1)["PartsCount"] == 1
    refused(400, "InvalidPart", s3.get_object, Bucket=bucket, Key="parts", PartNumber=2)


def test_an_object_that_had_no_parts_is_its_own_first(s3, key):
    answer = s3.get_object(**key, PartNumber=1)
    assert answer["Body"].read() == CONTENT and "PartsCount" not in answer
    refused(400, "InvalidPart", s3.get_object, **key, PartNumber=2)


def test_a_part_and_a_range_at_once_is_refused(s3, key):
    refused(400, "InvalidRequest", s3.get_object, **key, PartNumber=1, Range="bytes=0-1")


def test_a_range_of_a_multipart_object(s3, bucket):
    bodies = [os.urandom(5 * MiB), os.urandom(1000)]
    upload(s3, bucket, bodies)
    whole = b"".join(bodies)
    for first in range(0, len(whole), MiB):
        piece = body_of(s3, bucket, "parts", Range=f"bytes={first}-{first + MiB - 1}")
        assert piece == whole[first:first + MiB]
