"""Jobs that wait for somebody's word: rules, requests, decisions, and what follows for the job."""

import concurrent.futures
import time

import pytest

import expect
from office import JOBS, REQUESTS, RULES, SUBMIT, approve, office, open_office, reject  # noqa: F401
from waiting import until


def counted(office, status):
    return expect.ok(office.admin.get(f"{JOBS}?status={status}"))["total"]


def breaker(office, state):
    office.stack.change("DELETE FROM breakers")
    office.stack.change("INSERT INTO breakers (provider, state, failures, opened_at_us) "
                        "VALUES ('replicate', %s, 0, %s)", state, int(time.time() * 1e6))


# waiting

def test_a_job_that_meets_a_rule_waits_and_nobody_is_called(office):
    rule = office.rule(name="portraits", description="all of them")
    before = len(office.sim.requests_to("POST", "/v1/predictions"))
    answer = office.blocked()
    request = answer["approval_request"]
    assert (answer["success"], answer["status"], answer["requires_approval"]) == (
        True, "blocked", True)
    assert request["reason"] == "Config 'portrait' matches approval-required pattern"
    assert request["required_approver_level"] == "lead" and request["expires_at"]
    job = office.job(answer["job_id"])
    assert (job["status"], job["requires_approval"], job["approval_id"]) == (
        "blocked", True, request["id"])
    assert job["is_active"] and job["external_id"] is None and "queue_position" not in job
    stored = office.stack.query(
        "SELECT status, requires_approval, poll_at_us, upload_token_sha256 FROM jobs "
        "WHERE job_id = %s", answer["job_id"])
    assert [tuple(row) for row in stored] == [("queued", 1, None, None)]
    assert office.stack.query("SELECT COUNT(*) FROM buckets WHERE bucket = %s",
                              answer["job_id"])[0][0] == 0
    office.stack.companion("cron", "--task", "poll_jobs")
    office.stack.companion("cron", "--task", "run_submissions")
    assert len(office.sim.requests_to("POST", "/v1/predictions")) == before
    [waiting] = office.requests("?pending_only=true")
    assert (waiting["id"], waiting["job_id"], waiting["rule_id"], waiting["rule_name"]) == (
        request["id"], answer["job_id"], rule["id"], "portraits")
    assert waiting["owner"] == office.owner.name and waiting["user_id"] == office.owner.user_id


def test_blocked_jobs_are_listed_and_counted_as_such(office):
    office.rule()
    blocked, queued = counted(office, "blocked"), counted(office, "queued")
    job_id = office.blocked()["job_id"]
    assert (counted(office, "blocked"), counted(office, "queued")) == (blocked + 1, queued)
    listed = expect.ok(office.owner.get(f"{JOBS}?status=blocked"))["jobs"]
    assert [job["job_id"] for job in listed] == [job_id]
    waiting = expect.ok(office.owner.get(f"{JOBS}?status=queued"))["jobs"]
    assert job_id not in [job["job_id"] for job in waiting]
    stats = expect.ok(office.owner.get("/api/queue/stats"))
    assert stats["by_status"]["blocked"] == 1


def test_an_approved_job_is_submitted_once(office):
    office.rule()
    answer = office.blocked()
    job_id, request_id = answer["job_id"], answer["approval_request"]["id"]
    assert office.called(job_id) == 0
    decided = expect.ok(approve(office.lead, request_id, notes="fine"))
    assert decided == {"success": True, "request_id": request_id, "job_id": job_id,
                       "approved_by": office.lead.name}
    job = office.wait_submitted(job_id)
    assert job["status"] == "queued" and not job["requires_approval"]
    assert job["approval_id"] == request_id
    office.stack.companion("cron", "--task", "run_submissions")
    assert office.called(job_id) == 1
    [prediction] = office.sim.find_job(job_id)
    assert prediction["input"]["env"]["SIMPLETUNER_UPLOAD_TOKEN"]
    [row] = office.audited("job.approved", job_id)
    assert row["actor"] == office.lead.name and row["details"]["notes"] == "fine"
    request = expect.ok(office.admin.get(f"{REQUESTS}/{request_id}"))
    assert (request["status"], request["reviewed_by"], request["review_notes"]) == (
        "approved", office.lead.name, "fine")
    assert counted(office, "blocked") == 0


