"""Quotas: what is set, what it comes to for somebody, and what a submission meets."""

import concurrent.futures
import itertools
import time

import pytest

import expect
from office import CONFIG, JOBS, QUOTAS, RULES, SUBMIT, office, open_office  # noqa: F401

TYPES = ["cost_monthly", "cost_daily", "concurrent_jobs", "jobs_per_day", "jobs_per_hour",
         "local_gpus"]
NUMBERS = itertools.count(700_000)
HOUR_US = 3600 * 1_000_000


def level_id(office, name):
    return office.stack.query("SELECT level_id FROM levels WHERE name = %s", name)[0][0]


def new_org(office, *members):
    org_id = next(NUMBERS)
    office.stack.change("INSERT INTO orgs (org_id, name, created_at_us) VALUES (%s, %s, 0)", org_id,
                        f"org {org_id}")
    for person in members:
        office.stack.change("UPDATE users SET org_id = %s WHERE user_id = %s", org_id,
                            person.user_id)
    return org_id


def new_team(office, org_id, *members):
    team_id = next(NUMBERS)
    office.stack.change("INSERT INTO teams (team_id, org_id, name, created_at_us) "
                        "VALUES (%s, %s, %s, 0)", team_id, org_id, f"team {team_id}")
    for person in members:
        office.stack.change("INSERT INTO team_members (team_id, user_id) VALUES (%s, %s)", team_id,
                            person.user_id)
    return team_id


def statuses(person):
    answer = expect.ok(person.get(f"{QUOTAS}/me"))
    return {status["quota_type"]: status for status in answer["statuses"]}


def refused(answer, quota_type):
    body = expect.error(answer, 403, "Quota exceeded: ", code="quota_exceeded")
    assert body["details"]["quota_type"] == quota_type
    return body


# what is set

def test_a_quota_is_set_read_changed_and_removed(office):
    quota = office.quota("cost_daily", 12.5, user_id=office.owner.user_id)
    assert (quota["limit_value"], quota["action"], quota["scope"], quota["is_global"]) == (
        12.5, "block", "user", False)
    assert quota["user_id"] == office.owner.user_id and quota["level_id"] is None
    path = f"{QUOTAS}/{quota['id']}"
    assert expect.ok(office.admin.get(path)) == quota
    again = office.quota("cost_daily", 20, "warn", user_id=office.owner.user_id)
    assert (again["id"], again["limit_value"], again["action"]) == (quota["id"], 20, "warn")
    assert expect.ok(office.admin.get(path))["limit_value"] == 20
    assert expect.ok(office.admin.delete(path)) == {"success": True, "quota_id": quota["id"]}
    expect.error(office.admin.get(path), 404, f"Quota not found: {quota['id']}")
    expect.error(office.admin.delete(path), 404)
    rows = office.audited("quota.changed", quota["id"])
    assert [row["action"] for row in rows] == ["Quota removed", "Quota changed", "Quota set"]
    assert rows[1]["details"]["before"] == {"limit_value": 12.5, "action": "block"}


def test_the_list_shows_every_scope(office):
    org_id = new_org(office)
    team_id = new_team(office, org_id)
    office.quota("jobs_per_day", 5)
    office.quota("jobs_per_day", 6, level_id=level_id(office, "lead"))
    office.quota("jobs_per_day", 7, team_id=team_id)
    office.quota("jobs_per_day", 8, org_id=org_id)
    office.quota("jobs_per_day", 9, user_id=office.owner.user_id)
    listed = expect.ok(office.lead.get(QUOTAS))["quotas"]
    assert {quota["scope"]: quota["limit_value"] for quota in listed} == {
        "global": 5, "level": 6, "team": 7, "org": 8, "user": 9}
    assert {(quota["team_id"], quota["org_id"]) for quota in listed} == {
        (None, None), (team_id, None), (None, org_id)}


def test_of_many_who_set_the_same_quota_at_once_one_row_comes(office):
    body = {"quota_type": "jobs_per_hour", "limit_value": 3}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: office.admin.post(QUOTAS, json=body), range(8)))
    assert len({expect.ok(answer)["id"] for answer in answers}) == 1
    assert len(expect.ok(office.admin.get(QUOTAS))["quotas"]) == 1


