"""Headers of requests, good and bad: digests, lengths, dates, types, authorizations."""

import datetime
import http.client
import urllib.parse

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import expect
from s3_clients import S3_PATH, body_of, headers, new_client, new_name, refused


def refused_put(s3, bucket, status, code, **changes):
    with headers(s3, "PutObject", **changes):
        refused(status, code, s3.put_object, Bucket=bucket, Key="foo", Body=b"bar")
    assert "Contents" not in s3.list_objects(Bucket=bucket)


@pytest.mark.parametrize("text, code", [
    ("YWJyYWNhZGFicmE=", "InvalidDigest"), ("AWS HAHAHA", "InvalidDigest"),
    ("rL0Y20xC+Fzt72VPzMSk2A==", "BadDigest")])
def test_a_wrong_md5_is_refused(s3, bucket, text, code):
    refused_put(s3, bucket, 400, code, Content_MD5=text)


def test_an_empty_md5_is_no_md5(s3, bucket):
    refused_put(s3, bucket, 400, "InvalidDigest", Content_MD5="")


@pytest.mark.parametrize("changes", [
    {"Content_MD5": None}, {"Content_MD5": "N7UdGUp1E+RbVvZSTy1R8g=="}, {"Expect": None},
    {"Content_Type": "text/plain"}, {"Content_Type": ""}, {"Content_Type": None},
    {"User_Agent": ""}, {"User_Agent": "curl/7"}])
def test_what_headers_may_be(s3, bucket, changes):
    with headers(s3, "PutObject", **changes):
        s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    assert body_of(s3, bucket, "foo") == b"bar"


@pytest.mark.parametrize("changes", [{"Content_MD5": None}, {"User_Agent": ""}, {"Expect": None}])
def test_what_headers_of_a_new_bucket_may_be(s3, changes):
    with headers(s3, "CreateBucket", **changes):
        s3.create_bucket(Bucket=new_name())


# Requests that boto3 would not send: signed, then changed


