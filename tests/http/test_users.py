"""Users as administrators see, make and change them, and what each may do with his own account."""

import base64
import itertools
import json

import pytest

import expect
from browser_session import NOBODY, login, try_login
from people import Person
from stack import ADMIN_PASSWORD

USERS = "/api/users"
ME = "/api/users/me"
PASSWORD = "a long password"
NUMBERS = itertools.count(1)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
HOSTILE = ["'; DROP TABLE users; --", "\" OR \"\"=\"", "<script>alert(1)</script>", "%00%27",
           "$1 %s {x} \\u0000", "\u202e\ufeff\u00e9\U0001f600"]


def name():
    return f"user-{next(NUMBERS)}"


def make(cloud, **body):
    """A user through the API; the password is PASSWORD unless said otherwise."""
    body = {"username": name(), "password": PASSWORD} | body
    answer = cloud.post(USERS, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def path(user, rest=""):
    return f"{USERS}/{user['id']}{rest}"


def shown(cloud, user):
    return expect.ok(cloud.get(path(user)))


def audit(cloud, user, event_type):
    return [json.loads(row[0]) for row in cloud.query(
        "SELECT details FROM audit_log WHERE target_type = 'user' AND target_id = %s "
        "AND event_type = %s ORDER BY audit_id", str(user["id"]), event_type)]


# making

def test_a_new_user_is_a_researcher_unless_said_otherwise(staffed):
    user = make(staffed, email="Ann@Example.org", display_name="Ann")
    assert user["email"] == "Ann@Example.org" and user["display_name"] == "Ann"
    assert [level["name"] for level in user["levels"]] == ["researcher"]
    assert user["permissions"] == sorted(user["permissions"])
    assert "job.submit" in user["permissions"] and "admin.users" not in user["permissions"]
    assert user["is_active"] is True and user["is_admin"] is False
    assert user["auth_provider"] == "local" and user["email_verified"] is False
    assert user["last_login_at"] is None and user["avatar_url"] is None
    assert user["organization"] is None and user["teams"] == [] and user["resource_rules"] == []
    assert make(staffed, level_names=[])["permissions"] == []
    both = make(staffed, level_names=["viewer", "lead"])
    assert [level["name"] for level in both["levels"]] == ["lead", "viewer"]


def test_a_new_user_logs_in_with_the_password_and_not_without_one(staffed):
    user = make(staffed)
    assert login(staffed, user["username"], PASSWORD).answer["user"]["id"] == user["id"]
    silent = make(staffed, password=None)
    assert try_login(staffed, silent["username"], PASSWORD).status_code == 401


@pytest.mark.parametrize("field, value", [
    ("username", "ab"), ("username", "x" * 51), ("username", "two words"), ("username", "é" * 3),
    ("username", "a/b"), ("username", "LOCAL"), ("username", "service"), ("username", 7),
    ("username", None), ("email", "nowhere"), ("email", "@x"), ("email", "x@"), ("email", "a@b@c"),
    ("email", "a\n@b"), ("email", "a b@c"), ("email", "x" * 250 + "@abcd"), ("password", "seven77"),
    ("password", "x" * 1025), ("display_name", "x" * 101), ("display_name", "two\nlines"),
    ("display_name", "\x1b[2J"), ("is_admin", "yes"), ("level_names", "researcher"),
    ("level_names", [7]), ("user_id", 1), ("password_hash", "x")])
def test_a_bad_field_is_refused_and_named(staffed, field, value):
    before = staffed.query("SELECT COUNT(*) FROM users")
    body = {"username": name(), field: value}
    expect.error(staffed.post(USERS, json=body), 400, field)
    assert staffed.query("SELECT COUNT(*) FROM users") == before


def test_an_unknown_level_makes_no_user(staffed):
    body = {"username": name(), "level_names": ["researcher", "no-such"]}
    expect.error(staffed.post(USERS, json=body), 404, "no-such")
    assert staffed.query("SELECT COUNT(*) FROM users WHERE username = %s",
                         body["username"]) == [(0,)]


def test_names_and_addresses_are_one_users_in_any_case_of_letters(staffed):
    user = make(staffed, email="cases@example.org")
    for body in ({"username": user["username"].upper()},
                 {"username": name(), "email": "CASES@example.org"}):
        expect.error(staffed.post(USERS, json=body), 409, "already exists")


def test_a_taken_name_is_said_without_an_address_that_nobody_gave(staffed):
    user = make(staffed)
    answer = staffed.post(USERS, json={"username": user["username"], "password": PASSWORD})
    expect.error(answer, 409, f"User with username '{user['username']}' already exists")


@pytest.mark.parametrize("text", HOSTILE)
def test_odd_characters_are_only_data(staffed, text):
    line = text.replace("\\u0000", "")
    user = make(staffed, display_name=line, level_names=["viewer"])
    assert shown(staffed, user)["display_name"] == line
    assert expect.ok(staffed.request("PATCH", path(user), json={"display_name": line + "2"}))[
        "display_name"] == line + "2"
    expect.error(staffed.post(USERS, json={"username": text}), 400, "username")
    expect.error(staffed.post(USERS, json={"username": name(), "level_names": [text]}), 404)
    expect.error(staffed.post(path(user, "/levels"), json={"level_name": text}), 404)
    expect.error(staffed.post(path(user, "/permissions"),
                              json={"permission_name": text, "granted": True}), 400)
    assert staffed.query("SELECT COUNT(*) FROM users WHERE user_id = %s", user["id"]) == [(1,)]


# seeing

def test_users_are_listed_a_page_at_a_time(staffed):
    made = [make(staffed, level_names=[level])["id"] for level in ("viewer", "lead", "researcher")]
    whole = expect.ok(staffed.get(f"{USERS}?limit=500"))
    assert [user["id"] for user in whole["users"]] == sorted(user["id"] for user in whole["users"])
    assert whole["total"] == len(whole["users"])
    levels = {user["id"]: [level["name"] for level in user["levels"]] for user in whole["users"]}
    assert [levels[user_id] for user_id in made] == [["viewer"], ["lead"], ["researcher"]]
    page = expect.ok(staffed.get(f"{USERS}?limit=2&offset=1"))
    assert page["users"] == whole["users"][1:3] and page["total"] == whole["total"]
    for query in ("limit=0", "limit=501", "offset=-1", "limit=x", "include_inactive=2"):
        expect.error(staffed.get(f"{USERS}?{query}"), 400, query.split("=")[0])


def test_deactivated_users_are_listed_when_asked_for(staffed):
    user = make(staffed)
    expect.ok(staffed.post(path(user, "/deactivate")))
    listed = {row["id"] for row in expect.ok(staffed.get(f"{USERS}?limit=500"))["users"]}
    everybody = expect.ok(staffed.get(f"{USERS}?limit=500&include_inactive=true"))
    assert user["id"] not in listed
    [row] = [row for row in everybody["users"] if row["id"] == user["id"]]
    assert row["is_active"] is False and row["permissions"] == []
    assert everybody["total"] == len(everybody["users"])


@pytest.mark.parametrize("unknown", ["0", "999999999", "x", "-1", "1e3", "%27", "9" * 30, "01"])
def test_an_unknown_user_is_not_found(staffed, unknown):
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activate"),
                         ("GET", "/permissions"), ("GET", "/credentials"), ("GET", "/avatar")):
        body = None if method == "GET" else {}
        expect.error(staffed.request(method, f"{USERS}/{unknown}{rest}", json=body), 404)


