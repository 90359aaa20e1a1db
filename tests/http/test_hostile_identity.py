"""Attempts to be somebody else: forged addresses, pages of other sites, old credentials, SQL."""

import http.client
import itertools
import json
import re

import pytest

import expect
from browser_session import COOKIE, NOBODY, login, try_login
from event_stream import open_stream
from people import Anonymous, Bearer, Person
from s3_clients import new_client, new_credentials, refused
from stack import Stack
from test_permissions import routes
from waiting import until

CLIENT = "203.0.113.9"
PEER = "127.0.0.1"
COUNT = itertools.count(1)
FORWARDING = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP")


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def staffed(request, fleet):
    """With an administrator, who is logged in, and somebody else."""
    with Stack("lighttpd", fleet.database_url(request.param),
               {"SIMPLETUNER_EVENT_HEARTBEAT": "1"}) as stack:
        stack.watch.open.update(form for text in PAYLOADS for form in (text, f"st_{text}"))
        stack.reset()
        stack.hire()
        stack.reset()
        stack.ann = Person(stack, "ann", "researcher")
        stack.bob = Person(stack, "bob", "researcher")
        yield stack


# forged addresses

def post_raw(stack, path, value, headers):
    """Headers as pairs: one may come more than once."""
    body = json.dumps(value).encode()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    try:
        connection.putrequest("POST", path)
        for name, text in [("Content-Type", "application/json"),
                           ("Content-Length", str(len(body))), *headers]:
            connection.putheader(name, text)
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        connection.close()


def address_seen(stack, headers):
    """The address that a failed login with these headers is written down with; None: 400."""
    name = f"guess-{next(COUNT)}"
    status = post_raw(stack, "/api/auth/login", {"username": name, "password": "x" * 12}, headers)
    if status == 400:
        return None
    assert status == 401
    [[address]] = stack.query("SELECT actor_ip FROM audit_log WHERE event_type = "
                              "'auth.login.failed' AND details LIKE %s", f'%"{name}"%')
    return address


WALKS = [
    ([CLIENT], CLIENT),
    (["198.51.100.1, 203.0.113.9"], CLIENT),
    (["127.0.0.1, 203.0.113.9"], CLIENT),
    (["203.0.113.9, 127.0.0.1"], CLIENT),
    (["203.0.113.9,127.0.0.1,::1, [::1]:443, 127.0.0.1:80"], CLIENT),
    (["198.51.100.1", CLIENT], CLIENT),
    (["::1", "203.0.113.9, 127.0.0.1"], CLIENT),
    (["203.0.113.9:4711"], CLIENT),
    (["::ffff:203.0.113.9"], CLIENT),
    (["[::ffff:203.0.113.9]:443"], CLIENT),
    (["  203.0.113.9  "], CLIENT),
    (["2001:db8::1"], "2001:db8::1"),
    (["[2001:db8::1]"], "2001:db8::1"),
    (["[2001:db8::1]:443"], "2001:db8::1"),
    (["2001:DB8:0:0:0:0:0:1"], "2001:db8::1"),
    (["nonsense, 203.0.113.9"], CLIENT),
    (["' OR 1=1 --, 203.0.113.9"], CLIENT),
    # What is no address ends the walk at the last good one: here that is the peer.
    (["nonsense"], PEER),
    (["203.0.113.9, nonsense"], PEER),
    (["203.0.113.9, unknown"], PEER),
    (["203.0.113.9,"], PEER),
    (["203.0.113.009"], PEER),
    (["203.0.113.9/24"], PEER),
    (["2001:db8::1%eth0"], PEER),
    (["[203.0.113.9"], PEER),
    (["3405803785"], PEER),
    (["0xcb.0.0x71.9"], PEER),
    (["203.0.113.9 127.0.0.1"], PEER),
    (["\\203.0.113.9"], PEER),
    (["1" * 4000], PEER),
]


@pytest.mark.parametrize("values, client", WALKS, ids=lambda value: str(value)[:40])
def test_a_trusted_proxy_is_believed_as_far_as_it_is_known(staffed, values, client):
    seen = address_seen(staffed, [("X-Forwarded-For", value) for value in values])
    assert seen == client or (len(values) > 1 and seen is None)


@pytest.mark.parametrize("name", FORWARDING[1:] + ("X-Client-IP", "True-Client-IP", "REMOTE_ADDR",
                                                   "X-Cluster-Client-IP", "Client-IP", "Via"))
