"""API keys: made once, bounded by their scopes and their user, ended at once."""

import pytest

from browser_session import NOBODY, login
from test_login import new_account

KEYS = "/api/auth/api-keys"


def make_key(stack, session=None, **fields):
    answer = stack.post(KEYS, json={"name": "a key"} | fields,
                        headers=session.headers if session else None)
    assert answer.status_code == 201, answer.text
    return answer.json()


def status(stack, key, path="/api/auth/me", **headers):
    return stack.get(path, headers={"X-API-Key": key} | headers).status_code


def test_a_key_is_shown_once_and_known_by_its_beginning(staffed):
    made = make_key(staffed)
    key = made["key"]
    assert key.startswith("st_") and len(key) == 35 and key[3:].isalnum()
    assert made["key_info"]["key_prefix"] == key[:11]
    listed = staffed.get(KEYS).json()["api_keys"]
    assert made["key_info"]["id"] in [row["id"] for row in listed]
    assert key not in str(listed)
    assert key not in staffed.database_text() + staffed.log()


def test_a_key_acts_as_its_user_in_either_header(staffed):
    name, session = new_account(staffed)
    key = make_key(staffed, session)["key"]
    assert staffed.get("/api/auth/me", headers={"X-API-Key": key}).json()["username"] == name
    bearer = NOBODY | {"Authorization": f"Bearer {key}"}
    assert staffed.get("/api/auth/me", headers=bearer).json()["username"] == name


def test_a_bad_key_is_refused_even_beside_a_good_session(staffed):
    session = login(staffed)
    for bad in ("st_" + "x" * 32, "st_", "x", "st_" + "x" * 5000):
        headers = session.cookie | {"X-API-Key": bad}
        assert staffed.get("/api/auth/me", headers=headers).status_code == 401


def test_a_key_needs_no_token_beside_it(staffed):
    assert make_key(staffed)["key_info"]["is_active"] is True


def test_scopes_bound_what_a_key_may(staffed):
    key = make_key(staffed, scoped_permissions=["job.view.own"])["key"]
    assert status(staffed, key, "/api/cloud/jobs") == 200
    assert status(staffed, key, "/api/audit") == 403
    assert status(staffed, key, "/api/cloud/providers/replicate") == 403
    assert staffed.post(KEYS, json={"name": "more"}, headers={"X-API-Key": key}).status_code == 403


def test_an_administrator_s_scoped_key_is_no_administrator(staffed):
    key = make_key(staffed, scoped_permissions=["job.view.own", "api.keys.own"])["key"]
    assert staffed.get("/api/auth/check", headers={"X-API-Key": key}).json()["is_admin"] is False
    child = staffed.post(KEYS, json={"name": "child"}, headers={"X-API-Key": key})
    assert child.status_code == 201
    assert sorted(child.json()["key_info"]["scoped_permissions"]) == ["api.keys.own",
                                                                      "job.view.own"]
    assert status(staffed, child.json()["key"], "/api/audit") == 403


def test_nobody_scopes_beyond_his_own(staffed):
    _, session = new_account(staffed)
    answer = staffed.post(KEYS, json={"name": "x", "scoped_permissions": ["admin.users"]},
                          headers=session.headers)
    assert answer.status_code == 400
    assert "Cannot scope to permissions you don't have" in answer.json()["detail"]
    answer = staffed.post(KEYS, json={"name": "x", "scoped_permissions": ["no.such"]},
                          headers=session.headers)
    assert answer.status_code == 400 and "scoped_permissions[0]" in answer.json()["detail"]


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x" * 101}, {"expires_days": 0},
                                    {"expires_days": 366}, {"name": 7}, {"colour": "red"}])
def test_a_bad_field_is_named(staffed, fields):
    answer = staffed.post(KEYS, json={"name": "x"} | fields)
    assert answer.status_code == 400 and next(iter(fields)) in answer.json()["detail"]


def test_a_key_ends_when_it_is_revoked(staffed):
    made = make_key(staffed)
    assert status(staffed, made["key"]) == 200
    path = f"{KEYS}/{made['key_info']['id']}"
    assert staffed.delete(path).status_code == 200
    assert status(staffed, made["key"]) == 401
    again = staffed.delete(path)
    assert again.status_code == 404
    assert again.json()["detail"] == "API key not found or already revoked"


def test_a_key_ends_when_its_time_is_over(staffed):
    made = make_key(staffed, expires_days=1)
    assert status(staffed, made["key"]) == 200
    staffed.change("UPDATE api_keys SET expires_at_us = 1 WHERE key_id = %s",
                   made["key_info"]["id"])
    assert status(staffed, made["key"]) == 401


def test_a_key_ends_with_its_user(staffed):
    name, session = new_account(staffed)
    key = make_key(staffed, session)["key"]
    staffed.change("UPDATE users SET deactivated_at_us = 1 WHERE username = %s", name)
    assert status(staffed, key) == 401
    assert staffed.get("/api/auth/me", headers=session.cookie).status_code == 401


def test_a_user_without_api_access_has_no_use_of_a_key(staffed):
    name, session = new_account(staffed)
    key = make_key(staffed, session)["key"]
    staffed.change("UPDATE users SET denied = 'api.access' WHERE username = %s", name)
    answer = staffed.get("/api/auth/me", headers={"X-API-Key": key})
    assert answer.status_code == 403 and "api.access" in answer.json()["detail"]


def test_other_people_s_keys_are_none_of_ours(staffed):
    made = make_key(staffed)
    _, session = new_account(staffed)
    path = f"{KEYS}/{made['key_info']['id']}"
    assert staffed.delete(path, headers=session.headers).status_code == 404
    assert staffed.get(f"{KEYS}?all=true", headers=session.cookie).status_code == 403
    assert status(staffed, made["key"]) == 200
    assert make_key(staffed, session)["key_info"]["id"] in [
        row["id"] for row in staffed.get(f"{KEYS}?all=true").json()["api_keys"]]


@pytest.mark.parametrize("key_id", ["0", "x", "-1", "99999999999999999999", "1%20OR%201=1"])
def test_an_odd_id_is_not_found(staffed, key_id):
    assert staffed.delete(f"{KEYS}/{key_id}").status_code == 404


def test_the_last_use_is_noted(staffed):
    made = make_key(staffed)
    assert made["key_info"]["last_used_at"] is None
    status(staffed, made["key"])
    [row] = [row for row in staffed.get(KEYS).json()["api_keys"]
             if row["id"] == made["key_info"]["id"]]
    assert row["last_used_at"] is not None


def test_made_used_and_revoked_are_in_the_audit_log(staffed):
    made = make_key(staffed)
    for _ in range(3):
        status(staffed, made["key"])
    staffed.delete(f"{KEYS}/{made['key_info']['id']}")
    kinds = [kind for (kind,) in staffed.query(
        "SELECT event_type FROM audit_log WHERE target_type = 'api_key' AND target_id = %s "
        "ORDER BY audit_id", str(made["key_info"]["id"]))]
    assert kinds == ["api_key.created", "auth.api_key.used", "api_key.revoked"]
