"""Do webhooks arrive? Three tests of that, none of which passes on what the far side says."""

import http.server
import threading

import pytest

import expect
from stack import PROVIDER, WEBHOOK
from waiting import free_port

TEST = f"{PROVIDER}/test-webhook"
EXTERNAL = f"{PROVIDER}/test-webhook-external"
GIVEN = "/api/webhooks/test"


class Listener:
    """An HTTP server that keeps what it gets and answers what it is told to."""

    def __init__(self):
        self.status = 200
        self.release = threading.Event()
        self.release.set()
        self.seen = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                listener.seen.append((self.path, dict(self.headers), body))
                listener.release.wait(30)
                self.send_response(listener.status)
                if listener.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"s3cr3t")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.stop()


def test_our_own_webhook_takes_a_signed_test(cloud):
    body = expect.ok(cloud.post(TEST, data=""))
    assert body["success"] is True and body["message"] == "Webhook reachable (HTTP 200)"
    assert body["latency_ms"] > 0 and body["error"] is None and body["status_code"] == 200


def test_the_address_that_is_set_is_called(cloud, listener):
    cloud.configure(webhook_url=listener.url)
    answer = cloud.post(TEST, data="")
    assert expect.ok(answer)["success"] is True and "s3cr3t" not in answer.text
    [(path, headers, body)] = listener.seen
    assert path == "/hook" and headers["X-SimpleTuner-Test"] == "true"
    assert b'"event_type":"test.connection"' in body
    assert b'"job_id":"test-webhook-connection"' in body
    assert headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize("status, mention", [(500, "HTTP 500"), (404, "HTTP 404"),
                                             (302, "redirects")])
def test_a_status_that_is_no_success_is_told_without_its_body(cloud, listener, status, mention):
    listener.status = status
    cloud.configure(webhook_url=listener.url)
    answer = cloud.post(TEST, data="")
    body = expect.ok(answer)
    assert body["success"] is False and body["message"] == "Webhook returned error status"
    assert mention in body["error"] and "s3cr3t" not in answer.text
    assert len(listener.seen) == 1


def test_an_address_nobody_listens_at_is_told(cloud):
    cloud.configure(webhook_url=f"http://127.0.0.1:{free_port()}/hook")
    body = expect.ok(cloud.post(TEST, data=""))
    assert body["success"] is False and body["message"] == "Connection failed" and body["error"]


def test_without_an_address_there_is_nothing_to_test(new_stack):
    cloud = new_stack(env={"SIMPLETUNER_PUBLIC_URL": ""})
    for path in (TEST, EXTERNAL):
        body = expect.ok(cloud.post(path, data=""))
        assert body["success"] is False and body["message"] == "No webhook URL configured"
        assert body["latency_ms"] is None


def test_replicate_calls_the_address_from_its_side(cloud, listener):
    cloud.configure(webhook_url=listener.url)
    body = expect.ok(cloud.post(EXTERNAL, data=""))
    assert body["success"] is True and body["message"] == "Webhook reachable from Replicate"
    assert body["status_code"] == 200 and body["details"] == "HTTP 200"
    assert cloud.sim.store.get(body["prediction_id"])["input"] == {
        "webhook_url": listener.url, "timeout_seconds": 30.0}


def test_what_replicate_cannot_reach_is_told(cloud):
    cloud.configure(webhook_url=f"http://127.0.0.1:{free_port()}/hook")
    body = expect.ok(cloud.post(EXTERNAL, data=""))
    assert body["success"] is False and body["message"] == "Webhook not reachable from Replicate"
    assert body["error"] == "ConnectionRefusedError" and body["status_code"] is None


def test_a_check_that_cannot_be_started_is_told(cloud, listener):
    cloud.configure(webhook_url=listener.url)
    cloud.sim.fault("503", path_prefix="/v1/models/simpletuner/webhook-check", count=10)
    body = expect.ok(cloud.post(EXTERNAL, data=""))
    assert body["success"] is False and "503" in body["error"] and not listener.seen


def test_other_providers_have_no_check(cloud):
    body = expect.ok(cloud.post("/api/cloud/providers/http/test-webhook-external", data=""))
    assert body["message"] == "External test only supported for Replicate"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]",
                                  "[::ffff:127.0.0.1]", "2130706433", "0"])
def test_a_callers_address_must_be_public(cloud, listener, host):
    port = listener.server.server_address[1]
    answer = cloud.post(GIVEN, json={"webhook_url": f"http://{host}:{port}/hook", "timeout": 5})
    expect.error(answer, 400, "webhook_url")
    assert not listener.seen


@pytest.mark.parametrize("field, value", [
    ("webhook_url", "ftp://x.example/"), ("webhook_url", 7), ("webhook_url", None),
    ("provider", 7), ("timeout", 0), ("timeout", 61), ("timeout", "5"), ("method", "guess")])
def test_a_bad_request_for_a_test_is_refused_and_named(cloud, field, value):
    body = {"webhook_url": "https://x.example/", field: value}
    expect.error(cloud.post(GIVEN, json=body), 400, field)


def test_a_callers_address_can_be_checked_by_replicate(cloud, listener):
    body = expect.ok(cloud.post(GIVEN, json={"webhook_url": listener.url,
                                             "method": "replicate_cog"}))
    assert body["success"] is True and body["method"] == "replicate_cog"


def test_the_test_is_no_provider(cloud):
    """POST /api/webhooks/test is a route of its own, for administrators."""
    expect.error(cloud.post(GIVEN, json={}, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
    assert WEBHOOK != GIVEN
