"""Nobody makes himself, or anybody else, more than he is: every administrative route is tried."""

import concurrent.futures
import itertools

import pytest

import expect
from browser_session import NOBODY
from people import Person

USERS = "/api/users"
NUMBERS = itertools.count(1)
MANAGES = "api.access admin.users admin.levels"
STRONG = "job.submit job.view.all admin.backup"
TABLES = ("SELECT user_id, email, display_name, password_hash, is_admin, granted, denied, org_id, "
          "deactivated_at_us, deleted_at_us FROM users ORDER BY user_id",
          "SELECT user_id, level_id FROM user_levels ORDER BY user_id, level_id",
          "SELECT level_id, name, description, priority, permissions FROM levels "
          "ORDER BY level_id",
          "SELECT rule_id, pattern, action FROM resource_rules ORDER BY rule_id",
          "SELECT level_id, rule_id FROM level_rules ORDER BY level_id, rule_id",
          "SELECT owner, provider FROM user_credentials ORDER BY owner, provider")


def name(what):
    return f"{what}-raising-{next(NUMBERS)}"


def made_by(answer):
    assert answer.status_code == 201, answer.text
    return answer.json()


def state(cloud):
    return [cloud.query(sql) for sql in TABLES]


class Cast:
    """A manager of users and levels, and those who may more, as much and less."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.manager = Person(cloud, name("manager"), "viewer", granted=MANAGES,
                              denied="quota.view")
        self.boss = Person(cloud, name("boss"), "admin", is_admin=True)
        self.sleeper = Person(cloud, name("sleeper"), is_admin=True)
        self.sleeper.deactivate()
        self.worker = Person(cloud, name("worker"), "researcher", granted="quota.view",
                             denied="queue.view")
        self.viewer = Person(cloud, name("viewer"), "viewer")
        self.held = self.level(permissions=["config.view"])
        self.manager.join(self.held["name"])
        self.strong = self.level(permissions=STRONG.split())
        self.rule = made_by(cloud.post(f"{USERS}/resource-rules", json={
            "name": "r", "resource_type": "config", "pattern": "team-*",
            "action": "allow"}))["rule"]
        expect.ok(cloud.put(f"{USERS}/levels/{self.strong['id']}/rules",
                            json={"rule_ids": [self.rule["id"]]}))
        made_by(self.boss.post(f"{USERS}/me/credentials", json={
            "provider": "replicate", "value": "r8_of_boss"}))

    def level(self, **body):
        return made_by(self.cloud.post(f"{USERS}/levels", json={
            "name": name("level")} | body))["level"]

    def path(self, who, rest=""):
        return f"{USERS}/{getattr(self, who).user_id}{rest}"


@pytest.fixture
def cast(staffed):
    return Cast(staffed)


def new(**body):
    return ("POST", lambda cast: USERS, {"username": name("new")} | body)


def user(method, who, rest="", body=None):
    return (method, lambda cast: cast.path(who, rest), body)


def level(method, which, rest="", body=None):
    return (method, lambda cast: f"{USERS}/levels/{getattr(cast, which)['id']}{rest}", body)


def give(who, level_name):
    return user("POST", who, "/levels", {"level_name": level_name})


def override(who, permission, granted):
    return user("POST", who, "/permissions", {"permission_name": permission, "granted": granted})


ATTEMPTS = {
    "make an administrator": new(is_admin=True, level_names=[]),
    "make one of the level admin": new(level_names=["admin"]),
    "make one who may submit": new(level_names=["researcher"]),
    "make one of the usual level": new(),
    "make one with a second level": new(level_names=["viewer", "lead"]),
    "rename the boss": user("PATCH", "boss", "", {"display_name": "Fool"}),
    "take the boss's address": user("PATCH", "boss", "", {"email": "mine@example.org"}),
    "reset the boss's password": user("PATCH", "boss", "", {"password": "known to me"}),
    "reset a worker's password": user("PATCH", "worker", "", {"password": "known to me"}),
    "deactivate the boss": user("POST", "boss", "/deactivate"),
    "deactivate the boss by a patch": user("PATCH", "boss", "", {"is_active": False}),
    "demote the boss": user("PATCH", "boss", "", {"is_admin": False}),
    "delete the boss": user("DELETE", "boss"),
    "deactivate a worker": user("POST", "worker", "/deactivate"),
    "delete a worker": user("DELETE", "worker"),
    "wake an administrator": user("POST", "sleeper", "/activate"),
    "reset a sleeping administrator's password": user("PATCH", "sleeper", "",
                                                      {"password": "known to me"}),
    "become an administrator": user("PATCH", "manager", "", {"is_admin": True}),
    "make a viewer an administrator": user("PATCH", "viewer", "", {"is_admin": True}),
    "take the level admin": give("manager", "admin"),
    "take any level": give("manager", "researcher"),
    "leave a level of one's own": user("DELETE", "manager", "/levels/viewer"),
    "give the level admin": give("viewer", "admin"),
    "give a level of more": give("viewer", "researcher"),
    "take the boss's level": user("DELETE", "boss", "/levels/admin"),
    "take a worker's level": user("DELETE", "worker", "/levels/researcher"),
    "give a worker a small level": give("worker", "viewer"),
    "grant oneself a permission": override("manager", "job.submit", True),
    "grant oneself what one has": override("manager", "config.view", True),
    "lift a deny of one's own": user("DELETE", "manager", "/permissions/quota.view"),
    "turn a deny of one's own": override("manager", "quota.view", True),
    "grant a permission one has not": override("viewer", "job.submit", True),
    "grant what one is denied": override("viewer", "quota.view", True),
    "grant backups": override("viewer", "admin.backup", True),
    "deny the boss something": override("boss", "job.submit", False),
    "lift a worker's deny": user("DELETE", "worker", "/permissions/queue.view"),
    "make a level of all": ("POST", lambda cast: f"{USERS}/levels",
                            {"name": "all", "permissions": ["*"]}),
    "make a level of more": ("POST", lambda cast: f"{USERS}/levels",
                             {"name": "more", "permissions": ["job.submit"]}),
    "make a level by a pattern": ("POST", lambda cast: f"{USERS}/levels",
                                  {"name": "pattern", "permissions": ["admin.*"]}),
    "widen a level one has": level("PUT", "held", "", {"permissions": ["*"]}),
    "widen a level by its permissions": level("PUT", "held", "/permissions",
                                              {"permissions": ["config.view", "job.submit"]}),
    "describe a level of more": level("PUT", "strong", "", {"description": "x"}),
    "narrow a level of more": level("PUT", "strong", "/permissions", {"permissions": []}),
    "delete a level of more": level("DELETE", "strong"),
    "unbind a level of more": level("PUT", "strong", "/rules", {"rule_ids": []}),
    "change a rule of a level of more": (
        "PUT", lambda cast: f"{USERS}/resource-rules/{cast.rule['id']}", {"pattern": "*"}),
    "delete a rule of a level of more": (
        "DELETE", lambda cast: f"{USERS}/resource-rules/{cast.rule['id']}", None),
    "remove the boss's token": user("DELETE", "boss", "/credentials/replicate/api_token"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_manager_does_not(cast, attempt):
    method, path, body = attempt
    before = state(cast.cloud)
    expect.error(cast.manager.request(method, path(cast), json=body), 403)
    assert state(cast.cloud) == before


def test_a_manager_manages_those_who_may_no_more(cast):
    manager = cast.manager
    made = made_by(manager.post(USERS, json={
        "username": name("new"), "password": "a long password", "level_names": ["viewer"]}))
    path = f"{USERS}/{made['id']}"
    expect.ok(manager.request("PATCH", path, json={"display_name": "N", "password": "another 1"}))
    expect.ok(manager.post(f"{path}/levels", json={"level_name": cast.held["name"]}))
    expect.ok(manager.delete(f"{path}/levels/{cast.held['name']}"))
    expect.ok(manager.post(f"{path}/permissions",
                           json={"permission_name": "admin.users", "granted": True}))
    expect.ok(manager.post(f"{path}/permissions",
                           json={"permission_name": "job.submit", "granted": False}))
    expect.ok(manager.post(f"{path}/deactivate"))
    expect.ok(manager.post(f"{path}/activate"))
    expect.ok(manager.delete(path))
    small = made_by(manager.post(f"{USERS}/levels", json={
        "name": name("small"), "permissions": ["config.view", "admin.users"]}))["level"]
    expect.ok(manager.put(f"{USERS}/levels/{small['id']}", json={"permissions": []}))
    expect.ok(manager.delete(f"{USERS}/levels/{small['id']}"))


@pytest.mark.parametrize("attempt", [new(level_names=["researcher"]), new(is_admin=True),
                                     user("PATCH", "boss", "", {"password": "known to me"}),
                                     user("DELETE", "worker"), give("viewer", "admin")],
                         ids=["make one who may submit", "make an administrator",
                              "reset a password", "delete a worker", "give a level"])
def test_an_administrators_key_with_scopes_does_no_more_than_they_say(cast, attempt):
    key = cast.boss.new_key(scopes="admin.users admin.levels api.access")
    method, path, body = attempt
    before = state(cast.cloud)
    expect.error(cast.cloud.request(method, path(cast), json=body,
                                    headers=NOBODY | {"X-API-Key": key}), 403)
    assert state(cast.cloud) == before


def test_a_manager_of_users_alone_touches_no_rights(cast):
    person = Person(cast.cloud, name("users-only"), "viewer", granted="api.access admin.users")
    before = state(cast.cloud)
    for method, path, body in (give("viewer", "viewer"), override("viewer", "config.view", True),
                               level("PUT", "held", "", {"description": "x"}),
                               level("DELETE", "held")):
        expect.error(person.request(method, path(cast), json=body), 403, "admin.levels")
    person = Person(cast.cloud, name("levels-only"), "viewer", granted="api.access admin.levels")
    for method, path, body in (new(level_names=[]), user("PATCH", "viewer", "", {}),
                               user("DELETE", "viewer"), user("POST", "viewer", "/deactivate")):
        expect.error(person.request(method, path(cast), json=body), 403, "admin.users")
    grown = state(cast.cloud)
    assert [row for row in grown[0] if row[0] < person.user_id - 10] == [
        row for row in before[0] if row[0] < person.user_id - 10]
    assert grown[2:] == before[2:]


# resource rules

@pytest.fixture
def bound(staffed):
    """A researcher who manages users and levels, and whom a resource rule binds."""
    cast = Cast(staffed)
    level_of_rules = cast.level()
    expect.ok(staffed.put(f"{USERS}/levels/{level_of_rules['id']}/rules",
                          json={"rule_ids": [cast.rule["id"]]}))
    cast.bound = Person(staffed, name("bound"), "researcher", granted=MANAGES)
    cast.bound.join(level_of_rules["name"])
    cast.level_of_rules = level_of_rules
    cast.free = Person(staffed, name("free"), "researcher")
    return cast


def test_who_is_bound_changes_no_rules_and_no_levels(bound):
    before = state(bound.cloud)
    level_path = f"{USERS}/levels/{bound.level_of_rules['id']}"
    rule_path = f"{USERS}/resource-rules/{bound.rule['id']}"
    rule = {"name": "r", "resource_type": "config", "pattern": "*", "action": "allow"}
    for method, path, body in (
            ("POST", f"{USERS}/resource-rules", rule), ("PUT", rule_path, {"pattern": "*"}),
            ("DELETE", rule_path, None), ("PUT", f"{level_path}/rules", {"rule_ids": []}),
            ("POST", f"{USERS}/levels", {"name": name("wide"), "permissions": ["job.submit"]}),
            ("PUT", level_path, {"description": "x"}),
            ("DELETE", f"{USERS}/{bound.bound.user_id}/levels/{bound.level_of_rules['name']}",
             None)):
        expect.error(bound.bound.request(method, path, json=body), 403)
    assert state(bound.cloud) == before


def test_who_is_bound_makes_and_touches_nobody_who_is_not(bound):
    before = state(bound.cloud)
    free = f"{USERS}/{bound.free.user_id}"
    for method, path, body in (
            ("POST", USERS, {"username": name("new")}),
            ("PATCH", free, {"password": "known to me"}), ("DELETE", free, None),
            ("POST", f"{USERS}/{bound.viewer.user_id}/permissions",
             {"permission_name": "job.submit", "granted": True})):
        expect.error(bound.bound.request(method, path, json=body), 403, "resources")
    assert state(bound.cloud) == before
    made = bound.bound.post(USERS, json={
        "username": name("new"), "level_names": ["researcher", bound.level_of_rules["name"]]})
    assert made.status_code == 201, made.text
    expect.error(bound.bound.delete(
        f"{USERS}/{made.json()['id']}/levels/{bound.level_of_rules['name']}"), 403, "resources")


# at once

def test_administrators_who_deactivate_each_other_leave_one(new_stack):
    stack = new_stack(reset=False)
    stack.hire()
    for round_number in range(8):
        pair = [Person(stack, name("twin"), is_admin=True) for _ in range(2)]
        stack.change("UPDATE users SET deactivated_at_us = 1 WHERE user_id NOT IN (%s, %s)",
                     pair[0].user_id, pair[1].user_id)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(
                lambda who: pair[who].post(f"{USERS}/{pair[1 - who].user_id}/deactivate"), (0, 1)))
        assert sorted(answer.status_code for answer in answers)[0] == 200, round_number
        [(left,)] = stack.query("SELECT COUNT(*) FROM users WHERE is_admin = 1 "
                                "AND deactivated_at_us IS NULL")
        assert left == 1
