"""A service that several people use: what tests of quotas and approvals start from."""

import itertools
import time

import pytest

import expect
from people import Anonymous, Person
from stack import Stack
from waiting import until

RULES = "/api/approvals/rules"
REQUESTS = "/api/approvals/requests"
JOBS = "/api/cloud/jobs"
SUBMIT = f"{JOBS}/submit"
QUOTAS = "/api/quotas"
CONFIG = {"model_type": "lora", "max_train_steps": 10}
NUMBERS = itertools.count(1)


def approve(person, request_id, **body):
    return person.post(f"{REQUESTS}/{request_id}/approve", json=body)


def reject(person, request_id, reason="too dear"):
    return person.post(f"{REQUESTS}/{request_id}/reject", json={"reason": reason})


class Office:
    def __init__(self, stack):
        self.stack, self.sim = stack, stack.sim
        stack.reset()
        self.admin = self.person("admin")
        stack.headers = self.admin.headers
        self.lead = self.person("lead")
        self.owner = self.person()
        self.stranger = Anonymous(stack)

    def person(self, level="researcher", **options):
        return Person(self.stack, f"{level}-{next(NUMBERS)}", level, **options)

    def clear(self):
        """No rules, no quotas, nobody waits."""
        for table in ("quotas", "approval_rules", "quota_excesses"):
            self.stack.change(f"DELETE FROM {table}")
        for request in self.requests("?pending_only=true&limit=200"):
            self.admin.post(f"{REQUESTS}/{request['id']}/cancel")
        self.sim.clear_faults()

    def rule(self, condition="config_pattern", threshold="*", **fields):
        body = {"name": "rule", "condition": condition, "threshold": threshold} | fields
        return expect.ok(self.admin.post(RULES, json=body))

    def quota(self, quota_type, limit_value, action="block", **scope):
        body = {"quota_type": quota_type, "limit_value": limit_value, "action": action} | scope
        return expect.ok(self.admin.post(QUOTAS, json=body))

    def submit(self, person=None, **body):
        body = {"config": CONFIG, "config_name": "portrait"} | body
        return (person or self.owner).post(SUBMIT, json=body)

    def blocked(self, person=None, **body):
        """The answer to a submission that waits for approval."""
        answer = self.submit(person, **body)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, job_id):
        return expect.ok(self.admin.get(f"{JOBS}/{job_id}"))["job"]

    def requests(self, query=""):
        return expect.ok(self.admin.get(REQUESTS + query))["requests"]

    def called(self, job_id):
        """How often the provider was asked to start this job."""
        return len(self.sim.find_job(job_id))

    def wait_submitted(self, job_id):
        until(lambda: self.job(job_id)["external_id"], 20, "the approved job is not submitted")
        return self.job(job_id)

    def audited(self, event_type, target_id=None):
        """Of one target, or of one who acted, the newest first."""
        query = f"?event_type={event_type}&limit=500"
        query += f"&target_id={target_id}" if target_id else ""
        return expect.ok(self.admin.get(f"/api/audit{query}"))["entries"]

    def let_expire(self, request_id):
        self.stack.change("UPDATE approval_requests SET expires_at_us = %s WHERE request_id = %s",
                          int(time.time() * 1e6) - 1, request_id)


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def open_office(request, fleet):
    """One of its own: once there are users, nobody is the administrator for being near."""
    with Stack("lighttpd", fleet.database_url(request.param)) as stack:
        yield Office(stack)


@pytest.fixture
def office(open_office):
    open_office.clear()
    return open_office
