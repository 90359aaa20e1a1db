"""The core of the service behind every front server it ships a configuration for."""

import concurrent.futures
import hashlib
import os

import pytest

import expect
from stack import PROVIDER

MiB = 1 << 20
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
def front_job(any_front):
    return any_front.new_job()


def test_health(any_front):
    assert expect.ok(any_front.get("/health"))["status"] == "healthy"
    assert expect.ok(any_front.get("/api/cloud/health/ready")) == {"status": "ready"}
    assert expect.ok(any_front.get("/api/cloud/health"))["status"] == "healthy"


def test_settings_and_queries(any_front):
    assert any_front.configure(org_id="acme")["org_id"] == "acme"
    assert expect.ok(any_front.get("/api/cloud/jobs?limit=1&status=queued")) is not None
    assert expect.ok(any_front.get(f"{PROVIDER}/validate"))["valid"] is True


def test_errors_are_ours(any_front):
    expect.error(any_front.get("/api/nothing"), 404)
    expect.error(any_front.get("/api/cloud/jobs?limit=0"), 400)
    expect.error(any_front.post("/health"), 405)
    answer = any_front.get("/api/nothing")
    assert {name: answer.headers.get(name) for name in expect.HEADERS} == expect.HEADERS
    assert answer.headers["X-Correlation-ID"]


def test_the_page_is_served(any_front):
    answer = any_front.get("/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_the_server_side_files_are_not_served(any_front):
    for path in ("/cloud.env", "/secrets.json", "/static/../main.c", "/../secrets.json",
                 "/outputs/", "/run/"):
        status, _, body = any_front.raw("GET", path)
        assert status >= 400 and b"REPLICATE" not in body


def test_a_job_from_submit_to_its_end(any_front, front_job):
    assert any_front.sim.advance(front_job.prediction_id, "processing").status == 200
    assert any_front.status(front_job.job_id) == "running"
    assert any_front.upload(front_job, "result.bin", b"result").status_code == 200
    assert any_front.sim.advance(front_job.prediction_id, "succeeded").status == 200
    assert any_front.status(front_job.job_id) == "completed"
    assert any_front.get(front_job.storage("result.bin")).content == b"result"
    expect.error(any_front.upload(front_job, "late.bin", b"late"), 401)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP",
                                  "CF-Connecting-IP"])
def test_forwarded_requests_are_strangers(any_front, name):
    for value in ("127.0.0.1", "203.0.113.9"):
        answer = any_front.get("/api/cloud/jobs", headers={name: value})
        expect.error(answer, 401)


def test_a_header_with_underscores_makes_nobody_local(any_front):
    status, _, _ = any_front.raw("GET", "/api/cloud/jobs", None, STRANGER | {
        "X_Forwarded_For": "127.0.0.1"})
    assert status == 401


def test_the_allowlist_sees_the_address_before_the_front(any_front, front_job):
    any_front.configure(webhook_allowed_ips=["203.0.113.0/24"])
    payload = {"event_type": "completed", "job_id": front_job.job_id}
    expect.error(any_front.webhook(payload), 403)
    assert any_front.webhook(payload, headers=STRANGER).status_code == 200


def test_a_bearer_token_reaches_the_program(any_front, front_job):
    headers = STRANGER | {"Authorization": f"Bearer {front_job.token}"}
    assert any_front.put(front_job.storage("a"), data=b"x", headers=headers).status_code == 200
    assert any_front.get(front_job.storage("a"), headers=headers).content == b"x"
    headers["Authorization"] = "Bearer wrong"
    expect.error(any_front.get(front_job.storage("a"), headers=headers), 401)


@pytest.mark.parametrize("target, key", [
    ("dir%2Ffile", "dir/file"), ("with%20space", "with space"), ("a+b", "a+b"), ("a..b", "a..b"),
    ("%C3%BC/100%25", "ü/100%"), ("a%3Fb%23c", "a?b#c")])
def test_encoded_keys_arrive_unharmed(any_front, front_job, target, key):
    status, _, body = any_front.raw("PUT", front_job.storage(target), key.encode(),
                                    {"X-Upload-Token": front_job.token})
    assert status == 200, body
    listing = expect.ok(any_front.get(front_job.storage()))
    assert [item["Key"] for item in listing["Contents"]] == [key]
    status, _, body = any_front.raw("GET", front_job.storage(target))
    assert (status, body) == (200, key.encode())


