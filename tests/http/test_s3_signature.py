"""Signatures of S3 requests: what is signed well gets in, everything else is told why not."""

import hashlib
import os
import urllib.parse

import pytest

import s3_signer
import s3_tools
from s3_signer import (SIGNED_CHUNKS, SIGNED_TRAILER, UNSIGNED, UNSIGNED_TRAILER, amz_date, crc32,
                       refused, sha256)
from s3_tools import STORAGE, STRANGER

BUCKET = "signed"
ROOT = f"{STORAGE}/{BUCKET}"
MINUTE = 60
PATHS = [
    ("plain.bin", "plain.bin"), ("with%20space", "with space"), ("a+b", "a+b"), ("a%2Bb", "a+b"),
    ("dir%2Ffile", "dir/file"), ("dir/file", "dir/file"), ("%C3%BCml%C3%A4ut", "ümläut"),
    ("%e6%a8%a1", "模"), ("a//b", "a//b"), ("a/", "a/"), ("/a", "/a"), ("100%25", "100%"),
    ("a%26b%3Dc", "a&b=c"), ("~!$&'()*,;=:@", "~!$&'()*,;=:@"), ("%7E%21", "~!"), ("..a", "..a")]


def by_key(cloud):
    """(signer, client) of the administrator's keys, and of them alone."""
    account = s3_tools.Account(cloud, "signatures")
    s3 = account.boto3()
    s3.create_bucket(Bucket=BUCKET)
    return account, s3_signer.Signer(cloud, account.key_id, account.secret), s3


def clean(account, s3):
    for key in s3_tools.all_keys(s3, BUCKET):
        s3.delete_object(Bucket=BUCKET, Key=key)
    s3.delete_bucket(Bucket=BUCKET)
    account.revoke()


@pytest.fixture(scope="module")
def service(fleet):
    stack = fleet.get("lighttpd", "sqlite")
    stack.reset()
    return stack


@pytest.fixture
def keys(service):
    """(account, signer, boto3 client), and a bucket that is empty."""
    made = by_key(service)
    yield made
    clean(made[0], made[2])


@pytest.fixture
def signer(keys):
    return keys[1]


def stored(signer, key="a"):
    """The bytes of an object, None: there is none."""
    answer = signer.request("GET", f"{ROOT}/{urllib.parse.quote(key)}")
    return answer.body if answer.status == 200 else None


def nothing_is_left(signer):
    """Neither an object nor a file of one."""
    outputs = signer.cloud.home / "outputs"
    assert signer.cloud.query("SELECT object_key FROM objects WHERE bucket = %s", BUCKET) == []
    assert not [path for path in (outputs / BUCKET).rglob("*") if path.is_file()]
    assert not list((outputs / ".incoming").glob("*"))


# What is signed


def test_every_path_is_signed_as_it_is_sent(any_front):
    account, signer, s3 = by_key(any_front)
    for path, key in PATHS:
        answer = signer.request("PUT", f"{ROOT}/{path}", key.encode())
        assert answer.status == 200, (path, answer.body)
        assert s3_tools.all_keys(s3, BUCKET) == [key]
        answer = signer.ask("GET", signer.presign("GET", f"{ROOT}/{path}"))
        assert (answer.status, answer.body) == (200, key.encode()), path
        assert signer.request("DELETE", f"{ROOT}/{path}").status == 204
    clean(account, s3)


@pytest.mark.parametrize("path, signed", [
    ("a+b", "a%2Bb"), ("a%2Bb", "a%2Bb"), ("%7Ea", "~a"), ("%c3%bc", "%C3%BC"), ("a:b", "a%3Ab")])
def test_a_path_may_be_signed_as_it_should_have_been_encoded(signer, path, signed):
    answer = signer.request("PUT", f"{ROOT}/{path}", b"x", path=f"{ROOT}/{signed}")
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("form", ["header", "query"])
@pytest.mark.parametrize("variant", ["sdk", "s3fs", "s3cmd"])
def test_the_prefix_is_signed_in_three_ways(signer, variant, form):
    signing = {"sdk": {}, "s3fs": {"path": f"/{BUCKET}/a%20b"},
               "s3cmd": {"path": f"/{BUCKET}/a%20b", "host": signer.host + STORAGE}}[variant]
    target = f"{ROOT}/a%20b"
    if form == "header":
        answer = signer.request("PUT", target, b"x", **signing)
    else:
        answer = signer.ask("PUT", signer.presign("PUT", target, **signing), b"x")
    assert answer.status == 200, answer.body
    assert stored(signer, "a b") == b"x"


