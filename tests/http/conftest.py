"""Fixtures: one stack for each pair of front server and database, kept for the whole session."""

import contextlib
import sys

import pytest

sys.dont_write_bytecode = True

from browser import Browser  # noqa: E402
from postgres import Cluster  # noqa: E402
from responder import Responder  # noqa: E402
from s3_clients import new_bucket, new_client, new_credentials  # noqa: E402
from small_disk import mounted  # noqa: E402
from stack import Stack, remove_scratch  # noqa: E402

FRONTS = ("lighttpd", "apache", "apache-fcgid")
DATABASES = ("sqlite", "postgresql")


def pytest_sessionfinish():
    remove_scratch()


class Fleet:
    """Starts stacks on demand; a stack that failed to start fails every test that wants it."""

    def __init__(self):
        self._cluster = None
        self._stacks = {}

    def database_url(self, database):
        if database == "sqlite":
            return None
        if not self._cluster:
            self._cluster = Cluster().start()
        return self._cluster.new_database()

    def get(self, front, database, staffed=False):
        """staffed: with an administrator, in whose name requests are made."""
        key = front, database, staffed
        if key not in self._stacks:
            try:
                self._stacks[key] = Stack(front, self.database_url(database)).start()
                if staffed:
                    self._stacks[key].hire()
            except (OSError, RuntimeError) as error:
                self._stacks[key] = error
        if isinstance(self._stacks[key], Exception):
            pytest.fail(f"{front} with {database}: {self._stacks[key]}", pytrace=False)
        return self._stacks[key]

    def stop(self):
        """Everything ends, even where a stack has something to object to at its end."""
        with contextlib.ExitStack() as ending:
            if self._cluster:
                ending.callback(self._cluster.stop)
            for stack in self._stacks.values():
                if isinstance(stack, Stack):
                    ending.callback(stack.stop)


@pytest.fixture(scope="session")
def fleet():
    fleet = Fleet()
    yield fleet
    fleet.stop()


@pytest.fixture(scope="module", params=DATABASES, ids=lambda name: f"lighttpd-{name}")
def stack(request, fleet):
    """The service behind lighttpd, once with each database."""
    return fleet.get("lighttpd", request.param)


@pytest.fixture(scope="module", params=FRONTS)
def front_stack(request, fleet):
    """The service on SQLite, once behind each front server."""
    return fleet.get(request.param, "sqlite")


@pytest.fixture
def cloud(stack):
    """The stack with known provider settings and a provider that works."""
    stack.reset()
    return stack


@pytest.fixture(scope="module", params=DATABASES, ids=lambda name: f"lighttpd-{name}")
def staffed_stack(request, fleet):
    """As stack, with an administrator: see Stack.hire."""
    return fleet.get("lighttpd", request.param, staffed=True)


@pytest.fixture
def staffed(staffed_stack):
    """As cloud, with an administrator."""
    staffed_stack.reset()
    return staffed_stack


@pytest.fixture
def any_front(front_stack):
    """As cloud, behind each front server."""
    front_stack.reset()
    return front_stack


@pytest.fixture
def job(cloud):
    """A job that the provider has accepted and not begun."""
    return cloud.new_job()


@pytest.fixture(scope="module")
def s3_credentials(stack):
    """A user's S3 key pair: (access key id, secret)."""
    return new_credentials(stack)


@pytest.fixture
def s3(cloud, s3_credentials):
    """A boto3 client with a user's credentials."""
    return new_client(cloud, s3_credentials)


@pytest.fixture
def bucket(s3):
    """The name of a bucket that nobody else has used."""
    return new_bucket(s3)


@pytest.fixture
def new_stack(fleet):
    """new_stack(env={...}, front=..., database=...): a stack of the test's own."""
    stacks = []

    def start(env=None, front="lighttpd", database="sqlite", reset=True):
        stack = Stack(front, fleet.database_url(database), env)
        stacks.append(stack)
        stack.start()
        if reset:
            stack.reset()
        return stack

    yield start
    with contextlib.ExitStack() as ending:
        for stack in stacks:
            ending.callback(stack.stop)


@pytest.fixture
def small_disk():
    """The directory of a file system that is soon full."""
    with mounted() as directory:
        yield directory


@pytest.fixture
def responder(tmp_path):
    """The responder alone, without a front server."""
    program = Responder(tmp_path).start()
    yield program
    program.stop()


@pytest.fixture
def local_job(responder):
    """The id of a job in the responder without a front server."""
    return responder.make_job()


@pytest.fixture(scope="module")
def page_stack(fleet):
    """A stack with an administrator, for tests of the page; it knows its provider."""
    stack = fleet.get("lighttpd", "sqlite", staffed=True)
    stack.reset()
    return stack


@pytest.fixture(scope="session")
def browser():
    """A real browser; each test begins with visit() or sign_in()."""
    browser = Browser()
    yield browser
    browser.close()