def test_a_password_and_its_hash_are_nowhere_to_be_read(staffed):
    user = make(staffed, password="very secret indeed")
    [(hashed,)] = staffed.query("SELECT password_hash FROM users WHERE user_id = %s", user["id"])
    assert hashed.startswith("$scrypt$")
    for text in (staffed.get(path(user)).text, staffed.get(f"{USERS}?limit=500").text,
                 staffed.get("/api/audit?limit=500").text, staffed.log()):
        assert "very secret" not in text and hashed not in text and "$scrypt$" not in text
    assert "very secret" not in staffed.database_text()


def test_strangers_learn_that_there_are_users_and_not_how_many(staffed):
    status = f"{USERS}/meta/auth-status"
    assert expect.ok(staffed.get(status, headers=NOBODY)) == {
        "in_use": True, "has_external_providers": False}
    assert expect.ok(staffed.get(status))["user_count"] >= 1


def test_before_there_is_a_user_it_says_so(new_stack):
    stack = new_stack(reset=False)
    assert expect.ok(stack.get(f"{USERS}/meta/auth-status"))["in_use"] is False
    assert expect.ok(stack.get(USERS)) == {"users": [], "total": 0}
    expect.error(stack.get(ME), 404, "no account")


@pytest.mark.parametrize("unknown", ["1", "999999999"])
def test_existence_is_told_to_those_who_administer_users(staffed, unknown):
    person = Person(staffed, name(), "lead")
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/deactivate"),
                         ("POST", "/levels"), ("POST", "/permissions"), ("GET", "/credentials")):
        body = None if method == "GET" else {}
        expect.error(person.request(method, f"{USERS}/{unknown}{rest}", json=body), 403)