@pytest.mark.parametrize("value", (CLIENT, f"for={CLIENT}", f'for="[2001:db8::1]:1";by={PEER}'))
def test_no_other_header_says_who_asks(staffed, name, value):
    assert address_seen(staffed, [(name, value)]) == PEER
    assert address_seen(staffed, [(name, value), ("X-Forwarded-For", "198.51.100.1")]) \
        == "198.51.100.1"


@pytest.fixture(scope="module", params=("lighttpd", "apache"))
def distrustful(request, fleet):
    """The front server itself is not trusted to say who asks; nobody has an account yet."""
    with Stack(request.param, None, {"SIMPLETUNER_TRUSTED_PROXIES": "192.0.2.0/24"}) as stack:
        yield stack


def test_an_untrusted_proxy_is_not_believed(distrustful):
    """Each of them would be somebody else behind a proxy that is trusted."""
    for values, _ in WALKS[:-1]:
        headers = [("X-Forwarded-For", value) for value in values]
        assert address_seen(distrustful, headers) in (PEER, None), values
    for name in FORWARDING:
        assert address_seen(distrustful, [(name, "192.0.2.1")]) == PEER


@pytest.mark.parametrize("name", FORWARDING)
def test_whatever_was_forwarded_is_not_local(distrustful, name):
    for value in ("127.0.0.1", "::1", "[::1]:80", "localhost", "nonsense", CLIENT, "192.0.2.1",
                  "127.0.0.1, 127.0.0.1", "for=127.0.0.1", ",", "-"):
        answer = distrustful.get("/api/cloud/jobs", headers={name: value})
        expect.error(answer, 401, "administrator")
        answer = distrustful.post("/api/auth/setup/first-admin", headers={name: value}, json={
            "username": "thief", "email": "thief@example.org", "password": "correct horse"})
        assert answer.status_code in (401, 403), value
    assert distrustful.query("SELECT COUNT(*) FROM users") == [(0,)]


# pages of other sites

def changing_routes():
    """Every route that changes something and looks at who asks."""
    return [route for route in routes() if route["method"] != "GET"
            and route["permission"] not in ("public", "anyone")]


def path_of(route):
    return re.sub(r"{\w+(\.\.\.)?}", "x", route["path"])


FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"},
           {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
           {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-origin"}]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_changes_nothing_by_any_route(staffed, headers):
    boss = login(staffed)
    for route in changing_routes():
        answer = staffed.request(route["method"], path_of(route), json={},
                                 headers=boss.headers | headers)
        assert answer.status_code == 403, route
    expect.ok(staffed.get("/api/auth/me", headers=boss.cookie))


@pytest.mark.parametrize("token", (None, "", "x", "0" * 64))
def test_no_route_changes_anything_without_the_token(staffed, token):
    boss = login(staffed)
    for route in changing_routes():
        answer = staffed.request(route["method"], path_of(route), json={},
                                 headers=boss.cookie | {"X-CSRF-Token": token})
        assert answer.status_code == 403, route


def test_a_foreign_page_logs_nobody_out(staffed):
    boss = login(staffed)
    for headers in FOREIGN:
        staffed.post("/api/auth/logout", headers=boss.headers | headers)
        expect.ok(staffed.get("/api/auth/me", headers=boss.cookie))


# sessions that somebody else has chosen

def test_a_chosen_session_never_becomes_anybodys(staffed):
    for chosen in ("a" * 43, login(staffed, "boss").token, "", "x; simpletuner_session=y"):
        cookie = {"Cookie": f"{COOKIE}={chosen}"}
        answer = try_login(staffed, headers=cookie)
        assert answer.status_code == 200 and answer.cookies[COOKIE] != chosen
        expect.error(staffed.get("/api/auth/me", headers=NOBODY | cookie), 401)


def test_two_cookies_of_the_name_are_not_tried_in_turn(staffed):
    boss = login(staffed)
    both = NOBODY | {"Cookie": f"{COOKIE}={'a' * 43}; {COOKIE}={boss.token}"}
    expect.error(staffed.get("/api/auth/me", headers=both), 401)


# credentials of those who are gone

def test_whatever_a_deactivated_user_holds_is_void(staffed):
    person = Person(staffed, f"leaver-{next(COUNT)}", "researcher")
    scoped = Bearer(staffed, X_API_Key=person.new_key(scopes="job.view.own"))
    bearer = Bearer(staffed, X_API_Key=None, Authorization=f"Bearer {person.key}")
    keys = new_credentials(person)
    job = person.new_job()
    holders = (person, scoped, bearer)
    for holder in holders:
        expect.ok(holder.get("/api/cloud/jobs"))
    person.deactivate()
    for holder in holders:
        body = expect.error(holder.get("/api/cloud/jobs"), 401)
        assert body == expect.error(staffed.get("/api/cloud/jobs", headers={
            "X-API-Key": "st_" + "x" * 32}), 401), "it tells that there was such a key"
    refused(403, "InvalidAccessKeyId", new_client(staffed, keys).list_buckets)
    assert staffed.upload(job, "end.txt", b"the job itself goes on").status_code in (200, 201)


def test_a_session_ends_with_its_user(staffed):
    person = Person(staffed, f"leaver-{next(COUNT)}", "researcher")
    staffed.change("UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE "
                   "username = 'boss') WHERE user_id = %s", person.user_id)
    session = login(staffed, person.name)
    expect.ok(staffed.get("/api/auth/me", headers=session.cookie))
    person.deactivate()
    expect.error(staffed.get("/api/auth/me", headers=session.cookie), 401)
    assert try_login(staffed, person.name).status_code == 401


def test_a_stream_ends_with_its_session(staffed):
    boss = login(staffed)
    with open_stream(staffed, headers=boss.cookie) as stream:
        stream.wait_for("heartbeat")
        expect.ok(staffed.post("/api/auth/logout", headers=boss.headers))
        stream.wait_for("auth")
        assert until(stream.ended.is_set, 10, "the stream goes on")


# what strangers can find out

def answers_alike(one, other, *names):
    """Two answers that differ in nothing but what was asked for."""
    def plain(answer):
        text = answer.text
        for name in names:
            text = text.replace(name, "NAME")
        return answer.status_code, text

    return plain(one) == plain(other)


def test_what_is_anothers_is_answered_as_what_is_nobodys(staffed):
    ann, bob = staffed.ann, staffed.bob
    key = ann.key_id(ann.key)
    s3_key = new_credentials(ann, "hidden")[0]
    session = ann.new_session()
    nobodys = {"key": "999999999", "s3": s3_key[:-4] + "AAAA", "session": "0123456789abcdef"}
    pairs = [("/api/auth/api-keys/", key, nobodys["key"]),
             ("/api/auth/s3-credentials/", s3_key, nobodys["s3"]),
             ("/api/auth/sessions/", session, nobodys["session"])]
    for path, theirs, none in pairs:
        one, other = bob.delete(path + theirs), bob.delete(path + none)
        assert one.status_code == 404
        assert answers_alike(one, other, theirs, none), (one.text, other.text)
    assert ann.get("/api/cloud/jobs").status_code == 200


def test_a_stranger_learns_no_names(staffed):
    for path in ("/api/users", "/api/users/1", "/api/auth/api-keys", "/api/audit", "/api/orgs"):
        assert Anonymous(staffed).get(path).status_code in (401, 404), path
    text = staffed.get("/api/auth/setup/status", headers=NOBODY).text
    assert "boss" not in text and "ann" not in text


# SQL in every text

PAYLOADS = ("' OR '1'='1", "'; DROP TABLE users; --", "\" OR 1=1 --",
            "x' UNION SELECT * FROM users --", "%' OR '%'='", "\\'; --", "$1", "?1", "1); DELETE FROM users; --", "x\u2019\u02bc'", "'")
TEXTS = ("username", "email", "password", "display_name", "current_password", "new_password",
         "name", "description", "provider", "credential_name", "value", "default_level", "slug",
         "resource_type", "pattern", "action", "permission", "level", "levels", "level_names",
         "scoped_permissions", "expires_days", "quota_type", "reason", "notes", "condition",
         "config_name_to_load", "idempotency_key", "hardware_profile", "webhook_url", "remember_me",
         "is_admin", "priority", "enabled", "consent", "api_token", "url", "type")
QUERIES = ("owner", "status", "provider", "before", "event_type", "actor", "since", "until",
           "target_id", "target_type", "limit", "offset", "prefix", "q", "search",
           "include_inactive", "username", "days", "period", "types", "job_id", "user_id", "config_name")
LEFT_ALONE = ("users", "levels", "user_levels", "resource_rules", "level_rules", "orgs", "teams")


def rows(stack):
    """What nobody was asked to change, but for the time of the last login."""
    counts = {table: stack.query(f"SELECT COUNT(*) FROM {table}") for table in LEFT_ALONE}
    users = stack.query("SELECT user_id, username, is_admin, granted, denied, deactivated_at_us, "
                        "deleted_at_us FROM users ORDER BY user_id")
    return counts, users


def is_answered(answer):
    assert answer.status_code < 500 or answer.status_code in (502, 503), answer.text
    assert answer.status_code < 400 or \
        not re.search(r"(?i)sqlite|postgres|syntax error|constraint", answer.text), answer.text
    return answer


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nobody_logs_in_by_sql(staffed, payload):
    before = rows(staffed)
    for fields in ({"username": payload, "password": payload},
                   {"username": f"boss{payload}", "password": "x" * 12},
                   {"username": "boss", "password": payload},
                   {"username": f"boss@example.org{payload}", "password": "x" * 12}):
        answer = is_answered(staffed.post("/api/auth/login", json=fields, headers=NOBODY))
        assert answer.status_code in (400, 401, 429) and COOKIE not in answer.cookies
    staffed.change("DELETE FROM login_failures")
    for headers in ({"X-API-Key": payload}, {"X-API-Key": f"st_{payload}"},
                    {"Authorization": f"Bearer st_{payload}"},
                    {"Authorization": f"Bearer {payload}"}, {"X-Upload-Token": payload},
                    {"Cookie": f"{COOKIE}={payload}"}, {"X-SimpleTuner-Secret": payload}):
        headers = {name: value.encode() for name, value in headers.items()}
        answer = is_answered(staffed.get("/api/cloud/jobs", headers=NOBODY | headers))
        assert answer.status_code in (400, 401)
    assert rows(staffed) == before


def bodies(payload):
    """The payload as every text of a body at once, and as each of them alone."""
    yield {name: payload for name in TEXTS}
    for name in TEXTS:
        yield {name: payload}
    yield {"username": payload, "email": payload, "password": "correct horse battery"}
    yield {"provider": "replicate", "credential_name": payload, "value": payload}
    yield {"current_password": payload, "new_password": payload}
    yield {"enabled": True, "default_level": payload}
    yield {"name": "x", "scoped_permissions": [payload]}
    yield payload
    yield [payload]


IDENTITY = re.compile(r"/api/(auth|users|orgs|quotas|approvals|cloud/settings)")


@pytest.mark.parametrize("payload", PAYLOADS[:4])
def test_no_text_of_a_body_is_sql(staffed, payload):
    """The administrator may do whatever the text says, if it were more than text."""
    _, before = rows(staffed)
    for route in routes():
        if route["method"] not in ("POST", "PUT", "PATCH") or not IDENTITY.match(route["path"]):
            continue
        for body in bodies(payload):
            is_answered(staffed.request(route["method"], path_of(route), json=body))
    assert set(before) <= set(rows(staffed)[1])
    assert not staffed.query("SELECT user_id FROM users WHERE is_admin = 1 AND username <> 'boss'")
    staffed.change("DELETE FROM login_failures")


@pytest.mark.parametrize("payload", PAYLOADS[:4])
def test_no_parameter_of_a_query_is_sql(staffed, payload):
    before = rows(staffed)
    for route in routes():
        if route["method"] == "GET" and "{" not in route["path"] and \
                not re.search(r"events|validate|versions|status$", route["path"]):
            for name in QUERIES:
                is_answered(staffed.get(route["path"].split("?")[0], params={name: payload}))
    assert rows(staffed) == before


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_piece_of_a_path_is_sql(staffed, payload):
    before = rows(staffed)
    piece = "".join(f"%{byte:02X}" for byte in payload.encode())
    for route in routes():
        if "{" in route["path"] and not route["path"].startswith("/api/webhooks/{"):
            path = re.sub(r"{\w+(\.\.\.)?}", piece, route["path"])
            is_answered(staffed.request(route["method"], path, json={}))
    assert rows(staffed) == before


def test_what_looks_like_sql_is_kept_as_it_is(staffed):
    path = "/api/auth/api-keys"
    for name in PAYLOADS:
        answer = staffed.bob.post(path, json={"name": name})
        assert answer.status_code == 201, answer.text
        assert name in [key["name"] for key in expect.ok(staffed.bob.get(path))["api_keys"]]