@pytest.mark.parametrize("fields, status, mention", [
    ({"quota_type": "moon"}, 400, "Invalid quota_type: moon. Valid types: [cost_monthly,"),
    ({"action": "explode"}, 400, "Invalid action: explode. Valid actions: [warn,"),
    ({"limit_value": 0}, 400, "limit_value"), ({"limit_value": -1}, 400, "limit_value"),
    ({"limit_value": 1e300}, 400, "limit_value"), ({"limit_value": "5"}, 400, "limit_value"),
    ({"limit_value": 1.5}, 400, "whole number"), ({"limit_value": None}, 400, "limit_value"),
    ({"user_id": 999999}, 404, "User not found: 999999"),
    ({"level_id": 999999}, 404, "Level not found: 999999"),
    ({"team_id": 999999}, 404, "Team not found: 999999"),
    ({"org_id": 999999}, 404, "Organization not found: 999999"),
    ({"user_id": 1, "org_id": 1}, 400, "at most one of user_id, level_id, team_id and org_id"),
    ({"user_id": "1"}, 400, "user_id"), ({"user_id": 0}, 400, "user_id"),
    ({"user_id": "1 OR 1=1"}, 400, "user_id"), ({"colour": 1}, 400, "colour")])
def test_a_wrong_quota_is_refused_and_the_field_named(office, fields, status, mention):
    body = {"quota_type": "jobs_per_day", "limit_value": 5} | fields
    expect.error(office.admin.post(QUOTAS, json=body), status, mention)
    assert expect.ok(office.admin.get(QUOTAS))["quotas"] == []


def test_the_types_and_ones_own_are_reachable(office):
    types = expect.ok(office.lead.get(f"{QUOTAS}/types"))
    assert [row["value"] for row in types["quota_types"]] == TYPES
    assert types["actions"] == ["block", "require_approval", "warn"]
    mine = expect.ok(office.owner.get(f"{QUOTAS}/me"))
    assert mine == {"user_id": office.owner.user_id, "statuses": [], "can_submit": True,
                    "blocking_reasons": []}
    expect.error(office.owner.get(QUOTAS), 403)
    expect.error(office.lead.post(QUOTAS, json={}), 403)
    expect.error(office.stranger.get(f"{QUOTAS}/me"), 401)
    expect.error(office.admin.get(f"{QUOTAS}/user/999999"), 404, "User not found: 999999")
    expect.error(office.admin.get(f"{QUOTAS}/x"), 404)


# what it comes to

def test_the_nearest_quota_counts_and_the_highest_level(office):
    person = office.person("researcher")
    person.join("lead")
    assert statuses(person) == {}
    office.quota("jobs_per_day", 5)
    office.quota("jobs_per_day", 6, level_id=level_id(office, "researcher"))
    office.quota("jobs_per_day", 7, level_id=level_id(office, "lead"))
    assert (statuses(person)["jobs_per_day"]["limit"],
            statuses(person)["jobs_per_day"]["source"]) == (7, "level")
    assert statuses(office.owner)["jobs_per_day"]["limit"] == 6
    office.quota("jobs_per_day", 2, user_id=person.user_id)
    assert (statuses(person)["jobs_per_day"]["limit"],
            statuses(person)["jobs_per_day"]["source"]) == (2, "user")


def test_teams_and_the_organisation_are_ceilings(office):
    person = office.person()
    org_id = new_org(office, person)
    office.quota("jobs_per_day", 9, "warn", user_id=person.user_id)
    office.quota("jobs_per_day", 5, org_id=org_id)
    status = statuses(person)["jobs_per_day"]
    assert (status["limit"], status["source"], status["action"]) == (5, "org", "warn")
    for limit in (7, 3):
        office.quota("jobs_per_day", limit, team_id=new_team(office, org_id, person))
    status = statuses(person)["jobs_per_day"]
    assert (status["limit"], status["source"]) == (3, "team")
    office.quota("jobs_per_hour", 4, org_id=org_id)
    status = statuses(person)["jobs_per_hour"]
    assert (status["limit"], status["source"], status["action"]) == (4, "org", "block")


