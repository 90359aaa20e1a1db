"""What is exported: the choice, its templates and a look at it before."""

import pytest

import expect
from metrics import ALL, CONFIG, SCRAPE, export, families, parse, scrape_text

DISABLED = "# Prometheus export disabled. Enable in Metrics tab."


def test_nothing_is_exported_until_somebody_wants_it(new_stack):
    stack = new_stack()
    assert expect.ok(stack.get(CONFIG)) == {
        "prometheus_enabled": False, "prometheus_categories": ["jobs", "http"],
        "prometheus_legacy_names": True, "tensorboard_enabled": False, "endpoint_url": SCRAPE}
    answer = stack.get(SCRAPE)
    assert answer.status_code == 200 and answer.text.strip() == DISABLED
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_the_guide_switches_it_on(staffed):
    answer = staffed.put(CONFIG, json={"prometheus_enabled": True,
                                       "prometheus_categories": ["jobs", "http", "health"]})
    body = expect.ok(answer)
    assert body["prometheus_enabled"] and body["prometheus_categories"] == [
        "jobs", "http", "health"]
    names = parse(scrape_text(staffed)).names()
    assert {"simpletuner_jobs_total", "simpletuner_uptime_seconds"} <= names
    assert "simpletuner_approval_requests_pending" not in names
    expect.ok(staffed.put(CONFIG, json={"prometheus_enabled": False}))
    assert scrape_text(staffed).strip() == DISABLED
    assert expect.ok(staffed.get(CONFIG))["prometheus_categories"] == ["jobs", "http", "health"]


def test_no_category_is_no_metrics(staffed):
    expect.ok(staffed.put(CONFIG, json={"prometheus_enabled": True, "prometheus_categories": []}))
    assert scrape_text(staffed).strip() == "# No metrics available"


@pytest.mark.parametrize("body, word", [
    ({"prometheus_categories": ["jobs", "weather"]}, "weather"),
    ({"prometheus_categories": "jobs"}, "prometheus_categories"),
    ({"prometheus_categories": [1]}, "prometheus_categories"),
    ({"prometheus_enabled": "yes"}, "prometheus_enabled"),
    ({"prometheus": True}, "prometheus"),
])
def test_a_bad_choice_is_refused_and_changes_nothing(staffed, body, word):
    export(staffed, ["jobs"])
    answer = staffed.put(CONFIG, json={"prometheus_enabled": False} | body)
    assert answer.status_code == 400 and word in answer.json()["detail"]
    assert expect.ok(staffed.get(CONFIG))["prometheus_enabled"] is True


@pytest.mark.parametrize("template, categories", [
    ("minimal", ["jobs"]),
    ("standard", ["jobs", "http", "health"]),
    ("security", ["jobs", "http", "rate_limits", "approvals", "audit"]),
    ("full", ALL),
])
@pytest.mark.parametrize("path", ["templates", "apply-template"])
def test_a_template_switches_its_categories_on(staffed, path, template, categories):
    expect.ok(staffed.put(CONFIG, json={"prometheus_enabled": False}))
    body = expect.ok(staffed.post(f"{CONFIG}/{path}/{template}"))
    assert body["prometheus_enabled"] and body["prometheus_categories"] == categories


def test_an_unknown_template_is_not_found(staffed):
    answer = staffed.post(f"{CONFIG}/templates/huge")
    assert answer.status_code == 404 and answer.json()["detail"] == "Template not found: huge"


def test_templates_and_categories_are_listed(staffed):
    templates = expect.ok(staffed.get(f"{CONFIG}/templates"))["templates"]
    assert [(item["id"], item["name"]) for item in templates] == [
        ("minimal", "Minimal"), ("standard", "Standard (Recommended)"), ("security", "Security"),
        ("full", "Full")]
    categories = expect.ok(staffed.get(f"{CONFIG}/categories"))["categories"]
    assert [item["id"] for item in categories] == ALL
    assert all(item["name"] and item["description"] and item["metrics"] for item in categories)


def test_every_family_is_in_the_list_of_its_category(staffed):
    staffed.new_job()
    listed = {item["id"]: set(item["metrics"])
              for item in expect.ok(staffed.get(f"{CONFIG}/categories"))["categories"]}
    always = {"simpletuner_database_up", "simpletuner_scrape_duration_seconds"}
    for category, names in listed.items():
        export(staffed, [category])
        assert set(families(scrape_text(staffed))) <= names | always, category


def test_a_change_is_in_the_audit_log(staffed):
    export(staffed, ["audit"])
    [entry] = expect.ok(staffed.get("/api/audit?event_type=config.changed&limit=1"))["entries"]
    assert entry["target_id"] == "metrics"
    assert entry["details"]["prometheus_categories"] == ["audit"]


def test_a_preview_shows_what_was_asked_for_and_changes_nothing(staffed):
    expect.ok(staffed.put(CONFIG, json={"prometheus_enabled": False,
                                        "prometheus_categories": ["http"]}))
    body = expect.ok(staffed.get(f"{CONFIG}/preview?categories=jobs&categories=health"))
    assert body["categories_used"] == ["jobs", "health"]
    metrics = parse(body["content"])
    assert body["metric_count"] == len(metrics)
    assert {"simpletuner_jobs_total", "simpletuner_uptime_seconds"} <= metrics.names()
    assert scrape_text(staffed).strip() == DISABLED


def test_a_preview_without_categories_is_of_those_that_are_set(staffed):
    export(staffed, ["circuit_breakers"])
    for answer in (staffed.get(f"{CONFIG}/preview"), staffed.post(f"{CONFIG}/preview"),
                   staffed.post(f"{CONFIG}/preview", json=["circuit_breakers"])):
        body = expect.ok(answer)
        assert body["categories_used"] == ["circuit_breakers"]
        assert "simpletuner_circuit_breaker_state" in parse(body["content"]).names()


@pytest.mark.parametrize("query", ["categories=weather", "categories=jobs&categories=",
                                   "categories=%ff", "legacy=perhaps"])
def test_a_preview_of_nonsense_is_refused(staffed, query):
    assert staffed.get(f"{CONFIG}/preview?{query}").status_code == 400


def test_legacy_names_can_be_left_out(staffed):
    export(staffed)
    legacy = {"simpletuner_jobs_total", "simpletuner_http_requests_total",
              "simpletuner_uptime_seconds", "simpletuner_audit_log_entries_24h"}
    assert legacy <= parse(scrape_text(staffed)).names()
    assert not legacy & parse(scrape_text(staffed, "?legacy=0")).names()
    export(staffed, prometheus_legacy_names=False)
    assert not legacy & parse(scrape_text(staffed, "?legacy=1")).names()