@pytest.mark.parametrize("signing", [
    {"path": f"{ROOT}/b"}, {"path": f"/{BUCKET}/b"}, {"path": "/a"}, {"path": f"//{BUCKET}/a"},
    {"path": f"/api/{BUCKET}/a"}, {"host": "elsewhere"}, {"host": "127.0.0.1"},
    {"host": "elsewhere" + STORAGE, "path": f"/{BUCKET}/a"}], ids=str)
def test_nothing_but_these_ways(signer, signing):
    answer = signer.request("PUT", f"{ROOT}/a", b"x", **signing)
    refused(answer, 403, "SignatureDoesNotMatch")
    nothing_is_left(signer)


@pytest.mark.parametrize("query", [
    "list-type=2&prefix=a%20b&delimiter=%2F", "prefix=%2B&list-type=2", "uploads", "uploads=",
    "list-type=2&prefix=", "a=2&a=1&list-type=2", "list-type=2&prefix=%C3%A9&encoding-type=url"])
def test_the_query_is_signed_sorted(signer, query):
    assert signer.request("GET", f"{ROOT}?{query}").status == 200
    target = signer.presign("GET", f"{ROOT}?{query}")
    assert signer.ask("GET", target).status == 200


def test_every_region_is_ours(service, keys):
    signer = s3_signer.Signer(service, keys[0].key_id, keys[0].secret, region="eu-west-3")
    assert signer.request("PUT", f"{ROOT}/a", b"x").status == 200


def test_blanks_around_the_values_of_headers_do_not_count(signer):
    answer = signer.request("PUT", f"{ROOT}/a", b"x", headers={"x-amz-meta-a": "b  "})
    assert answer.status == 200, answer.body


# Tunnels


@pytest.mark.parametrize("setting, public", [
    ("SIMPLETUNER_PUBLIC_URL", "https://cloud.example.com"),
    ("SIMPLETUNER_PUBLIC_URL", "https://example.com:8443/tunnel/two"),
    ("s3_public_url", "https://files.example.com"),
    ("s3_public_url", "https://example.com/files")])
def test_behind_a_tunnel_the_public_address_is_signed(new_stack, setting, public):
    """The tunnel puts its own Host in, and takes off the path that is only its own."""
    if setting == "s3_public_url":
        cloud = new_stack()
        cloud.configure(s3_public_url=public)
    else:
        cloud = new_stack({setting: public})
    _, signer, _ = by_key(cloud)
    host, slash, path = public.removeprefix("https://").partition("/")
    target = f"{ROOT}/a%20b"
    for signing in ({"host": host, "path": slash + path + target},
                    {"host": host, "path": f"/{BUCKET}/a%20b"},
                    {"host": host + slash + path + STORAGE, "path": f"/{BUCKET}/a%20b"}):
        answer = signer.request("PUT", target, b"x", **signing)
        assert answer.status == 200, (signing, answer.body)
        answer = signer.ask("GET", signer.presign("GET", target, **signing))
        assert answer.body == b"x", (signing, answer)
    refused(signer.request("GET", target, host="other.example.com"), 403, "SignatureDoesNotMatch")


# Time


@pytest.mark.parametrize("shift_s", [-14 * MINUTE, 0, 14 * MINUTE])
def test_a_clock_may_be_wrong_by_less_than_a_quarter(signer, shift_s):
    answer = signer.request("PUT", f"{ROOT}/a", b"x", date=amz_date(shift_s))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("shift_s", [-16 * MINUTE, 16 * MINUTE, -86400, 86400 * 365])
def test_a_clock_that_is_wrong_by_more_is_told_so(signer, shift_s):
    answer = signer.request("PUT", f"{ROOT}/a", b"x", date=amz_date(shift_s))
    refused(answer, 403, "RequestTimeTooSkewed")
    nothing_is_left(signer)


def test_a_presigned_address_lives_as_long_as_it_says(signer):
    signer.request("PUT", f"{ROOT}/a", b"x")
    target = signer.presign("GET", f"{ROOT}/a", expires=3600, date=amz_date(-3500))
    assert signer.ask("GET", target).body == b"x"
    target = signer.presign("GET", f"{ROOT}/a", expires=3600, date=amz_date(-3602))
    assert "expired" in refused(signer.ask("GET", target), 403, "AccessDenied")["Message"]
    target = signer.presign("GET", f"{ROOT}/a", expires=3600, date=amz_date(16 * MINUTE))
    refused(signer.ask("GET", target), 403, "AccessDenied")


