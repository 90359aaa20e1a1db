"""Rules of one's own: the file, what it may say, and reading it anew while requests run."""

import json
import signal
import subprocess
import time

import pytest

import expect
from fcgi_client import ask
from rate_limits import (LIMITS, USAGE, all_at_once, ask_until_refused, has_no_limit, is_limited,
                         new_client, standing, wait_for_window)
from responder import Responder
from stack import RESPONDER, base_environment, new_home, scratch_directory
from waiting import until

CHECK = "/api/auth/check"
RULES = {
    "default": {"calls": 50, "period": 2},
    "rules": [
        {"name": "brief", "pattern": "^/api/auth/check$", "calls": 3, "period": 1},
        {"name": "job_reads", "pattern": "^/api/cloud/jobs(/.*)?$", "calls": 4, "period": 2,
         "methods": ["GET"]},
        {"name": "uploads", "pattern": "^/api/cloud/storage/capped/", "calls": 2, "period": 60},
        {"name": "no_limit", "pattern": "^/api/quotas/types$", "calls": 0, "period": 60},
        {"name": "probes", "pattern": "^/health$", "calls": 6, "period": 60},
    ],
    "exempt": ["/api/audit", "/api/orgs/*"],
}


def write_rules(value):
    path = scratch_directory("rules") / "rules.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    path.chmod(0o644)
    return path


@pytest.fixture(scope="module")
def ruled(fleet):
    """A service with RULES, which no test changes."""
    from stack import Stack
    with Stack("lighttpd", None, LIMITS | {
            "SIMPLETUNER_RATE_LIMIT_RULES": str(write_rules(RULES))}) as own:
        yield own


def test_the_window_slides(ruled):
    client = new_client()

    def ask_once():
        return ruled.get(CHECK, headers=client)
    for _ in range(2):
        answer = ask_until_refused(ask_once, 3)
        assert int(answer.headers["X-RateLimit-Reset"]) <= time.time() + 2
        assert answer.headers["Retry-After"] == "1"
        wait_for_window(1)
    assert standing(ask_once()) == (3, 2)


def test_no_second_has_more_than_the_limit_over_a_longer_time(ruled):
    """Asking without a pause: over the time of n windows at most n + 1 times the limit."""
    client = new_client()
    answers = all_at_once(lambda: ruled.get(CHECK, headers=client), 400, threads=4)
    admitted = [answer for answer in answers if not is_limited(answer)]
    spent_s = 1 + max(int(answer.headers["X-RateLimit-Reset"]) for answer in answers) - \
        min(int(answer.headers["X-RateLimit-Reset"]) for answer in answers)
    assert len(admitted) <= 3 * (spent_s + 1)


def test_methods_and_order_choose_the_rule(ruled):
    client = new_client()
    assert standing(ruled.get("/api/cloud/jobs", headers=client)) == (4, 3)
    assert standing(ruled.get("/api/cloud/jobs/", headers=client)) == (4, 2)
    assert standing(ruled.request("HEAD", "/api/cloud/jobs/x", headers=client)) == (4, 1)
    assert standing(ruled.get("/api/cloud/job%73/x", headers=client)) == (4, 0), "as it is decoded"
    assert standing(ruled.post("/api/cloud/jobs", json={}, headers=client)) == (20, 19)
    assert standing(ruled.get("/api/cloud/settings/registration", headers=client)) == (50, 49)


def test_a_rule_without_calls_is_no_limit_and_one_with_calls_ends_an_exemption(ruled):
    client = new_client()
    assert has_no_limit(ruled.get("/api/quotas/types", headers=client))
    assert standing(ruled.get("/health", headers=client)) == (6, 5)
    assert has_no_limit(ruled.get("/api/audit", headers=client))
    assert has_no_limit(ruled.get("/api/orgs/1/teams", headers=client))
    assert not has_no_limit(ruled.get("/api/audit/stats", headers=client))


def test_a_rule_of_the_file_counts_storage_at_the_door(ruled):
    client = new_client()
    path = "/api/cloud/storage/capped/key"
    answer = ask_until_refused(lambda: ruled.put(path, data=b"x", headers=client), 2)
    assert answer.json()["error"] == "rate_limited"


