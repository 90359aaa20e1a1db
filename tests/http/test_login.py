"""Logging in and out: who gets in, what a browser holds then, and what ends it."""

import itertools
import statistics
import time

import pytest

from browser_session import COOKIE, NOBODY, login, login_of, try_login
from stack import ADMIN_PASSWORD

ME = "/api/auth/me"
CHECK = "/api/auth/check"
NAMES = (f"nobody{number}" for number in itertools.count())


def new_account(stack, password="a long password"):
    """A user of the test's own, made by registering."""
    stack.put("/api/cloud/settings/registration", json={"enabled": True})
    name = f"user{time.monotonic_ns()}"
    answer = stack.post("/api/auth/register", headers=NOBODY, json={
        "username": name, "email": f"{name}@example.org", "password": password})
    assert answer.status_code == 201, answer.text
    return name, login_of(answer)


def status(stack, headers, path=ME, method="GET"):
    return stack.request(method, path, headers=headers).status_code


# the first administrator

def test_the_first_administrator_is_made_on_the_server_itself(new_stack):
    stack = new_stack(reset=False)
    account = {"username": "boss", "email": "boss@example.org", "password": ADMIN_PASSWORD}
    assert stack.get("/api/auth/setup/status").json()["needs_setup"] is True
    far = stack.post("/api/auth/setup/first-admin", json=account,
                     headers={"X-Forwarded-For": "203.0.113.9"})
    assert far.status_code == 401 and "first-admin" in far.json()["detail"]
    assert stack.post("/api/auth/setup/first-admin", json=account,
                      headers={"Origin": "http://evil.example"}).status_code == 401
    made = stack.post("/api/auth/setup/first-admin", json=account)
    assert made.status_code == 201 and made.json()["user"]["is_admin"] is True
    assert login_of(made).token
    assert stack.get("/api/auth/setup/status").json()["needs_setup"] is False


def test_setup_happens_once_and_ends_what_loopback_may(new_stack):
    stack = new_stack(reset=False)
    assert stack.get("/api/cloud/jobs").status_code == 200
    stack.hire()
    again = stack.post("/api/auth/setup/first-admin", headers=NOBODY, json={
        "username": "second", "email": "second@example.org", "password": ADMIN_PASSWORD})
    assert again.status_code == 409
    assert again.json()["detail"] == "Setup already completed. Use normal registration."
    assert stack.get("/api/cloud/jobs", headers=NOBODY).status_code == 401
    stack.change("UPDATE users SET deactivated_at_us = 1")
    assert stack.get("/api/cloud/jobs", headers=NOBODY).status_code == 401
    assert stack.get("/api/auth/setup/status").json()["needs_setup"] is False


@pytest.mark.parametrize("field, value", [
    ("username", "ab"), ("username", "a" * 51), ("username", "a b"), ("username", "é" * 4),
    ("username", "local"), ("email", "nowhere"), ("email", "a@b@c"), ("password", "seven77"),
    ("password", "x" * 1025)])
def test_a_bad_field_of_an_account_is_named(new_stack, field, value):
    stack = new_stack(reset=False)
    answer = stack.post("/api/auth/setup/first-admin", json={
        "username": "boss", "email": "boss@example.org", "password": ADMIN_PASSWORD,
        field: value})
    assert answer.status_code == 400 and field in answer.json()["detail"]
    assert stack.get("/api/auth/setup/status").json()["needs_setup"] is True


# in

def test_the_cookie_is_kept_from_scripts_and_other_sites(staffed):
    answer = try_login(staffed)
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 200 and answer.json()["user"]["username"] == "boss"
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie and "Max-Age" not in cookie
    assert len(answer.cookies[COOKIE]) == 43
    assert "password" not in answer.text.replace("user.password", "")


def test_behind_tls_the_cookie_stays_there(staffed):
    answer = try_login(staffed, headers={"X-Forwarded-Proto": "https"})
    assert "; Secure" in answer.headers["Set-Cookie"]


