"""What metrics say after real requests, jobs and webhooks."""

import threading

import pytest
import requests

from metrics import SCRAPE, export, parse, scrape, scrape_text
from responder import Responder
from stack import scratch_directory
from waiting import until

JOB_ROUTE = "/api/cloud/jobs/{job_id}"
SUBMIT = "/api/cloud/jobs/submit"


def test_jobs_are_counted_by_status(staffed):
    export(staffed)
    before = scrape(staffed)
    first, second = staffed.new_job(), staffed.new_job()
    staffed.sim.advance(first.prediction_id, "processing")
    staffed.sim.advance(first.prediction_id, "succeeded")
    staffed.settle()
    after = scrape(staffed)

    def grown(name, **labels):
        return after.sum(name, **labels) - before.sum(name, **labels)

    assert grown("simpletuner_jobs_total") == 2
    assert grown("simpletuner_jobs_submitted_total", provider="replicate") == 2
    assert grown("simpletuner_jobs_by_status", status="completed") == 1
    assert grown("simpletuner_jobs_finished_total", provider="replicate", status="completed") == 1
    assert grown("simpletuner_jobs", provider="replicate", status="queued") == 1
    assert grown("simpletuner_jobs_active") == 1
    assert grown("simpletuner_job_queue_seconds_count", provider="replicate") == 1
    assert after.of("simpletuner_queue_oldest_seconds") > 0
    assert staffed.status(second.job_id) == "queued"


def test_all_statuses_are_there_from_the_beginning(new_stack):
    stack = new_stack()
    export(stack)
    metrics = scrape(stack)
    assert metrics.values("simpletuner_jobs_by_status", "status") == {
        "blocked", "pending", "uploading", "queued", "running", "completed", "failed", "cancelled"}
    assert metrics.values("simpletuner_approval_requests_by_status", "status") == {
        "pending", "approved", "rejected", "expired", "cancelled"}
    assert metrics.of("simpletuner_jobs_total") == 0
    assert metrics.of("simpletuner_circuit_breaker_state", provider="replicate") == 0
    for unknown in ("simpletuner_job_duration_seconds_avg", "simpletuner_cost_limit_percent_used",
                    "simpletuner_credit_balance_usd"):
        assert unknown not in metrics.names()


def test_deleting_lowers_what_is_there_and_no_total(staffed):
    export(staffed)
    job = staffed.new_job()
    staffed.sim.advance(job.prediction_id, "processing")
    staffed.sim.advance(job.prediction_id, "failed")
    staffed.settle()
    before = scrape(staffed)
    staffed.rest()
    assert staffed.delete(f"/api/cloud/jobs/{job.job_id}").status_code == 200
    after = scrape(staffed)
    assert after.of("simpletuner_jobs_by_status", status="failed") == before.of(
        "simpletuner_jobs_by_status", status="failed") - 1
    for name in ("simpletuner_jobs_total", "simpletuner_cost_usd_total"):
        assert after.of(name) == before.of(name)
    for name in ("simpletuner_jobs_finished_total", "simpletuner_jobs_submitted_total",
                 "simpletuner_job_duration_seconds_count", "simpletuner_job_queue_seconds_sum"):
        assert after.sum(name) == before.sum(name)


def test_retention_lowers_no_total(new_stack):
    stack = new_stack(env={"SIMPLETUNER_JOB_RETENTION_DAYS": "1",
                           "SIMPLETUNER_AUDIT_RETENTION_DAYS": "1"})
    export(stack)
    job = stack.new_job()
    stack.sim.advance(job.prediction_id, "processing")
    stack.sim.advance(job.prediction_id, "succeeded")
    stack.settle()
    stack.rest()
    before = scrape(stack)
    stack.change("UPDATE jobs SET completed_at_us = 1, poll_at_us = NULL "
                 "WHERE completed_at_us IS NOT NULL")
    assert stack.companion("cron", "--task", "prune_jobs").returncode == 0
    assert stack.query("SELECT COUNT(*) FROM jobs") == [(0,)]
    after = scrape(stack)
    for name in ("simpletuner_jobs_total", "simpletuner_jobs_submitted_total",
                 "simpletuner_jobs_finished_total", "simpletuner_job_queue_seconds_count"):
        assert after.sum(name) == before.sum(name), name
    assert after.sum("simpletuner_jobs_by_status") == 0


