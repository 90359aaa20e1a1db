"""Objects of S3 clients: written whole, read, overwritten, described, deleted; presigned URLs."""

import concurrent.futures
import datetime
import hashlib
import xml.etree.ElementTree as ET

import pytest
import requests

from s3_clients import (Interrupted, body_of, headers, new_bucket, new_client, new_credentials,
                        new_name, refused)

MiB = 1 << 20
SIZES = [MiB, 8 * MiB]


def fetch(url, method="GET", **options):
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=30, **options)


def test_an_object_is_written_read_rewritten_and_deleted(s3, bucket):
    answer = s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    assert answer["ETag"] == '"37b51d194a7513e45b56f6524f2d51f2"'
    assert body_of(s3, bucket, "foo") == b"bar"
    s3.put_object(Bucket=bucket, Key="foo", Body=b"soup")
    assert body_of(s3, bucket, "foo") == b"soup"
    answer = s3.delete_object(Bucket=bucket, Key="foo")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    refused(404, "NoSuchKey", s3.get_object, Bucket=bucket, Key="foo")
    refused(404, None, s3.head_object, Bucket=bucket, Key="foo")


def test_deleting_what_is_not_there_is_done_already(s3, bucket):
    answer = s3.delete_object(Bucket=bucket, Key="never")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_an_empty_object_has_no_bytes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"")
    head = s3.head_object(Bucket=bucket, Key="foo")
    assert head["ContentLength"] == 0 and head["ETag"] == f'"{hashlib.md5(b"").hexdigest()}"'
    assert body_of(s3, bucket, "foo") == b""


def test_head_and_get_say_the_same(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", ContentType="a/b", Metadata={"m": "n"})
    head, get = (call(Bucket=bucket, Key="foo") for call in (s3.head_object, s3.get_object))
    for name in ("ETag", "LastModified", "ContentLength", "ContentType", "Metadata",
                 "AcceptRanges"):
        assert head[name] == get[name]


def test_an_error_has_the_request_id_of_its_header(s3, bucket):
    seen = []
    s3.meta.events.register("after-call.s3.GetObject",
                            lambda http_response, **_: seen.append(http_response))
    refused(404, "NoSuchKey", s3.get_object, Bucket=bucket, Key="bar")
    request_id = ET.fromstring(seen[0].content).find(".//RequestId").text
    assert request_id and request_id == seen[0].headers["x-amz-request-id"]


# Descriptions


@pytest.mark.parametrize("argument, header, value", [
    ("CacheControl", "cache-control", "public, max-age=14400"),
    ("ContentDisposition", "content-disposition", 'attachment; filename="a b.txt"'),
    ("ContentEncoding", "content-encoding", "gzip"),
    ("ContentLanguage", "content-language", "esperanto"),
    ("ContentType", "content-type", "text/bla; charset=x")])
def test_a_standard_header_is_kept(s3, bucket, argument, header, value):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", **{argument: value})
    for call in (s3.head_object, s3.get_object):
        answer = call(Bucket=bucket, Key="foo")
        assert answer["ResponseMetadata"]["HTTPHeaders"][header] == value


def test_an_encoding_comes_back_through_every_front(any_front):
    s3 = new_client(any_front, new_credentials(any_front))
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", ContentEncoding="gzip")
    for call in (s3.head_object, s3.get_object):
        assert call(Bucket=bucket, Key="foo")["ContentEncoding"] == "gzip"
    assert s3.get_object(Bucket=bucket, Key="foo", Range="bytes=1-1")["Body"].read() == b"a"


def test_the_time_of_expiry_is_kept(s3, bucket):
    expires = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    expires += datetime.timedelta(seconds=6000)
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Expires=expires)
    assert s3.head_object(Bucket=bucket, Key="foo")["Expires"] == expires


@pytest.mark.parametrize("value", ["mymeta", "with  spaces", "a=b;c,d:\"e\"", "x" * 1500])
def test_user_metadata_is_kept(s3, bucket, value):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Metadata={"meta1": value, "a-b": "c"})
    assert s3.get_object(Bucket=bucket, Key="foo")["Metadata"] == {"meta1": value, "a-b": "c"}


def test_metadata_is_replaced_with_the_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Metadata={"meta1": "old"})
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Metadata={"meta2": "new"})
    assert s3.get_object(Bucket=bucket, Key="foo")["Metadata"] == {"meta2": "new"}
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    assert s3.get_object(Bucket=bucket, Key="foo")["Metadata"] == {}


