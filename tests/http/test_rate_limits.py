"""Rate limits of client addresses: the guide's table, its headers, and who is exempt."""

import time

import pytest

import expect
from rate_limits import (DETAIL, LIMITS, USAGE, all_at_once, ask_until_refused, has_no_limit,
                         is_limited, new_client, rate_rows, standing)
from responder import Responder
from stack import ADMIN_PASSWORD, Stack
from waiting import until

CHECK = "/api/auth/check"
LOGIN = {"username": "nobody", "password": "wrong"}
# method, path, body, limit, period: what a stranger asks, and how often he may
TABLE = (
    ("POST", "/api/auth/login", LOGIN, 5, 60),
    ("POST", "/api/auth/login/", LOGIN, 5, 60),
    ("POST", "/api/auth/register", {}, 3, 60),
    ("POST", "/api/auth/setup/first-admin", {}, 3, 60),
    ("POST", "/api/auth/api-keys", {}, 10, 60),
    ("PUT", "/api/users/me/password", {}, 5, 300),
    ("POST", "/api/auth/change-password", {}, 5, 300),
    ("POST", "/api/cloud/jobs", {}, 20, 60),
    ("POST", "/api/cloud/jobs/submit", {}, 20, 60),
    ("POST", "/api/cloud/jobs/some-job/retry", {}, 20, 60),
    ("POST", "/api/cloud/jobs/some-job/cancel", None, 30, 60),
    ("POST", "/api/webhooks/replicate", {}, 100, 60),
    ("GET", "/api/webhooks/deliveries", None, 100, 60),
    ("PUT", "/api/cloud/storage/some-job/key", None, 50, 60),
    ("GET", "/api/cloud/storage", None, 50, 60),
    ("GET", "/api/quotas/me", None, 30, 60),
    ("DELETE", "/api/quotas/7", None, 30, 60),
    ("GET", CHECK, None, 100, 60),
    ("GET", "/api/cloud/jobs", None, 100, 60),
    ("PUT", "/api/cloud/providers/replicate/token", {}, 100, 60),
    ("GET", "/api/nothing/here", None, 100, 60),
    ("PATCH", "/health", None, 100, 60),
)
EXEMPT = ("/health", "/api/cloud/health", "/api/cloud/health/live", "/api/cloud/health/ready",
          "/api/events", "/api/events/stream", "/api/users/me", "/api/cloud/providers",
          "/api/cloud/hints")


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def limited(request, fleet):
    """A service with an administrator; its tests come from addresses that others do not have."""
    with Stack("lighttpd", fleet.database_url(request.param), LIMITS) as stack:
        stack.hire()
        yield stack


def stranger(stack, method, path, client, **options):
    headers = {"X-API-Key": None} | client | options.pop("headers", {})
    return stack.request(method, path, headers=headers, **options)


@pytest.mark.parametrize("method, path, body, limit, period", TABLE,
                         ids=[f"{row[0]} {row[1]}" for row in TABLE])
def test_a_stranger_may_ask_as_often_as_the_table_says(limited, method, path, body, limit, period):
    client, start = new_client(), time.time()
    answer = ask_until_refused(
        lambda: stranger(limited, method, path, client, json=body), limit)
    assert start + period <= int(answer.headers["X-RateLimit-Reset"]) <= time.time() + period + 1
    assert 0 < period - int(answer.headers["Retry-After"]) + 1 <= time.time() - start + 1


def test_a_refusal_says_what_the_guide_says(limited):
    client = new_client()
    answer = ask_until_refused(
        lambda: stranger(limited, "POST", "/api/auth/login", client, json=LOGIN), 5)
    assert answer.json() == {"detail": DETAIL, "error": "rate_limited"}
    for name, value in expect.HEADERS.items():
        assert answer.headers[name] == value


def test_what_is_refused_does_not_count(limited):
    client = new_client()
    answers = all_at_once(lambda: stranger(limited, "GET", CHECK, client), 300)
    assert sum(not is_limited(answer) for answer in answers) == 100
    usage = expect.ok(limited.get(f"{USAGE}?client={client['X-Forwarded-For']}&rule=default"))
    assert usage["usage"][0]["count"] == 100


