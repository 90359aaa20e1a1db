"""Tokens of users' own: kept sealed, and really used for every call about their jobs."""

import datetime
import json

import pytest

import expect
import sim_webhooks
from stack import PROVIDER
from waiting import until

MINE = "/api/users/me/credentials"
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


@pytest.fixture
def cloud(stack):
    """No token of one's own, no job under way, before and after."""
    stack.reset()
    end_jobs(stack)
    stack.delete(f"{MINE}/replicate/api_token")
    yield stack
    end_jobs(stack)
    stack.delete(f"{MINE}/replicate/api_token")


def end_jobs(cloud):
    for job in expect.ok(cloud.get("/api/cloud/jobs?limit=500"))["jobs"]:
        if job["is_active"]:
            cloud.post(f"/api/cloud/jobs/{job['job_id']}/cancel")
    for delivery in list(cloud.sim.deliveries):
        assert delivery.done.wait(30), "a webhook is still on its way"


@pytest.fixture
def own(cloud):
    """The token of an account of one's own, saved."""
    token = cloud.sim.add_account()
    save(cloud, token)
    return token


def save(cloud, token, **more):
    body = {"provider": "replicate", "credential_name": "api_token", "value": token} | more
    answer = cloud.post(MINE, json=body)
    assert answer.status_code == 201, answer.text
    assert token not in answer.text
    return answer.json()


def mine(cloud):
    return expect.ok(cloud.get(MINE))["credentials"]


def used_since(cloud, count):
    """Which tokens the provider has seen after its first count requests."""
    return {record["authorization"].removeprefix("Bearer ")
            for record in list(cloud.sim.requests)[count:] if record["authorization"]}


# keeping

def test_a_token_is_listed_without_its_value(cloud):
    token = cloud.sim.add_account()
    save(cloud, f"  {token}\n", description="the team's")
    answer = cloud.get(MINE)
    assert token not in answer.text
    [row] = expect.ok(answer)["credentials"]
    assert row["created_at"].endswith("Z")
    assert row == {"provider": "replicate", "credential_name": "api_token",
                   "description": "the team's", "created_at": row["created_at"],
                   "last_used_at": None}


def test_a_token_is_sealed_at_rest(cloud, own):
    assert own not in cloud.database_text()
    [(value,)] = cloud.query("SELECT value FROM user_credentials WHERE provider = 'replicate'")
    assert value.startswith("v1.")


def test_a_second_token_replaces_the_first(cloud, own):
    other = cloud.sim.add_account()
    save(cloud, other)
    assert len(mine(cloud)) == 1
    before = len(cloud.sim.requests)
    expect.ok(cloud.get(f"{PROVIDER}/validate"))
    assert used_since(cloud, before) == {other}


def test_a_token_is_removed_once(cloud, own):
    assert expect.ok(cloud.delete(f"{MINE}/replicate/api_token")) == {"success": True}
    assert mine(cloud) == []
    expect.error(cloud.delete(f"{MINE}/replicate/api_token"), 404)


@pytest.mark.parametrize("body, field", [
    ({"provider": "nobody", "value": "r8_x"}, "provider"),
    ({"provider": "replicate", "value": "x"}, "value"),
    ({"provider": "replicate", "value": ""}, "value"),
    ({"provider": "replicate", "value": "r8_a b"}, "value"),
    ({"provider": "replicate", "value": "r8_\x01"}, "value"),
    ({"provider": "replicate", "value": "r8_" + "x" * 600}, "value"),
    ({"provider": "replicate", "value": 7}, "value"),
    ({"provider": "replicate"}, "value"), ({"value": "r8_x"}, "provider"),
    ({"provider": "replicate", "value": "r8_x", "credential_name": "other"}, "credential_name"),
    ({"provider": "replicate", "value": "r8_x", "description": "x" * 201}, "description"),
    ({"provider": "replicate", "value": "r8_x", "owner": "root"}, "owner")])
def test_a_bad_credential_is_refused_and_named(cloud, body, field):
    expect.error(cloud.post(MINE, json=body), 400, field)
    assert mine(cloud) == []


def test_strangers_have_no_credentials(cloud, own):
    expect.error(cloud.get(MINE, headers=STRANGER), 401)
    expect.error(cloud.post(MINE, json={}, headers=STRANGER), 401)


def test_saving_and_removing_are_audited_without_the_value(cloud, own):
    cloud.delete(f"{MINE}/replicate/api_token")
    rows = cloud.query("SELECT event_type, actor, target_id, details FROM audit_log "
                       "WHERE target_type = %s ORDER BY audit_id DESC LIMIT 2", "credential")
    assert [row[:3] for row in rows] == [("credential.deleted", "local", "replicate"),
                                         ("credential.created", "local", "replicate")]
    assert json.loads(rows[0][3]) == {"owner": "local", "provider": "replicate",
                                   "credential_name": "api_token"}


# using

def test_validate_says_whose_token_it_was(cloud):
    body = expect.ok(cloud.get(f"{PROVIDER}/validate"))
    assert body["token_source"] == "global" == body["user_info"]["token_source"]
    save(cloud, cloud.sim.add_account())
    for answer in (cloud.get(f"{PROVIDER}/validate"),
                   cloud.post(f"{MINE}/validate", json={"provider": "replicate"})):
        body = expect.ok(answer)
        assert body["valid"] is True and body["token_source"] == "user"


