"""Users and API keys by the companion."""

import itertools
import json
import re
import subprocess

import pytest

from browser_session import NOBODY, login, try_login
from stack import COMPANION

NUMBERS = itertools.count(1)
PASSWORD = "a long password"
USAGE, DATA, NO_INPUT, CONFIG = 64, 65, 66, 78


def name():
    return f"shell-{next(NUMBERS)}"


def run(cloud, *arguments, text=None):
    return subprocess.run([COMPANION, *arguments], env=cloud.env, capture_output=True, text=True,
                          timeout=60, input=text)


def done(cloud, *arguments, text=None):
    result = run(cloud, *arguments, text=text)
    assert result.returncode == 0, result.stderr
    return result.stdout


def json_of(cloud, *arguments, text=None):
    return json.loads(done(cloud, *arguments, "--json", text=text))


def refused(cloud, status, mention, *arguments, text=None):
    result = run(cloud, *arguments, text=text)
    assert result.returncode == status, result.stdout + result.stderr
    assert mention in result.stderr and result.stdout == ""


@pytest.fixture
def user(staffed):
    """The name of a new user with the password PASSWORD."""
    username = name()
    done(staffed, "user", "add", username, "--password-stdin", text=PASSWORD + "\n")
    return username


# making

def test_the_first_user_is_an_administrator(new_stack):
    stack = new_stack(reset=False)
    refused(stack, DATA, "administrator", "user", "add", "worker")
    assert done(stack, "user", "list") == ""
    made = json_of(stack, "user", "add", "boss", "--admin", "--email", "boss@example.org")
    assert made["is_admin"] is True and made["levels"] == ["admin"]
    assert login(stack, "boss", made["password"]).answer["user"]["username"] == "boss"
    assert stack.get("/api/users", headers=NOBODY).status_code == 401
    done(stack, "user", "add", "worker")


def test_a_made_password_is_shown_once_and_lets_in(staffed):
    username = name()
    text = done(staffed, "user", "add", username, "--display-name", "Shell User")
    password = re.search(r"^password  (\S{24})$", text, re.M)[1]
    assert "not shown again" in text
    view = login(staffed, username, password).answer["user"]
    assert view["display_name"] == "Shell User"
    assert [level["name"] for level in view["levels"]] == ["researcher"]
    for word in ("list", "show"):
        operand = [username] if word == "show" else []
        assert password not in done(staffed, "user", word, *operand)
    assert password not in staffed.database_text() and password not in staffed.log()


def test_a_password_is_read_from_standard_input(staffed):
    username = name()
    made = json_of(staffed, "user", "add", username, "--password-stdin", "--level", "viewer,lead",
                   text=PASSWORD + "\r\nmore\n")
    assert made["password"] is None and made["levels"] == ["lead", "viewer"]
    login(staffed, username, PASSWORD)


def test_a_user_without_password_does_not_log_in(staffed):
    made = json_of(staffed, "user", "add", name(), "--no-password")
    assert made["password"] is None
    assert try_login(staffed, made["username"], "").status_code in (400, 401)
    assert "none" in done(staffed, "user", "show", made["username"])


@pytest.mark.parametrize("arguments, text, status, mention", [
    (["ab"], None, CONFIG, "username"), (["two words"], None, CONFIG, "username"),
    (["local"], None, CONFIG, "username"), (["'; DROP TABLE users"], None, CONFIG, "username"),
    (["shell-x", "--email", "nowhere"], None, CONFIG, "email"),
    (["shell-x", "--display-name", "\x1b[2J"], None, CONFIG, "display_name"),
    (["shell-x", "--display-name", b"\xff"], None, CONFIG, "display_name"),
    (["shell-x", "--level", "no-such"], None, NO_INPUT, "no-such"),
    (["shell-x", "--password-stdin"], "short\n", CONFIG, "password"),
    (["shell-x", "--password-stdin"], "", CONFIG, "empty"),
    (["shell-x", "--password-stdin"], "x" * 2000, CONFIG, "password"),
    (["shell-x", "--password-stdin", "--no-password"], PASSWORD, CONFIG, "together"),
    (["shell-x", "--password", PASSWORD], None, USAGE, "--password"),
    ([], None, USAGE, ""), (["shell-x", "shell-y"], None, USAGE, "")])
def test_what_is_wrong_is_said_and_nothing_is_made(staffed, arguments, text, status, mention):
    before = staffed.query("SELECT COUNT(*) FROM users")
    refused(staffed, status, mention, "user", "add", *arguments, text=text)
    assert staffed.query("SELECT COUNT(*) FROM users") == before


def test_a_name_is_given_once(staffed, user):
    refused(staffed, DATA, "already exists", "user", "add", user.upper())
    done(staffed, "user", "delete", user)
    refused(staffed, DATA, "already exists", "user", "add", user)


# seeing

def test_users_are_listed_for_people_and_for_scripts(staffed, user):
    [line] = [line for line in done(staffed, "user", "list").splitlines() if user in line]
    assert "active" in line and "never logged in" in line and line.endswith("researcher")
    assert any("boss*" in line for line in done(staffed, "user", "list").splitlines())
    rows = json_of(staffed, "user", "list")["users"]
    assert [row for row in rows if row["username"] == user] == [
        json_of(staffed, "user", "show", user)]
    done(staffed, "user", "deactivate", user)
    assert user not in done(staffed, "user", "list")
    assert f"deactivated  never logged in       {user}" in done(staffed, "user", "list", "--all")


def test_a_user_is_found_by_address_in_any_case(staffed):
    username = name()
    done(staffed, "user", "add", username, "--email", f"{username}@example.org")
    assert json_of(staffed, "user", "show", f"{username}@EXAMPLE.org")["username"] == username
    assert json_of(staffed, "user", "show", username.upper())["username"] == username