def test_the_status_says_what_is_used_and_what_stops(office):
    person = office.person()
    office.quota("jobs_per_day", 5, user_id=person.user_id)
    office.quota("concurrent_jobs", 4, user_id=person.user_id)
    office.quota("local_gpus", 1, user_id=person.user_id)
    for _ in range(4):
        expect.ok(office.submit(person))
    answer = expect.ok(office.lead.get(f"{QUOTAS}/user/{person.user_id}"))
    assert answer["user_id"] == person.user_id and answer["can_submit"] is False
    assert answer["blocking_reasons"] == ["concurrent_jobs quota exceeded: 4 / 4"]
    by_type = {status["quota_type"]: status for status in answer["statuses"]}
    day = by_type["jobs_per_day"]
    assert (day["current"], day["percent_used"], day["is_warning"], day["is_exceeded"]) == (
        4, 80, True, False)
    assert day["message"] == "Approaching jobs_per_day limit: 4 / 5"
    assert by_type["concurrent_jobs"]["is_exceeded"]
    assert (by_type["local_gpus"]["current"], by_type["local_gpus"]["message"]) == (0, None)


def test_a_cost_is_weighed_before_it_is_spent(office):
    person = office.person()
    office.quota("cost_daily", 10, user_id=person.user_id)
    office.quota("cost_monthly", 100, "warn", user_id=person.user_id)
    answer = expect.ok(person.post(f"{QUOTAS}/cost-estimate?estimated_cost=20"))
    assert answer["estimated_cost"] == 20 and answer["would_exceed"] is True
    by_type = {impact["quota_type"]: impact for impact in answer["impacts"]}
    assert by_type["cost_daily"] == {
        "quota_type": "cost_daily", "current": 0, "after": 20, "limit": 10, "percent_before": 0,
        "percent_after": 200, "would_exceed": True, "action": "block"}
    assert by_type["cost_monthly"]["would_exceed"] is False
    for text in ("", "x", "-1", "nan", "inf", "1e99"):
        answer = person.post(f"{QUOTAS}/cost-estimate?estimated_cost={text}")
        expect.error(answer, 400, "estimated_cost")


# what a submission meets

def test_one_job_too_many_is_refused_and_nothing_happens(office):
    person = office.person()
    office.quota("concurrent_jobs", 1, user_id=person.user_id)
    first = expect.ok(office.submit(person))["job_id"]
    called = len(office.sim.requests_to("POST", "/v1/predictions"))
    body = refused(office.submit(person, idempotency_key="again"), "concurrent_jobs")
    assert body["detail"] == "Quota exceeded: concurrent_jobs quota exceeded: 1 / 1"
    assert body["details"] == {"quota_type": "concurrent_jobs", "limit": 1, "current": 1, "job": 1,
                               "action": "block", "source": "user"}
    assert len(office.sim.requests_to("POST", "/v1/predictions")) == called
    assert expect.ok(person.get(JOBS))["total"] == 1
    expect.ok(person.post(f"{JOBS}/{first}/cancel"))
    expect.ok(office.submit(person, idempotency_key="again"))


def test_a_job_that_waits_for_approval_is_one_of_the_active(office):
    person = office.person()
    office.quota("concurrent_jobs", 1, user_id=person.user_id)
    office.rule()
    office.blocked(person)
    refused(office.submit(person), "concurrent_jobs")


@pytest.mark.parametrize("quota_type, hours", [("jobs_per_hour", 1), ("jobs_per_day", 24)])
def test_jobs_of_a_time_count_also_when_they_are_deleted(office, quota_type, hours):
    person = office.person()
    office.quota(quota_type, 2, user_id=person.user_id)
    for _ in range(2):
        job_id = expect.ok(office.submit(person))["job_id"]
        expect.ok(person.post(f"{JOBS}/{job_id}/cancel"))
        office.stack.change("UPDATE jobs SET poll_at_us = NULL WHERE job_id = %s", job_id)
        expect.ok(person.delete(f"{JOBS}/{job_id}"))
    refused(office.submit(person), quota_type)
    office.stack.change("UPDATE job_ledger SET created_at_us = created_at_us - %s WHERE owner = %s",
                        hours * HOUR_US, person.name)
    expect.ok(office.submit(person))


