"""Speed of the S3 endpoint, beside a bare responder, the front server's own files and s3rver."""

import datetime
import hashlib
import hmac
import http.client
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.parse

import services  # noqa: F401 finds what tests/http has
from waiting import free_port, until

S3RVER = "s3rver@3.7.1"
SMALL_PUTS, SMALL_BYTES = 2_000, 4096
FEW_OBJECTS, MANY_OBJECTS = 10_000, 1_000_000
PAGE = 1_000
REGION = "us-east-1"


class Signer:
    """AWS Signature Version 4 in headers, with an unsigned body."""

    def __init__(self, key_id, secret, host):
        self.key_id, self.secret, self.host = key_id, secret, host

    def headers(self, method, path, query=""):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        canonical = (f"{method}\n{path}\n{query}\nhost:{self.host}\n"
                     f"x-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{now}\n\n"
                     "host;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD")
        key = b"AWS4" + self.secret.encode()
        for word in (now[:8], REGION, "s3", "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        return {"x-amz-content-sha256": "UNSIGNED-PAYLOAD", "x-amz-date": now,
                "Authorization": f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, "
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
                f"Signature={signature}"}


class Client:
    """One kept connection, as a simple S3 client has it."""

    def __init__(self, endpoint, key_id, secret):
        url = urllib.parse.urlsplit(endpoint)
        self.prefix = url.path
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        self.signer = Signer(key_id, secret, url.netloc)

    def request(self, method, path, body=None, query=""):
        target = self.prefix + path
        headers = self.signer.headers(method, target, query)
        self.connection.request(method, f"{target}?{query}" if query else target, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:200]}")
        return content

    def small_puts_per_s(self, bucket, count):
        body = os.urandom(SMALL_BYTES)
        begin = time.monotonic()
        for number in range(count):
            self.request("PUT", f"/{bucket}/{number % 16}/{number}", body)
        return count / (time.monotonic() - begin)

    def pages_per_s(self, bucket, seconds):
        """Pages of a thousand, from all over the bucket."""
        begin, pages = time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            after = f"d{pages % 90:02}"
            content = self.request("GET", f"/{bucket}", query="list-type=2&max-keys=1000"
                                   f"&start-after={after}")
            if content.count(b"<Contents>") != PAGE:
                raise RuntimeError("a page is not full")
            pages += 1
        return pages / (time.monotonic() - begin)


def client_of(service):
    """A client with a new credential of a running service."""
    pair = service.post("/api/auth/s3-credentials", json={"name": "bench"}).json()
    return Client(service.url + "/api/cloud/storage", pair["access_key_id"],
                  pair["secret_access_key"])


class S3rver:
    """The npm package, in a directory of its own."""

    def __init__(self, directory):
        self.home = directory / "s3rver"
        self.port = free_port()

    def __enter__(self):
        (self.home / "data").mkdir(parents=True)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", S3RVER],
                       cwd=self.home, check=True, capture_output=True)
        self.process = subprocess.Popen(
            ["node", self.home / "node_modules/.bin/s3rver", "-d", self.home / "data",
             "-p", str(self.port), "--silent", "--configure-bucket", "bench"],
            cwd=self.home, start_new_session=True)
        until(self._answers, 20, "s3rver does not answer")
        return self

    def _answers(self):
        try:
            self.client().request("GET", "/")
            return True
        except OSError:
            return False

    def client(self):
        return Client(f"http://127.0.0.1:{self.port}", "S3RVER", "S3RVER")

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def fill(service, bucket, count):
    """Rows of objects without files: what a list looks at."""
    service.request("PUT", f"/api/cloud/storage/{bucket}")
    path = pathlib.Path(service.env["SIMPLETUNER_DATABASE_URL"].removeprefix("sqlite://"))
    connection = sqlite3.connect(path, timeout=60)
    with connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
            "INSERT INTO objects (bucket, object_key, size_bytes, etag, sha256, content_type, "
            "file_mtime_ns, modified_at_us) SELECT ?, printf('d%02d/%07d', i * 100 / ?, i), 4096, "
            "'d41d8cd98f00b204e9800998ecf8427e', '', 'application/octet-stream', 1, "
            "1700000000000000 + i FROM n", (count, bucket, count))
        connection.execute("ANALYZE")
    connection.close()


def small_puts(bench, count):
    """Durable PUTs of 4 KiB on one connection, beside s3rver's, which are not durable."""
    ratios = []
    ours = client_of(bench.service)
    ours.request("PUT", "/small-puts")
    with S3rver(bench.directory) as peer:
        for _ in range(bench.effort.rounds):
            bench.quiet_disk()
            theirs = peer.client().small_puts_per_s("bench", count)
            bench.quiet_disk()
            rate = ours.small_puts_per_s("small-puts", count)
            bench.report.tell(f"small puts {rate:.0f}/s, s3rver {theirs:.0f}/s")
            ratios.append(rate / theirs)
    bench.report.at_least("small-puts", ratios, 5)


def list_pages(bench):
    """A page of a thousand objects in a bucket of a million, and in one of ten thousand."""
    ratios = []
    for bucket, count in (("few", FEW_OBJECTS), ("many", MANY_OBJECTS)):
        fill(bench.service, f"bench-{bucket}", count)
    client = client_of(bench.service)
    for _ in range(bench.effort.rounds):
        few, many = (client.pages_per_s(f"bench-{bucket}", bench.effort.seconds)
                     for bucket in ("few", "many"))
        bench.report.tell(f"pages {few:.1f}/s of {FEW_OBJECTS}, {many:.1f}/s of {MANY_OBJECTS}")
        ratios.append(many / few)
    bench.report.at_least("list-pages", ratios, round(1 / 1.5, 2))