@pytest.mark.parametrize("target", ["../x", "%2e%2e/x", "a/%2e%2e/%2e%2e/b", "..%2fx", "a%00b"])
def test_traversal_is_refused(any_front, front_job, target):
    status, _, _ = any_front.raw("PUT", front_job.storage(target), b"evil",
                                 {"X-Upload-Token": front_job.token})
    assert 400 <= status < 500
    assert expect.ok(any_front.get(front_job.storage()))["Contents"] == []


def test_twenty_megabytes_up_and_down(any_front, front_job):
    body = os.urandom(20 * MiB)
    answer = any_front.upload(front_job, "big.bin", body)
    assert expect.ok(answer)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    answer = any_front.get(front_job.storage("big.bin"))
    assert answer.status_code == 200 and answer.content == body
    assert answer.headers["Content-Length"] == str(len(body))


def test_head_and_ranges_of_an_object(any_front, front_job):
    body = os.urandom(100_000)
    etag = any_front.upload(front_job, "a.bin", body).headers["ETag"]
    path = front_job.storage("a.bin")
    head = any_front.request("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "100000")
    assert head.headers["ETag"] == etag
    part = any_front.get(path, headers={"Range": "bytes=1000-1999"})
    assert part.status_code == 206 and part.content == body[1000:2000]
    assert part.headers["Content-Range"] == "bytes 1000-1999/100000"
    tail = any_front.get(path, headers={"Range": "bytes=-10"})
    assert tail.status_code == 206 and tail.content == body[-10:]
    assert any_front.get(path, headers={"Range": "bytes=200000-"}).status_code == 416


def test_the_front_sends_files_itself(any_front, front_job):
    """No trace of the send-file header reaches the client, and no path does."""
    any_front.upload(front_job, "a.bin", b"abc")
    answer = any_front.get(front_job.storage("a.bin"))
    assert answer.content == b"abc"
    assert "X-Sendfile" not in answer.headers
    assert str(any_front.home) not in str(answer.headers)


def test_a_client_cannot_set_the_send_file_root(any_front, front_job):
    any_front.upload(front_job, "a.bin", b"abc")
    for name in ("SIMPLETUNER_SENDFILE_ROOT", "SIMPLETUNER-SENDFILE-ROOT"):
        answer = any_front.raw("GET", front_job.storage("a.bin"), None, {name: "/etc"})
        assert answer[0] == 200 and answer[2] == b"abc"


def test_many_at_once(any_front):
    paths = ["/health", "/api/cloud/jobs?limit=1", "/api/nothing", "/api/cloud/providers"] * 50
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda path: any_front.get(path).status_code, paths))
    assert set(statuses) == {200, 404}


def test_connection_reuse_of_apache_loses_no_request(new_stack):
    """mod_proxy_fcgi with enablereuse: 2000 requests with and without bodies, not one 5xx."""
    cloud = new_stack({"SIMPLETUNER_APACHE_REUSE": "1"}, front="apache")
    job = cloud.new_job()

    def call(number):
        kind = number % 5
        if kind == 0:
            return cloud.put(PROVIDER, json={"org_id": str(number)}).status_code
        if kind == 1:
            return cloud.upload(job, f"k{number % 7}", b"x" * (number * 10)).status_code
        if kind == 2:
            return cloud.post("/api/cloud/jobs/submit", data=b"{" * number,
                              headers={"Content-Type": "application/json"}).status_code
        return cloud.get(("/health", "/api/nothing")[number % 2]).status_code

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(call, range(2000)))
    assert [status for status in statuses if status >= 500] == []


def test_a_replaced_object_is_seen_at_once(any_front):
    """No front may serve a file that it remembers: of one length or not, replaced or deleted."""
    job = any_front.new_job()
    for body in (b"first", b"other", b"longer than before", b"x") * 2:
        assert any_front.upload(job, "a", body).status_code == 200
        assert any_front.get(job.storage("a")).content == body
    assert any_front.delete(job.storage("a")).status_code == 204
    assert any_front.get(job.storage("a")).status_code == 404