@pytest.mark.parametrize("expires", ["604801", "x", "", "1e3", "99999999999999999999"])
def test_a_senseless_lifetime_is_refused(signer, expires):
    target = signer.presign("GET", f"{ROOT}/a", expires=expires)
    refused(signer.ask("GET", target), 400, "AuthorizationQueryParametersError")


def test_a_negative_lifetime_is_over(signer):
    target = signer.presign("GET", f"{ROOT}/a", expires="-1")
    refused(signer.ask("GET", target), 403, "AccessDenied")


def test_a_week_is_allowed(signer):
    signer.request("PUT", f"{ROOT}/a", b"x")
    assert signer.ask("GET", signer.presign("GET", f"{ROOT}/a", expires=604800)).body == b"x"


# Changed on the way


def set_header(name, value):
    return lambda headers: headers.__setitem__(name, value)


@pytest.mark.parametrize("change, status, code", [
    (set_header("x-amz-meta-a", "c"), 403, "SignatureDoesNotMatch"),
    (set_header("x-amz-meta-b", "new"), 403, "AccessDenied"),
    (set_header("x-amz-acl", "private"), 403, "AccessDenied"),
    (set_header("content-type", "text/html"), 403, "SignatureDoesNotMatch"),
    (set_header("x-amz-content-sha256", UNSIGNED), 403, "SignatureDoesNotMatch"),
    (set_header("x-amz-content-sha256", sha256(b"y")), 403, "SignatureDoesNotMatch"),
    (set_header("x-amz-content-sha256", "nonsense"), 400, "InvalidArgument"),
    # A minute ago when the test runs, which may be long after it was collected.
    (lambda headers: headers.update({"x-amz-date": amz_date(-60)}), 403, "SignatureDoesNotMatch"),
    (set_header("x-amz-date", "yesterday"), 403, "AccessDenied"),
    (lambda headers: headers.pop("x-amz-content-sha256"), 400, "InvalidRequest"),
    (lambda headers: headers.pop("x-amz-meta-a"), 403, "SignatureDoesNotMatch")], ids=str)
def test_a_changed_header_is_noticed(signer, change, status, code):
    answer = signer.request("PUT", f"{ROOT}/a", b"x", change=change,
                            headers={"x-amz-meta-a": "b", "content-type": "text/plain"})
    refused(answer, status, code)
    nothing_is_left(signer)


@pytest.mark.parametrize("old, new", [
    ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), ("Credential=", "Credentials="),
    ("SignedHeaders=host;", "SignedHeaders="), ("/s3/aws4_request", "/ec2/aws4_request"),
    ("/s3/aws4_request", "/s3/aws5_request"), ("/us-east-1/", "//"), ("Signature=", "Signature="
                                                                     + "0"),
    ("Signature=", "Signature=;"), (", ", " "), ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"),
    ("SignedHeaders=", "SignedHeaders=zzz;")])
def test_a_malformed_authorization_is_refused(signer, old, new):
    def change(headers):
        assert old in headers["authorization"]
        headers["authorization"] = headers["authorization"].replace(old, new, 1)

    answer = signer.request("PUT", f"{ROOT}/a", b"x", change=change)
    assert answer.status in (400, 403), answer
    assert s3_signer.error_fields(answer)["Code"] in (
        "AuthorizationHeaderMalformed", "InvalidRequest", "SignatureDoesNotMatch",
        "InvalidArgument", "AccessDenied")
    nothing_is_left(signer)


@pytest.mark.parametrize("old, new", [
    (f"{ROOT}/a", f"{ROOT}/b"), ("X-Amz-Expires=600", "X-Amz-Expires=601"),
    ("X-Amz-Date=2", "X-Amz-Date=1"), ("&X-Amz-Signature", "&x=y&X-Amz-Signature"),
    ("us-east-1", "us-east-2"), ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Brange"),
    ("response-content-type=a", "response-content-type=b")])
