"""AWS Signature Version 4 by hand, so that a test can do each step of it wrong.

After "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference. Targets are as
they go over the wire: encoded, with the query.
"""

import base64
import collections
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree
import zlib

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
TIMEOUT_S = 30

Answer = collections.namedtuple("Answer", "status headers body")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def amz_date(shift_s=0):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=shift_s)
    return now.strftime("%Y%m%dT%H%M%SZ")


def send(cloud, method, target, headers=None, body=b""):
    """One request whose target, Host and headers go out byte for byte."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=TIMEOUT_S)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.encode())
        if body or method in ("PUT", "POST"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def error_fields(answer):
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert root.tag == "Error", answer.body
    return {child.tag: child.text for child in root}


def refused(answer, status, code):
    """answer is S3's error; returns its fields."""
    assert answer.status == status, (answer.status, answer.body)
    fields = error_fields(answer)
    assert fields["Code"] == code, fields
    for name in ("Message", "Resource", "RequestId"):
        assert fields.get(name), fields
    return fields


class Seed:
    """What the signatures of chunks go on from."""

    def __init__(self, key, date, scope, signature):
        self.key, self.date, self.scope, self.signature = key, date, scope, signature

    def next(self, kind, *hashes):
        text = "\n".join([f"{ALGORITHM}-{kind}", self.date, self.scope, self.signature, *hashes])
        self.signature = hmac.new(self.key, text.encode(), "sha256").hexdigest()
        return self.signature


class Signer:
    """Signs for one pair of keys. Each argument of a method is something that can be wrong."""

    def __init__(self, cloud, key_id, secret, region="us-east-1"):
        self.cloud = cloud
        self.key_id = key_id
        self.secret = secret
        self.region = region
        self.host = f"127.0.0.1:{cloud.port}"

    def scope(self, date):
        return f"{date[:8]}/{self.region}/s3/aws4_request"

    def signing_key(self, date):
        key = b"AWS4" + self.secret.encode()
        for part in (date[:8], self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), "sha256").digest()
        return key

    def signature(self, method, path, query, headers, payload, date):
        """headers: those that are signed, by lower-case name."""
        pairs = sorted(tuple(item.partition("=")[::2]) for item in query.split("&") if item)
        canonical = "\n".join([
            method, path, "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{headers[name].strip()}" for name in sorted(headers)), "",
            ";".join(sorted(headers)), payload])
        text = "\n".join([ALGORITHM, date, self.scope(date), sha256(canonical.encode())])
        return hmac.new(self.signing_key(date), text.encode(), "sha256").hexdigest()

    def headers(self, method, target, payload, headers=None, date=None, path=None, host=None):
        """Headers of a signed request. path, host: what is signed in place of what is sent."""
        date = date or amz_date()
        signed = {name.lower(): value for name, value in (headers or {}).items()} | {
            "host": host or self.host, "x-amz-content-sha256": payload, "x-amz-date": date}
        sent_path, _, query = target.partition("?")
        signature = self.signature(method, path or sent_path, query, signed, payload, date)
        return signed | {
            "host": self.host,
            "authorization": f"{ALGORITHM} Credential={self.key_id}/{self.scope(date)}, "
                             f"SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"}

    def request(self, method, target, body=b"", payload=None, change=None, **signing):
        """change(headers): what happens to a request after it was signed."""
        headers = self.headers(method, target, payload or sha256(body), **signing)
        if change:
            change(headers)
        return send(self.cloud, method, target, headers, body)

    def presign(self, method, target, expires=600, date=None, path=None, host=None, payload=None,
                headers=None):
        """The target with a signature in its query."""
        date = date or amz_date()
        signed = {"host": host or self.host} | (headers or {})
        sent_path, _, query = target.partition("?")
        more = {"X-Amz-Algorithm": ALGORITHM, "X-Amz-Date": date, "X-Amz-Expires": str(expires),
                "X-Amz-Credential": f"{self.key_id}/{self.scope(date)}",
                "X-Amz-SignedHeaders": ";".join(sorted(signed))}
        if payload:
            more["X-Amz-Content-Sha256"] = payload
        query = "&".join(filter(None, [query, urllib.parse.urlencode(
            more, quote_via=urllib.parse.quote, safe="")]))
        signature = self.signature(method, path or sent_path, query, signed, payload or UNSIGNED,
                                   date)
        return f"{sent_path}?{query}&X-Amz-Signature={signature}"

    def ask(self, method, target, body=b"", headers=None):
        """A request that has everything in its target."""
        return send(self.cloud, method, target, {"host": self.host} | (headers or {}), body)

    def chunked_headers(self, target, payload, decoded, headers=None, **signing):
        """(headers, seed) of a PUT in chunks."""
        headers = {"content-encoding": "aws-chunked",
                   "x-amz-decoded-content-length": str(decoded)} | (headers or {})
        headers = self.headers("PUT", target, payload, headers=headers, **signing)
        date = headers["x-amz-date"]
        return headers, Seed(self.signing_key(date), date, self.scope(date),
                             headers["authorization"].rpartition("=")[2])


def signed_chunks(seed, pieces, trailer=False):
    """The pieces and an empty one, each with its signature; a list of chunks. trailer: follows."""
    chunks = []
    for piece in [*pieces, b""]:
        signature = seed.next("PAYLOAD", sha256(b""), sha256(piece))
        end = b"\r\n" if piece or not trailer else b""
        chunks.append(f"{len(piece):x};chunk-signature={signature}\r\n".encode() + piece + end)
    return chunks


def signed_trailer(seed, line):
    signature = seed.next("TRAILER", sha256(line.encode() + b"\n"))
    return f"{line}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode()


def plain_chunks(pieces):
    return [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces] + [b"0\r\n"]
