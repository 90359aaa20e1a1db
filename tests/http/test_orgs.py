"""Organisations and teams: who sees and manages which."""

import itertools
import json

import pytest

import expect
from people import Person

ORGS = "/api/orgs"
NUMBERS = itertools.count(1)
MANAGER = ("org.view org.edit org.delete org.manage.members team.view team.create team.edit "
           "team.delete team.manage.members")
HOSTILE = ["'; DROP TABLE orgs; --", "\" OR \"\"=\"", "<b>", "$1 %s {x}", "\u202eé\U0001f600"]


def name(what="org"):
    return f"{what}-of-orgs-{next(NUMBERS)}"


def make(cloud, **body):
    answer = cloud.post(ORGS, json={"name": name()} | body)
    assert answer.status_code == 201, answer.text
    return answer.json()["organization"]


def path(org, rest=""):
    return f"{ORGS}/{org['id']}{rest}"


def make_team(cloud, org, **body):
    answer = cloud.post(path(org, "/teams"), json={"name": name("team")} | body)
    assert answer.status_code == 201, answer.text
    return answer.json()["team"]


def add(cloud, where, person):
    return cloud.post(f"{where}/members", json={"user_id": person.user_id})


def members(cloud, where):
    return [row["username"] for row in expect.ok(cloud.get(f"{where}/members"))["members"]]


def manager_of(cloud, org):
    person = Person(cloud, name("manager"), "researcher", granted=MANAGER)
    expect.ok(add(cloud, path(org), person))
    return person


def events(cloud, target_type, target):
    return [(row[0], json.loads(row[1])) for row in cloud.query(
        "SELECT event_type, details FROM audit_log WHERE target_type = %s AND target_id = %s "
        "ORDER BY audit_id", target_type, str(target))]


# organisations

def test_an_organisation_is_made_changed_and_deleted(staffed):
    org = make(staffed, description="One")
    assert org["description"] == "One" and org["member_count"] == 0
    assert expect.ok(staffed.get(path(org)))["organization"] == org
    assert org in expect.ok(staffed.get(ORGS))["organizations"]
    renamed = name()
    after = expect.ok(staffed.request("PATCH", path(org), json={"name": renamed}))
    assert after["organization"] == org | {"name": renamed}
    expect.ok(staffed.delete(path(org)))
    for method in ("GET", "PATCH", "DELETE"):
        body = None if method == "GET" else {}
        expect.error(staffed.request(method, path(org), json=body), 404)
    assert [event for event, _ in events(staffed, "org", org["id"])] == [
        "org.created", "org.updated", "org.deleted"]


@pytest.mark.parametrize("field, value", [
    ("name", ""), ("name", None), ("name", "x" * 101), ("name", "a\nb"), ("name", 7),
    ("description", "x" * 501), ("description", "\x00"), ("id", 1)])
def test_a_bad_field_is_named(staffed, field, value):
    org = make(staffed)
    expect.error(staffed.post(ORGS, json={"name": name(), field: value}), 400,
                 None if value == "\x00" else field)
    expect.error(staffed.post(path(org, "/teams"), json={"name": name(), field: value}), 400,
                 None if value == "\x00" else field)


@pytest.mark.parametrize("text", HOSTILE)
def test_odd_characters_are_only_data(staffed, text):
    unique = f"{text} {next(NUMBERS)}"
    org = make(staffed, name=unique, description=text)
    team = make_team(staffed, org, name=unique, description=text)
    assert (org["name"], org["description"]) == (unique, text)
    assert (team["name"], team["description"]) == (unique, text)
    expect.error(staffed.post(ORGS, json={"name": unique}), 409, "already exists")
    expect.error(staffed.post(path(org, "/teams"), json={"name": unique}), 409, "already exists")
    other = make(staffed)
    expect.error(staffed.request("PATCH", path(other), json={"name": unique}), 409)


# members

def test_a_user_is_in_one_organisation_at_most(staffed):
    org, other = make(staffed), make(staffed)
    person = Person(staffed, name("member"), "researcher")
    expect.ok(add(staffed, path(org), person))
    expect.ok(add(staffed, path(org), person))
    assert members(staffed, path(org)) == [person.name]
    expect.error(add(staffed, path(other), person), 409, "another organization")
    view = expect.ok(staffed.get(f"/api/users/{person.user_id}"))
    assert view["org_id"] == org["id"] and view["organization"]["name"] == org["name"]
    expect.error(staffed.delete(path(org)), 409, "1 member")
    expect.error(staffed.delete(path(other, f"/members/{person.user_id}")), 404)
    expect.ok(staffed.delete(path(org, f"/members/{person.user_id}")))
    expect.ok(add(staffed, path(other), person))
    assert [event for event, _ in events(staffed, "org", org["id"])] == [
        "org.created", "org.member.added", "org.member.removed"]


def test_a_deleted_user_is_in_nothing(staffed):
    org = make(staffed)
    team = make_team(staffed, org)
    person = Person(staffed, name("member"), "researcher")
    expect.ok(add(staffed, path(org), person))
    expect.ok(add(staffed, path(org, f"/teams/{team['id']}"), person))
    expect.ok(staffed.delete(f"/api/users/{person.user_id}"))
    assert members(staffed, path(org)) == members(staffed, path(org, f"/teams/{team['id']}")) == []


