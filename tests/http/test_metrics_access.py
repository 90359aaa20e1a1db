"""Who may scrape, and what a scrape says while the database is away."""

import pytest

from metrics import CONFIG, SCRAPE, export, families, parse, scrape_text
from postgres import Cluster
from stack import Stack
from waiting import until

STRANGER = {"X-API-Key": None, "X-Forwarded-For": "203.0.113.9"}
ALIAS = "/api/metrics/prometheus"


def test_strangers_may_scrape_unless_told_otherwise(staffed):
    export(staffed)
    for path in (SCRAPE, ALIAS):
        assert staffed.get(path, headers=STRANGER).status_code == 200
    assert staffed.get(CONFIG, headers=STRANGER).status_code == 401
    assert staffed.request("HEAD", SCRAPE, headers=STRANGER).status_code == 200


def test_with_a_token_a_scrape_has_to_show_it(new_stack):
    stack = new_stack(env={"SIMPLETUNER_METRICS_TOKEN": "let-me-scrape"})
    export(stack)
    stack.hire()
    for authorization, status in ((None, 401), ("Bearer let-me-scrape", 200),
                                  ("bearer let-me-scrape", 200), ("Bearer let-me-scrap", 401),
                                  ("Bearer let-me-scrape2", 401), ("Bearer ", 401),
                                  ("Basic let-me-scrape", 401), ("let-me-scrape", 401)):
        answer = stack.get(SCRAPE, headers=STRANGER | {"Authorization": authorization})
        assert answer.status_code == status, authorization
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert stack.get(SCRAPE).status_code == 200, "an administrator's key is enough"
    assert stack.get(CONFIG, headers=STRANGER | {
        "Authorization": "Bearer let-me-scrape"}).status_code == 401


def test_with_a_list_of_addresses_others_are_refused(new_stack):
    stack = new_stack(env={"SIMPLETUNER_METRICS_ALLOWED_IPS": "198.51.100.0/24, 2001:db8::/32"})
    export(stack)
    stack.hire()
    for address, status in (("198.51.100.77", 200), ("203.0.113.9", 403), ("2001:db8::5", 200)):
        answer = stack.get(SCRAPE, headers=STRANGER | {"X-Forwarded-For": address})
        assert answer.status_code == status, address
    assert stack.get(SCRAPE).status_code == 200


@pytest.fixture
def cluster():
    cluster = Cluster().start()
    yield cluster
    cluster.thaw()
    cluster.stop()


@pytest.fixture
def on_cluster(cluster):
    with Stack("lighttpd", cluster.new_database()) as stack:
        stack.reset()
        yield stack


def assert_memory_alone(stack, query=""):
    """What is counted in memory, and that the database is away; nothing of what it knows."""
    text = scrape_text(stack, query)
    metrics = parse(text)
    assert metrics.of("simpletuner_database_up") == 0
    assert metrics.of("simpletuner_health_component_status", component="database") == 0
    assert metrics.sum("simpletuner_http_request_duration_seconds_count") > 0
    assert not {"simpletuner_jobs", "simpletuner_jobs_total", "simpletuner_circuit_breaker_state",
                "simpletuner_audit_entries_total"} & metrics.names()
    assert not {"simpletuner_jobs", "simpletuner_jobs_total"} & set(families(text))


def test_while_the_database_is_away_memory_answers(on_cluster, cluster):
    export(on_cluster)
    assert parse(scrape_text(on_cluster)).of("simpletuner_database_up") == 1
    cluster.pause()
    assert_memory_alone(on_cluster)
    assert_memory_alone(on_cluster, "?legacy=0")
    busy = parse(scrape_text(on_cluster)).of("simpletuner_db_busy_total", backend="postgresql")
    assert busy > 0
    cluster.resume()
    until(on_cluster.is_ready, 30, "the service does not recover")
    assert parse(scrape_text(on_cluster)).of("simpletuner_database_up") == 1


def test_a_database_that_hangs_holds_no_scrape_up_for_long(on_cluster, cluster):
    export(on_cluster, ["jobs", "http"])
    scrape_text(on_cluster)
    cluster.freeze()
    try:
        assert_memory_alone(on_cluster)
    finally:
        cluster.thaw()


def test_after_the_database_went_the_choice_is_remembered(on_cluster, cluster):
    export(on_cluster, ["http"])
    scrape_text(on_cluster)
    cluster.pause()
    assert "simpletuner_build_info" not in parse(scrape_text(on_cluster)).names()
    on_cluster.put(CONFIG, json={"prometheus_enabled": False})
    assert_memory_alone(on_cluster)
