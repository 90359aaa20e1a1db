"""CopyObject and UploadPartCopy."""

import os

import pytest

from s3_clients import body_of, headers, new_bucket, new_name, refused

MiB = 1 << 20


@pytest.fixture
def source(s3, bucket):
    """An object of b"foo": its bucket and key."""
    s3.put_object(Bucket=bucket, Key="foo123bar", Body=b"foo", ContentType="text/bla",
                  Metadata={"key1": "value1", "key2": "value2"}, CacheControl="max-age=1",
                  Tagging="a=b")
    return {"Bucket": bucket, "Key": "foo123bar"}


def test_a_copy_is_the_same_object(s3, bucket, source):
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    copy, original = (s3.get_object(Bucket=bucket, Key=key) for key in ("copy", "foo123bar"))
    assert copy["Body"].read() == b"foo"
    for name in ("ETag", "ContentType", "Metadata", "ContentLength", "CacheControl", "TagCount"):
        assert copy[name] == original[name]
    assert answer["ETag"] == original["ETag"] and answer["LastModified"]


def test_a_copy_goes_to_another_bucket(s3, source):
    other = new_bucket(s3)
    s3.copy(source, other, "copy")
    assert body_of(s3, other, "copy") == b"foo"


@pytest.mark.parametrize("form", ["{bucket}/{key}", "/{bucket}/{key}", "%2F{bucket}%2F{key}"])
def test_a_source_is_named_in_several_ways(s3, bucket, form):
    s3.put_object(Bucket=bucket, Key="dir/a b+c", Body=b"x")
    text = form.format(bucket=bucket, key="dir/a%20b%2Bc")
    with headers(s3, "CopyObject", x_amz_copy_source=text):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource="replaced/by-the-header")
    assert body_of(s3, bucket, "copy") == b"x"


@pytest.mark.parametrize("size", [0, 3, MiB])
def test_copies_of_sizes(s3, bucket, size):
    body = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="from", Body=body)
    s3.copy({"Bucket": bucket, "Key": "from"}, bucket, "to")
    assert body_of(s3, bucket, "to") == body
    assert s3.head_object(Bucket=bucket, Key="to")["ContentLength"] == size


def test_a_copy_may_get_other_metadata(s3, bucket, source):
    metadata = {"key3": "value3", "key2": "value2"}
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Metadata=metadata,
                   MetadataDirective="REPLACE", ContentType="audio/mpeg")
    copy = s3.head_object(Bucket=bucket, Key="copy")
    assert copy["Metadata"] == metadata and copy["ContentType"] == "audio/mpeg"
    assert copy["CacheControl"] != "max-age=1"