def test_an_approved_job_runs_like_any_other(office):
    office.rule()
    answer = office.blocked()
    expect.ok(approve(office.lead, answer["approval_request"]["id"]))
    office.wait_submitted(answer["job_id"])
    [prediction] = office.sim.find_job(answer["job_id"])
    office.sim.advance(prediction["id"], "succeeded")
    office.stack.settle()
    assert office.job(answer["job_id"])["status"] == "completed"


def test_of_many_who_approve_at_once_one_does_and_the_job_is_submitted_once(office):
    office.rule()
    answer = office.blocked()
    path = f"{REQUESTS}/{answer['approval_request']['id']}/approve"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(
            lambda n: (office.lead if n % 2 else office.admin).post(path, json={}).status_code,
            range(8)))
    assert statuses == [200] + [409] * 7
    office.wait_submitted(answer["job_id"])
    assert office.called(answer["job_id"]) == 1
    assert len(office.audited("job.approved", answer["job_id"])) == 1


def test_a_rejected_job_has_failed_and_says_why(office):
    office.rule()
    answer = office.blocked()
    decided = expect.ok(reject(office.lead, answer["approval_request"]["id"]))
    assert decided["rejected_by"] == office.lead.name and decided["reason"] == "too dear"
    job = office.job(answer["job_id"])
    assert (job["status"], job["error_message"]) == ("failed", "Rejected: too dear")
    assert job["completed_at"] and not job["requires_approval"]
    assert office.called(answer["job_id"]) == 0
    [row] = office.audited("job.rejected", answer["job_id"])
    assert row["details"]["notes"] == "too dear"
    events = expect.ok(office.owner.get("/api/events/recent"))
    assert answer["job_id"] in str(events)


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}])
def test_a_rejection_needs_a_reason(office, body):
    office.rule()
    answer = office.blocked()
    path = f"{REQUESTS}/{answer['approval_request']['id']}/reject"
    expect.error(office.lead.post(path, json=body), 400, "Rejection reason is required")
    assert office.job(answer["job_id"])["status"] == "blocked"


def test_the_queue_has_the_same_doors(office):
    office.rule()
    first, second = office.blocked(), office.blocked()
    expect.ok(office.lead.post(f"/api/queue/{first['job_id']}/approve", json={"notes": "ok"}))
    expect.ok(office.lead.post(f"/api/queue/{second['job_id']}/reject", json={"reason": "no"}))
    office.wait_submitted(first["job_id"])
    assert office.job(second["job_id"])["error_message"] == "Rejected: no"
    expect.error(office.lead.post("/api/queue/01hm3v00000000000000000001/approve"), 404)


# who may

def test_nobody_approves_his_own_request_but_an_administrator(office):
    office.rule()
    own = office.blocked(office.lead)
    expect.error(approve(office.lead, own["approval_request"]["id"]), 403, "your own")
    expect.error(office.lead.post(f"/api/queue/{own['job_id']}/approve"), 403, "your own")
    assert office.job(own["job_id"])["status"] == "blocked"
    expect.ok(approve(office.admin, own["approval_request"]["id"]))


def test_an_approver_needs_the_level_that_the_rule_wants(office):
    office.rule(required_approver_level="admin")
    answer = office.blocked()
    refused = approve(office.lead, answer["approval_request"]["id"])
    expect.error(refused, 403, "Insufficient privileges to approve this request")
    plain = office.person(granted="admin.approve")
    expect.error(approve(plain, answer["approval_request"]["id"]), 403, "level admin")
    without_levels = office.person(None, is_admin=True)
    expect.ok(approve(without_levels, answer["approval_request"]["id"]))


def test_a_key_with_few_scopes_is_no_administrator(office):
    office.rule()
    answer = office.blocked(office.person("lead", granted="admin.approve"))
    boss = office.person(None, is_admin=True)
    boss.key = boss.new_key(scopes="admin.approve")
    expect.error(approve(boss, answer["approval_request"]["id"]), 403, "level lead")


def test_strangers_do_not_learn_of_requests(office):
    office.rule()
    answer = office.blocked()
    path, other = f"{REQUESTS}/job/{answer['job_id']}", office.person()
    assert expect.ok(office.owner.get(path))["id"] == answer["approval_request"]["id"]
    assert expect.ok(office.lead.get(path))["job_id"] == answer["job_id"]
    theirs = expect.error(other.get(path), 404)
    nothing = expect.error(other.get(f"{REQUESTS}/job/{'0' * 26}"), 404)
    assert theirs["detail"].replace(answer["job_id"], "") == nothing["detail"].replace("0" * 26, "")
    expect.error(other.post(f"{REQUESTS}/{answer['approval_request']['id']}/cancel"), 404)
    expect.error(other.get(REQUESTS), 403)
    expect.error(other.get(RULES), 403)
    expect.error(office.stranger.get("/api/approvals/me"), 401)
    mine = expect.ok(office.owner.get("/api/approvals/me?status=pending"))["requests"]
    assert [request["job_id"] for request in mine] == [answer["job_id"]]
    assert expect.ok(other.get("/api/approvals/me"))["requests"] == []