def test_a_changed_address_is_refused(signer, old, new):
    signer.request("PUT", f"{ROOT}/a", b"mine")
    target = signer.presign("GET", f"{ROOT}/a?response-content-type=a")
    assert old in target and signer.ask("GET", target).body == b"mine"
    answer = signer.ask("GET", target.replace(old, new, 1))
    assert answer.status in (400, 403) and b"mine" not in answer.body, answer
    assert s3_signer.error_fields(answer)["Code"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_a_presigned_address_is_good_for_its_method_only(signer, method):
    signer.request("PUT", f"{ROOT}/a", b"mine")
    target = signer.presign("GET", f"{ROOT}/a")
    assert signer.ask(method, target, b"evil" if method != "HEAD" else b"").status == 403
    assert stored(signer) == b"mine"


def test_headers_that_a_presigned_address_does_not_sign_are_refused(signer):
    target = signer.presign("PUT", f"{ROOT}/a")
    refused(signer.ask("PUT", target, b"x", {"x-amz-meta-a": "b"}), 403, "AccessDenied")
    target = signer.presign("PUT", f"{ROOT}/a", headers={"x-amz-meta-a": "b"})
    assert signer.ask("PUT", target, b"x", {"x-amz-meta-a": "b"}).status == 200
    refused(signer.ask("PUT", target, b"x", {"x-amz-meta-a": "c"}), 403, "SignatureDoesNotMatch")
    refused(signer.ask("PUT", target, b"x"), 403, "SignatureDoesNotMatch")


# Payloads


def test_a_hashed_body_must_be_what_was_hashed(signer):
    answer = signer.request("PUT", f"{ROOT}/a", b"evil", payload=sha256(b"good"))
    refused(answer, 400, "XAmzContentSHA256Mismatch")
    nothing_is_left(signer)


def test_an_unsigned_body_may_be_anything(signer):
    assert signer.request("PUT", f"{ROOT}/a", b"x", payload=UNSIGNED).status == 200
    assert stored(signer) == b"x"


def test_a_presigned_address_may_sign_the_body(signer):
    target = signer.presign("PUT", f"{ROOT}/a", payload=sha256(b"good"))
    refused(signer.ask("PUT", target, b"evil"), 400, "XAmzContentSHA256Mismatch")
    nothing_is_left(signer)
    assert signer.ask("PUT", target, b"good").status == 200


PIECES = [os.urandom(64 * 1024), os.urandom(64 * 1024), os.urandom(1000)]
WHOLE = b"".join(PIECES)
TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}
SUM = f"x-amz-checksum-crc32:{crc32(WHOLE)}"


def put_signed(signer, edit=lambda chunks: chunks, decoded=len(WHOLE)):
    headers, seed = signer.chunked_headers(f"{ROOT}/a", SIGNED_CHUNKS, decoded)
    body = b"".join(edit(s3_signer.signed_chunks(seed, PIECES)))
    return s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, body)


def put_signed_trailer(signer, line=SUM, edit=lambda trailer: trailer):
    headers, seed = signer.chunked_headers(f"{ROOT}/a", SIGNED_TRAILER, len(WHOLE), TRAILER)
    chunks = s3_signer.signed_chunks(seed, PIECES, trailer=True)
    body = b"".join(chunks) + edit(s3_signer.signed_trailer(seed, line))
    return s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, body)


def put_plain(signer, trailer=f"{SUM}\r\n\r\n", pieces=None, decoded=len(WHOLE)):
    headers, _ = signer.chunked_headers(f"{ROOT}/a", UNSIGNED_TRAILER, decoded, TRAILER)
    body = b"".join(s3_signer.plain_chunks(pieces or PIECES)) + trailer.encode()
    return s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, body)


@pytest.mark.parametrize("put", [put_signed, put_signed_trailer, put_plain])
def test_a_body_in_chunks_is_put_together(signer, put):
    answer = put(signer)
    assert answer.status == 200, answer.body
    assert answer.headers["ETag"] == f'"{hashlib.md5(WHOLE).hexdigest()}"'
    answer = signer.request("GET", f"{ROOT}/a")
    assert answer.body == WHOLE and answer.headers["Content-Encoding"] is None


def test_a_body_in_chunks_may_be_empty(signer):
    headers, seed = signer.chunked_headers(f"{ROOT}/a", SIGNED_CHUNKS, 0)
    body = b"".join(s3_signer.signed_chunks(seed, []))
    assert s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, body).status == 200
    assert stored(signer) == b""


