"""Buckets of users: named, made, listed, deleted; and what no bucket here can do."""

import datetime

import pytest

from s3_clients import new_bucket, new_client, new_name, query, refused


def names(s3, **arguments):
    return [item["Name"] for item in s3.list_buckets(**arguments)["Buckets"]]


@pytest.mark.parametrize("name", ["a" * 60, "b" * 61, "c" * 62, "d" * 63, "a.b.c", "aaa.111",
                                  "aaa-111", "0foo", "afoo", "a--b", "1.2.3.4.5"])
def test_a_good_name(s3, name):
    assert s3.create_bucket(Bucket=name)["Location"] == f"/{name}"
    assert name in names(s3)
    assert "Contents" not in s3.list_objects(Bucket=name)
    s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("name", ["a", "aa", "_foo", "foo_bar", "foo-", "-foo", "foo..bar",
                                  "foo.-bar", "foo-.bar", ".foo", "foo.", "192.168.5.123", "Foo",
                                  "foo bar", "alpha!soup", "a" * 64])
def test_a_bad_name(s3, bucket, name):
    def rename(params, **_):
        params["url"] = params["url"].replace(bucket, name.replace(" ", "%20"))

    s3.meta.events.register("before-call.s3.CreateBucket", rename)
    refused(400, "InvalidBucketName", s3.create_bucket, Bucket=bucket)
    assert name not in names(s3)


def test_a_bucket_is_made_once_and_again_without_harm(s3, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    s3.create_bucket(Bucket=bucket)
    assert [item["Key"] for item in s3.list_objects(Bucket=bucket)["Contents"]] == ["kept"]


def test_a_bucket_may_be_made_with_what_holds_anyway(s3):
    for arguments in ({"ACL": "private"},
                      {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}):
        s3.create_bucket(Bucket=new_name(), **arguments)


def test_a_bucket_is_headed(s3, bucket):
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    refused(404, None, s3.head_bucket, Bucket=new_name("missing"))


def test_a_bucket_is_deleted_once(s3, bucket):
    assert s3.delete_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused(404, "NoSuchBucket", s3.delete_bucket, Bucket=bucket)
    refused(404, "NoSuchBucket", s3.list_objects, Bucket=bucket)
    assert bucket not in names(s3)


def test_a_bucket_that_is_not_empty_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    refused(409, "BucketNotEmpty", s3.delete_bucket, Bucket=bucket)
    assert s3.head_object(Bucket=bucket, Key="kept")["ContentLength"] == 1


def test_a_deleted_bucket_has_no_objects_to_read_write_or_delete(s3, bucket):
    s3.delete_bucket(Bucket=bucket)
    refused(404, "NoSuchBucket", s3.get_object, Bucket=bucket, Key="foo")
    refused(404, "NoSuchBucket", s3.put_object, Bucket=bucket, Key="foo", Body=b"foo")
    refused(404, "NoSuchBucket", s3.delete_object, Bucket=bucket, Key="foo")
    refused(404, "NoSuchBucket", s3.delete_objects, Bucket=bucket,
            Delete={"Objects": [{"Key": "foo"}]})
    refused(404, "NoSuchBucket", s3.create_multipart_upload, Bucket=bucket, Key="foo")
    refused(404, "NoSuchBucket", s3.list_multipart_uploads, Bucket=bucket)


def test_the_location_is_the_one_without_a_name(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    refused(404, "NoSuchBucket", s3.get_bucket_location, Bucket=new_name("missing"))


# ListBuckets


def test_all_buckets_are_listed_with_their_times(s3):
    made = sorted(new_bucket(s3) for _ in range(5))
    answer = s3.list_buckets()
    assert sorted(set(made) & {item["Name"] for item in answer["Buckets"]}) == made
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert all(now - day < item["CreationDate"] < now + day for item in answer["Buckets"])
    assert answer["Owner"]["ID"]


def xml_field(text, name):
    begin, end = text.find(f"<{name}>"), text.find(f"</{name}>")
    return text[begin + len(name) + 2:end] if begin >= 0 else None


def list_page(s3, text):
    """The names, and what older clients do not read of an answer: the token of the next page."""
    seen = []

    def keep(http_response, **_):
        seen.append(http_response.text)

    s3.meta.events.register("after-call.s3.ListBuckets", keep)
    with query(s3, "ListBuckets", text):
        found = names(s3)
    s3.meta.events.unregister("after-call.s3.ListBuckets", keep)
    return found, xml_field(seen[0], "ContinuationToken"), xml_field(seen[0], "Prefix")


def test_buckets_are_listed_page_by_page(s3):
    prefix = new_name("paged") + "-"
    made = [prefix + letter for letter in "abc"]
    for name in made:
        s3.create_bucket(Bucket=name)
    pages, token = [], ""
    while token is not None:
        found, token, named = list_page(
            s3, f"max-buckets=2&prefix={prefix}" + (f"&continuation-token={token}" if token else ""))
        assert named == prefix
        pages.append(found)
    assert pages == [made[:2], made[2:]]


@pytest.mark.parametrize("text", ["max-buckets=0", "max-buckets=10001", "max-buckets=x",
                                  "continuation-token=%25"])
def test_a_page_of_buckets_that_cannot_be_is_refused(s3, text):
    with query(s3, "ListBuckets", text):
        refused(400, "InvalidArgument", s3.list_buckets)


def test_an_unknown_key_id_is_named_as_such(cloud):
    stranger = new_client(cloud, ("AKIAIOSFODNN7EXAMPLE", "x" * 40))
    refused(403, "InvalidAccessKeyId", stranger.list_buckets)


def test_a_wrong_secret_is_a_wrong_signature(cloud, s3_credentials):
    stranger = new_client(cloud, (s3_credentials[0], "x" * 40))
    refused(403, "SignatureDoesNotMatch", stranger.list_buckets)


# What is not offered


@pytest.mark.parametrize("method, name", [
    (method, name) for method in ("get", "put", "delete")
    for name in ("tagging", "policy", "lifecycle", "cors", "website", "encryption", "versioning",
                 "acl", "object-lock", "publicAccessBlock", "ownershipControls", "metadataTable",
                 "metadataConfiguration", "abac", "somethingNew")])
def test_a_subresource_that_is_not_offered_is_said_so_and_does_nothing(s3, bucket, method, name):
    call, operation = {
        "get": (s3.list_objects, "ListObjects"), "put": (s3.create_bucket, "CreateBucket"),
        "delete": (s3.delete_bucket, "DeleteBucket")}[method]
    target = bucket if method != "put" else new_name("unmade")
    with query(s3, operation, name):
        refused(501, "NotImplemented", call, Bucket=target)
    assert (target in names(s3)) == (method != "put")
