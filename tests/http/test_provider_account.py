"""What a provider is asked beside jobs: models, prices, hardware, its status page; and the panel."""

import datetime

import pytest

import expect
import sim_api
from sim_predictions import version_id
from stack import PROVIDER

OPTIONS = "/api/cloud/hardware-options"
ADVANCED = f"{PROVIDER}/advanced"


def entry(cloud):
    [item] = [item for item in expect.ok(cloud.get("/api/cloud/providers"))["providers"]
              if item["id"] == "replicate"]
    return item


# the list

def test_an_entry_has_all_its_members(cloud):
    item = entry(cloud)
    assert set(item) == {"id", "name", "description", "model", "version", "hardware",
                         "cost_per_hour", "configured", "coming_soon", "hardware_profile",
                         "hardware_profiles"}
    assert item["model"] == "simpletuner/advanced-trainer-h100"
    assert item["hardware"] == "H100 (80GB)" and item["cost_per_hour"] == 5.49
    profiles = {profile["id"]: profile for profile in item["hardware_profiles"]}
    assert len(profiles) == 8
    assert profiles["l40s-x4"] == {
        "id": "l40s-x4", "model": "simpletuner/advanced-trainer-l40s-x4", "label": "4x L40S",
        "hardware_type": "4x L40S", "cost_per_hour": 14.0, "cost_per_second": 0.003888888}


def test_an_entry_follows_the_profile_and_the_prices_set(cloud):
    cloud.configure(hardware_profile="l40s-x2", version_override="a/b:c",
                    hardware_info={"gpu-l40s": {"name": "L40S, new", "cost_per_second": 0.5}})
    item = entry(cloud)
    cloud.configure(hardware_info={})
    assert item["hardware"] == "L40S, new" and item["cost_per_hour"] == 3600
    assert item["version"] == "a/b:c" and item["hardware_profile"] == "l40s-x2"
    assert item["model"] == "simpletuner/advanced-trainer-l40s-x2"


def test_the_list_names_the_default_provider(cloud):
    assert expect.ok(cloud.get("/api/cloud/providers"))["default_provider"] == "replicate"


def test_the_default_provider_is_a_setting(new_stack):
    cloud = new_stack(env={"SIMPLETUNER_DEFAULT_PROVIDER": "http"})
    assert expect.ok(cloud.get("/api/cloud/providers"))["default_provider"] == "http"
    assert expect.ok(cloud.get(OPTIONS))["provider"] == "http"
    expect.error(cloud.submit(), 409, "api_base_url")


# hardware and prices

def test_hardware_options_are_single_cards_with_prices(cloud):
    body = expect.ok(cloud.get(OPTIONS))
    assert body["default_hardware"] == "gpu-h100"
    assert body["hardware"] == [
        {"id": "gpu-h100", "name": "H100 (80GB)", "cost_per_second": 0.001525,
         "cost_per_hour": 5.49, "available": True},
        {"id": "gpu-l40s", "name": "L40S (48GB)", "cost_per_second": 0.000972222,
         "cost_per_hour": 3.5, "available": True}]
    assert not cloud.sim.requests_to("GET", "/v1/hardware")


def test_live_hardware_options_ask_the_provider(cloud):
    expect.ok(cloud.get(f"{OPTIONS}?live=true"))
    assert cloud.sim.requests_to("GET", "/v1/hardware")
    cloud.sim.fault("503", path_prefix="/v1/hardware", count=10)
    body = expect.ok(cloud.get(f"{OPTIONS}?live=true"))
    assert "503" in body["message"] and len(body["hardware"]) == 2


def test_billing_says_where_to_look(cloud):
    assert expect.ok(cloud.get(f"{PROVIDER}/billing")) == {
        "balance": None, "balance_note": "Check balance on replicate.com/account",
        "hardware": {"gpu-h100": {"name": "H100 (80GB)", "cost_per_second": 0.001525},
                     "gpu-l40s": {"name": "L40S (48GB)", "cost_per_second": 0.000972222}},
        "default_hardware": "gpu-h100"}
    cloud.delete(f"{PROVIDER}/token")
    expect.error(cloud.get(f"{PROVIDER}/billing"), 409, "REPLICATE_API_TOKEN")


# versions

@pytest.mark.parametrize("size", [100, 1])
def test_versions_come_from_all_pages_newest_first(cloud, size):
    model = "simpletuner/advanced-trainer-l40s"
    cloud.sim.version_page_size = size
    body = expect.ok(cloud.get(f"{PROVIDER}/versions?model_id={model}"))
    cloud.sim.version_page_size = 100
    assert [item["id"] for item in body["versions"]] == [version_id(model, 2),
                                                         version_id(model, 1)]
    assert body["versions"][0]["full_version"] == f"{model}:{version_id(model, 2)}"
    assert body["versions"][0]["model_id"] == model
    assert body["current_version"] is None and body["error"] is None


