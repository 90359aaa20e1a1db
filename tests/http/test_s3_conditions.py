"""Conditions: what is read, written, copied, completed or deleted only if the object is so."""

import datetime

import pytest

from s3_clients import body_of, headers, refused

PAST, FUTURE = datetime.datetime(1994, 10, 29), datetime.datetime(2100, 10, 29)


@pytest.fixture
def foo(s3, bucket):
    """An object "foo" of b"bar": its bucket and key."""
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    return {"Bucket": bucket, "Key": "foo"}


@pytest.fixture
def etag(s3, foo):
    return s3.head_object(**foo)["ETag"]


@pytest.fixture
def modified(s3, foo):
    return s3.head_object(**foo)["LastModified"]


# Reading


def test_if_match(s3, foo, etag):
    for given in (etag, etag.strip('"'), "*", f'"other", {etag}'):
        assert s3.get_object(**foo, IfMatch=given)["Body"].read() == b"bar"
    refused(412, "PreconditionFailed", s3.get_object, **foo, IfMatch='"ABCORZ"')
    refused(412, None, s3.head_object, **foo, IfMatch='"ABCORZ"')


def test_if_none_match(s3, foo, etag):
    assert s3.get_object(**foo, IfNoneMatch="ABCORZ")["Body"].read() == b"bar"
    for call in (s3.get_object, s3.head_object):
        answer = refused(304, None, call, **foo, IfNoneMatch=etag)
        assert answer["Error"]["Message"] == "Not Modified"
        assert answer["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag


def test_if_modified_since(s3, foo, modified):
    assert s3.get_object(**foo, IfModifiedSince=PAST)["Body"].read() == b"bar"
    for since in (modified, modified + datetime.timedelta(seconds=1)):
        answer = refused(304, None, s3.get_object, **foo, IfModifiedSince=since)
        assert answer["Error"]["Message"] == "Not Modified"


def test_if_unmodified_since(s3, foo, modified):
    for until in (FUTURE, modified):
        assert s3.get_object(**foo, IfUnmodifiedSince=until)["Body"].read() == b"bar"
    refused(412, "PreconditionFailed", s3.get_object, **foo, IfUnmodifiedSince=PAST)


def test_tags_go_before_times(s3, foo, etag):
    assert s3.get_object(**foo, IfMatch=etag, IfUnmodifiedSince=PAST)["Body"].read() == b"bar"
    refused(304, None, s3.get_object, **foo, IfNoneMatch=etag, IfModifiedSince=PAST)


def test_conditions_on_what_is_not_there_are_not_asked(s3, bucket):
    refused(404, "NoSuchKey", s3.get_object, Bucket=bucket, Key="missing", IfMatch='"x"')
    refused(404, "NoSuchKey", s3.get_object, Bucket=bucket, Key="missing", IfNoneMatch="*")


# Writing


def put(s3, foo, body, **conditions):
    with headers(s3, "PutObject", **conditions):
        return s3.put_object(**foo, Body=body)


def refused_put(s3, status, code, named, **conditions):
    with headers(s3, "PutObject", **conditions):
        refused(status, code, s3.put_object, **named, Body=b"zar")


def test_overwriting_what_is_as_one_knows_it(s3, foo, etag):
    put(s3, foo, b"zar", If_Match=etag.strip('"'))
    assert body_of(s3, **{"bucket": foo["Bucket"], "key": "foo"}) == b"zar"
    put(s3, foo, b"zaz", If_Match="*")
    assert body_of(s3, foo["Bucket"], "foo") == b"zaz"
    refused_put(s3, 412, "PreconditionFailed", foo, If_Match=etag)
    assert body_of(s3, foo["Bucket"], "foo") == b"zaz"


def test_overwriting_what_is_not_as_it_was(s3, foo, etag):
    put(s3, foo, b"zar", If_None_Match="ABCORZ")
    assert body_of(s3, foo["Bucket"], "foo") == b"zar"
    now = s3.head_object(**foo)["ETag"]
    for given in (now, now.strip('"'), "*"):
        refused_put(s3, 412, "PreconditionFailed", foo, If_None_Match=given)
    assert body_of(s3, foo["Bucket"], "foo") == b"zar"


def test_making_what_is_absent(s3, bucket):
    named = {"Bucket": bucket, "Key": "foo"}
    put(s3, named, b"bar", If_None_Match="*")
    assert body_of(s3, bucket, "foo") == b"bar"
    put(s3, named | {"Key": "other"}, b"bar", If_None_Match='"some-etag"')
    assert body_of(s3, bucket, "other") == b"bar"


@pytest.mark.parametrize("given", ["*", '"ABCORZ"'])
def test_overwriting_what_is_not_there(s3, bucket, given):
    refused_put(s3, 404, "NoSuchKey", {"Bucket": bucket, "Key": "foo"}, If_Match=given)
    refused(404, "NoSuchKey", s3.get_object, Bucket=bucket, Key="foo")


# Completing an upload in parts


@pytest.mark.parametrize("condition, status", [
    ({"If_None_Match": "*"}, 412), ({"If_Match": '"other"'}, 412), ({"If_Match": "etag"}, 200),
    ({"If_None_Match": '"other"'}, 200), ({"If_None_Match": "etag"}, 412)])
def test_completing_an_upload_under_a_condition(s3, foo, etag, condition, status):
    upload = s3.create_multipart_upload(**foo)["UploadId"]
    part = s3.upload_part(**foo, UploadId=upload, PartNumber=1, Body=b"zar")["ETag"]
    arguments = foo | {"UploadId": upload, "MultipartUpload": {
        "Parts": [{"PartNumber": 1, "ETag": part}]}}
    condition = {name: etag if value == "etag" else value for name, value in condition.items()}
    with headers(s3, "CompleteMultipartUpload", **condition):
        if status == 200:
            s3.complete_multipart_upload(**arguments)
        else:
            refused(status, "PreconditionFailed", s3.complete_multipart_upload, **arguments)
    assert body_of(s3, foo["Bucket"], "foo") == (b"zar" if status == 200 else b"bar")
    if status != 200:  # the upload is still there
        s3.complete_multipart_upload(**arguments)


def test_completing_an_upload_only_over_what_is_there(s3, bucket):
    named = {"Bucket": bucket, "Key": "foo"}
    upload = s3.create_multipart_upload(**named)["UploadId"]
    part = s3.upload_part(**named, UploadId=upload, PartNumber=1, Body=b"zar")["ETag"]
    with headers(s3, "CompleteMultipartUpload", If_Match="*"):
        refused(404, "NoSuchKey", s3.complete_multipart_upload, **named, UploadId=upload,
                MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})


