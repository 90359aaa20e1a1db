"""Uploads in parts: from their beginning to an object, or to nothing."""

import hashlib
import os

import pytest

from s3_clients import Interrupted, body_of, headers, new_name, query, refused

MiB = 1 << 20


@pytest.fixture
def named(bucket):
    return {"Bucket": bucket, "Key": "mymultipart"}


@pytest.fixture
def upload(s3, named):
    """A begun upload, as arguments."""
    return named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}


def send(s3, upload, number, body):
    """Upload a part; what the completion is to say of it."""
    etag = s3.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
    return {"PartNumber": number, "ETag": etag.strip('"')}


def complete(s3, upload, parts):
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def refused_completion(s3, status, code, upload, parts):
    refused(status, code, s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize("sizes", [
    [1], [5 * MiB], [5 * MiB, 100 * 1024], [5 * MiB, 5 * MiB], [5 * MiB, 6 * MiB, 7],
    [5 * MiB] * 6])
def test_parts_become_one_object(s3, bucket, named, sizes):
    bodies = [os.urandom(size) for size in sizes]
    answer = s3.create_multipart_upload(**named, ContentType="text/bla", Metadata={"foo": "bar"})
    upload = named | {"UploadId": answer["UploadId"]}
    answer = complete(s3, upload, [send(s3, upload, number, body)
                                   for number, body in enumerate(bodies, 1)])
    whole = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
    assert answer["ETag"] == f'"{whole}-{len(sizes)}"'
    assert answer["Bucket"] == bucket and answer["Key"] == "mymultipart" and answer["Location"]
    answer = s3.get_object(**named)
    assert answer["Body"].read() == b"".join(bodies)
    assert answer["ContentType"] == "text/bla" and answer["Metadata"] == {"foo": "bar"}
    assert answer["ContentLength"] == sum(sizes)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_completion_may_be_said_again(s3, upload):
    parts = [send(s3, upload, 1, b"x")]
    assert complete(s3, upload, parts)["ETag"] == complete(s3, upload, parts)["ETag"]


def test_a_part_may_be_sent_again(s3, bucket, upload):
    bodies = [os.urandom(5 * MiB) for _ in range(2)]
    send(s3, upload, 1, os.urandom(6 * MiB))
    parts = [send(s3, upload, number, body) for number, body in enumerate(bodies, 1)]
    send(s3, upload, 2, bodies[1])
    complete(s3, upload, parts)
    assert body_of(s3, bucket, "mymultipart") == b"".join(bodies)


def test_parts_may_come_in_any_order_with_gaps_and_more_than_needed(s3, bucket, upload):
    later = send(s3, upload, 10000, b"end")
    send(s3, upload, 500, os.urandom(1000))
    first = os.urandom(5 * MiB)
    complete(s3, upload, [send(s3, upload, 3, first), later])
    assert body_of(s3, bucket, "mymultipart") == first + b"end"


def test_an_object_is_replaced_by_the_completion_alone(s3, bucket, named, upload):
    s3.put_object(**named, Body=b"bar")
    part = send(s3, upload, 1, b"zar")
    assert body_of(s3, bucket, "mymultipart") == b"bar"
    complete(s3, upload, [part])
    assert body_of(s3, bucket, "mymultipart") == b"zar"


def test_an_aborted_upload_leaves_nothing(s3, bucket, named, upload):
    s3.put_object(**named, Body=b"bar")
    part = send(s3, upload, 1, b"zar")
    s3.abort_multipart_upload(**upload)
    assert body_of(s3, bucket, "mymultipart") == b"bar"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    refused(404, "NoSuchUpload", s3.upload_part, **upload, PartNumber=1, Body=b"x")
    refused(404, "NoSuchUpload", s3.list_parts, **upload)
    refused_completion(s3, 404, "NoSuchUpload", upload, [part])
    refused(404, "NoSuchUpload", s3.abort_multipart_upload, **upload)


@pytest.mark.parametrize("upload_id", ["56788", "x" * 200, "../x", "0" * 26])
def test_an_upload_that_is_none(s3, named, upload_id):
    s3.put_object(**named, Body=b"")
    upload = named | {"UploadId": upload_id}
    refused(404, "NoSuchUpload", s3.abort_multipart_upload, **upload)
    refused(404, "NoSuchUpload", s3.upload_part, **upload, PartNumber=1, Body=b"x")
    refused(404, "NoSuchUpload", s3.list_parts, **upload)
    refused_completion(s3, 404, "NoSuchUpload", upload, [{"PartNumber": 1, "ETag": "x"}])


def test_an_upload_is_of_its_key_alone(s3, upload):
    refused(404, "NoSuchUpload", s3.upload_part, **upload | {"Key": "other"}, PartNumber=1,
            Body=b"x")
    refused(404, "NoSuchUpload", s3.abort_multipart_upload, **upload | {"Key": "other"})


def test_small_parts_are_too_small_unless_last(s3, upload):
    parts = [send(s3, upload, number, os.urandom(10 * 1024)) for number in (1, 2)]
    refused_completion(s3, 400, "EntityTooSmall", upload, parts)
    complete(s3, upload, parts[1:])


def test_a_completion_names_parts_that_are_there(s3, upload):
    part = send(s3, upload, 1, b"\0")
    refused_completion(s3, 400, "InvalidPart", upload, [part | {"PartNumber": 9999}])
    refused_completion(s3, 400, "InvalidPart", upload, [part | {"ETag": "f" * 32}])
    refused_completion(s3, 400, "InvalidPartOrder", upload, [part | {"PartNumber": 2}, part])
    complete(s3, upload, [part])


def test_a_completion_without_parts_is_malformed(s3, upload):
    refused(400, "MalformedXML", s3.complete_multipart_upload, **upload)
    refused_completion(s3, 400, "MalformedXML", upload, [])


@pytest.mark.parametrize("number", [0, -1, 10001, 99999999999])
def test_parts_have_numbers_from_1_to_10000(s3, upload, number):
    refused(400, "InvalidArgument", s3.upload_part, **upload, PartNumber=number, Body=b"x")


def test_a_completion_may_name_the_size(s3, named):
    for size, status in (("2", 400), ("3", 200)):
        upload = named | {"UploadId": s3.create_multipart_upload(**named)["UploadId"]}
        part = send(s3, upload, 1, b"xyz")
        with headers(s3, "CompleteMultipartUpload", x_amz_mp_object_size=size):
            if status == 200:
                complete(s3, upload, [part])
            else:
                refused_completion(s3, status, "InvalidRequest", upload, [part])


def test_of_two_bodies_of_a_part_the_last_is_used(s3, bucket, upload):
    old = send(s3, upload, 1, b"old")
    new = send(s3, upload, 1, b"new")
    refused_completion(s3, 400, "InvalidPart", upload, [old])
    refused_completion(s3, 400, "InvalidPart", upload, [new, old])
    answer = complete(s3, upload, [old, new])
    assert answer["ETag"].endswith('-1"')
    assert body_of(s3, bucket, "mymultipart") == b"new"


def test_a_part_of_which_another_body_arrives_meanwhile_is_the_last_to_end(s3, bucket, upload):
    body = Interrupted(b"A" * 8, lambda: send(s3, upload, 1, b"B" * 8))
    complete(s3, upload, [send(s3, upload, 1, body)])
    assert body_of(s3, bucket, "mymultipart") == b"A" * 8


# Lists


def test_parts_are_listed(s3, upload, bucket):
    parts = [send(s3, upload, number, bytes(number)) for number in (1, 2, 5, 9)]
    answer = s3.list_parts(**upload)
    assert [(part["PartNumber"], part["ETag"].strip('"'), part["Size"]) for part in
            answer["Parts"]] == [(part["PartNumber"], part["ETag"], part["PartNumber"])
                                 for part in parts]
    assert answer["Bucket"] == bucket and answer["Key"] == "mymultipart"
    assert answer["UploadId"] == upload["UploadId"] and not answer["IsTruncated"]
    assert answer["MaxParts"] == 1000 and answer["Owner"]["ID"] and answer["Initiator"]["ID"]


def test_parts_are_listed_page_by_page(s3, upload):
    for number in (1, 2, 5, 9, 10):
        send(s3, upload, number, b"x")
    pages, marker = [], 0
    while marker is not None:
        answer = s3.list_parts(**upload, MaxParts=2, PartNumberMarker=marker)
        assert answer["PartNumberMarker"] == marker and answer["MaxParts"] == 2
        pages.append([part["PartNumber"] for part in answer["Parts"]])
        marker = answer["NextPartNumberMarker"] if answer["IsTruncated"] else None
    assert pages == [[1, 2], [5, 9], [10]]


def test_uploads_are_listed(s3, bucket):
    keys = ["mymultipart", "mymultipart", "mymultipart2"]
    made = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in keys]
    answer = s3.list_multipart_uploads(Bucket=bucket)
    assert sorted((item["Key"], item["UploadId"]) for item in answer["Uploads"]) == sorted(made)
    assert all(item["Initiated"] and item["Owner"]["ID"] and item["Initiator"]["ID"]
               for item in answer["Uploads"])
    assert answer["Bucket"] == bucket and not answer["IsTruncated"]