def test_the_companion_forgets_old_submissions(office):
    job_id = expect.ok(office.submit())["job_id"]
    office.stack.change("UPDATE job_ledger SET created_at_us = created_at_us - %s "
                        "WHERE job_id = %s", 49 * HOUR_US, job_id)
    assert office.stack.companion("cron", "--task", "prune_ledger").returncode == 0
    assert office.stack.query("SELECT 1 FROM job_ledger WHERE job_id = %s", job_id) == []


def test_what_runs_counts_with_what_it_will_cost(office):
    person = office.person()
    estimate = expect.ok(office.submit(person))["estimated_cost_usd"]
    assert estimate > 0
    office.quota("cost_daily", round(estimate * 1.5, 6), user_id=person.user_id)
    body = refused(office.submit(person), "cost_daily")
    assert body["detail"].startswith("Quota exceeded: Job would exceed cost_daily limit: $")
    assert body["details"]["current"] == pytest.approx(estimate)
    assert body["details"]["job"] == pytest.approx(estimate)
    office.quota("cost_daily", round(estimate * 2.5, 6), user_id=person.user_id)
    answer = expect.ok(office.submit(person))
    assert answer["quota_warnings"][0].startswith("Approaching cost_daily limit: $")


def test_what_was_spent_counts_for_its_time_at_every_provider(office):
    person = office.person()
    now = int(time.time())
    for provider, hours_ago, usd in (("replicate", 2, 3), ("http", 2, 4), ("http", 48, 5)):
        office.stack.change(
            "INSERT INTO job_hours (provider, hour, owner, hardware_profile, cost_usd_micros) "
            "VALUES (%s, %s, %s, 'x', %s)", provider, now // 3600 - hours_ago, person.name,
            usd * 1_000_000)
    office.quota("cost_daily", 100, user_id=person.user_id)
    office.quota("cost_monthly", 100, user_id=person.user_id)
    assert statuses(person)["cost_daily"]["current"] == 7
    assert statuses(person)["cost_monthly"]["current"] == 12


def test_a_warning_lets_the_job_through_and_says_so(office):
    person = office.person()
    office.quota("jobs_per_day", 1, "warn", user_id=person.user_id)
    expect.ok(office.submit(person))
    answer = expect.ok(office.submit(person))
    assert answer["quota_warnings"] == ["jobs_per_day quota exceeded: 1 / 1"]


def test_a_quota_that_wants_approval_gets_it(office):
    person = office.person()
    office.quota("jobs_per_day", 1, "require_approval", user_id=person.user_id)
    expect.ok(office.submit(person))
    answer = office.blocked(person)
    request = answer["approval_request"]
    assert request["reason"] == "jobs_per_day quota exceeded: 1 / 1"
    assert request["required_approver_level"] == "lead"
    assert office.called(answer["job_id"]) == 0
    expect.ok(office.lead.post(f"/api/approvals/requests/{request['id']}/approve"))
    office.wait_submitted(answer["job_id"])
    assert office.called(answer["job_id"]) == 1


def test_a_refusal_comes_before_an_approval(office):
    person = office.person()
    office.quota("jobs_per_day", 1, "require_approval", user_id=person.user_id)
    office.quota("concurrent_jobs", 1, user_id=person.user_id)
    office.rule()
    office.blocked(person)
    refused(office.submit(person), "concurrent_jobs")


def test_who_may_pass_quotas_passes(office):
    person = office.person(granted="job.bypass.quota")
    office.quota("jobs_per_day", 1)
    for _ in range(2):
        assert expect.ok(office.submit(person))["quota_warnings"] == []
    expect.ok(office.submit(office.admin))