@pytest.mark.parametrize("body", [{}, {"user_id": 0}, {"user_id": "1"}, {"user_id": 1.5},
                                  {"username": "x"}])
def test_a_member_is_a_number(staffed, body):
    expect.error(staffed.post(path(make(staffed), "/members"), json=body), 400)


# teams

def test_a_team_is_made_changed_and_deleted(staffed):
    org = make(staffed)
    team = make_team(staffed, org, description="T")
    where = path(org, f"/teams/{team['id']}")
    assert expect.ok(staffed.get(where))["team"] == team
    assert expect.ok(staffed.get(path(org, "/teams")))["teams"] == [team]
    after = expect.ok(staffed.request("PATCH", where, json={"description": "U"}))["team"]
    assert after == team | {"description": "U"}
    expect.error(staffed.get(path(make(staffed), f"/teams/{team['id']}")), 404)
    expect.ok(staffed.delete(where))
    expect.error(staffed.get(where), 404)
    assert [event for event, _ in events(staffed, "team", team["id"])] == [
        "team.created", "team.updated", "team.deleted"]


def test_teams_are_of_members_of_the_organisation(staffed):
    org = make(staffed)
    where = path(org, f"/teams/{make_team(staffed, org)['id']}")
    person = Person(staffed, name("member"), "researcher")
    expect.error(add(staffed, where, person), 404)
    expect.ok(add(staffed, path(org), person))
    expect.ok(add(staffed, where, person))
    assert members(staffed, where) == [person.name]
    [team] = expect.ok(staffed.get(f"/api/users/{person.user_id}"))["teams"]
    assert team["member_count"] == 1
    expect.ok(staffed.delete(path(org, f"/members/{person.user_id}")))
    assert members(staffed, where) == []
    expect.error(staffed.delete(f"{where}/members/{person.user_id}"), 404)


# who manages what

def test_a_manager_sees_and_manages_the_own_organisation_only(staffed):
    org, other = make(staffed), make(staffed)
    manager = manager_of(staffed, org)
    assert [row["id"] for row in expect.ok(manager.get(ORGS))["organizations"]] == [org["id"]]
    expect.ok(manager.request("PATCH", path(org), json={"description": "mine"}))
    team = make_team(manager, org)
    theirs = make_team(staffed, other)
    nothing = expect.error(manager.get(f"{ORGS}/999999"), 404)["detail"].replace(
        "999999", str(other["id"]))
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/members"),
                         ("GET", "/teams"), ("GET", f"/teams/{theirs['id']}"),
                         ("PATCH", f"/teams/{theirs['id']}"),
                         ("DELETE", f"/teams/{theirs['id']}")):
        body = None if method == "GET" else {}
        answer = manager.request(method, path(other, rest), json=body)
        assert expect.error(answer, 404)["detail"] == nothing
    expect.error(manager.post(ORGS, json={"name": name()}), 403, "org.create")
    person = Person(staffed, name("member"), "researcher")
    expect.error(add(manager, path(other), person), 404)
    expect.ok(add(manager, path(org), person))
    expect.ok(add(manager, path(org, f"/teams/{team['id']}"), person))
    expect.ok(manager.delete(path(org, f"/members/{person.user_id}")))


def test_a_manager_takes_nobody_from_another_organisation_and_learns_of_nobody(staffed):
    org, other = make(staffed), make(staffed)
    manager = manager_of(staffed, org)
    taken = Person(staffed, name("member"), "researcher")
    expect.ok(add(staffed, path(other), taken))
    unknown = expect.error(manager.post(path(org, "/members"), json={"user_id": 999999}), 404)
    theirs = expect.error(add(manager, path(org), taken), 404)
    assert theirs["detail"] == unknown["detail"].replace("999999", str(taken.user_id))


def test_a_manager_moves_nobody_who_may_more(staffed):
    org = make(staffed)
    manager = manager_of(staffed, org)
    boss = Person(staffed, name("boss"), "admin")
    expect.error(add(manager, path(org), boss), 403)
    expect.ok(add(staffed, path(org), boss))
    expect.error(manager.delete(path(org, f"/members/{boss.user_id}")), 403)


def test_nobody_leaves_the_limits_of_his_organisation_by_himself(staffed):
    org = make(staffed)
    manager = manager_of(staffed, org)
    where = path(org, f"/teams/{make_team(staffed, org)['id']}")
    expect.error(manager.delete(path(org, f"/members/{manager.user_id}")), 403, "your own")
    expect.error(add(manager, where, manager), 403, "your own")
    loner = Person(staffed, name("loner"), "researcher", granted="org.manage.members")
    expect.error(add(loner, path(org), loner), 404)


def test_who_is_in_no_organisation_sees_none(staffed):
    make(staffed)
    lead = Person(staffed, name("lead"), "lead")
    assert expect.ok(lead.get(ORGS))["organizations"] == []