def test_versions_are_those_of_the_profile_when_no_model_is_named(cloud):
    cloud.configure(hardware_profile="l40s", version_override="a/b:c")
    body = expect.ok(cloud.get(f"{PROVIDER}/versions"))
    assert body["versions"][0]["model_id"] == "simpletuner/advanced-trainer-l40s"
    assert body["current_version"] == "a/b:c"


@pytest.mark.parametrize("model", ["trainer", "a/", "/b", "a/b/c", "../x", "a/..", "a/b?c", "a%20/b"])
def test_a_model_id_must_be_owner_and_name(cloud, model):
    before = len(cloud.sim.requests)
    expect.error(cloud.get(f"{PROVIDER}/versions", params={"model_id": model}), 400, "model_id")
    assert len(cloud.sim.requests) == before


def test_trouble_with_versions_is_told(cloud):
    body = expect.ok(cloud.get(f"{PROVIDER}/versions?model_id=no/body"))
    assert body["versions"] == [] and "no model" in body["error"]
    cloud.sim.fault("429", path_prefix="/v1/models", count=10)
    body = expect.ok(cloud.get(f"{PROVIDER}/versions"))
    assert "Request was throttled. Your rate limit resets in ~30s." in body["error"]
    cloud.delete(f"{PROVIDER}/token")
    body = expect.ok(cloud.get(f"{PROVIDER}/versions"))
    assert body["error"] == "REPLICATE_API_TOKEN not set"


@pytest.mark.parametrize("elsewhere", ["https://127.0.0.1:{port}0/v1/x", "https://evil.example/v1",
                                       "https://127.0.0.1:{port}/v10/x",
                                       "https://127.0.0.1:{port}/v1/../x"])
def test_a_list_that_leads_elsewhere_is_not_followed(cloud, monkeypatch, elsewhere):
    target = elsewhere.format(port=cloud.sim.port)
    page = {"next": target, "previous": None, "results": []}
    monkeypatch.setattr(sim_api, "page_of", lambda *_: (200, page))
    before = len(cloud.sim.requests)
    body = expect.ok(cloud.get(f"{PROVIDER}/versions"))
    assert body["error"] == "Replicate's list leads elsewhere"
    assert len(cloud.sim.requests) == before + 1


# the status page

@pytest.fixture
def status_page(cloud):
    cloud.configure(status_page_url=cloud.sim.url.removesuffix("/v1")
                    + "/status/api/v2/summary.json")
    yield cloud.sim
    cloud.sim.status_page = sim_api.STATUS_PAGE
    cloud.configure(status_page_url="")


def test_a_quiet_status_page_is_operational(cloud, status_page):
    body = expect.ok(cloud.get(f"{PROVIDER}/status"))
    assert body == {"provider": "replicate", "operational": True, "indicator": "none",
                    "description": "All Systems Operational", "ongoing_incidents": [],
                    "in_progress_maintenances": [], "scheduled_maintenances": [],
                    "status_page_url": "https://www.replicatestatus.com", "error": None}
    assert status_page.requests[-1]["authorization"] is None


def test_incidents_and_maintenances_are_told_apart(cloud, status_page):
    status_page.status_page = sim_api.STATUS_PAGE | {
        "status": {"indicator": "major", "description": "Partial Outage"},
        "incidents": [{"name": "GPUs", "status": "investigating", "secret": 1}],
        "scheduled_maintenances": [{"name": "A", "status": "in_progress"},
                                   {"name": "B", "status": "scheduled",
                                    "scheduled_for": "2026-09-01T00:00:00Z"}]}
    body = expect.ok(cloud.get(f"{PROVIDER}/status"))
    assert body["operational"] is False and body["indicator"] == "major"
    assert body["ongoing_incidents"] == [{"name": "GPUs", "status": "investigating"}]
    assert [item["name"] for item in body["in_progress_maintenances"]] == ["A"]
    assert body["scheduled_maintenances"] == [
        {"name": "B", "status": "scheduled", "scheduled_for": "2026-09-01T00:00:00Z"}]


@pytest.mark.parametrize("page", [{}, [], {"status": "up"}])
def test_an_unreadable_status_page_leaves_it_unknown(cloud, status_page, page):
    status_page.status_page = page
    body = expect.ok(cloud.get(f"{PROVIDER}/status"))
    assert body["operational"] is None and body["error"]


def test_a_status_page_that_is_away_leaves_it_unknown(cloud, status_page):
    cloud.configure(status_page_url="https://127.0.0.1:9/summary.json")
    body = expect.ok(cloud.get(f"{PROVIDER}/status"))
    assert body["operational"] is None and "cannot be reached" in body["error"]


