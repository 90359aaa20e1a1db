"""Who may use which route: every route with every kind of caller, compared with a table."""

import json
import re
import subprocess
import urllib.parse

import pytest

from people import Anonymous, Bearer, Person
from rights_table import CALLERS, EXPECTED, REQUESTS, WITHIN_BUCKET
from s3_clients import new_credentials
from stack import RESPONDER, Stack


def routes():
    lines = subprocess.run([RESPONDER, "--routes"], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in lines.stdout.splitlines()]


def expected():
    """{"GET /health": "++++++++"}"""
    lines = [line.split() for line in EXPECTED.splitlines() if line]
    return {f"{method} {path}": "".join(marks) for method, path, *marks in lines}


class Scene:
    """A service with people, and what belongs to one of them."""

    def __init__(self, stack):
        self.stack = stack
        stack.reset()
        self.admin = Person(stack, "matrix-admin", "admin")
        self.owner = Person(stack, "matrix-owner", "researcher")
        self.foreign = Person(stack, "matrix-foreign", "researcher")
        self.lead = Person(stack, "matrix-lead", "lead")
        # A viewer has no use of keys; with that added he can be asked like the others.
        self.viewer = Person(stack, "matrix-viewer", "viewer", granted="api.access")
        self.scoped = Bearer(stack, X_API_Key=self.owner.new_key(scopes="job.view.own"))
        self.anonymous = Anonymous(stack)
        self.active = self.owner.new_job()
        self.ended = self.owner.ended_job()
        self.job = Bearer(stack, X_Upload_Token=self.active.token)
        assert stack.upload(self.active, "kept.txt", b"text").status_code in (200, 201)
        # One of each kind for each column, to be removed by those who may.
        columns = range(len(CALLERS))
        self.s3_keys = [new_credentials(self.owner, f"key {i}")[0] for i in columns]
        self.keys = [self.owner.key_id(self.owner.new_key()) for _ in columns]
        self.sessions = [self.owner.new_session() for _ in columns]

    def values(self, route, column):
        values = {"quota_id": "999999", "rule_id": "999999", "request_id": "999999",
                  "provider": "replicate", "user_id": str(self.owner.user_id), "json": {},
                  "job_id": self.active.job_id, "name": "no-such-name", "key": "kept.txt",
                  "delivery_id": "no-such-delivery",
                  "backup_id": "20240115_103000_000", "bucket": self.active.job_id,
                  "id": "999999999", "org_id": "999999999", "team_id": "999999999",
                  "template_id": "no-such-template", "database": "jobs"}
        return {name: value(self, column) if callable(value) else value
                for name, value in (values | REQUESTS.get(route, {})).items()}

    def ask(self, route, column):
        """The mark that this caller's answer deserves."""
        method, path = route.split(" ", 1)
        values = self.values(route, column)
        path = re.sub(r"{(\w+)(\.\.\.)?}", lambda match: urllib.parse.quote(values[match[1]]), path)
        path = re.sub(r"\?uploadId$", "?uploadId=none&partNumber=1", path)
        options = {"json": values["json"]} if method != "GET" else {}
        with getattr(self, CALLERS[column]).request(method, path, stream=True,
                                                    **options) as answer:
            return mark(answer)


def mark(answer):
    if answer.status_code not in (401, 403, 404):
        assert answer.status_code < 500 or answer.status_code in (502, 503), answer.text
        return "+"
    code = re.search(r"<Code>(\w+)</Code>", answer.text)
    return "+" if code and code[1] in WITHIN_BUCKET else str(answer.status_code)[2]


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def scene(request, fleet):
    """One of its own: once there are users, nobody is the administrator for being near."""
    with Stack("lighttpd", fleet.database_url(request.param),
               {"SIMPLETUNER_EVENT_HEARTBEAT": "1"}) as stack:
        yield Scene(stack)


def test_every_route_is_in_the_table_and_nothing_else():
    names = [f"{route['method']} {route['path']}" for route in routes()]
    assert sorted(names) == sorted(expected())
    assert all(len(marks) == len(CALLERS) for marks in expected().values())


@pytest.mark.parametrize("column", range(len(CALLERS)), ids=CALLERS)
def test_each_caller_gets_what_the_table_says(scene, column):
    wrong = {route: f"{mark}, not {marks[column]}" for route, marks in expected().items()
             if (mark := scene.ask(route, column)) != marks[column]}
    assert not wrong