def test_requests_are_counted_by_route(staffed):
    export(staffed)
    job = staffed.new_job()
    before = scrape(staffed)
    for _ in range(3):
        assert staffed.get(f"/api/cloud/jobs/{job.job_id}").status_code == 200
    assert staffed.get("/api/cloud/jobs/nonsense").status_code == 404
    assert staffed.get("/api/wp-admin/setup.php").status_code == 404
    after = scrape(staffed)

    def grown(name, **labels):
        return (after.of(name, **labels) or 0) - (before.of(name, **labels) or 0)

    seconds = "simpletuner_http_request_duration_seconds_count"
    assert grown(seconds, method="GET", route=JOB_ROUTE, code="200") == 3
    assert grown(seconds, method="GET", route=JOB_ROUTE, code="404") == 1
    assert grown("simpletuner_http_requests_total", endpoint=f"GET_{JOB_ROUTE}") == 4
    assert grown("simpletuner_http_errors_total", endpoint_status=f"GET_{JOB_ROUTE}_404") == 1
    assert grown("simpletuner_http_errors_total", endpoint_status="GET_unmatched_404") == 1
    assert after.of("simpletuner_http_request_latency_ms_avg", endpoint=f"GET_{JOB_ROUTE}") > 0
    assert after.of("simpletuner_http_response_size_bytes_sum", method="GET", route=JOB_ROUTE) > 100
    assert after.of("simpletuner_http_requests_in_flight") >= 1


def test_no_label_holds_a_path_or_a_name_of_a_request(staffed):
    export(staffed)
    job = staffed.new_job()
    staffed.upload(job, "secret-name.bin", b"x" * 100)
    staffed.get("/api/secret-path/?secret-query")
    staffed.request("PROPFIND", "/api/secret-path")
    staffed.get(job.storage("secret-name.bin"))
    staffed.post("/api/webhooks/secret-provider", data=b"{}")
    text = scrape_text(staffed)
    for word in ("secret-", "PROPFIND", job.job_id, job.prediction_id):
        assert word not in text


def test_objects_are_counted_in_bytes(staffed):
    export(staffed)
    job = staffed.new_job()
    before = scrape(staffed)
    assert staffed.upload(job, "a.bin", b"x" * 5000).status_code in (200, 201)
    assert len(staffed.get(job.storage("a.bin")).content) == 5000
    after = until(lambda: grown_to(staffed, before, 5000), 10, "the bytes are not counted")
    assert after.of("simpletuner_storage_bytes_total", direction="in") - (
        before.of("simpletuner_storage_bytes_total", direction="in") or 0) == 5000


def grown_to(stack, before, size):
    """A front server that sends a file by itself ends the request a moment later."""
    name = "simpletuner_storage_bytes_total"
    now = scrape(stack)
    return now if now.sum(name, direction="out") - before.sum(
        name, direction="out") == size else None


def test_webhooks_are_counted_by_what_became_of_them(staffed):
    export(staffed)
    job = staffed.new_job()
    before = scrape(staffed)
    event = {"id": job.prediction_id, "status": "processing"}
    assert staffed.webhook(event, webhook_id="msg_metrics").status_code == 200
    assert staffed.webhook(event, webhook_id="msg_metrics").status_code == 200
    assert staffed.webhook(event, secret="whsec_" + "QUJD" * 8).status_code == 401
    assert staffed.webhook(event, timestamp=1000000000).status_code == 401
    staffed.configure(webhook_allowed_ips=["192.0.2.1"])
    assert staffed.webhook(event).status_code == 403
    after = scrape(staffed)
    for result in ("accepted", "duplicate", "bad_signature", "stale", "ip_denied"):
        grown = after.sum("simpletuner_webhooks_received_total", result=result) - before.sum(
            "simpletuner_webhooks_received_total", result=result)
        assert grown == 1, result
    assert after.of("simpletuner_webhook_last_received_timestamp_seconds",
                    provider="replicate") > 1.7e9
    assert after.of("simpletuner_webhook_inbox", state="failed") == 0