# changing

def test_a_patch_changes_what_it_names(staffed):
    user = make(staffed, email="before@example.org", display_name="Before")
    patch = {"display_name": "After"}
    after = expect.ok(staffed.request("PATCH", path(user), json=patch))
    assert after["display_name"] == "After" and after["email"] == "before@example.org"
    after = expect.ok(staffed.request("PATCH", path(user), json={"email": ""}))
    assert after["email"] is None and after["display_name"] == "After"
    assert audit(staffed, user, "user.updated")[0] == {
        "username": user["username"],
        "before": {"email": "before@example.org", "display_name": "Before", "is_active": True,
                   "is_admin": False},
        "after": {"email": "before@example.org", "display_name": "After", "is_active": True,
                  "is_admin": False}}
    expect.error(staffed.request("PATCH", path(user), json={"username": "other"}), 400, "username")


def test_an_address_of_another_is_refused(staffed):
    make(staffed, email="taken@example.org")
    user = make(staffed)
    answer = staffed.request("PATCH", path(user), json={"email": "Taken@Example.org"})
    expect.error(answer, 409, "already exists")
    assert shown(staffed, user)["email"] is None


def test_a_reset_password_ends_every_session(staffed):
    user = make(staffed)
    session = login(staffed, user["username"], PASSWORD)
    expect.ok(staffed.request("PATCH", path(user), json={"password": "another password"}))
    expect.error(staffed.get(ME, headers=session.cookie), 401)
    assert try_login(staffed, user["username"], PASSWORD).status_code == 401
    login(staffed, user["username"], "another password")
    assert audit(staffed, user, "user.password.changed") == [
        {"username": user["username"], "sessions_ended": 1}]


def test_a_deactivated_user_is_out_at_once(staffed):
    user = make(staffed)
    session = login(staffed, user["username"], PASSWORD)
    key = staffed.post("/api/auth/api-keys", json={"name": "k"},
                       headers=session.headers).json()["key"]
    by_key = NOBODY | {"X-API-Key": key}
    assert staffed.get(ME, headers=by_key).status_code == 200
    assert expect.ok(staffed.post(path(user, "/deactivate")))["is_active"] is False
    expect.error(staffed.get(ME, headers=session.cookie), 401)
    expect.error(staffed.get(ME, headers=by_key), 401)
    assert try_login(staffed, user["username"], PASSWORD).status_code == 401
    assert expect.ok(staffed.post(path(user, "/activate")))["is_active"] is True
    expect.error(staffed.get(ME, headers=session.cookie), 401)
    assert staffed.get(ME, headers=by_key).status_code == 200
    login(staffed, user["username"], PASSWORD)