@pytest.mark.parametrize("command", ["show", "passwd", "activate", "deactivate", "delete"])
def test_an_unknown_user_is_said_to_be_none(staffed, command):
    for unknown in ("nobody-of-this-name", "' OR 1=1 --", "\u00e9"):
        refused(staffed, NO_INPUT, "not found", "user", command, unknown)


# changing

def test_a_new_password_ends_the_sessions(staffed, user):
    session = login(staffed, user, PASSWORD)
    made = json_of(staffed, "user", "passwd", user)["password"]
    assert staffed.get("/api/users/me", headers=session.cookie).status_code == 401
    login(staffed, user, made)
    done(staffed, "user", "passwd", user, "--password-stdin", text="yet another one\n")
    login(staffed, user, "yet another one")
    refused(staffed, CONFIG, "password", "user", "passwd", user, "--password-stdin", text="x\n")


def test_levels_are_given_and_taken(staffed, user):
    changed = json_of(staffed, "user", "level", user, "--add", "lead", "--remove=researcher")
    assert changed["levels"] == ["lead"]
    refused(staffed, NO_INPUT, "researcher", "user", "level", user, "--remove", "researcher")
    refused(staffed, NO_INPUT, "no-such", "user", "level", user, "--add", "no-such")
    refused(staffed, CONFIG, "--add", "user", "level", user)


def test_a_deactivated_user_is_out_and_comes_in_again(staffed, user):
    assert json_of(staffed, "user", "deactivate", user)["is_active"] is False
    assert try_login(staffed, user, PASSWORD).status_code == 401
    assert json_of(staffed, "user", "activate", user)["is_active"] is True
    login(staffed, user, PASSWORD)


def test_a_deleted_user_is_gone(staffed, user):
    key = json_of(staffed, "api-key", "add", "--user", user)["key"]
    assert json_of(staffed, "user", "delete", user) == {"username": user, "deleted": True}
    refused(staffed, NO_INPUT, "not found", "user", "delete", user)
    headers = NOBODY | {"X-API-Key": key}
    assert staffed.get("/api/users/me", headers=headers).status_code == 401


def test_the_last_administrator_stays(new_stack):
    stack = new_stack(reset=False)
    done(stack, "user", "add", "boss", "--admin")
    for command, words in (("deactivate", "deactivate the last"), ("delete", "delete the last")):
        refused(stack, DATA, words, "user", command, "boss")
    assert json_of(stack, "user", "show", "boss")["is_active"] is True


def test_what_the_shell_does_is_audited(staffed, user):
    done(staffed, "user", "level", user, "--add", "lead")
    done(staffed, "user", "passwd", user)
    done(staffed, "user", "delete", user)
    rows = staffed.query("SELECT event_type, actor FROM audit_log WHERE target_type = 'user' AND "
                         "details LIKE %s ORDER BY audit_id", f'%"{user}"%')
    assert rows == [(f"user.{event}", "local") for event in (
        "created", "level.changed", "password.changed", "deleted")]


# keys

def test_a_key_is_shown_once_and_lets_its_user_in(staffed, user):
    made = json_of(staffed, "api-key", "add", "--user", user, "--name", "nightly",
                   "--expires-days", "7")
    headers = NOBODY | {"X-API-Key": made["key"]}
    assert staffed.get("/api/users/me", headers=headers).json()["username"] == user
    [row] = json_of(staffed, "api-key", "list", "--user", user)["api_keys"]
    assert (row["id"], row["username"], row["name"], row["status"]) == (
        made["id"], user, "nightly", "active")
    assert made["key"] not in done(staffed, "api-key", "list")
    assert json_of(staffed, "api-key", "revoke", str(made["id"]))["revoked"] is True
    assert staffed.get("/api/users/me", headers=headers).status_code == 401
    assert json_of(staffed, "api-key", "list", "--user", user)["api_keys"] == []
    refused(staffed, NO_INPUT, "not found", "api-key", "revoke", str(made["id"]))


def test_a_key_does_what_its_scopes_say(staffed, user):
    made = json_of(staffed, "api-key", "add", "--user", user, "--scopes",
                   "job.view.own,api.access")
    headers = NOBODY | {"X-API-Key": made["key"]}
    assert staffed.get("/api/cloud/jobs", headers=headers).status_code == 200
    assert staffed.post("/api/cloud/jobs/submit", json={}, headers=headers).status_code == 403


def test_people_read_keys_too(staffed, user):
    text = done(staffed, "api-key", "add", "--user", user)
    key = re.search(r"^key      (st_[A-Za-z0-9]{32})$", text, re.M)[1]
    assert "not shown again" in text
    [line] = done(staffed, "api-key", "list", "--user", user).splitlines()
    assert key[:11] in line and line.endswith(f"{user}  cron") and "never used" in line


@pytest.mark.parametrize("arguments, status, mention", [
    (["add"], CONFIG, "--user"), (["add", "--user", "nobody-there"], NO_INPUT, "not found"),
    (["add", "--user", "boss", "--scopes", "no.such"], CONFIG, "no.such"),
    (["add", "--user", "boss", "--expires-days", "366"], USAGE, "expires"),
    (["list", "--user", "nobody-there"], NO_INPUT, "not found"),
    (["revoke", "x"], NO_INPUT, "not found"), (["revoke", "9" * 19], NO_INPUT, "not found"),
    (["revoke"], USAGE, "")])
def test_a_wrong_word_about_keys_is_named(staffed, arguments, status, mention):
    refused(staffed, status, mention, "api-key", *arguments)