def test_calls_of_the_companion_are_counted_too(staffed):
    export(staffed)
    name, labels = "simpletuner_provider_request_duration_seconds_count", {
        "provider": "replicate", "op": "status", "outcome": "ok"}
    staffed.new_job()
    staffed.change("UPDATE jobs SET poll_at_us = 1 WHERE poll_at_us IS NOT NULL")
    before = scrape(staffed)
    assert staffed.companion("poll").returncode == 0
    after = scrape(staffed)
    assert after.sum(name, **labels) > before.sum(name, **labels)
    assert after.sum(name, op="submit", outcome="ok") >= 1
    assert after.of("simpletuner_task_last_run_timestamp_seconds", task="poll_jobs") > 1.7e9


def test_a_provider_that_fails_shows_in_its_breaker(staffed):
    export(staffed)
    before = scrape(staffed).of("simpletuner_circuit_breaker_failures_total", provider="replicate")
    staffed.sim.fault("500", "GET", "/v1/account", count=20)
    for _ in range(3):
        staffed.get("/api/cloud/providers/replicate/validate")
    after = scrape(staffed)
    assert after.of("simpletuner_circuit_breaker_state", provider="replicate") == 2
    assert after.of("simpletuner_circuit_breaker_failures_total", provider="replicate") >= before + 5
    assert after.sum("simpletuner_provider_request_duration_seconds_count", op="read",
                     outcome="failed") >= 5


def test_a_cost_limit_shows_how_much_of_it_is_used(staffed):
    export(staffed)
    staffed.configure(cost_limit_enabled=True, cost_limit_amount=50, cost_limit_period="daily",
                      cost_limit_action="warn")
    metrics = scrape(staffed)
    assert 0 <= metrics.of("simpletuner_cost_limit_ratio", provider="replicate") < 1
    assert metrics.of("simpletuner_cost_limit_percent_used", provider="replicate") == (
        pytest.approx(100 * metrics.of("simpletuner_cost_limit_ratio", provider="replicate")))
    assert metrics.of("simpletuner_cost_limit_ratio", provider="http") is None


def test_the_audit_log_is_counted(staffed):
    export(staffed)
    before = scrape(staffed)
    staffed.new_job()
    after = scrape(staffed)
    rows = staffed.query("SELECT COUNT(*) FROM audit_log")[0][0]
    assert after.of("simpletuner_audit_log_entries_total") >= rows
    assert after.of("simpletuner_audit_log_entries_24h") == rows
    for name in ("simpletuner_audit_entries_total", "simpletuner_audit_log_entries_by_type"):
        assert after.of(name, event_type="job.submitted") - (
            before.of(name, event_type="job.submitted") or 0) == 1


class SecondResponder(Responder):
    """One more on the home of a stack."""

    def __init__(self, stack):
        super().__init__(scratch_directory("second"))
        self.env = stack.env

    def __enter__(self):
        self.launch()
        until(self.answers, 15, "the second responder does not answer")
        return self

    def __exit__(self, *_):
        self.stop()


def test_processes_show_one_picture(new_stack):
    """Two responders: both answer with the counts of both, also after one has ended."""
    stack = new_stack()
    export(stack)
    name, labels = "simpletuner_http_request_duration_seconds_count", {
        "method": "GET", "route": "/api/cloud/health/live"}
    with SecondResponder(stack) as second:
        for _ in range(5):
            assert stack.get("/api/cloud/health/live").status_code == 200
            assert second.ask("GET", "/api/cloud/health/live")[0] == 200
        first, other = scrape(stack), parse(second.ask("GET", SCRAPE)[2].decode())
        assert first.sum(name, **labels) == other.sum(name, **labels) >= 10
        assert first.of("process_start_time_seconds") == other.of("process_start_time_seconds")
    assert scrape(stack).sum(name, **labels) >= 10


def test_counting_goes_on_while_others_scrape(staffed):
    export(staffed)
    before = scrape(staffed)
    answers = []

    def ask():
        for _ in range(20):
            answers.append(staffed.get("/api/cloud/health/live").status_code)
            scrape(staffed)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 80
    name, labels = "simpletuner_http_request_duration_seconds_count", {
        "method": "GET", "route": "/api/cloud/health/live", "code": "200"}
    assert scrape(staffed).of(name, **labels) - (before.of(name, **labels) or 0) == 80


def test_a_scrape_is_not_limited(staffed):
    export(staffed)
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(150):
            assert session.get(f"{staffed.url}/api/metrics/prometheus",
                               headers=staffed.headers).status_code == 200
