"""Rate limits that several hosts count together: each state backend behind real front servers."""

import concurrent.futures
import itertools
import re
import signal
import time

import pytest

import expect
from mariadb_server import MariadbServer
from postgres import Cluster
from redis_server import RedisServer
from stack import BUILD, Stack, scratch_directory
from waiting import until

DETAIL = "Rate limit exceeded. Please try again later."
AWAY = "Rate limits are not enforced"
BACK = "Rate limits are enforced again"
CLIENTS = itertools.count(1)
NAMES = itertools.count(1)
TIMEOUT_S = 3
OPTIONS = {"redis": "-DWITH_REDIS", "mysql": "-DWITH_MYSQL"}


class ClusterServer(Cluster):
    """PostgreSQL under the names that the other servers have."""

    new_url = Cluster.new_database


class File:
    """SQLite has no server: a file that both hosts can reach."""

    def start(self):
        return self

    def new_url(self):
        return f"sqlite://{scratch_directory('state')}/state.db"

    def stop(self):
        pass


SERVERS = {"sqlite": File, "postgresql": ClusterServer, "redis": RedisServer,
           "mysql": MariadbServer}


def is_built_in(backend):
    makefile = (BUILD / "Makefile").read_text()
    return backend not in OPTIONS or re.search(rf" {OPTIONS[backend]}\b", makefile)


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    if not is_built_in(request.param):
        pytest.skip(f"built without {OPTIONS[request.param]}")
    server = SERVERS[request.param]()
    server.start()
    server.settings = {"STATE_BACKEND": request.param, "STATE_BACKEND_URL": server.new_url(),
                       "STATE_BACKEND_TIMEOUT": str(TIMEOUT_S), "RATE_LIMIT_CALLS": "100"}
    yield server
    server.stop()


@pytest.fixture(scope="module")
def hosts(server):
    """Two homes with one state backend; the second has several processes."""
    with Stack("lighttpd", None, server.settings) as one, \
            Stack("apache-fcgid", None, server.settings) as two:
        yield one, two


def new_client():
    """An address (RFC 5737) that asks for the first time."""
    return {"X-Forwarded-For": f"203.0.113.{next(CLIENTS)}"}


def log_in(stack, client):
    """A name of its own each time: one that logins fail for is slowed down in another way."""
    return stack.post("/api/auth/login", headers=client, json={
        "username": f"nobody-{next(NAMES)}", "password": "wrong"})


def check(stack, client):
    return stack.get("/api/auth/check", headers=client)


def count_admitted(ask, stacks, count):
    """Ask so many times at once, in turn at each stack: how many answers are no refusals."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ask, stacks[number % len(stacks)]) for number in range(count)]
        answers = [future.result() for future in asked]
    refused = [answer for answer in answers
               if answer.status_code == 429 and answer.json()["detail"] == DETAIL]
    assert all(answer.status_code < 500 for answer in answers)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    return count - len(refused)


def component(stack):
    components = expect.ok(stack.get("/api/cloud/health"))["components"]
    [found] = [part for part in components if part["name"] == "state_backend"]
    return found


@pytest.mark.parametrize("ask, limit, count", [(log_in, 5, 30), (check, 100, 160)])
def test_hosts_admit_exactly_the_limit_together(hosts, ask, limit, count):
    client = new_client()
    assert count_admitted(lambda stack: ask(stack, client), hosts, count) == limit
    other = new_client()
    assert count_admitted(lambda stack: ask(stack, other), hosts, 2) == 2


def test_an_answer_of_one_host_counts_what_the_other_admitted(hosts):
    client = new_client()
    left = [int(check(hosts[number % 2], client).headers["X-RateLimit-Remaining"])
            for number in range(6)]
    assert left == [99, 98, 97, 96, 95, 94]


def test_health_names_the_backend(hosts, server):
    found = component(hosts[0])
    assert (found["status"], found["message"]) == ("healthy", server.settings["STATE_BACKEND"])


def test_without_its_server_everything_is_admitted_until_it_is_back(hosts, server):
    stack, client, pid = hosts[0], new_client(), hosts[0].responder_pid()
    if isinstance(server, File):
        pytest.skip("a file does not go away")
    assert count_admitted(lambda _: log_in(stack, client), [stack], 10) == 5
    server.pause()
    assert count_admitted(lambda _: log_in(stack, client), [stack], 30) == 30
    found = component(stack)
    assert found["status"] == "degraded"
    assert expect.ok(stack.get("/api/cloud/health"))["status"] == "degraded"
    assert expect.ok(stack.get("/api/cloud/health/ready"))
    lines = [line for line in stack.log().splitlines() if AWAY in line]
    assert len(lines) == 1 and "WARNING" in lines[0]
    server.resume()
    until(lambda: component(stack)["status"] == "healthy", 30, "the backend does not come back")
    other = new_client()
    assert count_admitted(lambda _: log_in(stack, other), [stack], 10) == 5
    assert stack.log().count(AWAY) == 1 and stack.log().count(BACK) == 1
    assert stack.responder_pid() == pid
    assert "wrong" not in lines[0] and "postgres@" not in lines[0]


def test_a_server_that_hangs_holds_requests_up_no_longer_than_it_may(hosts, server):
    if not isinstance(server, (RedisServer, MariadbServer)):
        pytest.skip("it cannot be stopped as a whole")
    stack, client = hosts[0], new_client()
    server.process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert count_admitted(lambda _: log_in(stack, client), [stack], 40) == 40
        assert time.monotonic() - start < TIMEOUT_S + 3
    finally:
        server.process.send_signal(signal.SIGCONT)
    until(lambda: component(stack)["status"] == "healthy", 30, "the backend does not come back")
    other = new_client()
    assert count_admitted(lambda _: log_in(stack, other), [stack], 10) == 5


@pytest.mark.parametrize("settings, word", [
    ({"STATE_BACKEND": "postgresql"}, "STATE_BACKEND_URL"),
    ({"STATE_BACKEND": "sqlite", "STATE_BACKEND_URL": "sqlite://relative"}, "STATE_BACKEND_URL"),
    ({"STATE_BACKEND": "redis", "STATE_BACKEND_URL": "http://h"}, "STATE_BACKEND"),
    ({"STATE_BACKEND": "mysql"}, "STATE_BACKEND")], ids=lambda value: str(value))
def test_wrong_settings_stop_the_start_and_are_named(settings, word):
    with pytest.raises(RuntimeError) as failure, Stack("lighttpd", None, settings):
        pass
    assert word in str(failure.value)
