"""kill -9 around a decision: request and job are of one mind, and an approved job is submitted once."""

import pytest

import expect
import faults
import local_data
from waiting import until

RULES, REQUESTS = "/api/approvals/rules", "/api/approvals/requests"
POINTS = ("approval.decided",)


@pytest.fixture
def ruled(cloud):
    """Jobs of the pattern wait-* need approval."""
    rule = expect.ok(cloud.post(RULES, json={"name": "waiting", "condition": "config_pattern",
                                             "threshold": "wait-*"}))
    yield cloud
    expect.ok(cloud.delete(f"{RULES}/{rule['id']}"))


def name_for(cloud, point):
    return f"wait-{point}-{bool(cloud.database_url)}"


def request_of(cloud, job_id):
    return expect.ok(cloud.get(f"{REQUESTS}/job/{job_id}"))


def test_a_job_that_waits_is_there_with_its_request(ruled):
    name = name_for(ruled, "submit.stored")
    with faults.armed(ruled, "submit.stored"):
        ruled.submit(config_name=name)
    [job] = faults.named(ruled, name)
    assert job["status"] == "blocked"
    assert request_of(ruled, job["job_id"])["id"] == job["approval_id"]
    assert ruled.sim.find_job(job["job_id"]) == []


@pytest.mark.parametrize("point", [*POINTS, "data.claimed", "submit.called", "submit.recorded",
                                   "data.submitted"])
def test_an_approved_job_is_submitted_once(ruled, point):
    answer = ruled.submit(config_name=name_for(ruled, point)).json()
    job_id = answer["job_id"]
    with faults.armed(ruled, point):
        ruled.post(f"{REQUESTS}/{answer['approval_request']['id']}/approve", json={})
    local_data.let_claims_run_out(ruled)
    assert request_of(ruled, job_id)["status"] == "approved"
    until(lambda: ruled.job(job_id)["external_id"], 60, "nobody goes on with the approved job")
    [prediction] = ruled.sim.find_job(job_id)
    assert ruled.job(job_id)["external_id"] == prediction["id"]


def test_a_rejected_job_has_failed_whatever_happens_then(ruled):
    answer = ruled.submit(config_name=name_for(ruled, "rejected")).json()
    with faults.armed(ruled, "approval.decided"):
        ruled.post(f"{REQUESTS}/{answer['approval_request']['id']}/reject", json={"reason": "no"})
    job = ruled.job(answer["job_id"])
    assert (job["status"], job["error_message"]) == ("failed", "Rejected: no")
    assert request_of(ruled, answer["job_id"])["status"] == "rejected"
