"""Health: what probes, monitors and strangers are told."""

import datetime
import time

import pytest

import expect
from responder import HangingServer
from stack import BREAKERS

METRICS = "/api/metrics/health"


@pytest.fixture(scope="module", autouse=True)
def companion(stack):
    """Stacks live long: the companion must have run of late for all to be well."""
    assert stack.companion("cron").returncode == 0


def components(cloud, query="", **options):
    body = expect.ok(cloud.get(f"/api/cloud/health{query}", **options))
    return {item["name"]: item for item in body["components"]}


def test_plain_health_is_healthy(cloud):
    assert expect.ok(cloud.get("/health"))["status"] == "healthy"


def test_live_is_ok(cloud):
    assert expect.ok(cloud.get("/api/cloud/health/live")) == {"status": "ok"}


def test_ready_is_ready(cloud):
    assert expect.ok(cloud.get("/api/cloud/health/ready")) == {"status": "ready"}


def test_full_health_lists_its_components(cloud):
    body = expect.ok(cloud.get("/api/cloud/health"))
    assert body["status"] == "healthy"
    assert body["version"] and body["uptime_seconds"] >= 0
    components = {item["name"]: item for item in body["components"]}
    assert components["database"]["status"] == "healthy"
    assert components["database"]["latency_ms"] >= 0
    assert components["secrets"] == components["secrets"] | {
        "status": "healthy", "message": "API token configured"}


def test_health_time_is_utc_and_now(cloud):
    text = expect.ok(cloud.get("/api/cloud/health"))["timestamp"]
    assert text.endswith("Z")
    stamp = datetime.datetime.fromisoformat(text[:-1])
    assert abs((datetime.datetime.utcnow() - stamp).total_seconds()) < 60


def test_health_without_a_provider_token_is_degraded(cloud):
    cloud.delete("/api/cloud/providers/replicate/token")
    body = expect.ok(cloud.get("/api/cloud/health"))
    assert body["status"] == "degraded"
    [secrets] = [item for item in body["components"] if item["name"] == "secrets"]
    assert secrets["status"] == "degraded"


def provider_component(cloud, name="include_providers"):
    body = expect.ok(cloud.get(f"/api/cloud/health?{name}=true"))
    return [item for item in body["components"] if item["name"] == "replicate_api"]


def test_providers_are_asked_only_on_request(cloud):
    before = len(cloud.sim.requests_to("GET", "/v1/account"))
    body = expect.ok(cloud.get("/api/cloud/health"))
    assert "replicate_api" not in [item["name"] for item in body["components"]]
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == before
    [component] = provider_component(cloud)
    assert component["status"] == "healthy"
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == before + 1


@pytest.mark.parametrize("mode", ["500", "429", "garbage", "reset"])
def test_a_broken_provider_degrades_health(cloud, mode):
    # More than libcurl tries again by itself where a kept connection has died.
    cloud.sim.fault(mode, "GET", "/v1/account", count=20)
    [component] = provider_component(cloud)
    assert component["status"] == "degraded"


def test_uptime_counts_from_the_start_of_the_process(cloud):
    first = expect.ok(cloud.get("/api/cloud/health"))["uptime_seconds"]
    second = expect.ok(cloud.get("/api/cloud/health"))["uptime_seconds"]
    assert 0 <= first <= second


def test_strangers_learn_only_the_status(cloud):
    body = expect.ok(cloud.get("/api/cloud/health", headers={"X-Forwarded-For": "203.0.113.9"}))
    assert set(body) == {"status", "timestamp"}


@pytest.mark.parametrize("path", ["/health", "/api/cloud/health/live", "/api/cloud/health/ready"])
def test_strangers_may_probe(cloud, path):
    answer = cloud.get(path, headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/api/cloud/health", "/api/cloud/health/ready"])
def test_head_answers_like_get_without_a_body(cloud, path):
    answer = cloud.request("HEAD", path)
    assert answer.status_code == 200 and answer.content == b""


@pytest.mark.parametrize("value", ["maybe", "2", "", "false", "0", "%00x", "<b>"])
def test_any_other_include_providers_value_asks_nobody(cloud, value):
    """A probe must not fail over a word."""
    asked = len(cloud.sim.requests_to("GET", "/v1/account"))
    answer = cloud.get(f"/api/cloud/health?include_providers={value}")
    assert answer.status_code in (200, 400)
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == asked


# the parts


def test_all_parts_are_there_and_name_no_secret(cloud):
    parts = components(cloud)
    assert set(parts) >= {"database", "secrets", "storage", "companion", "background", "audit",
                          "circuit_breaker_replicate", "circuit_breaker_http"}
    for part in parts.values():
        assert set(part) <= {"name", "status", "latency_ms", "message"}
        assert cloud.sim.token not in part["message"] and "TOKEN" not in part["message"]


@pytest.mark.parametrize("path", [METRICS, METRICS + "/live", METRICS + "/ready"])
def test_the_other_names_of_the_routes_answer_too(cloud, path):
    answer = cloud.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] in ("healthy", "ok", "ready")