# taking back, and time

def test_its_owner_takes_a_request_back(office):
    office.rule()
    answer = office.blocked()
    request_id = answer["approval_request"]["id"]
    expect.ok(office.owner.post(f"{REQUESTS}/{request_id}/cancel"))
    job = office.job(answer["job_id"])
    assert (job["status"], job["is_terminal"]) == ("cancelled", True)
    expect.error(office.owner.post(f"{REQUESTS}/{request_id}/cancel"), 409, "already processed")
    expect.error(approve(office.lead, request_id), 409)
    assert len(office.audited("job.cancelled", answer["job_id"])) == 1


def test_cancelling_the_job_ends_its_request_without_a_call(office):
    office.rule()
    answer = office.blocked()
    before = len(office.sim.requests_to("GET", "/v1/predictions"))
    cancelled = expect.ok(office.owner.post(f"{JOBS}/{answer['job_id']}/cancel"))
    assert cancelled["status"] == "cancelled"
    assert len(office.sim.requests_to("GET", "/v1/predictions")) == before
    request = expect.ok(office.admin.get(f"{REQUESTS}/{answer['approval_request']['id']}"))
    assert request["status"] == "cancelled"
    expect.ok(office.owner.delete(f"{JOBS}/{answer['job_id']}"))
    expect.error(office.admin.get(f"{REQUESTS}/{request['id']}"), 404)


def test_what_is_too_old_cannot_be_approved_and_expires(office):
    office.rule()
    late, fresh = office.blocked(), office.blocked()
    office.let_expire(late["approval_request"]["id"])
    expect.error(approve(office.lead, late["approval_request"]["id"]), 409, "time is up")
    assert expect.ok(office.lead.post("/api/approvals/expire")) == {"expired": 1}
    job = office.job(late["job_id"])
    assert (job["status"], job["error_message"]) == ("failed", "Approval expired")
    assert office.job(fresh["job_id"])["status"] == "blocked"
    request = expect.ok(office.admin.get(f"{REQUESTS}/{late['approval_request']['id']}"))
    assert request["status"] == "expired"
    assert len(office.audited("job.approval_expired", late["job_id"])) == 1
    assert expect.ok(office.lead.post("/api/approvals/expire")) == {"expired": 0}


def test_the_companion_expires_requests_too(office):
    office.rule()
    answer = office.blocked()
    office.let_expire(answer["approval_request"]["id"])
    done = office.stack.companion("cron", "--task", "expire_approvals")
    assert done.returncode == 0, done.stderr
    assert office.job(answer["job_id"])["status"] == "failed"


def test_a_blocked_job_is_not_deleted(office):
    office.rule()
    answer = office.blocked()
    expect.error(office.owner.delete(f"{JOBS}/{answer['job_id']}"), 409, "blocked")


def test_an_approved_job_waits_for_a_provider_that_is_away(office):
    office.rule()
    answer = office.blocked()
    age_us = 20 * 3600 * 1_000_000
    office.stack.change("UPDATE jobs SET created_at_us = created_at_us - %s WHERE job_id = %s",
                        age_us, answer["job_id"])
    breaker(office, "open")
    expect.ok(approve(office.lead, answer["approval_request"]["id"]))
    until(lambda: office.stack.query(
        "SELECT 1 FROM submissions WHERE job_id = %s AND claimed_until_us > 0", answer["job_id"]),
        20, "nobody has tried")
    assert office.job(answer["job_id"])["status"] == "uploading"
    assert office.called(answer["job_id"]) == 0
    breaker(office, "closed")
    office.stack.change("UPDATE submissions SET run_at_us = 1, claimed_until_us = 0 "
                        "WHERE job_id = %s", answer["job_id"])
    office.wait_submitted(answer["job_id"])
    assert office.called(answer["job_id"]) == 1


# many at once