class Raw:
    """Signs requests as boto3 does; what is changed afterwards is not signed."""

    def __init__(self, stack, credentials):
        self.stack = stack
        self.signer = S3SigV4Auth(Credentials(*credentials), "s3", "us-east-1")

    def __call__(self, method, target, body=b"", before=None, **after):
        """(status, code); a header of None is left out."""
        before = dict(before or {})
        hashed = before.pop("X-Amz-Content-SHA256", None)
        if hashed:
            self.signer.payload = lambda request: hashed
        request = AWSRequest(method, self.stack.url + S3_PATH + target, before, body)
        self.signer.add_auth(request)
        sent = {name: request.headers[name] for name in request.headers}
        sent.setdefault("Content-Length", str(len(body)))
        for name, value in after.items():
            sent.pop(name.replace("_", "-"), None)
            if value is not None:
                sent[name.replace("_", "-")] = value
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=30)
        try:
            connection.putrequest(method, urllib.parse.quote(S3_PATH + target, safe="/?=&"),
                                  skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.fixture
def raw(cloud, s3_credentials):
    return Raw(cloud, s3_credentials)


@pytest.mark.parametrize("target", ["/{bucket}/foo", "/{new}"])
@pytest.mark.parametrize("changes, status, code", [
    ({}, 200, ""),
    ({"Authorization": None, "X_Amz_Date": None}, 403, "AccessDenied"),
    ({"Authorization": ""}, 403, "AccessDenied"),
    ({"Authorization": "AWS4-HMAC-SHA256 HAHAHA"}, 400, "AuthorizationHeaderMalformed"),
    ({"X_Amz_Date": None}, 403, "AccessDenied"),
    ({"X_Amz_Date": ""}, 403, "AccessDenied"),
    ({"X_Amz_Date": "Bad Date"}, 403, "AccessDenied"),
    ({"X_Amz_Date": "20100707T215304Z"}, 400, "AuthorizationHeaderMalformed"),
    ({"Content_Length": "-1"}, 400, None),
    ({"Content_Length": "x"}, 400, None)])
def test_what_was_changed_after_the_signature(raw, s3, bucket, target, changes, status, code):
    target = target.format(bucket=bucket, new=new_name("unmade"))
    found = raw("PUT", target, **changes)
    assert found[0] == status and (code is None or found[1] == code), found
    if status != 200 and "unmade" in target:
        refused(404, None, s3.head_bucket, Bucket=target[1:])
    elif status != 200:
        assert "Contents" not in s3.list_objects(Bucket=bucket)


def test_an_expectation_nobody_knows_is_no_harm(raw, bucket):
    assert raw("PUT", f"/{bucket}/foo", b"", Expect="200")[0] in (200, 417)
    assert raw("PUT", f"/{bucket}/foo", b"", Expect="")[0] == 200


def test_a_new_bucket_needs_no_length(raw):
    assert raw("PUT", f"/{new_name()}", Content_Length=None)[0] == 200


def test_a_signed_header_that_changed_is_a_wrong_signature(raw, bucket):
    before = {"x-amz-meta-foo": "bar"}
    assert raw("PUT", f"/{bucket}/foo", before=before)[0] == 200
    for changed in ("baz", None):
        assert raw("PUT", f"/{bucket}/foo", before=before,
                   **{"x_amz_meta_foo": changed})[1] == "SignatureDoesNotMatch"


def test_a_wrong_hash_of_the_body_is_told(raw, bucket):
    assert raw("PUT", f"/{bucket}/foo", b"bar",
               before={"X-Amz-Content-SHA256": "0" * 64}) == (400, "XAmzContentSHA256Mismatch")


def test_a_date_header_may_stand_beside_the_signed_one(raw, bucket):
    assert raw("PUT", f"/{bucket}/foo", Date="Tue, 07 Jul 2026 21:53:04 GMT") == (200, "")


def test_a_date_header_may_stand_for_the_signed_one(raw, bucket):
    assert raw("PUT", f"/{bucket}/foo", before={"Date": "boto3 puts in the time"}) == (200, "")


@pytest.mark.parametrize("when", ["20100707T215304Z", "99990707T215304Z"])
def test_a_request_of_another_time_is_told_so(raw, bucket, when, monkeypatch):
    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.strptime(when, "%Y%m%dT%H%M%SZ")

    monkeypatch.setattr("botocore.auth.datetime.datetime", Clock)
    assert raw("PUT", f"/{bucket}/foo") == (403, "RequestTimeTooSkewed")
    assert raw("PUT", f"/{new_name('unmade')}") == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "anywhere"])
def test_every_region_is_this_one(cloud, s3_credentials, bucket, region):
    s3 = new_client(cloud, s3_credentials)
    s3.meta.events.register("choose-signer.s3.*", lambda **_: "s3v4")
    elsewhere = Raw(cloud, s3_credentials)
    elsewhere.signer = S3SigV4Auth(Credentials(*s3_credentials), "s3", region)
    assert elsewhere("PUT", f"/{bucket}/foo")[0] == 200
    assert body_of(s3, bucket, "foo") == b""


def test_a_request_without_a_signature_is_refused(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    agent = {"User-Agent": "Boto3/1.26", "X-Forwarded-For": "203.0.113.9"}
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        answer = cloud.request(method, f"{S3_PATH}/{bucket}/foo", headers=agent)
        assert answer.status_code == 403, answer.text
        assert method == "HEAD" or "<Code>AccessDenied</Code>" in answer.text
    assert body_of(s3, bucket, "foo") == b"bar"


def test_json_is_answered_to_who_is_no_s3_client(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="foo", Body=b"bar")
    assert expect.ok(cloud.get(f"{S3_PATH}/{bucket}"))["Contents"][0]["Key"] == "foo"