def test_uploads_are_listed_by_prefix_delimiter_and_page(s3, bucket):
    made = {key: s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            for key in ("a", "b/1", "b/2", "c d", "é")}
    found = s3.list_multipart_uploads(Bucket=bucket, Prefix="b/")
    assert [item["Key"] for item in found["Uploads"]] == ["b/1", "b/2"]
    found = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [item["Key"] for item in found["Uploads"]] == ["a", "c d", "é"]
    assert [item["Prefix"] for item in found["CommonPrefixes"]] == ["b/"]
    pages, after = [], {}
    while after is not None:
        found = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=2, **after)
        pages.append([(item["Key"], item["UploadId"]) for item in found["Uploads"]])
        after = found["IsTruncated"] and {"KeyMarker": found["NextKeyMarker"],
                                          "UploadIdMarker": found["NextUploadIdMarker"]} or None
    assert sum(pages, []) == list(made.items()) and len(pages) == 3


def test_uploads_of_a_bucket_that_is_not_there(s3):
    refused(404, "NoSuchBucket", s3.list_multipart_uploads, Bucket=new_name("missing"))


def test_a_bucket_with_an_upload_can_be_deleted_when_that_is_aborted(s3, bucket, upload):
    s3.abort_multipart_upload(**upload)
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("text", ["max-parts=x", "part-number-marker=x"])
def test_numbers_of_a_list_of_parts_are_numbers(s3, upload, text):
    with query(s3, "ListParts", text):
        refused(400, "InvalidArgument", s3.list_parts, **upload)