def test_a_copy_that_keeps_metadata_ignores_what_is_said(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Metadata={"x": "y"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"key1": "value1",
                                                                    "key2": "value2"}


def test_a_copy_may_get_other_tags(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, TaggingDirective="REPLACE",
                   Tagging="c=d")
    tags = s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"]
    assert tags == [{"Key": "c", "Value": "d"}]


def test_an_object_is_copied_onto_itself_only_to_change(s3, bucket, source):
    refused(400, "InvalidRequest", s3.copy_object, **source, CopySource=source)
    s3.copy_object(**source, CopySource=source, Metadata={"foo": "bar"},
                   MetadataDirective="REPLACE")
    answer = s3.get_object(**source)
    assert answer["Metadata"] == {"foo": "bar"} and answer["Body"].read() == b"foo"


def test_what_is_not_there_is_not_copied(s3, bucket, source):
    refused(404, "NoSuchKey", s3.copy_object, Bucket=bucket, Key="copy",
            CopySource={"Bucket": bucket, "Key": "missing"})
    refused(404, "NoSuchBucket", s3.copy_object, Bucket=bucket, Key="copy",
            CopySource={"Bucket": new_name("missing"), "Key": "foo123bar"})
    refused(404, "NoSuchBucket", s3.copy_object, Bucket=new_name("missing"), Key="copy",
            CopySource=source)


# Parts


def copy_in_parts(s3, source, target, size, part_size=5 * MiB):
    upload_id = s3.create_multipart_upload(**target)["UploadId"]
    parts = []
    for first in range(0, size, part_size):
        last = min(first + part_size, size) - 1
        answer = s3.upload_part_copy(**target, UploadId=upload_id, PartNumber=len(parts) + 1,
                                     CopySource=source, CopySourceRange=f"bytes={first}-{last}")
        parts.append({"PartNumber": len(parts) + 1, "ETag": answer["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**target, UploadId=upload_id, MultipartUpload={"Parts": parts})


@pytest.mark.parametrize("size", [1, 5 * MiB, 5 * MiB + 100 * 1024, 10 * MiB + 600 * 1024])
def test_a_copy_in_parts(s3, bucket, size):
    body = os.urandom(12 * MiB)
    source = {"Bucket": bucket, "Key": "source"}
    target = {"Bucket": new_bucket(s3), "Key": "target"}
    s3.put_object(**source, Body=body)
    copy_in_parts(s3, source, target, size)
    assert body_of(s3, target["Bucket"], "target") == body[:size]


def test_a_copied_part_is_the_whole_source_without_a_range(s3, bucket, source):
    target = {"Bucket": bucket, "Key": "target"}
    upload_id = s3.create_multipart_upload(**target)["UploadId"]
    etag = s3.upload_part_copy(**target, UploadId=upload_id, PartNumber=1,
                               CopySource=source)["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(**target, UploadId=upload_id, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": etag}]})
    assert body_of(s3, bucket, "target") == b"foo"


@pytest.mark.parametrize("key", [" ", "_", "__", "?versionId", "a//b", "é"])
def test_a_source_of_parts_may_have_an_odd_name(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"xyz")
    copy_in_parts(s3, {"Bucket": bucket, "Key": key}, {"Bucket": bucket, "Key": "target"}, 1)
    assert body_of(s3, bucket, "target") == b"x"


@pytest.mark.parametrize("asked, status, code", [
    ("bytes=0-21", 416, "InvalidRange"), ("bytes=5-9", 416, "InvalidRange"),
    ("0-2", 400, "InvalidArgument"), ("bytes=0", 400, "InvalidArgument"),
    ("bytes=hello-world", 400, "InvalidArgument"), ("bytes=0-bar", 400, "InvalidArgument"),
    ("bytes=hello-", 400, "InvalidArgument"), ("bytes=0-2,3-5", 400, "InvalidArgument"),
    ("bytes=1-", 400, "InvalidArgument"), ("bytes=-1", 400, "InvalidArgument")])
def test_a_range_of_a_source_is_all_within_it(s3, bucket, source, asked, status, code):
    target = {"Bucket": bucket, "Key": "target"}
    upload_id = s3.create_multipart_upload(**target)["UploadId"]
    refused(status, code, s3.upload_part_copy, **target, UploadId=upload_id, PartNumber=1,
            CopySource=source, CopySourceRange=asked)
    assert "Parts" not in s3.list_parts(**target, UploadId=upload_id)


def test_a_large_copy_of_a_multipart_object(s3, bucket):
    bodies = [os.urandom(5 * MiB), os.urandom(2 * MiB)]
    named = {"Bucket": bucket, "Key": "source"}
    upload_id = s3.create_multipart_upload(**named, ContentType="text/bla",
                                           Metadata={"foo": "bar"})["UploadId"]
    parts = [{"PartNumber": number, "ETag": s3.upload_part(
        **named, UploadId=upload_id, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)]
    s3.complete_multipart_upload(**named, UploadId=upload_id, MultipartUpload={"Parts": parts})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=named)
    answer = s3.get_object(Bucket=bucket, Key="copy")
    assert answer["Body"].read() == b"".join(bodies)
    assert answer["Metadata"] == {"foo": "bar"} and answer["ContentType"] == "text/bla"
