"""Levels, overrides and resource rules: what users may by them, and how they are kept."""

import itertools
import json
import re

import pytest

import expect
from people import Person

USERS = "/api/users"
LEVELS = f"{USERS}/levels"
RULES = f"{USERS}/resource-rules"
NUMBERS = itertools.count(1)
HOSTILE = ["'; DROP TABLE levels; --", "\" OR \"\"=\"", "<b>", "$1 %s {x}", "a b", "é"]


def name():
    return f"level-{next(NUMBERS)}"


def make(cloud, **body):
    answer = cloud.post(LEVELS, json={"name": name()} | body)
    assert answer.status_code == 201, answer.text
    return answer.json()["level"]


def make_rule(cloud, **body):
    body = {"name": "rule", "resource_type": "config", "pattern": "*", "action": "allow"} | body
    answer = cloud.post(RULES, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["rule"]


def path(level, rest=""):
    return f"{LEVELS}/{level['id']}{rest}"


def person_of(cloud, level, **fields):
    person = Person(cloud, f"of-level-{next(NUMBERS)}", "researcher", **fields)
    person.join(level["name"])
    return person


def rights(cloud, person):
    return expect.ok(cloud.get(f"{USERS}/{person.user_id}/permissions"))


def audit(cloud, event_type, target):
    return [json.loads(row[0]) for row in cloud.query(
        "SELECT details FROM audit_log WHERE event_type = %s AND target_id = %s ORDER BY audit_id",
        event_type, str(target))]


# permissions and levels there are

def test_permissions_are_listed_with_what_they_allow(staffed):
    rows = expect.ok(staffed.get(f"{USERS}/meta/permissions"))["permissions"]
    assert all(set(row) == {"name", "description", "category"} and row["description"]
               for row in rows)
    assert {row["category"] for row in rows} == {
        "job", "config", "queue", "quota", "admin", "org", "team", "api"}
    assert all(re.fullmatch(r"[a-z]+(\.[a-z]+)+", row["name"]) for row in rows)


def test_the_levels_of_the_system_are_there_and_stay(staffed):
    levels = expect.ok(staffed.get(f"{USERS}/meta/levels"))["levels"]
    system = [level for level in levels if level["is_system"]]
    assert [(level["name"], level["priority"]) for level in system] == [
        ("admin", 100), ("lead", 50), ("researcher", 10), ("viewer", 0)]
    for level in system:
        assert expect.ok(staffed.get(path(level)))["level"] == level
        expect.error(staffed.put(path(level), json={"description": "x"}), 409,
                     "Cannot modify system levels")
        expect.error(staffed.put(path(level, "/permissions"), json={"permissions": []}), 409,
                     "Cannot modify system levels")
        expect.error(staffed.delete(path(level)), 409, "Cannot delete system levels")
    assert expect.ok(staffed.get(f"{USERS}/meta/levels"))["levels"] == levels


# making and changing levels

def test_a_level_gives_what_it_names(staffed):
    level = make(staffed, description="Some", priority=7, permissions=["quota.view", "queue.*"])
    assert level["permissions"] == ["queue.approve", "queue.cancel.all", "queue.cancel.own",
                                    "queue.manage", "queue.view", "queue.view.all", "quota.view"]
    assert (level["description"], level["priority"], level["is_system"]) == ("Some", 7, False)
    person = person_of(staffed, level)
    assert "queue.manage" in rights(staffed, person)["permissions"]
    changed = expect.ok(staffed.put(path(level), json={"permissions": ["quota.view"]}))["level"]
    assert changed["permissions"] == ["quota.view"] and changed["priority"] == 7
    assert "queue.manage" not in rights(staffed, person)["permissions"]
    body = {"permissions": ["queue.manage"]}
    expect.ok(staffed.put(path(level, "/permissions"), json=body))
    assert "queue.manage" in rights(staffed, person)["permissions"]
    made, = audit(staffed, "level.created", level["id"])
    assert made["before"] is None and made["after"]["name"] == level["name"]
    first, second = audit(staffed, "level.updated", level["id"])
    assert "queue.manage" in first["before"]["permissions"]
    assert first["after"]["permissions"] == "quota.view" == second["before"]["permissions"]


def test_a_level_in_use_is_not_deleted(staffed):
    level = make(staffed)
    person = person_of(staffed, level)
    expect.error(staffed.delete(path(level)), 409, "in use")
    expect.ok(staffed.delete(f"{USERS}/{person.user_id}/levels/{level['name']}"))
    expect.ok(staffed.delete(path(level)))
    expect.error(staffed.delete(path(level)), 404)
    expect.error(staffed.get(path(level)), 404)
    assert len(audit(staffed, "level.deleted", level["id"])) == 1


def test_the_level_of_those_who_register_is_neither_deleted_nor_widened(staffed):
    level = make(staffed, permissions=["job.view.own"])
    setting = "/api/cloud/settings/registration"
    expect.ok(staffed.put(setting, json={"default_level": level["name"]}))
    try:
        expect.error(staffed.delete(path(level)), 409, "register")
        expect.error(staffed.put(path(level), json={"permissions": ["*"]}), 409, "register")
        expect.error(staffed.put(path(level), json={"name": name()}), 409, "register")
        expect.ok(staffed.put(path(level), json={"description": "for newcomers"}))
    finally:
        expect.ok(staffed.put(setting, json={"default_level": "researcher"}))


@pytest.mark.parametrize("field, value", [
    ("name", ""), ("name", "x" * 51), ("name", "two words"), ("name", 7), ("priority", -1),
    ("priority", 1001), ("priority", "high"), ("permissions", ["no.such"]), ("permissions", [""]),
    ("permissions", ["login"]), ("permissions", ["job.submit quota.view"]), ("permissions", "*"),
    ("permissions", [7]), ("description", "x" * 501), ("description", "\x1b"), ("is_system", True),
    ("id", 1)])
def test_a_bad_field_of_a_level_is_named(staffed, field, value):
    before = staffed.query("SELECT COUNT(*) FROM levels")
    expect.error(staffed.post(LEVELS, json={"name": name(), field: value}), 400, field)
    assert staffed.query("SELECT COUNT(*) FROM levels") == before


@pytest.mark.parametrize("text", HOSTILE)
def test_odd_characters_in_a_level_are_only_data(staffed, text):
    expect.error(staffed.post(LEVELS, json={"name": text}), 400, "name")
    level = make(staffed, description=text)
    assert level["description"] == text
    expect.error(staffed.put(path(level), json={"permissions": [text]}), 400, "permissions")


def test_a_name_is_one_levels(staffed):
    level, other = make(staffed), make(staffed)
    expect.error(staffed.post(LEVELS, json={"name": level["name"]}), 409, "already exists")
    expect.error(staffed.put(path(other), json={"name": level["name"]}), 409, "already exists")
    expect.error(staffed.post(LEVELS, json={"name": "admin"}), 409, "already exists")


# levels and overrides of users

def test_giving_and_taking_a_level_is_audited(staffed):
    person = Person(staffed, name(), "researcher")
    levels = f"{USERS}/{person.user_id}/levels"
    user = expect.ok(staffed.post(levels, json={"level_name": "lead"}))
    assert [level["name"] for level in user["levels"]] == ["lead", "researcher"]
    expect.ok(staffed.post(levels, json={"level_name": "lead"}))
    expect.ok(staffed.delete(f"{levels}/lead"))
    expect.error(staffed.delete(f"{levels}/lead"), 404)
    expect.error(staffed.delete(f"{levels}/no-such"), 404)
    assert audit(staffed, "user.level.changed", person.user_id) == [
        {"username": person.name, "before": "researcher", "after": "lead researcher"},
        {"username": person.name, "before": "lead researcher", "after": "researcher"}]


def test_an_override_adds_or_takes_whatever_the_levels_give(staffed):
    person = Person(staffed, name(), "researcher")
    overrides = f"{USERS}/{person.user_id}/permissions"
    assert person.get("/api/audit").status_code == 403
    given = expect.ok(staffed.post(overrides, json={"permission_name": "admin.audit",
                                                    "granted": True}))
    assert given["granted"] == ["admin.audit"] and "admin.audit" in given["permissions"]
    assert person.get("/api/audit").status_code == 200
    denied = expect.ok(staffed.post(overrides, json={"permission_name": "admin.audit",
                                                     "granted": False}))
    assert denied["granted"] == [] and denied["denied"] == ["admin.audit"]
    assert person.get("/api/audit").status_code == 403
    expect.ok(staffed.post(overrides, json={"permission_name": "job.submit", "granted": False}))
    assert person.post("/api/cloud/jobs/submit", json={}).status_code == 403
    expect.ok(staffed.delete(f"{overrides}/job.submit"))
    expect.ok(staffed.delete(f"{overrides}/admin.audit"))
    expect.error(staffed.delete(f"{overrides}/admin.audit"), 404)
    assert rights(staffed, person)["denied"] == []
    assert len(audit(staffed, "user.permission.changed", person.user_id)) == 5


@pytest.mark.parametrize("permission", ["no.such", "", "*", "job.*", "login", "public", "x" * 65])
def test_there_is_no_override_of_what_is_no_permission(staffed, permission):
    person = Person(staffed, name(), "viewer")
    body = {"permission_name": permission, "granted": True}
    expect.error(staffed.post(f"{USERS}/{person.user_id}/permissions", json=body), 400,
                 "permission_name")


# resource rules

def test_a_rule_is_made_changed_and_deleted(staffed):
    rule = make_rule(staffed, name="Team", resource_type="hardware", pattern="gpu-l40s*",
                     action="deny", priority=-5, description="d",
                     applies_to_permissions=["job.submit"])
    assert expect.ok(staffed.get(f"{RULES}/{rule['id']}"))["rule"] == rule
    assert rule in expect.ok(staffed.get(RULES))["rules"]
    after = expect.ok(staffed.put(f"{RULES}/{rule['id']}", json={"action": "allow"}))["rule"]
    assert after == rule | {"action": "allow"}
    expect.ok(staffed.delete(f"{RULES}/{rule['id']}"))
    for answer in (staffed.get(f"{RULES}/{rule['id']}"), staffed.delete(f"{RULES}/{rule['id']}"),
                   staffed.put(f"{RULES}/{rule['id']}", json={})):
        expect.error(answer, 404)
    assert [len(audit(staffed, f"resource_rule.{what}", rule["id"]))
            for what in ("created", "updated", "deleted")] == [1, 1, 1]


@pytest.mark.parametrize("field, value", [
    ("name", ""), ("name", None), ("name", "x" * 101), ("name", "a\nb"), ("resource_type", "file"),
    ("resource_type", None), ("pattern", ""), ("pattern", "x" * 501), ("action", "perhaps"),
    ("priority", 1001), ("applies_to_permissions", ["no.such"]), ("level_id", 1)])
def test_a_bad_field_of_a_rule_is_named(staffed, field, value):
    body = {"name": "r", "resource_type": "config", "pattern": "*", "action": "allow"}
    expect.error(staffed.post(RULES, json=body | {field: value}), 400, field)


def test_the_rules_of_a_level_are_set_all_at_once(staffed):
    level = make(staffed)
    first, second = make_rule(staffed, priority=1), make_rule(staffed, priority=2)
    rules = path(level, "/rules")
    set_to = expect.ok(staffed.put(rules, json={"rule_ids": [first["id"], second["id"]]}))
    assert [rule["id"] for rule in set_to["rules"]] == [second["id"], first["id"]]
    person = person_of(staffed, level)
    shown = expect.ok(staffed.get(f"{USERS}/{person.user_id}"))["resource_rules"]
    assert shown == [second, first]
    expect.error(staffed.put(rules, json={"rule_ids": [first["id"], 999999]}), 404)
    expect.error(staffed.put(rules, json={"rule_ids": ["x"]}), 400, "rule_ids")
    expect.error(staffed.put(rules, json={}), 400, "rule_ids")
    assert len(expect.ok(staffed.get(rules))["rules"]) == 2
    expect.ok(staffed.delete(f"{RULES}/{second['id']}"))
    assert [rule["id"] for rule in expect.ok(staffed.get(rules))["rules"]] == [first["id"]]
    assert expect.ok(staffed.put(rules, json={"rule_ids": []}))["rules"] == []


def submit(person, **body):
    body = {"config": {"model_type": "lora", "max_train_steps": 10}} | body
    return person.post("/api/cloud/jobs/submit", json=body)


def bound(cloud, *rules):
    """A researcher bound by these rules."""
    level = make(cloud)
    ids = [make_rule(cloud, **rule)["id"] for rule in rules]
    expect.ok(cloud.put(path(level, "/rules"), json={"rule_ids": ids}))
    return person_of(cloud, level)


def test_a_submission_names_only_what_its_rules_allow(staffed):
    person = bound(staffed, {"pattern": "team-*"},
                   {"pattern": "team-secret", "action": "deny", "priority": 9})
    assert submit(person, config_name="team-a").status_code == 200
    # An allow wins whatever the deny says, and whatever their order.
    assert submit(person, config_name="team-secret").status_code == 200
    for named in ({"config_name": "other"}, {"config_name": "TEAM-a"}, {}):
        expect.error(submit(person, **named), 403, "config")
    assert submit(staffed, config_name="other").status_code == 200
    assert submit(Person(staffed, name(), "researcher"), config_name="other").status_code == 200


def test_where_only_denies_are_nothing_of_the_kind_is_allowed(staffed):
    person = bound(staffed, {"resource_type": "output_path", "pattern": "/etc/*",
                             "action": "deny"})
    assert submit(person).status_code == 200
    for key in ("output_dir", "--output_dir"):
        config = {"model_type": "lora", "max_train_steps": 10, key: "/etc/x"}
        expect.error(submit(person, config=config), 403, "output_path")


def test_paths_are_held_against_both_spellings_of_the_option(staffed):
    person = bound(staffed, {"resource_type": "output_path", "pattern": "/data/[a-c]?/*"})
    for value, status in (("/data/a1/x/y", 200), ("/data/d1/x", 403), ("/data/a1", 403)):
        for key in ("output_dir", "--output_dir"):
            config = {"model_type": "lora", "max_train_steps": 10, key: value}
            assert submit(person, config=config).status_code == status, (key, value)
    config = {"model_type": "lora", "max_train_steps": 10, "output_dir": "/data/a1/x",
              "--output_dir": "/etc"}
    expect.error(submit(person, config=config), 403, "output_path")


def test_hardware_and_provider_are_asked_too(staffed):
    assert submit(bound(staffed, {"resource_type": "provider", "pattern": "replicate"}
                        )).status_code == 200
    expect.error(submit(bound(staffed, {"resource_type": "provider", "pattern": "http"})), 403,
                 "provider")
    expect.error(submit(bound(staffed, {"resource_type": "hardware", "pattern": "no-such"})), 403,
                 "hardware")


def test_a_rule_for_another_permission_is_none_for_submissions(staffed):
    person = bound(staffed, {"pattern": "x", "applies_to_permissions": ["config.view"]})
    assert submit(person, config_name="other").status_code == 200


def test_who_may_everything_is_bound_by_no_rule(staffed):
    level = make(staffed)
    rule = make_rule(staffed, pattern="x")
    expect.ok(staffed.put(path(level, "/rules"), json={"rule_ids": [rule["id"]]}))
    admin = Person(staffed, name(), "admin")
    admin.join(level["name"])
    assert submit(admin, config_name="other").status_code == 200


def test_a_dry_run_is_refused_as_the_submission_would_be(staffed):
    person = bound(staffed, {"pattern": "team-*"})
    expect.error(submit(person, config_name="other", dry_run=True), 403, "config")