def flip(chunk):
    """Another signature of the same length."""
    head, line, rest = chunk.partition(b"chunk-signature=")
    return head + line + (b"1" if rest[:1] == b"0" else b"0") + rest[1:]


def at(index, change):
    return lambda chunks: [change(chunk) if number == index % len(chunks) else chunk
                           for number, chunk in enumerate(chunks)]


@pytest.mark.parametrize("edit, status, code", [
    (at(0, flip), 403, "SignatureDoesNotMatch"), (at(1, flip), 403, "SignatureDoesNotMatch"),
    (at(2, flip), 403, "SignatureDoesNotMatch"), (at(-1, flip), 403, "SignatureDoesNotMatch"),
    (at(0, lambda chunk: chunk[:200] + bytes([chunk[200] ^ 1]) + chunk[201:]), 403,
     "SignatureDoesNotMatch"),
    (lambda chunks: [chunks[1], chunks[0], *chunks[2:]], 403, "SignatureDoesNotMatch"),
    (lambda chunks: [chunks[0], *chunks], 403, "SignatureDoesNotMatch"),
    (lambda chunks: chunks[1:], 403, "SignatureDoesNotMatch"),
    (lambda chunks: chunks[:-1], 400, "IncompleteBody"),
    (lambda chunks: [chunks[-1]], 400, "IncompleteBody"),
    (at(0, lambda chunk: chunk.replace(b";chunk-signature=", b";chunk-signature-", 1)), 400,
     "InvalidRequest"),
    (at(0, lambda chunk: b"x" + chunk), 400, "InvalidChunkSizeError"),
    (lambda chunks: [*chunks, b"more"], 400, "InvalidRequest")])
def test_a_changed_chunk_is_noticed(signer, edit, status, code):
    refused(put_signed(signer, edit), status, code)
    nothing_is_left(signer)


@pytest.mark.parametrize("put", [put_signed, put_plain])
@pytest.mark.parametrize("decoded", [len(WHOLE) - 1, len(WHOLE) + 1, 0])
def test_chunks_must_have_as_many_bytes_as_was_said(signer, put, decoded):
    refused(put(signer, decoded=decoded), 400, "IncompleteBody")
    nothing_is_left(signer)


WRONG = f"x-amz-checksum-crc32:{crc32(b'else')}"


@pytest.mark.parametrize("put, code", [
    (lambda signer: put_signed_trailer(signer, WRONG), "BadDigest"),
    (lambda signer: put_plain(signer, f"{WRONG}\r\n\r\n"), "BadDigest"),
    (lambda signer: put_plain(signer, "\r\n"), None), (lambda signer: put_plain(signer, ""), None),
    (lambda signer: put_plain(signer, "x-amz-checksum-crc32:?\r\n\r\n"), None),
    (lambda signer: put_plain(signer, "nonsense\r\n\r\n"), "MalformedTrailerError"),
    (lambda signer: put_signed_trailer(signer, edit=lambda trailer: trailer.replace(
        b"signature:", b"signature:0", 1)[:-5] + b"\r\n\r\n"), "SignatureDoesNotMatch"),
    (lambda signer: put_signed_trailer(signer, edit=lambda _: f"{SUM}\r\n\r\n".encode()), None),
    (lambda signer: put_signed_trailer(signer, edit=lambda trailer: trailer.replace(
        SUM.encode(), WRONG.encode())), "SignatureDoesNotMatch")])
def test_a_wrong_trailer_is_noticed(signer, put, code):
    answer = put(signer)
    assert answer.status in (400, 403), answer
    assert code in (None, s3_signer.error_fields(answer)["Code"]), answer.body
    nothing_is_left(signer)


def test_chunk_signatures_of_another_request_are_refused(signer):
    """What was overheard of one upload is no upload to another key, or at another time."""
    _, seed = signer.chunked_headers(f"{ROOT}/a", SIGNED_CHUNKS, len(WHOLE))
    overheard = s3_signer.signed_chunks(seed, PIECES)
    headers, _ = signer.chunked_headers(f"{ROOT}/b", SIGNED_CHUNKS, len(WHOLE))
    answer = s3_signer.send(signer.cloud, "PUT", f"{ROOT}/b", headers, b"".join(overheard))
    refused(answer, 403, "SignatureDoesNotMatch")
    headers, _ = signer.chunked_headers(f"{ROOT}/a", SIGNED_CHUNKS, len(WHOLE), date=amz_date(-9))
    answer = s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, b"".join(overheard))
    refused(answer, 403, "SignatureDoesNotMatch")
    nothing_is_left(signer)


