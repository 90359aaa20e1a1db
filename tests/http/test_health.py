"""Health: what probes, monitors and strangers are told."""

import datetime

import pytest

import expect


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