# the panel "Advanced Configuration"

def test_the_panel_shows_defaults(cloud):
    cloud.configure(ssl_ca_bundle="", http_timeout=0)
    assert expect.ok(cloud.get(ADVANCED)) == {
        "ssl_verify": True, "ssl_ca_bundle": None, "proxy_url": None, "http_timeout": 30,
        "webhook_ip_allowlist_enabled": False, "webhook_allowed_ips": []}


def test_the_panel_changes_what_it_shows(cloud):
    wanted = {"ssl_verify": False, "proxy_url": "http://me:s3cr3t@proxy.example.com:8080",
              "http_timeout": 60.5, "webhook_allowed_ips": ["10.0.0.0/8"],
              "webhook_ip_allowlist_enabled": True}
    answer = cloud.request("PATCH", ADVANCED, json=wanted)
    assert "s3cr3t" not in answer.text
    shown = expect.ok(answer)
    assert shown == expect.ok(cloud.get(ADVANCED))
    assert shown["http_timeout"] == 60.5 and shown["webhook_allowed_ips"] == ["10.0.0.0/8"]
    stored = cloud.query("SELECT config FROM providers WHERE provider = 'replicate'")
    assert expect.ok(cloud.request("PATCH", ADVANCED, json=shown)) == shown
    kept = cloud.query("SELECT config FROM providers WHERE provider = 'replicate'")
    assert len(kept[0][0]) == len(stored[0][0])  # sealed anew, and no mask in its place
    assert "s3cr3t" not in cloud.database_text()


def test_the_switch_of_the_allowlist_means_the_list(cloud):
    cloud.configure(webhook_allowed_ips=["10.0.0.0/8"])
    off = expect.ok(cloud.request("PATCH", ADVANCED, json={"webhook_ip_allowlist_enabled": False}))
    assert off["webhook_allowed_ips"] == []
    expect.error(cloud.request("PATCH", ADVANCED, json={"webhook_ip_allowlist_enabled": True}), 400,
                 "webhook_allowed_ips")


@pytest.mark.parametrize("field, value", [
    ("ssl_verify", "no"), ("ssl_ca_bundle", "/nowhere"), ("proxy_url", "x"), ("http_timeout", 601),
    ("webhook_allowed_ips", ["x"]), ("webhook_ip_allowlist_enabled", 1), ("org_id", "x"),
    ("api_base_url", "https://x.example")])
def test_the_panel_refuses_what_is_wrong_or_not_on_it(cloud, field, value):
    before = expect.ok(cloud.get(ADVANCED))
    expect.error(cloud.request("PATCH", ADVANCED, json={"http_timeout": 7, field: value}), 400,
                 field)
    assert expect.ok(cloud.get(ADVANCED)) == before


# limits

def test_the_longest_run_is_told_to_the_provider(new_stack):
    cloud = new_stack()
    assert cloud.new_job().prediction["deadline"] is None
    cloud.configure(max_runtime_minutes=90)
    prediction = cloud.new_job().prediction
    made, deadline = (datetime.datetime.fromisoformat(prediction[name].removesuffix("Z"))
                      for name in ("created_at", "deadline"))
    assert (deadline - made).total_seconds() == 5400


# order, audit

def test_the_first_bad_field_is_named(cloud):
    expect.error(cloud.put(PROVIDER, data='{"http_timeout": "x", "org_id": 1}',
                           headers={"Content-Type": "application/json"}), 400, "http_timeout")
    expect.error(cloud.put(PROVIDER, data='{"org_id": 1, "http_timeout": "x"}',
                           headers={"Content-Type": "application/json"}), 400, "org_id")


def audited(cloud, event_type):
    return cloud.query("SELECT actor, target_id, details FROM audit_log WHERE event_type = %s "
                       "ORDER BY audit_id", event_type)


def test_changes_are_audited_by_name_and_never_by_value(cloud):
    before = len(audited(cloud, "provider.configured"))
    cloud.configure(org_id="s3cr3t-org", proxy_url="http://me:s3cr3t@proxy.example.com:1")
    cloud.put(f"{PROVIDER}/token", json={"api_token": cloud.sim.token})
    cloud.put(PROVIDER, json={"org_id": 7})
    rows = audited(cloud, "provider.configured")[before:]
    assert [(actor, target) for actor, target, _ in rows] == [("local", "replicate")] * 2
    assert '"org_id"' in rows[0][2] and '"proxy_url"' in rows[0][2] and '"api_token"' in rows[1][2]
    assert "s3cr3t" not in str(rows) and cloud.sim.token not in str(rows)