def test_a_signed_put_that_comes_twice_does_the_same_twice(signer):
    """Within its quarter of an hour S3 allows it."""
    headers = signer.headers("PUT", f"{ROOT}/a", sha256(b"once"))
    answers = [s3_signer.send(signer.cloud, "PUT", f"{ROOT}/a", headers, b"once")
               for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["ETag"] == answers[1].headers["ETag"]
    assert signer.cloud.query("SELECT size_bytes FROM objects WHERE bucket = %s", BUCKET) == [(4,)]


# Whose keys


def test_a_wrong_secret_is_shown_what_should_have_been_signed(service, keys):
    signer = s3_signer.Signer(service, keys[0].key_id, keys[0].secret[:-1] + "!")
    fields = refused(signer.request("PUT", f"{ROOT}/a%20b?x=1", b"x"), 403, "SignatureDoesNotMatch")
    assert fields["AWSAccessKeyId"] == keys[0].key_id
    assert fields["CanonicalRequest"].startswith(f"PUT\n{ROOT}/a%20b\nx=1\nhost:{signer.host}\n")
    assert fields["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert fields["StringToSign"].endswith(sha256(fields["CanonicalRequest"].encode()))
    assert fields["Resource"] == f"{ROOT}/a%20b"
    assert keys[0].secret not in str(fields)


@pytest.mark.parametrize("key_id", ["STCAAAAAAAAAAAAAAAAA", "AKIAIOSFODNN7EXAMPLE", "x", "a/b",
                                    "x" * 43, "'; DROP TABLE objects; --"])
def test_an_unknown_key_is_told_so(service, keys, key_id):
    signer = s3_signer.Signer(service, key_id, keys[0].secret)
    answer = signer.request("PUT", f"{ROOT}/a", b"x")
    if " " in key_id:
        refused(answer, 400, "AuthorizationHeaderMalformed")
    else:
        refused(answer, 403, "InvalidAccessKeyId")


def test_a_signature_that_is_no_good_is_not_excused_by_a_local_address(service):
    """Without one, this peer is the administrator."""
    signer = s3_signer.Signer(service, "STCAAAAAAAAAAAAAAAAA", "x" * 40)
    refused(signer.request("GET", STORAGE), 403, "InvalidAccessKeyId")
    refused(signer.ask("GET", signer.presign("GET", STORAGE)), 403, "InvalidAccessKeyId")


def test_without_a_signature_a_stranger_is_denied_in_xml(service):
    for headers in ({"User-Agent": "Boto3/1.26"}, {"x-amz-content-sha256": UNSIGNED}):
        answer = s3_signer.send(service, "GET", STORAGE, {"host": "x"} | STRANGER | headers)
        refused(answer, 403, "AccessDenied")


def test_a_revoked_pair_is_refused_at_once(service):
    account = s3_tools.Account(service)
    signer = s3_signer.Signer(service, account.key_id, account.secret)
    target = signer.presign("GET", STORAGE)
    assert signer.ask("GET", target).status == 200
    account.revoke()
    refused(signer.ask("GET", target), 403, "InvalidAccessKeyId")
    refused(signer.request("GET", STORAGE), 403, "InvalidAccessKeyId")


def test_an_expired_pair_is_refused(service, keys):
    service.change("UPDATE s3_credentials SET expires_at_us = 1 WHERE access_key_id = %s",
                   keys[0].key_id)
    refused(keys[1].request("GET", STORAGE), 403, "InvalidAccessKeyId")
    service.change("UPDATE s3_credentials SET expires_at_us = NULL WHERE access_key_id = %s",
                   keys[0].key_id)


@pytest.mark.parametrize("target, headers", [
    (f"{ROOT}/a?AWSAccessKeyId=STCAAAAAAAAAAAAAAAAA&Signature=x%3D&Expires=2000000000", {}),
    (f"{ROOT}/a", {"authorization": "AWS STCAAAAAAAAAAAAAAAAA:c2ln", "date": "Mon"})])
def test_version_2_is_told_of_version_4(service, keys, target, headers):
    answer = s3_signer.send(service, "GET", target, {"host": "x"} | headers)
    fields = s3_signer.error_fields(answer)
    assert answer.status == 400 and "s3v4" in fields["Message"], fields