def test_many_are_decided_each_for_itself(office):
    office.rule()
    answers = [office.blocked() for _ in range(3)]
    own = office.blocked(office.lead)
    ids = [answer["approval_request"]["id"] for answer in answers]
    expect.ok(reject(office.lead, ids[0]))
    body = {"request_ids": [*ids, own["approval_request"]["id"], 999999999], "notes": "all"}
    done = expect.ok(office.lead.post(f"{REQUESTS}/bulk-approve", json=body))
    assert (done["total"], done["succeeded"], done["failed"]) == (5, 2, 3)
    assert [result["success"] for result in done["results"]] == [False, True, True, False, False]
    assert all(result["error"] for result in done["results"] if not result["success"])
    for answer in answers[1:]:
        office.wait_submitted(answer["job_id"])
        assert len(office.audited("job.approved", answer["job_id"])) == 1


def test_many_are_rejected_with_one_reason(office):
    office.rule()
    answers = [office.blocked() for _ in range(2)]
    ids = [answer["approval_request"]["id"] for answer in answers]
    expect.error(office.lead.post(f"{REQUESTS}/bulk-reject", json={"request_ids": ids}), 400,
                 "reason is required")
    done = expect.ok(office.lead.post(f"{REQUESTS}/bulk-reject",
                                      json={"request_ids": ids, "reason": "no money"}))
    assert done["succeeded"] == 2
    assert {office.job(answer["job_id"])["error_message"] for answer in answers} == {
        "Rejected: no money"}


@pytest.mark.parametrize("ids", [[], ["1"], [0], [1.5], list(range(1, 102)), None, 7])
def test_a_bulk_decision_names_1_to_100_requests(office, ids):
    answer = office.lead.post(f"{REQUESTS}/bulk-approve", json={"request_ids": ids})
    expect.error(answer, 400, "request_ids")


# around it

def test_a_dry_run_says_that_approval_is_needed_and_writes_nothing(office):
    office.rule()
    answer = expect.ok(office.submit(dry_run=True))
    assert answer["requires_approval"] is True
    assert answer["approval_reason"].startswith("Config 'portrait'")
    assert office.requests("?pending_only=true") == []


def test_the_same_request_again_is_the_same_blocked_job(office):
    office.rule()
    first = office.blocked(idempotency_key="once-approved")
    again = office.blocked(idempotency_key="once-approved")
    assert again["idempotent_hit"] and again["job_id"] == first["job_id"]
    assert again["approval_request"] == first["approval_request"]
    assert len(office.requests("?pending_only=true")) == 1


def test_requests_are_filtered_and_counted(office):
    office.rule()
    first, second = office.blocked(), office.blocked()
    expect.ok(reject(office.lead, first["approval_request"]["id"]))
    page = expect.ok(office.admin.get(f"{REQUESTS}?status=pending"))
    assert [request["job_id"] for request in page["requests"]] == [second["job_id"]]
    assert page["pending_count"] == 1
    assert expect.ok(office.lead.get(f"{REQUESTS}/pending/count")) == {"pending_count": 1}
    assert office.requests("?status=rejected&limit=1")[0]["job_id"] == first["job_id"]
    expect.error(office.admin.get(f"{REQUESTS}?status=maybe"), 400, "Invalid status: maybe")
    expect.error(office.admin.get(f"{REQUESTS}?limit=201"), 400, "limit")
    expect.error(office.admin.get(f"{REQUESTS}/999999999"), 404)
    expect.error(office.admin.get(f"{REQUESTS}/x"), 404)


def test_an_approved_job_survives_a_responder_that_dies(office):
    office.rule()
    answer = office.blocked()
    office.sim.fault("slow", "GET", "/v1/models", count=1, seconds=1)
    expect.ok(approve(office.lead, answer["approval_request"]["id"]))
    office.stack.kill_responder()
    until(lambda: office.job(answer["job_id"])["status"] not in ("blocked", "uploading") or
          office.called(answer["job_id"]), 60, "nobody goes on with the approved job")
    assert office.called(answer["job_id"]) <= 1
    office.wait_submitted(answer["job_id"])
    assert office.called(answer["job_id"]) == 1


def test_jobs_that_are_retried_meet_the_rules_again(office):
    done = office.submit()
    job_id = expect.ok(done)["job_id"]
    expect.ok(office.owner.post(f"{JOBS}/{job_id}/cancel"))
    office.rule()
    answer = office.owner.post(f"{JOBS}/{job_id}/retry")
    assert answer.status_code == 202 and answer.json()["retry_of"] == job_id
    assert SUBMIT.startswith(JOBS)