def test_another_provider_is_enough(cloud):
    """A missing Replicate token is nobody's concern where another provider is used."""
    cloud.delete("/api/cloud/providers/replicate/token")
    expect.ok(cloud.put("/api/cloud/providers/http",
                        json={"api_base_url": "https://tuner.example/v1"}))
    try:
        assert components(cloud)["secrets"]["status"] == "healthy"
    finally:
        cloud.put("/api/cloud/providers/http", json={"api_base_url": ""})


def test_a_skipped_provider_does_not_count(cloud):
    body = expect.ok(cloud.get("/api/cloud/health?include_providers=true"))
    [part] = [part for part in body["components"] if part["name"] == "http_api"]
    assert part["message"].startswith("Skipped - ") and "latency_ms" not in part
    assert body["status"] == "healthy"


def test_both_names_of_the_flag_ask_the_providers(cloud):
    for name in ("include_providers", "include_replicate"):
        assert "replicate_api" in components(cloud, f"?{name}=true"), name
    assert "replicate_api" in components(cloud, "?include_providers=false&include_replicate=true")


def test_a_provider_that_hangs_holds_health_up_for_a_bounded_time(cloud):
    with HangingServer() as server:
        cloud.configure(api_base_url=server.url)
        begin = time.monotonic()
        part = components(cloud, "?include_providers=true")["replicate_api"]
        assert time.monotonic() - begin < 9
    assert part["status"] == "degraded" and 4000 < part["latency_ms"] < 8000


def test_a_companion_that_stopped_degrades_health(cloud):
    rows = cloud.query("SELECT name, started_at_us, finished_at_us, due_at_us FROM tasks")
    cloud.change("UPDATE tasks SET started_at_us = started_at_us - 3600000000, "
                 "finished_at_us = finished_at_us - 3600000000, due_at_us = 1")
    try:
        body = expect.ok(cloud.get("/api/cloud/health"))
        [part] = [part for part in body["components"] if part["name"] == "companion"]
        assert body["status"] == part["status"] == "degraded"
        assert "simpletuner-cloud cron" in part["message"]
        assert cloud.companion("cron").returncode == 0
        assert components(cloud)["companion"]["status"] == "healthy"
    finally:
        for name, *times in rows:
            cloud.change("UPDATE tasks SET started_at_us = %s, finished_at_us = %s, "
                         "due_at_us = %s WHERE name = %s", *times, name)
        assert cloud.companion("cron").returncode == 0


def trip_breaker(cloud):
    cloud.sim.fault("500", "GET", "/v1/account", count=100)
    for _ in range(5):
        cloud.get("/api/cloud/providers/replicate/validate")
    cloud.sim.clear_faults()


def test_an_open_breaker_degrades_health_and_is_told_in_full(cloud):
    trip_breaker(cloud)
    part = components(cloud)["circuit_breaker_replicate"]
    assert part["status"] == "degraded"
    assert part["message"].startswith("Circuit open - blocking requests (failures: ")
    body = expect.ok(cloud.get(BREAKERS))
    assert body["total"] == len(body["circuit_breakers"]) >= 2
    [breaker] = [item for item in body["circuit_breakers"] if item["name"] == "replicate"]
    assert breaker["state"] == "open" and breaker["failure_count"] >= 5
    assert 0 < breaker["retry_after"] <= 30
    stamp = datetime.datetime.fromisoformat(breaker["last_failure"].rstrip("Z"))
    assert abs((datetime.datetime.utcnow() - stamp).total_seconds()) < 60
    [other] = [item for item in body["circuit_breakers"] if item["name"] == "http"]
    assert (other["state"], other["retry_after"], other["last_failure"]) == ("closed", None, None)


def test_a_spoiled_head_of_the_audit_log_is_unhealthy(cloud):
    [[entries]] = cloud.query("SELECT entries FROM audit_head")
    cloud.change("UPDATE audit_head SET entries = entries + 1")
    try:
        body = expect.ok(cloud.get("/api/cloud/health"))
        [part] = [part for part in body["components"] if part["name"] == "audit"]
        assert body["status"] == part["status"] == "unhealthy"
    finally:
        cloud.change("UPDATE audit_head SET entries = %s", entries)
    assert components(cloud)["audit"]["status"] == "healthy"


def test_strangers_learn_no_more_from_the_other_names(cloud):
    body = expect.ok(cloud.get(f"{METRICS}?include_providers=true",
                               headers={"X-Forwarded-For": "203.0.113.9"}))
    assert set(body) == {"status", "timestamp"}