def test_a_deleted_user_leaves_nothing_but_the_name(staffed):
    user = make(staffed, email="gone@example.org", display_name="Gone Person")
    session = login(staffed, user["username"], PASSWORD)
    key = staffed.post("/api/auth/api-keys", json={"name": "k"},
                       headers=session.headers).json()["key"]
    made = staffed.post("/api/auth/s3-credentials", json={}, headers=session.headers)
    assert made.status_code == 201, made.text
    saved = staffed.post(f"{ME}/credentials", headers=session.headers,
                         json={"provider": "replicate", "value": "r8_of_gone"})
    assert saved.status_code == 201, saved.text
    expect.ok(staffed.request("DELETE", path(user)))
    expect.error(staffed.get(path(user)), 404, f"User {user['id']} not found")
    expect.error(staffed.get(ME, headers=session.cookie), 401)
    expect.error(staffed.get(ME, headers=NOBODY | {"X-API-Key": key}), 401)
    [row] = staffed.query(
        "SELECT username, email, email_key, display_name, password_hash FROM users "
        "WHERE user_id = %s", user["id"])
    assert row == (user["username"], None, None, "", None)
    for table, column in (("sessions", "user_id"), ("user_levels", "user_id"),
                          ("user_avatars", "user_id")):
        assert staffed.query(f"SELECT COUNT(*) FROM {table} WHERE {column} = %s",
                             user["id"]) == [(0,)]
    assert staffed.query("SELECT COUNT(*) FROM s3_credentials WHERE owner = %s "
                         "AND revoked_at_us IS NULL", user["username"]) == [(0,)]
    assert staffed.query("SELECT COUNT(*) FROM user_credentials WHERE owner = %s",
                         user["username"]) == [(0,)]
    assert len(audit(staffed, user, "user.deleted")) == 1
    expect.error(staffed.post(USERS, json={"username": user["username"].upper()}), 409)
    assert make(staffed, email="gone@example.org")["email"] == "gone@example.org"


def test_an_administrator_does_not_lock_himself_out(staffed):
    me = expect.ok(staffed.get(ME))
    expect.error(staffed.request("DELETE", path(me)), 409, "Cannot delete your own account")
    expect.error(staffed.post(path(me, "/deactivate")), 409, "Cannot deactivate your own account")


@pytest.mark.parametrize("database", ("sqlite", "postgresql"))
def test_the_last_administrator_stays(new_stack, database):
    staffed = new_stack(database=database, reset=False)
    staffed.hire()
    other = Person(staffed, name(), granted="*")
    boss = expect.ok(staffed.get(ME))
    for method, rest, body, words in (
            ("DELETE", "", None, "Cannot delete the last active admin user"),
            ("POST", "/deactivate", None, "Cannot deactivate the last active admin user"),
            ("PATCH", "", {"is_active": False}, "Cannot deactivate the last active admin user"),
            ("PATCH", "", {"is_admin": False}, "Cannot remove admin role from the last admin")):
        staffed.change("DELETE FROM user_levels WHERE user_id = %s", boss["id"])
        answer = other.request(method, path(boss, rest), json=body)
        expect.error(answer, 409, words)
    assert staffed.get(ME).status_code == 200


def test_the_level_of_the_last_administrator_stays(new_stack):
    stack = new_stack(reset=False)
    stack.hire()
    other = Person(stack, name(), granted="*")
    boss = expect.ok(stack.get(ME))
    stack.change("UPDATE users SET is_admin = 0 WHERE user_id = %s", boss["id"])
    if "admin" not in [level["name"] for level in boss["levels"]]:
        expect.ok(other.post(path(boss, "/levels"), json={"level_name": "admin"}))
    words = "Cannot remove admin role from the last admin user"
    expect.error(other.delete(path(boss, "/levels/admin")), 409, words)
    deny = {"permission_name": "job.submit", "granted": False}
    expect.error(other.post(path(boss, "/permissions"), json=deny), 409, words)
    assert shown(other, boss)["permissions"]


# one's own account

def test_everybody_has_a_profile_of_his_own(staffed):
    user = make(staffed, level_names=["viewer"])
    session = login(staffed, user["username"], PASSWORD)
    for own in (ME, f"{ME}/profile"):
        assert expect.ok(staffed.get(own, headers=session.cookie))["id"] == user["id"]
    body = {"email": f"{user['username']}@example.org", "display_name": "Me"}
    after = expect.ok(staffed.request("PATCH", f"{ME}/profile", json=body,
                                      headers=session.headers))
    assert (after["email"], after["display_name"]) == (body["email"], "Me")
    for field in ("is_admin", "is_active", "username", "level_names", "password"):
        answer = staffed.request("PATCH", f"{ME}/profile", json={field: True},
                                 headers=session.headers)
        expect.error(answer, 400, field)