def test_usage_shows_them_first(ruled):
    rules = expect.ok(ruled.get(USAGE))["rules"]
    assert [rule["name"] for rule in rules[:5]] == [rule["name"] for rule in RULES["rules"]]
    assert rules[1] == RULES["rules"][1] | {"built_in": False}
    assert rules[-1]["calls"] == 50 and rules[-1]["period"] == 2


BAD = (
    ("{", "the file"),
    ({"rules": [{"name": "x", "pattern": "^/a", "calls": 1, "period": 0}]}, "rules[0]: period"),
    ({"rules": [{"name": "x", "pattern": "(", "calls": 1, "period": 1}]}, "rules[0]: pattern"),
    ({"rules": [{"name": "login", "pattern": "a", "calls": 1, "period": 1}]}, "rules[0]: name"),
    ({"rules": [], "exempt": ["no-path"]}, "exempt[0]"),
    ({"rules": [], "colour": 1}, "colour"),
)


@pytest.mark.parametrize("rules, place", BAD, ids=[place for _, place in BAD])
def test_a_bad_file_stops_the_start(rules, place):
    path = write_rules(rules)
    env = base_environment(new_home()) | {"SIMPLETUNER_RATE_LIMIT_RULES": str(path)}
    done = subprocess.run([RESPONDER, "--listen", "127.0.0.1:0"], env=env, capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 78, done.stderr
    assert str(path) in done.stderr and place in done.stderr


class Reloading:
    """A responder whose file of rules, and env file, are changed under it."""

    def __init__(self, directory):
        self.path = write_rules({"rules": []})
        self.responder = Responder(directory, {"SIMPLETUNER_RATE_LIMIT_RULES": str(self.path)})

    def limit_of(self, path=CHECK):
        """(limit, remaining) of one more request of a new client."""
        address = new_client()["X-Forwarded-For"]
        _, headers, _ = ask(self.responder.socket, "GET", path, remote_addr=address)
        return headers.get("x-ratelimit-limit")

    def reload(self, line):
        """SIGHUP; returns when the log has this line once more."""
        before = self.responder.log().count(line)
        self.responder.signal(signal.SIGHUP)
        until(lambda: self.responder.log().count(line) > before, 10, "SIGHUP does nothing")


@pytest.fixture
def reloading(tmp_path):
    reloading = Reloading(tmp_path)
    reloading.responder.start()
    yield reloading
    reloading.responder.stop()


def test_sighup_reads_the_file_anew(reloading):
    assert reloading.limit_of() == "100"
    reloading.path.write_text(json.dumps(RULES))
    assert reloading.limit_of() == "100", "not by itself"
    reloading.reload("The settings were read anew")
    assert reloading.limit_of() == "3"
    assert reloading.limit_of("/api/nothing") == "50"
    reloading.path.write_text('{"rules": []}')
    reloading.reload("The settings were read anew")
    assert reloading.limit_of() == "100"


def test_sighup_takes_calls_and_period_from_the_env_file(reloading):
    (reloading.responder.home / "cloud.env").write_text("RATE_LIMIT_CALLS=17\n"
                                                        "RATE_LIMIT_PERIOD=5\n")
    reloading.reload("The settings were read anew")
    assert reloading.limit_of() == "17"
    (reloading.responder.home / "cloud.env").write_text("RATE_LIMIT_CALLS=0\n")
    reloading.reload("The settings were read anew")
    assert reloading.limit_of() is None


def test_a_bad_file_on_sighup_changes_nothing(reloading):
    reloading.path.write_text(json.dumps(RULES))
    reloading.reload("The settings were read anew")
    reloading.path.write_text('{"rules": [{"name": "x"}]}')
    reloading.reload("The rate limits stay as they are")
    assert "rules[0]: pattern is required" in reloading.responder.log() or \
        "rules[0]: " in reloading.responder.log()
    assert reloading.limit_of() == "3"


def test_requests_run_while_rules_are_read_anew(reloading):
    reloading.path.write_text(json.dumps(RULES))
    reloading.reload("The settings were read anew")

    def one():
        return reloading.limit_of()
    answers = []
    for _ in range(10):
        reloading.responder.signal(signal.SIGHUP)
        answers += all_at_once(one, 40)
    assert set(answers) == {"3"}