def test_rules_are_counted_one_by_one(limited):
    client = new_client()
    ask_until_refused(lambda: stranger(limited, "POST", "/api/auth/login", client, json=LOGIN), 5)
    assert standing(stranger(limited, "GET", CHECK, client)) == (100, 99)
    assert standing(stranger(limited, "POST", "/api/auth/register", client, json={})) == (3, 2)
    first = stranger(limited, "POST", "/api/auth/setup/first-admin", client, json={})
    assert standing(first) == (3, 1), "making the first administrator is registering"


def test_a_refused_login_is_not_tried(limited):
    client = new_client()
    body = {"username": "boss", "password": ADMIN_PASSWORD}
    for _ in range(5):
        answer = stranger(limited, "POST", "/api/auth/login", client, json=body)
        assert answer.status_code == 200
    answer = stranger(limited, "POST", "/api/auth/login", client, json=body)
    assert is_limited(answer) and "Set-Cookie" not in answer.headers
    answer = stranger(limited, "POST", "/api/auth/login", new_client(), json=body)
    assert answer.status_code == 200


def test_users_are_counted_by_address_too(limited):
    client = new_client()
    answer = limited.get("/api/cloud/jobs", headers=client)
    assert answer.status_code == 200 and standing(answer) == (100, 99)
    answer = limited.get("/api/quotas/none", headers=client)
    assert answer.status_code in (400, 404) and standing(answer) == (30, 29), "errors say it too"


def test_head_and_get_are_one(limited):
    client = new_client()
    stranger(limited, "HEAD", CHECK, client)
    assert standing(stranger(limited, "GET", CHECK, client)) == (100, 98)


def test_an_ipv6_client_is_its_64(limited):
    def ask(address):
        return standing(stranger(limited, "GET", CHECK, {"X-Forwarded-For": address}))[1]
    assert ask("2001:db8:77:1::1") == 99
    assert ask("2001:db8:77:1:ffff:ffff:ffff:ffff") == 98
    assert ask("2001:db8:77:2::1") == 99
    assert ask("::ffff:198.19.255.1") == 99
    assert ask("198.19.255.1") == 98


@pytest.mark.parametrize("path", EXEMPT)
def test_what_the_guide_exempts_has_no_limit(limited, path):
    answer = stranger(limited, "HEAD", path, new_client())
    assert not is_limited(answer) and has_no_limit(answer)


def test_exemptions_are_exact(limited):
    for method, path in (("GET", "/api/users/me/profile"), ("PUT", "/api/users/me/password"),
                         ("PUT", "/api/cloud/providers/replicate"), ("GET", "/healthy"),
                         ("GET", "/api/events/recent")):
        assert not has_no_limit(stranger(limited, method, path, new_client())), path


def test_the_machine_itself_has_no_limit_but_what_it_forwards_has(limited):
    answers = all_at_once(lambda: limited.get(CHECK), 150)
    assert all(answer.status_code == 200 and has_no_limit(answer) for answer in answers)
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "198.19.255.9"},
                    {"Forwarded": "for=198.19.255.9"}):
        assert not has_no_limit(limited.get(CHECK, headers=headers)), headers


def test_who_is_not_trusted_cannot_be_many_clients(tmp_path):
    """The peer of an untrusted proxy is the client, whatever it says of itself."""
    responder = Responder(tmp_path).start()
    try:
        statuses = [
            responder.ask("POST", "/api/auth/login", b"{}", {
                "Content-Type": "application/json", "X-Forwarded-For": forwarded},
                remote_addr="203.0.113.77")[0]
            for forwarded in ("1.1.1.1", "127.0.0.1", "1.1.1.2, 127.0.0.1", "::1", "10.0.0.1",
                              "nonsense")]
        assert statuses[-1] == 429 and 429 not in statuses[:-1]
    finally:
        responder.stop()


def test_zero_calls_are_no_limits(new_stack):
    own = new_stack({"RATE_LIMIT_CALLS": "0"}, reset=False)
    client = new_client()
    answers = all_at_once(lambda: own.post("/api/auth/register", json={}, headers=client), 20)
    assert not any(is_limited(answer) for answer in answers)
    assert all(has_no_limit(answer) for answer in answers)
    usage = expect.ok(own.get(USAGE))
    assert {rule["calls"] for rule in usage["rules"]} == {0}