def test_who_wants_to_be_remembered_is_for_a_month(staffed):
    answer = try_login(staffed, remember_me=True)
    assert "Max-Age=2592000" in answer.headers["Set-Cookie"]
    token = login_of(answer)
    check = staffed.get(CHECK, headers=token.cookie)
    assert "Max-Age=2592000" in check.headers["Set-Cookie"]


def test_the_address_is_as_good_as_the_name_and_case_does_not_matter(staffed):
    for name in ("BOSS", "boss@example.org", "Boss@Example.ORG"):
        assert try_login(staffed, name).json()["user"]["username"] == "boss"


def test_strangers_cannot_tell_an_unknown_name_from_a_wrong_password(staffed):
    name, _ = new_account(staffed)
    wrong = try_login(staffed, name, "not the password")
    unknown = try_login(staffed, next(NAMES), "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["detail"] == "Invalid username or password"
    assert COOKIE not in wrong.cookies and COOKIE not in unknown.cookies


def test_a_deactivated_user_is_answered_like_an_unknown_one(staffed):
    name, _ = new_account(staffed)
    staffed.change("UPDATE users SET deactivated_at_us = 1 WHERE username = %s", name)
    answer = try_login(staffed, name, "a long password")
    assert (answer.status_code, answer.json()["detail"]) == (401, "Invalid username or password")


def seconds_of_failure(stack, name):
    start = time.monotonic()
    assert try_login(stack, name, "not the password").status_code == 401
    return time.monotonic() - start


def test_time_does_not_tell_whether_there_is_a_user(new_stack):
    stack = new_stack(env={"SIMPLETUNER_PASSWORD_COST": "14"}, reset=False)
    stack.hire()
    known = [new_account(stack)[0] for _ in range(9)]
    # In turns, so that other work of this machine slows both alike.
    pairs = [(seconds_of_failure(stack, name), seconds_of_failure(stack, next(NAMES)))
             for name in known]
    there, not_there = (statistics.median(seconds) for seconds in zip(*pairs))
    assert 0.4 < there / not_there < 2.5


def test_after_some_failures_a_name_waits_whether_it_is_anybodys_or_not(staffed):
    for name in (new_account(staffed)[0], next(NAMES)):
        answers = [try_login(staffed, name, "not the password") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert answers[-1].headers["Retry-After"] == "1"


def test_the_right_password_waits_too_and_then_forgets_the_failures(staffed):
    name, _ = new_account(staffed)
    for _ in range(5):
        try_login(staffed, name, "not the password")
    assert try_login(staffed, name, "a long password").status_code == 429
    staffed.change("UPDATE login_failures SET until_us = until_us - 2000000")
    assert try_login(staffed, name, "a long password").status_code == 200
    assert try_login(staffed, name, "not the password").status_code == 401


def test_the_wait_doubles_and_is_bounded(staffed):
    name, waits = next(NAMES), []
    for _ in range(13):
        try_login(staffed, name, "not the password")
        [(failed, until)] = staffed.query(
            "SELECT failed_at_us, until_us FROM login_failures ORDER BY failed_at_us DESC LIMIT 1")
        waits.append((until - failed) // 1000000)
        staffed.change("UPDATE login_failures SET until_us = 0")
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_logins_are_in_the_audit_log(staffed):
    name, _ = new_account(staffed)
    try_login(staffed, name, "not the password")
    login(staffed, name, "a long password")
    kinds = [kind for (kind,) in staffed.query(
        "SELECT event_type FROM audit_log WHERE target_id = %s ORDER BY audit_id", name)]
    assert kinds[-2:] == ["auth.login.failed", "auth.login.success"]


def test_no_password_and_no_session_is_stored_in_clear(staffed):
    name, first = new_account(staffed, "a password nobody else has")
    second = login(staffed, name, "a password nobody else has")
    kept = staffed.database_text() + staffed.log()
    for secret in ("a password nobody else has", first.token, second.token, second.csrf):
        assert secret not in kept


def test_a_hash_of_other_parameters_is_made_anew_at_login(new_stack):
    stack = new_stack(reset=False)
    stack.hire()
    [(before,)] = stack.query("SELECT password_hash FROM users")
    stack.restart(SIMPLETUNER_PASSWORD_COST="11")
    login(stack)
    [(after,)] = stack.query("SELECT password_hash FROM users")
    assert before.startswith("$scrypt$ln=10,") and after.startswith("$scrypt$ln=11,")
    login(stack)
    assert stack.query("SELECT password_hash FROM users") == [(after,)]


# sessions

def test_a_session_works_until_its_logout(staffed):
    session = login(staffed)
    assert staffed.get(ME, headers=session.cookie).json()["username"] == "boss"
    assert status(staffed, session.headers, "/api/auth/logout", "POST") in (200, 411)
    staffed.post("/api/auth/logout", headers=session.headers, data="")
    gone = staffed.get(ME, headers=session.cookie)
    assert gone.status_code == 401
    assert "Max-Age=0" in gone.headers["Set-Cookie"]


def test_a_session_that_somebody_chose_is_never_taken_over(staffed):
    chosen = "A" * 43
    answer = try_login(staffed, headers={"Cookie": f"{COOKIE}={chosen}"})
    assert answer.status_code == 200 and answer.cookies[COOKIE] != chosen
    assert status(staffed, NOBODY | {"Cookie": f"{COOKIE}={chosen}"}) == 401


def test_a_login_ends_the_session_that_came_with_it(staffed):
    first = login(staffed)
    second = login_of(try_login(staffed, headers={"Cookie": f"{COOKIE}={first.token}"}))
    assert second.token != first.token
    assert status(staffed, first.cookie) == 401
    assert status(staffed, second.cookie) == 200


def test_a_session_slides_while_it_is_used_and_ends_when_it_is_not(staffed):
    name, session = new_account(staffed)
    user = "(SELECT user_id FROM users WHERE username = %s)"
    staffed.change("UPDATE sessions SET seen_at_us = seen_at_us - 3600000000, "
                   f"expires_at_us = expires_at_us - 3600000000 WHERE user_id = {user}", name)
    [(before,)] = staffed.query(f"SELECT expires_at_us FROM sessions WHERE user_id = {user}", name)
    assert status(staffed, session.cookie) == 200
    [(after,)] = staffed.query(f"SELECT expires_at_us FROM sessions WHERE user_id = {user}", name)
    assert after - before >= 3600 * 1000000
    staffed.change(f"UPDATE sessions SET expires_at_us = 1 WHERE user_id = {user}", name)
    assert status(staffed, session.cookie) == 401
    assert staffed.query(f"SELECT COUNT(*) FROM sessions WHERE user_id = {user}", name) == [(0,)]
    assert staffed.query("SELECT COUNT(*) FROM audit_log WHERE event_type = "
                         "'auth.session.expired' AND actor = %s", name) == [(1,)]


def test_sessions_are_listed_and_ended_one_by_one_or_all(staffed):
    name, first = new_account(staffed)
    second, third = (login(staffed, name, "a long password") for _ in range(2))
    listed = staffed.get("/api/auth/sessions", headers=first.cookie).json()["sessions"]
    assert len(listed) == 3 and [row["current"] for row in listed].count(True) == 1
    assert not any(token in str(listed) for token in (first.token, second.token, third.token))
    [current] = [row["id"] for row in listed if row["current"]]
    other = next(row["id"] for row in listed if not row["current"])
    assert status(staffed, first.headers, f"/api/auth/sessions/{other}", "DELETE") == 200
    assert sorted(status(staffed, each.cookie) for each in (second, third)) == [200, 401]
    answer = staffed.delete("/api/auth/sessions", headers=first.headers)
    assert answer.json()["revoked"] == 1
    assert status(staffed, first.cookie) == 200
    strangers = login(staffed)
    assert status(staffed, strangers.headers, f"/api/auth/sessions/{current}", "DELETE") == 404
    staffed.delete("/api/auth/sessions?including_current=true", headers=first.headers)
    assert status(staffed, first.cookie) == 401


def test_another_password_ends_all_other_sessions(staffed):
    name, first = new_account(staffed)
    second = login(staffed, name, "a long password")
    change = {"current_password": "a long password", "new_password": "a longer password"}
    wrong = staffed.post("/api/auth/change-password", headers=first.headers,
                         json=change | {"current_password": "not the password"})
    assert (wrong.status_code, wrong.json()["detail"]) == (401, "Current password is incorrect")
    short = staffed.post("/api/auth/change-password", headers=first.headers,
                         json=change | {"new_password": "short"})
    assert short.status_code == 400 and "new_password" in short.json()["detail"]
    assert status(staffed, second.cookie) == 200
    assert staffed.post("/api/auth/change-password", headers=first.headers,
                        json=change).status_code == 200
    assert status(staffed, first.cookie) == 200 and status(staffed, second.cookie) == 401
    assert try_login(staffed, name, "a long password").status_code == 401
    assert try_login(staffed, name, "a longer password").status_code == 200


# other sites

CHANGE = ("POST", "/api/auth/api-keys", {"name": "x"})


@pytest.mark.parametrize("extra", [
    {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": ""},
    {"X-CSRF-Token": None}])
def test_a_page_of_another_site_changes_nothing(staffed, extra):
    session = login(staffed)
    method, path, body = CHANGE
    answer = staffed.request(method, path, json=body, headers=session.headers | extra)
    assert answer.status_code == 403 and answer.json()["error"] == "permission_denied"


@pytest.mark.parametrize("extra", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Origin": "ours"}])
def test_our_own_page_does(staffed, extra):
    session = login(staffed)
    method, path, body = CHANGE
    extra = {name: staffed.url if value == "ours" else value for name, value in extra.items()}
    answer = staffed.request(method, path, json=body, headers=session.headers | extra)
    assert answer.status_code == 201


def test_another_session_s_token_is_none(staffed):
    one, other = login(staffed), login(staffed)
    method, path, body = CHANGE
    headers = one.cookie | {"X-CSRF-Token": other.csrf}
    assert staffed.request(method, path, json=body, headers=headers).status_code == 403


def test_the_check_gives_the_token_and_tells_who_one_is(staffed):
    session = login(staffed)
    known = staffed.get(CHECK, headers=session.cookie).json()
    assert known["authenticated"] and known["username"] == "boss" and known["is_admin"]
    assert known["csrf_token"] == session.csrf
    for headers in (NOBODY, NOBODY | {"Cookie": f"{COOKIE}={'B' * 43}"},
                    {"X-API-Key": "st_" + "x" * 32}):
        stranger = staffed.get(CHECK, headers=headers).json()
        assert stranger["authenticated"] is False and stranger["user_id"] is None


def test_another_site_logs_nobody_in(staffed):
    answer = try_login(staffed, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403 and COOKIE not in answer.cookies
    form = staffed.post("/api/auth/login", headers=NOBODY,
                        data={"username": "boss", "password": ADMIN_PASSWORD})
    assert form.status_code == 415


# registering

def test_registration_is_off_until_somebody_switches_it_on(new_stack):
    stack = new_stack(reset=False)
    account = {"username": "newcomer", "email": "new@example.org", "password": "a long password"}
    early = stack.post("/api/auth/register", json=account)
    assert early.status_code == 409 and "first-admin" in early.json()["detail"]
    stack.hire()
    assert stack.post("/api/auth/register", json=account, headers=NOBODY).status_code == 403
    assert stack.put("/api/cloud/settings/registration", headers=NOBODY,
                     json={"enabled": True}).status_code == 401
    assert stack.put("/api/cloud/settings/registration",
                     json={"enabled": True, "default_level": "viewer"}).status_code == 200
    answer = stack.post("/api/auth/register", json=account, headers=NOBODY)
    assert answer.status_code == 201
    assert [level["name"] for level in answer.json()["user"]["levels"]] == ["viewer"]
    again = stack.post("/api/auth/register", headers=NOBODY,
                       json=account | {"email": "other@example.org", "username": "NewComer"})
    assert again.status_code == 409


@pytest.mark.parametrize("level, code", [("admin", 403), ("nothing", 400), ("", 400)])
def test_nobody_registers_as_administrator(staffed, level, code):
    answer = staffed.put("/api/cloud/settings/registration",
                         json={"enabled": True, "default_level": level})
    assert answer.status_code == code and "default_level" in answer.json()["detail"]