def test_ones_own_password_needs_the_current_one(staffed):
    user = make(staffed, level_names=["viewer"])
    here, there = (login(staffed, user["username"], PASSWORD) for _ in range(2))
    body = {"current_password": "not this", "new_password": "another password"}
    expect.error(staffed.put(f"{ME}/password", json=body, headers=here.headers), 401)
    body["current_password"] = PASSWORD
    expect.error(staffed.put(f"{ME}/password", json=body | {"new_password": "short"},
                             headers=here.headers), 400, "new_password")
    expect.ok(staffed.put(f"{ME}/password", json=body, headers=here.headers))
    expect.error(staffed.get(ME, headers=there.cookie), 401)
    assert staffed.get(ME, headers=here.cookie).status_code == 200
    login(staffed, user["username"], "another password")


# pictures

def data_url(picture, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"


def test_a_picture_is_shown_as_it_was_sent(staffed):
    user = make(staffed)
    session = login(staffed, user["username"], PASSWORD)
    for picture, kind in ((PNG, "image/png"), (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
                          (b"GIF89a" + bytes(9), "image/gif"), (b"GIF87a", "image/gif"),
                          (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "image/webp"),
                          (PNG + bytes(512 * 1024 - len(PNG)), "image/png")):
        answer = staffed.post(f"{ME}/avatar/upload", json={"data_url": data_url(picture, kind)},
                              headers=session.headers)
        url = expect.ok(answer)["avatar_url"]
        served = staffed.get(url)
        assert served.status_code == 200 and served.content == picture
        assert served.headers["Content-Type"] == kind
        assert served.headers["X-Content-Type-Options"] == "nosniff"
    expect.error(staffed.get(url, headers=NOBODY), 401)
    expect.ok(staffed.delete(f"{ME}/avatar", headers=session.headers))
    assert shown(staffed, user)["avatar_url"] is None
    expect.error(staffed.get(path(user, "/avatar")), 404)
    expect.error(staffed.delete(f"{ME}/avatar", headers=session.headers), 404)


NO_PICTURES = {
    "empty": "", "word": "x", "nothing": "data:image/png;base64,", "plain": "data:image/png,abc",
    "svg": data_url(b"<svg/>", "image/svg+xml"), "html": data_url(b"<html>"),
    "other-type": data_url(PNG, "image/jpeg"), "header": data_url(PNG, "image/png\r\nX: y"),
    "not-base64": "data:image/png;base64,!!!!", "line-end": data_url(PNG) + "\n",
    "url": "http://127.0.0.1/x.png", "large": data_url(PNG + bytes(512 * 1024)),
    "cut": data_url(b"\x89PNG")}


@pytest.mark.parametrize("url", NO_PICTURES.values(), ids=NO_PICTURES)
def test_what_is_no_picture_is_refused(staffed, url):
    user = make(staffed)
    session = login(staffed, user["username"], PASSWORD)
    answer = staffed.post(f"{ME}/avatar/upload", json={"data_url": url}, headers=session.headers)
    expect.error(answer, 400, "data_url")
    assert shown(staffed, user)["avatar_url"] is None


# tokens of others

def test_tokens_of_a_user_are_listed_and_removed_and_never_shown(staffed):
    user = make(staffed)
    session = login(staffed, user["username"], PASSWORD)
    staffed.post(f"{ME}/credentials", headers=session.headers,
                 json={"provider": "replicate", "value": "r8_of_somebody"})
    answer = staffed.get(path(user, "/credentials"))
    [row] = expect.ok(answer)["credentials"]
    assert row["provider"] == "replicate" and "r8_of" not in answer.text
    target = path(user, f"/credentials/replicate/{row['credential_name']}")
    expect.ok(staffed.delete(target))
    expect.error(staffed.delete(target), 404)
    assert expect.ok(staffed.get(path(user, "/credentials")))["credentials"] == []


def test_a_key_with_scopes_changes_no_account(staffed):
    person = Person(staffed, name(), "researcher")
    scoped = NOBODY | {"X-API-Key": person.new_key(scopes="api.access job.view.own")}
    assert staffed.get(ME, headers=scoped).status_code == 200
    expect.error(staffed.request("PATCH", f"{ME}/profile", json={"display_name": "x"},
                                 headers=scoped), 403)
    expect.error(staffed.put(f"{ME}/password", headers=scoped, json={
        "current_password": ADMIN_PASSWORD, "new_password": "another password"}), 403)