def test_a_dry_run_says_what_would_happen_and_counts_nothing(office):
    person = office.person()
    office.quota("jobs_per_day", 1, user_id=person.user_id)
    for _ in range(2):
        assert expect.ok(office.submit(person, dry_run=True))["quota_exceeded"] is None
    expect.ok(office.submit(person))
    answer = expect.ok(office.submit(person, dry_run=True))
    assert answer["quota_exceeded"] == "jobs_per_day quota exceeded: 1 / 1"
    assert office.audited("quota.exceeded", person.name) == []


def test_exceeding_is_written_down_once_a_minute(office):
    person = office.person()
    office.quota("jobs_per_day", 1, user_id=person.user_id)
    expect.ok(office.submit(person))
    for _ in range(5):
        refused(office.submit(person), "jobs_per_day")
    [row] = office.audited("quota.exceeded", person.name)
    assert row["details"]["quota_type"] == "jobs_per_day" and row["actor"] == person.name
    office.stack.change("UPDATE quota_excesses SET noted_at_us = noted_at_us - 60000001")
    refused(office.submit(person), "jobs_per_day")
    assert len(office.audited("quota.exceeded", person.name)) == 2


@pytest.mark.parametrize("quota_type", ["concurrent_jobs", "jobs_per_hour"])
def test_a_hundred_submissions_at_once_never_pass_the_limit(office, quota_type):
    person = office.person()
    office.quota(quota_type, 7, user_id=person.user_id)
    called = len(office.sim.requests_to("POST", "/v1/predictions"))
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(
            lambda _: person.post(SUBMIT, json={"config": CONFIG}, timeout=120), range(100)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [403] * 93
    assert len(office.sim.requests_to("POST", "/v1/predictions")) == called + 7
    assert expect.ok(person.get(JOBS))["total"] == 7


def test_the_first_who_is_there_keeps_to_what_is_for_all(new_stack):
    stack = new_stack()
    expect.ok(stack.post(QUOTAS, json={"quota_type": "jobs_per_day", "limit_value": 1}))
    expect.ok(stack.submit())
    refused(stack.submit(), "jobs_per_day")
    assert expect.ok(stack.get(f"{QUOTAS}/me"))["user_id"] is None
    rule = {"name": "all", "condition": "config_pattern", "threshold": "*"}
    expect.ok(stack.post(RULES, json=rule))


# organisations and teams

def test_an_organisation_and_a_team_set_ceilings_of_their_own(office):
    chief = office.person("lead", granted="org.manage.quotas")
    org_id = new_org(office, chief)
    team_id = new_team(office, org_id, chief)
    for path, scope in ((f"/api/orgs/{org_id}/quotas", "org"),
                        (f"/api/orgs/{org_id}/teams/{team_id}/quotas", "team")):
        quota = expect.ok(chief.post(path, json={"quota_type": "jobs_per_day", "limit_value": 3}))
        assert quota["scope"] == scope
        assert expect.ok(chief.get(path))["quotas"] == [quota]
        expect.error(chief.post(path, json={"quota_type": "jobs_per_day", "limit_value": 3,
                                            "user_id": 1}), 400, "user_id")
        expect.error(chief.delete(f"{path}/999999"), 404)
        expect.ok(chief.delete(f"{path}/{quota['id']}"))
        assert len(office.audited("quota.changed", quota["id"])) == 2


def test_a_stranger_to_a_group_does_not_learn_of_it(office):
    chief = office.person("lead", granted="org.manage.quotas")
    org_id, other_id = new_org(office), new_org(office, chief)
    team_id = new_team(office, org_id)
    body = {"quota_type": "jobs_per_day", "limit_value": 3}
    for path in (f"/api/orgs/{org_id}/quotas", f"/api/orgs/{org_id}/teams/{team_id}/quotas"):
        expect.error(chief.get(path), 404)
        expect.error(chief.post(path, json=body), 404)
        expect.ok(office.admin.post(path, json=body))
        expect.error(office.owner.get(path), 403)
    expect.error(office.admin.get(f"/api/orgs/{other_id}/teams/{team_id}/quotas"), 404)
    quota = expect.ok(office.admin.get(f"/api/orgs/{org_id}/quotas"))["quotas"][0]
    expect.error(chief.delete(f"/api/orgs/{other_id}/quotas/{quota['id']}"), 404)
