"""Tags of objects."""

import pytest

from s3_clients import body_of, refused


@pytest.fixture
def foo(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    return {"Bucket": bucket, "Key": "foo"}


def tag_set(tags):
    return {"TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]}


def numbered(count):
    return {str(number): str(number) for number in range(count)}


def tags_of(s3, foo):
    return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**foo)["TagSet"]}


@pytest.mark.parametrize("tags", [
    {}, {"a": "b"}, numbered(2), numbered(10), {"x" * 128: "y" * 256}, {"a b": "c+d=e/f:g_h.i@j-k"},
    {"é" * 128: "模" * 256}, {"key": ""}])
def test_tags_are_kept(s3, foo, tags):
    s3.put_object_tagging(**foo, Tagging=tag_set(tags))
    assert tags_of(s3, foo) == tags
    assert s3.get_object(**foo).get("TagCount", 0) == len(tags)
    assert s3.head_object(**foo)["ResponseMetadata"]["HTTPHeaders"].get(
        "x-amz-tagging-count", "0") == str(len(tags))


@pytest.mark.parametrize("tags", [numbered(11), {"x" * 129: "y"}, {"x": "y" * 257}])
def test_too_many_and_too_long_tags_are_refused(s3, foo, tags):
    refused(400, "InvalidTag", s3.put_object_tagging, **foo, Tagging=tag_set(tags))
    assert tags_of(s3, foo) == {}


def test_a_tag_is_there_once(s3, foo):
    twice = {"TagSet": [{"Key": "a", "Value": "b"}, {"Key": "a", "Value": "c"}]}
    refused(400, "InvalidTag", s3.put_object_tagging, **foo, Tagging=twice)


def test_tags_are_listed_by_name(s3, foo):
    s3.put_object_tagging(**foo, Tagging=tag_set({"b": "1", "c": "2", "a": "3"}))
    assert [tag["Key"] for tag in s3.get_object_tagging(**foo)["TagSet"]] == ["a", "b", "c"]


def test_tags_are_replaced_and_deleted(s3, foo):
    s3.put_object_tagging(**foo, Tagging=tag_set({"key": "val", "key2": "val2"}))
    s3.put_object_tagging(**foo, Tagging=tag_set({"key3": "val3"}))
    assert tags_of(s3, foo) == {"key3": "val3"}
    assert s3.delete_object_tagging(**foo)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags_of(s3, foo) == {}
    assert body_of(s3, foo["Bucket"], "foo") == b"bar"


def test_tags_come_with_the_object(s3, foo):
    s3.put_object(**foo, Body=b"x", Tagging="foo=bar&bar")
    assert s3.get_object_tagging(**foo)["TagSet"] == [{"Key": "bar", "Value": ""},
                                                      {"Key": "foo", "Value": "bar"}]
    s3.put_object(**foo, Body=b"x")
    assert tags_of(s3, foo) == {}
    s3.put_object(**foo, Body=b"x", Tagging="a%20b=c%26d&e=f+g")
    assert tags_of(s3, foo) == {"a b": "c&d", "e": "f g"}


@pytest.mark.parametrize("text", ["&".join(f"{n}={n}" for n in range(11)), "=x", "a=b&a=c",
                                  "x" * 129 + "=y"])
def test_wrong_tags_refuse_the_object(s3, bucket, text):
    refused(400, "InvalidTag", s3.put_object, Bucket=bucket, Key="foo", Body=b"x", Tagging=text)
    assert "Contents" not in s3.list_objects(Bucket=bucket)


def test_tags_come_with_an_upload_in_parts(s3, foo):
    upload = foo | {"UploadId": s3.create_multipart_upload(**foo, Tagging="a=b")["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part}]})
    assert tags_of(s3, foo) == {"a": "b"}


def test_what_is_not_there_has_no_tags(s3, bucket):
    missing = {"Bucket": bucket, "Key": "missing"}
    refused(404, "NoSuchKey", s3.get_object_tagging, **missing)
    refused(404, "NoSuchKey", s3.put_object_tagging, **missing, Tagging=tag_set({"a": "b"}))
    refused(404, "NoSuchKey", s3.delete_object_tagging, **missing)
