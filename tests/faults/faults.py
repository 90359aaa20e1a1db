"""Arming a fault point, seeing the program die there, and starting it again."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import requests

import expect
from stack import COMPANION, REPO
from waiting import until

POINT = re.compile(r'FAULT_POINT\("([a-z._]+)"\)')


def points():
    """The names of all fault points in the source."""
    names = set()
    for folder in ("core", "fcgi"):
        for file in pathlib.Path(REPO, folder).rglob("*.c"):
            names.update(POINT.findall(file.read_text()))
    return names


@contextlib.contextmanager
def armed(cloud, point):
    """The responder will die at a point. Ends when it has died, was replaced, and answers."""
    settings = cloud.home / "cloud.env"
    settings.write_text(f"SIMPLETUNER_FAULT_POINT={point}\n")
    cloud.kill_responder()
    settings.write_text("")  # its successor is not armed
    victim = cloud.responder_pid()
    with contextlib.suppress(requests.RequestException):
        yield
    until(lambda: not alive(victim), 20, f"{point} was not reached")
    until(lambda: cloud.responder_pid() != victim, 15, "the responder was not started again")
    until(cloud.is_ready, 20, "the service does not get ready after the restart")


def alive(pid):
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def companion_dies(cloud, point, *arguments):
    """Run the companion until it dies at a point."""
    result = subprocess.run([COMPANION, *arguments], env=cloud.env | {"SIMPLETUNER_FAULT_POINT": point},
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == -signal.SIGKILL, (point, result.returncode, result.stderr)


def named(cloud, name):
    """The jobs of this configuration's name."""
    return [job for job in expect.ok(cloud.get("/api/cloud/jobs?limit=500"))["jobs"]
            if job["config_name"] == name]


def age(cloud, job_id, seconds):
    """Let a job look as if it had been submitted so long ago, and let it be due."""
    cloud.change("UPDATE jobs SET created_at_us = created_at_us - %s, poll_at_us = 0 "
                  "WHERE job_id = %s", seconds * 1_000_000, job_id)


def let_leases_end(cloud):
    """As if the leases that a dead companion held had run out, and its tasks were due again."""
    cloud.change("UPDATE tasks SET lease_until_us = 0, due_at_us = 0")


def let_claims_end(cloud):
    """The same for the claims of a dead responder."""
    cloud.change("UPDATE archives SET claimed_until_us = 1")
    cloud.change("UPDATE submissions SET claimed_until_us = 1")


def settled_archive(cloud, job):
    """The archive of a job once it is done or given up, else None."""
    view = cloud.job(job.job_id)["archive"]
    return view if view and view["state"] != "waiting" else None
