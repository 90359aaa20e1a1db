"""The companion's tasks under their leases, polling again and again, and its commands for jobs."""

import json
import signal
import subprocess

import pytest

from stack import COMPANION
from waiting import until

LEASE_US = 120 * 1_000_000
NOT_FOUND, CONFLICT, USAGE = 66, 65, 64


def cron(cloud, *arguments):
    """What the tasks did, by their names."""
    result = cloud.companion("cron", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return {task["task"]: task for task in json.loads(result.stdout)["tasks"]}


def start(cloud, *arguments, **env):
    return subprocess.Popen([COMPANION, *arguments], env=cloud.env | env, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def pass_time(cloud, us):
    """As if this much time had passed since the tasks ran."""
    cloud.change("UPDATE tasks SET due_at_us = due_at_us - %s, "
                 "lease_until_us = CASE WHEN lease_until_us > 0 THEN lease_until_us - %s ELSE 0 END",
                 us, us)


def task(cloud, name):
    tasks = json.loads(cloud.companion("tasks", "--json").stdout)["tasks"]
    return next(task for task in tasks if task["task"] == name)


@pytest.fixture
def hanging_poll(cloud, job):
    """A companion that holds the lease of poll_jobs and waits for the provider."""
    before = len(cloud.sim.requests_to("GET", "/v1/predictions"))
    cloud.sim.fault("slow", "GET", "/v1/predictions", count=1000, seconds=25)
    companion = start(cloud, "cron", "--task", "poll_jobs")
    until(lambda: len(cloud.sim.requests_to("GET", "/v1/predictions")) > before, 20,
          "the companion does not poll")
    yield companion
    cloud.sim.clear_faults()
    companion.kill()
    companion.wait()
    companion.stdout.close()
    companion.stderr.close()
    pass_time(cloud, 2 * LEASE_US)


# Leases


def test_cron_does_what_is_due_and_nothing_else(cloud, job):
    pass_time(cloud, 2 * 3600 * 1_000_000)
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    first, second = cron(cloud), cron(cloud)
    idle = {name for name, one in first.items() if one["outcome"] == "idle"}
    assert {one["outcome"] for one in first.values()} <= {"done", "idle"}, first
    assert idle == {"backup", "rehearse_backup", "keep_log"}  # which are switched off here
    assert {"poll_jobs", "sweep_uploading", "sweep_uploads", "prune_jobs", "prune_idempotency",
            "prune_events"} <= set(first)
    assert second["prune_jobs"]["outcome"] == second["prune_events"]["outcome"] == "not_due"
    assert first["poll_jobs"]["moved"] == 1 and cloud.status(job.job_id) == "running"


def test_cron_says_nothing_to_cron(cloud, job):
    pass_time(cloud, 2 * 3600 * 1_000_000)
    result = cloud.companion("cron")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_named_task_runs_due_or_not(cloud):
    for _ in range(2):
        assert cron(cloud, "--task", "prune_events")["prune_events"]["outcome"] == "done"
    text = cloud.companion("cron", "--task", "prune_events").stdout
    assert text == "prune_events: forgotten 0\n"


def test_a_second_companion_says_who_is_at_it_and_is_content(cloud, hanging_poll):
    second = cloud.companion("cron", "--task", "poll_jobs")
    assert second.returncode == 0 and f":{hanging_poll.pid}:" in second.stdout, second.stdout
    assert cron(cloud, "--task", "poll_jobs")["poll_jobs"]["outcome"] == "held"
    assert f":{hanging_poll.pid}:" in cloud.companion("poll").stdout
    assert cron(cloud, "--task", "prune_events")["prune_events"]["outcome"] == "done"


def test_the_lease_of_a_killed_companion_ends_by_itself(cloud, job, hanging_poll):
    hanging_poll.send_signal(signal.SIGKILL)
    hanging_poll.wait()
    cloud.sim.clear_faults()
    cloud.sim.advance(job.prediction_id, "processing", deliver=False)
    assert cron(cloud, "--task", "poll_jobs")["poll_jobs"]["outcome"] == "held"
    pass_time(cloud, LEASE_US)
    assert cron(cloud, "--task", "poll_jobs")["poll_jobs"]["outcome"] == "done"
    assert cloud.status(job.job_id) == "running"


def test_a_clock_that_was_set_back_stops_nothing(cloud):
    cron(cloud, "--task", "prune_events")
    cloud.change("UPDATE tasks SET due_at_us = due_at_us + %s, lease_until_us = due_at_us + %s",
                 86400 * 1_000_000, 86400 * 1_000_000)
    assert cron(cloud)["prune_events"]["outcome"] == "done"
    assert cron(cloud)["prune_events"]["outcome"] == "not_due"


def test_tasks_shows_how_it_went(cloud):
    cron(cloud, "--task", "prune_events")
    one = task(cloud, "prune_events")
    assert one["last_result"] == "forgotten 0" and one["failures"] == 0 and one["holder"] is None
    assert "prune_events" in cloud.companion("tasks").stdout


# Again and again


def test_poll_repeats_for_a_while(cloud, job):
    result = cloud.companion("poll", "--every", "1s", "--for=3s", "--json")
    assert result.returncode == 0, result.stderr
    rounds = [json.loads(line) for line in result.stdout.splitlines()]
    assert 2 <= len(rounds) <= 3 and {one["outcome"] for one in rounds} == {"done"}


def test_poll_ends_between_two_rounds_when_it_is_told_to(cloud, job):
    companion = start(cloud, "poll", "--every", "1h", "--json")
    line = companion.stdout.readline()
    assert json.loads(line)["outcome"] == "done"
    companion.terminate()
    companion.communicate(timeout=10)
    assert companion.returncode == 0


@pytest.fixture
def impatient(cloud):
    cloud.configure(http_timeout=3)


def test_a_poll_that_is_told_to_end_finishes_its_round_first(cloud, impatient, hanging_poll):
    hanging_poll.terminate()
    output, _ = hanging_poll.communicate(timeout=30)
    assert hanging_poll.returncode == 0 and "failed 1" in output
    assert task(cloud, "poll_jobs")["holder"] is None, "the lease was not given back"


def test_a_round_that_fails_does_not_end_the_others(cloud, job):
    cloud.sim.fault("500", "GET", "/v1/predictions")
    companion = start(cloud, "poll", "--every", "1s", "--json")
    rounds = [json.loads(companion.stdout.readline()) for _ in range(2)]
    companion.terminate()
    companion.communicate(timeout=10)
    assert [one["failed"] for one in rounds] == [1, 0] and companion.returncode == 0


# Jobs


def test_jobs_are_listed_for_people_and_for_scripts(cloud):
    jobs = [cloud.new_job(config_name=f"list{n}") for n in range(3)]
    cloud.sim.advance(jobs[0].prediction_id, "processing")
    text = cloud.companion("jobs", "list", "--limit", "3").stdout.splitlines()
    assert [line.split()[0] for line in text] == [job.job_id for job in reversed(jobs)]
    listed = json.loads(cloud.companion("jobs", "list", "--status=running", "--json").stdout)
    assert [job["job_id"] for job in listed["jobs"]] == [jobs[0].job_id]
    assert cloud.companion("jobs", "list", "--provider", "nobody").stdout == ""


def test_a_job_is_shown_with_what_is_known(cloud, job):
    cloud.upload(job, "a.bin", b"abc")
    text = cloud.companion("jobs", "show", job.job_id).stdout
    assert job.prediction_id in text and "1 files, 3 bytes" in text
    shown = json.loads(cloud.companion("jobs", "show", job.job_id, "--json").stdout)
    assert (shown["status"], shown["upload_progress"]["files"]) == ("queued", 1)
    assert job.token not in text


def test_a_job_is_cancelled_at_its_provider(cloud, job):
    result = cloud.companion("jobs", "cancel", job.job_id)
    assert result.returncode == 0 and "cancelled" in result.stdout, result.stderr
    assert cloud.sim.store.get(job.prediction_id)["status"] == "canceled"
    again = cloud.companion("jobs", "cancel", job.job_id)
    assert again.returncode == CONFLICT and "cancelled" in again.stderr


@pytest.mark.parametrize("command", ["show", "cancel"])
def test_a_job_that_is_not_there_is_said_to_be_so(cloud, command):
    result = cloud.companion("jobs", command, "01hm3v00000000000000000000")
    assert result.returncode == NOT_FOUND and "not found" in result.stderr.lower()


@pytest.mark.parametrize("arguments", [("jobs",), ("jobs", "fly"), ("jobs", "show"),
                                       ("jobs", "list", "--status", "asleep"),
                                       ("jobs", "list", "--limit", "0"), ("cron", "--task", "x"),
                                       ("poll", "--every", "soon"), ("poll", "--for")])
def test_wrong_usage_is_refused_before_anything_is_done(cloud, arguments):
    result = cloud.companion(*arguments)
    assert result.returncode == USAGE and result.stderr and result.stdout == ""