def test_a_token_that_is_not_taken_is_told(cloud):
    save(cloud, "r8_unknown")
    body = expect.ok(cloud.post(f"{MINE}/validate", json={}))
    assert body["valid"] is False and "401" in body["error"] and body["token_source"] == "user"
    expect.error(cloud.post(f"{MINE}/validate", json={"credential_name": "x"}), 400,
                 "credential_name")


def test_every_call_about_a_job_is_made_with_its_owners_token(cloud, own):
    before = len(cloud.sim.requests)
    job = cloud.new_job()
    assert cloud.sim.store.account_of(job.prediction_id) == own
    done = cloud.companion("poll")
    assert done.returncode == 0, done.stderr
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    assert cloud.sim.requests_to("POST", f"/v1/predictions/{job.prediction_id}/cancel")
    assert used_since(cloud, before) == {own}


def test_without_one_of_ones_own_the_global_token_serves(cloud, own):
    cloud.delete(f"{MINE}/replicate/api_token")
    before = len(cloud.sim.requests)
    cloud.new_job()
    assert used_since(cloud, before) == {cloud.sim.token}


def test_its_use_is_written_down_once_a_minute(cloud, own):
    cloud.new_job()
    first = mine(cloud)[0]["last_used_at"]
    stamp = datetime.datetime.fromisoformat(first.removesuffix("Z"))
    assert abs((datetime.datetime.utcnow() - stamp).total_seconds()) < 60
    expect.ok(cloud.get(f"{PROVIDER}/validate"))
    assert mine(cloud)[0]["last_used_at"] == first


def test_a_first_token_waits_for_the_jobs_under_the_global_one(cloud):
    job = cloud.new_job()
    body = {"provider": "replicate", "value": cloud.sim.add_account()}
    expect.error(cloud.post(MINE, json=body), 409, "active")
    cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel")
    assert cloud.post(MINE, json=body).status_code == 201


def test_what_is_said_of_a_token_may_change_while_jobs_run(cloud, own):
    cloud.new_job()
    save(cloud, f" {own}\n", description="renewed")
    assert mine(cloud)[0]["description"] == "renewed"


def test_a_token_stays_while_jobs_run_under_it(cloud, own):
    """Another account, or the global one, does not know these jobs."""
    job = cloud.new_job()
    other = {"provider": "replicate", "value": cloud.sim.add_account()}
    expect.error(cloud.delete(f"{MINE}/replicate/api_token"), 409, "1 job")
    expect.error(cloud.post(MINE, json=other), 409, "1 job")
    before = len(cloud.sim.requests)
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    assert used_since(cloud, before) == {own}
    assert cloud.post(MINE, json=other).status_code == 201
    assert expect.ok(cloud.delete(f"{MINE}/replicate/api_token")) == {"success": True}


def test_no_token_is_no_token_while_jobs_run(cloud):
    cloud.new_job()
    expect.error(cloud.delete(f"{MINE}/replicate/api_token"), 404)


# webhooks of one's own account

def test_webhooks_signed_by_ones_own_account_move_the_job(cloud, own):
    job = cloud.new_job()
    delivery = cloud.sim.advance(job.prediction_id, "processing")
    assert delivery.status == 200, delivery.attempts
    assert until(lambda: cloud.status(job.job_id) == "running", 10, "the webhook moved nothing")


def test_a_secret_that_is_set_for_the_global_account_does_not_shut_others_out(new_stack):
    secret = sim_webhooks.new_secret()
    cloud = new_stack(env={"REPLICATE_WEBHOOK_SECRET": secret})
    own = cloud.sim.add_account()
    save(cloud, own)
    job = cloud.new_job()
    assert cloud.sim.advance(job.prediction_id, "processing").status == 200


def test_the_webhook_can_be_tested_by_whoever_has_an_own_token(cloud, own):
    body = expect.ok(cloud.post(f"{PROVIDER}/test-webhook", data=""))
    assert body["success"] is True, body


def test_ones_own_account_tells_of_no_other_job(cloud):
    """The secret of an own account is known to its owner; it must not open the jobs of others."""
    foreign = cloud.new_job()
    cloud.change("UPDATE jobs SET owner = 'somebody' WHERE job_id = %s", foreign.job_id)
    cloud.change("UPDATE job_counts SET owner = 'somebody' WHERE owner = 'local'")
    token = cloud.sim.add_account()
    save(cloud, token)
    mine = cloud.new_job()
    secret = cloud.sim.secret_of(token)
    forged = cloud.sim.store.get(foreign.prediction_id) | {"status": "failed", "error": "forged"}
    answer = cloud.webhook(forged, f"?job_id={mine.job_id}", secret=secret)
    expect.error(answer, 403)
    answer = cloud.webhook(forged, f"?job_id={foreign.job_id}", secret=secret)
    expect.error(answer, 401)
    assert cloud.status(foreign.job_id) == "queued"