# Copying


@pytest.mark.parametrize("condition, copied", [
    ({"CopySourceIfMatch": "etag"}, True), ({"CopySourceIfMatch": "ABCORZ"}, False),
    ({"CopySourceIfNoneMatch": "ABCORZ"}, True), ({"CopySourceIfNoneMatch": "etag"}, False),
    ({"CopySourceIfModifiedSince": PAST}, True),
    ({"CopySourceIfModifiedSince": datetime.datetime(2030, 1, 1)}, False),
    ({"CopySourceIfUnmodifiedSince": FUTURE}, True), ({"CopySourceIfUnmodifiedSince": PAST}, False),
    ({"CopySourceIfMatch": "etag", "CopySourceIfUnmodifiedSince": PAST}, True),
    ({"CopySourceIfNoneMatch": "etag", "CopySourceIfModifiedSince": PAST}, False)])
def test_copying_under_a_condition_on_the_source(s3, foo, etag, condition, copied):
    condition = {name: etag if value == "etag" else value for name, value in condition.items()}
    arguments = {"Bucket": foo["Bucket"], "Key": "copy", "CopySource": foo} | condition
    upload = s3.create_multipart_upload(Bucket=foo["Bucket"], Key="copy")["UploadId"]
    part = arguments | {"UploadId": upload, "PartNumber": 1}
    if copied:
        s3.copy_object(**arguments)
        s3.upload_part_copy(**part)
        assert body_of(s3, foo["Bucket"], "copy") == b"bar"
    else:
        refused(412, "PreconditionFailed", s3.copy_object, **arguments)
        refused(412, "PreconditionFailed", s3.upload_part_copy, **part)


def test_copying_under_a_condition_on_the_target(s3, foo, etag):
    arguments = {"Bucket": foo["Bucket"], "Key": "copy", "CopySource": foo}
    with headers(s3, "CopyObject", If_None_Match="*"):
        s3.copy_object(**arguments)
        refused(412, "PreconditionFailed", s3.copy_object, **arguments)
    with headers(s3, "CopyObject", If_Match='"other"'):
        refused(412, "PreconditionFailed", s3.copy_object, **arguments)


# Deleting


def test_deleting_what_is_as_one_knows_it(s3, foo, etag):
    with headers(s3, "DeleteObject", If_Match='"badetag"'):
        refused(412, "PreconditionFailed", s3.delete_object, **foo)
    assert body_of(s3, foo["Bucket"], "foo") == b"bar"
    with headers(s3, "DeleteObject", If_Match=etag):
        s3.delete_object(**foo)
    refused(404, "NoSuchKey", s3.get_object, **foo)


@pytest.mark.parametrize("given", ["*", '"badetag"'])
def test_deleting_what_is_not_there_under_a_condition(s3, bucket, given):
    with headers(s3, "DeleteObject", If_Match=given):
        refused(404, "NoSuchKey", s3.delete_object, Bucket=bucket, Key="missing")


def test_deleting_what_has_the_size_and_the_time(s3, foo, modified):
    when = modified.strftime("%a, %d %b %Y %H:%M:%S GMT")
    for wrong in ({"x_amz_if_match_size": "4"},
                  {"x_amz_if_match_last_modified_time": "Sat, 29 Oct 1994 19:43:31 GMT"}):
        with headers(s3, "DeleteObject", **wrong):
            refused(412, "PreconditionFailed", s3.delete_object, **foo)
    with headers(s3, "DeleteObject", x_amz_if_match_size="3",
                 x_amz_if_match_last_modified_time=when):
        s3.delete_object(**foo)
    refused(404, "NoSuchKey", s3.get_object, **foo)