def test_calls_and_period_are_settings(new_stack):
    own = new_stack({"RATE_LIMIT_CALLS": "7", "RATE_LIMIT_PERIOD": "3600"}, reset=False)
    client = new_client()
    answer = ask_until_refused(lambda: own.get(CHECK, headers=client), 7)
    assert 3590 < int(answer.headers["Retry-After"]) <= 3600


# several processes


def test_processes_together_admit_exactly_the_limit(tmp_path):
    """Two responders of one home, and threads that ask both at once."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = Responder(tmp_path / "one").start()
    second = Responder(tmp_path / "two", env={
        name: first.env[name] for name in ("SIMPLETUNER_HOME", "SIMPLETUNER_CONFIG", "HOME")})
    second.start()
    try:
        turns = iter(range(1_000_000))

        def ask():
            responder = (first, second)[next(turns) % 2]
            return responder.ask("GET", CHECK, remote_addr="203.0.113.78")[0]

        statuses = all_at_once(ask, 400)
        assert statuses.count(200) == 100 and statuses.count(429) == 300
        first.signal(9)  # whoever dies takes nothing along
        first.process.wait()
        assert second.ask("GET", CHECK, remote_addr="203.0.113.78")[0] == 429
    finally:
        first.stop()
        second.stop()


# audit


def test_a_flood_is_two_rows_that_say_how_much_it_was(limited):
    client = {"X-Forwarded-For": "198.19.1.1", "User-Agent": "flood/1 é"}
    answers = all_at_once(lambda: stranger(limited, "GET", CHECK, client), 1100)
    refused = sum(is_limited(answer) for answer in answers)
    assert refused == 1000
    [(target, details)] = until(lambda: rate_rows(limited, "198.19.1.1"), 10, "nothing is noted")
    assert target == CHECK
    assert details["rule"] == "default" and details["method"] == "GET"
    assert details["client"] == "198.19.1.1" and details["user_agent"].startswith("flood/1")
    assert details["refused"] >= 1
    answer = expect.ok(limited.get("/api/audit?event_type=rate_limited&limit=100"))
    entries = [entry for entry in answer["entries"] if entry["actor_ip"] == "198.19.1.1"]
    assert len(entries) == 1 and entries[0]["actor"] == "anonymous"


# how they stand


def test_usage_shows_rules_and_who_has_used_them(limited):
    client = new_client()
    for _ in range(3):
        stranger(limited, "POST", "/api/auth/register", client, json={})
    usage = expect.ok(limited.get(f"{USAGE}?rule=register&limit=500"))
    assert (usage["backend"], usage["state"]) == ("memory", "healthy")
    assert usage["tracked_clients"] >= 1
    rules = {rule["name"]: rule for rule in usage["rules"]}
    assert rules["login"] == {"name": "login", "pattern": "^/api/auth/login$", "methods": ["POST"],
                              "calls": 5, "period": 60, "built_in": True}
    assert list(rules)[-1] == "default" and rules["default"]["methods"] is None
    assert {"rule": "register", "client": client["X-Forwarded-For"], "count": 3} \
        in usage["standings"]
    assert {row["rule"] for row in usage["standings"]} == {"register"}


def test_usage_of_a_client_has_every_rule(limited):
    for number in range(2):
        stranger(limited, "GET", "/api/quotas/me", {"X-Forwarded-For": f"2001:db8:99::{number}"})
    usage = expect.ok(limited.get(f"{USAGE}?client=2001:db8:99::5"))
    assert usage["client"] == "2001:db8:99::/64" and "standings" not in usage
    rows = {row.pop("rule"): row for row in usage["usage"]}
    reset = rows["quotas"].pop("reset_in_seconds")
    assert 50 < reset <= 60
    assert rows["quotas"] == {"count": 2, "limit": 30, "remaining": 28}
    assert rows["login"] == {"count": 0, "limit": 5, "remaining": 5, "reset_in_seconds": 0}


@pytest.mark.parametrize("query", ["rule=nonsense", "limit=0", "limit=501", "limit=x"])
def test_usage_refuses_what_it_does_not_know(limited, query):
    expect.error(limited.get(f"{USAGE}?{query}"), 400, query.split("=")[0])


def test_health_names_the_backend(limited):
    components = expect.ok(limited.get("/api/cloud/health"))["components"]
    [backend] = [part for part in components if part["name"] == "state_backend"]
    assert (backend["status"], backend["message"]) == ("healthy", "memory")