def test_metadata_without_a_value_is_kept(any_front):
    """Through every front, though lighttpd leaves such headers out on both ways."""
    s3 = new_client(any_front, new_credentials(any_front))
    bucket = new_bucket(s3)
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Metadata={"meta1": "", "b": "c"})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "foo"})
    for stored, in any_front.query("SELECT metadata FROM objects WHERE bucket = %s", bucket):
        assert stored == '{"x-amz-meta-b":"c","x-amz-meta-meta1":""}'
    seen = s3.get_object(Bucket=bucket, Key="copy")["Metadata"]
    assert seen == {"b": "c"} | ({} if any_front.front == "lighttpd" else {"meta1": ""})


@pytest.mark.parametrize("value", ["\x04w", "h\x04", "h\x04w", "\x04mymeta"])
def test_metadata_with_control_characters_is_refused(s3, bucket, value):
    refused(400, None, s3.put_object, Bucket=bucket, Key="foo", Body=b"bar",
            Metadata={"meta1": value})
    assert "Contents" not in s3.list_objects(Bucket=bucket)


@pytest.mark.parametrize("metadata", [{"a": "x" * 1200, "b": "y" * 1200},
                                      {f"a{number}": "x" for number in range(65)}])
def test_more_metadata_than_an_answer_takes_is_refused(s3, bucket, metadata):
    refused(400, "MetadataTooLarge", s3.put_object, Bucket=bucket, Key="foo", Body=b"bar",
            Metadata=metadata)


def test_much_metadata_is_kept(s3, bucket):
    metadata = {f"a{number}": "x" for number in range(64)}
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", Metadata=metadata)
    assert s3.get_object(Bucket=bucket, Key="foo")["Metadata"] == metadata


def test_an_answer_can_be_told_its_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", ContentType="text/plain")
    answer = s3.get_object(
        Bucket=bucket, Key="foo", ResponseCacheControl="no-cache", ResponseContentDisposition="bla",
        ResponseContentEncoding="aaa", ResponseContentLanguage="esperanto",
        ResponseContentType="foo/bar", ResponseExpires=datetime.datetime(2030, 1, 2))["ResponseMetadata"]["HTTPHeaders"]
    assert answer["content-type"] == "foo/bar" and answer["content-disposition"] == "bla"
    assert answer["content-language"] == "esperanto" and answer["content-encoding"] == "aaa"
    assert answer["cache-control"] == "no-cache" and answer["expires"] == "Wed, 02 Jan 2030 00:00:00 GMT"


def test_an_answers_header_goes_before_the_objects_own(s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar", CacheControl="max-age=5")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "foo",
                                                   "ResponseCacheControl": "no-store"})
    assert fetch(url).headers["Cache-Control"] == "no-store"


# Keys


@pytest.mark.parametrize("key", [" ", '"', "$", "%", "&", "'", "<", ">", "_", "_ ", "_ _", "__",
                                 "?versionId", "a//b", "/a", "a/", "//", "a+b", "a%2Fb", "é/模",
                                 "foo.", "#", "x" * 255])
def test_an_odd_key_is_a_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert body_of(s3, bucket, key) == key.encode()
    s3.copy_object(Bucket=bucket, Key="copy of it", CopySource={"Bucket": bucket, "Key": key})
    assert body_of(s3, bucket, "copy of it") == key.encode()
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})["Deleted"]
    assert [item["Key"] for item in deleted] == [key]
    assert "Contents" not in s3.list_objects(Bucket=bucket, Prefix=key)


# DeleteObjects


def delete(s3, bucket, keys, **arguments):
    return s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], **arguments})


def test_many_objects_are_deleted_at_once_there_or_not(s3, bucket):
    keys = ["key0", "key1", "key2"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    for _ in range(2):
        answer = delete(s3, bucket, keys)
        assert [item["Key"] for item in answer["Deleted"]] == keys and "Errors" not in answer
        assert "Contents" not in s3.list_objects(Bucket=bucket)


def test_a_quiet_deletion_tells_errors_alone(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    answer = delete(s3, bucket, ["a", "b"], Quiet=True)
    assert "Deleted" not in answer and "Errors" not in answer
    assert "Contents" not in s3.list_objects(Bucket=bucket)


def test_at_most_1000_objects_are_deleted_at_once(s3, bucket):
    refused(400, None, delete, s3=s3, bucket=bucket, keys=[f"key-{i}" for i in range(1001)])
    assert len(delete(s3, bucket, [f"key-{i}" for i in range(1000)])["Deleted"]) == 1000


def test_a_list_to_delete_must_have_something(s3, bucket):
    refused(400, "MalformedXML", delete, s3=s3, bucket=bucket, keys=[])


# Whole or not at all


@pytest.mark.parametrize("size", SIZES)
def test_a_reader_that_has_begun_reads_what_was_there(s3, bucket, size):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"A" * size)
    body = s3.get_object(Bucket=bucket, Key="foo")["Body"]
    begin = body.read(100)
    s3.put_object(Bucket=bucket, Key="foo", Body=b"B" * size)
    assert begin + body.read() == b"A" * size
    assert body_of(s3, bucket, "foo") == b"B" * size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("conditions", [{}, {"If_Match": "*"}], ids=["plain", "conditional"])
def test_what_is_being_written_is_not_seen_before_its_end(s3, bucket, size, conditions):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"A" * size)
    seen = []
    body = Interrupted(b"B" * size, lambda: seen.append(body_of(s3, bucket, "foo")))
    with headers(s3, "PutObject", **conditions):
        s3.put_object(Bucket=bucket, Key="foo", Body=body)
    assert seen == [b"A" * size]
    assert body_of(s3, bucket, "foo") == b"B" * size


@pytest.mark.parametrize("size", SIZES)
def test_of_two_writers_the_last_to_end_wins(s3, bucket, size):
    body = Interrupted(b"B" * size, lambda: s3.put_object(Bucket=bucket, Key="foo",
                                                          Body=b"A" * size))
    s3.put_object(Bucket=bucket, Key="foo", Body=body)
    assert body_of(s3, bucket, "foo") == b"B" * size


def test_of_two_writers_with_one_condition_only_one_may_write(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="foo", Body=b"A" * MiB)["ETag"]
    with headers(s3, "PutObject", If_Match=etag):
        body = Interrupted(b"C" * MiB, lambda: s3.put_object(Bucket=bucket, Key="foo",
                                                             Body=b"B" * MiB))
        refused(412, "PreconditionFailed", s3.put_object, Bucket=bucket, Key="foo", Body=body)
    assert body_of(s3, bucket, "foo") == b"B" * MiB


def test_a_bucket_that_goes_during_the_writing_takes_no_object(s3, bucket):
    body = Interrupted(b"A" * MiB, lambda: s3.delete_bucket(Bucket=bucket))
    refused(404, "NoSuchBucket", s3.put_object, Bucket=bucket, Key="foo", Body=body)
    refused(404, "NoSuchBucket", s3.list_objects, Bucket=bucket)


def test_only_one_of_many_makes_a_key_that_is_absent(s3, bucket):
    def write(number):
        try:
            s3.put_object(Bucket=bucket, Key="foo", Body=str(number).encode())
            return number
        except s3.exceptions.ClientError as error:
            # 409: the other one is writing at this moment; S3 says so too
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412)
            return None

    with headers(s3, "PutObject", If_None_Match="*"):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            winners = [number for number in pool.map(write, range(8)) if number is not None]
    assert len(winners) == 1 and body_of(s3, bucket, "foo") == str(winners[0]).encode()


# Presigned URLs


def test_a_presigned_url_reads_and_another_writes(s3, bucket):
    named = {"Bucket": bucket, "Key": "dir/a b+c é.txt"}
    url = s3.generate_presigned_url("put_object", named, ExpiresIn=100)
    assert fetch(url, "PUT", data=b"foo").status_code == 200
    answer = fetch(s3.generate_presigned_url("get_object", named, ExpiresIn=100000))
    assert (answer.status_code, answer.content) == (200, b"foo")
    assert fetch(s3.generate_presigned_url("head_object", named), "HEAD").status_code == 200
    assert fetch(s3.generate_presigned_url("delete_object", named), "DELETE").status_code == 204
    assert fetch(s3.generate_presigned_url("get_object", named)).status_code == 404


@pytest.mark.parametrize("seconds, status", [(0, 403), (-7, 403), (-1000, 403), (609901, 400)])
@pytest.mark.parametrize("method, operation", [("GET", "get_object"), ("PUT", "put_object")])
def test_a_presigned_url_that_is_not_valid_now_is_refused(s3, bucket, method, operation, seconds,
                                                          status):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    url = s3.generate_presigned_url(operation, {"Bucket": bucket, "Key": "foo"}, ExpiresIn=seconds)
    assert fetch(url, method, data=b"foo" if method == "PUT" else None).status_code == status
    assert body_of(s3, bucket, "foo") == b"bar"


def test_a_presigned_url_is_good_for_what_it_names_alone(s3, bucket):
    for key in ("foo", "bar"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "foo"})
    assert fetch(url.replace("/foo?", "/bar?")).status_code == 403
    assert fetch(url, "DELETE").status_code == 403
    assert fetch(url.replace(bucket, new_bucket(s3))).status_code == 403
    assert fetch(url).content == b"foo"


def test_a_presigned_upload_of_an_unknown_bucket_is_no_such_bucket(s3):
    url = s3.generate_presigned_url("put_object", {"Bucket": new_name("missing"), "Key": "foo"})
    answer = fetch(url, "PUT", data=b"foo")
    assert answer.status_code == 404 and "NoSuchBucket" in answer.text
