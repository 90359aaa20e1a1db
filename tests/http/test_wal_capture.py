"""The kept log of the real service: whatever dies, and whoever else works on the database, what can
be gone back to is what there was."""

import datetime
import json
import subprocess
import time

import pytest

import wal_archive
from responder import Responder
from stack import COMPANION
from waiting import until

SOON_S = 20
FAST = {"SIMPLETUNER_BACKUP_WAL": "1", "SIMPLETUNER_BACKUP_WAL_INTERVAL": "1"}


@pytest.fixture
def service(tmp_path):
    responder = Responder(tmp_path, FAST)
    responder.start()
    yield responder
    kill(responder)


def kill(responder):
    responder.process.kill()
    responder.process.wait()


def database(responder):
    return responder.home / "config" / "cloud" / "jobs.db"


def companion(responder, *arguments):
    return subprocess.run([COMPANION, *arguments], env=responder.env, capture_output=True,
                          text=True, timeout=60)


def captures(responder):
    return sum(len(generation.captures()) for generation in wal_archive.generations(responder.home))


def wait_for_captures(responder, more, than=None):
    """So many more than there are now, or than a number that there were before."""
    wanted = (captures(responder) if than is None else than) + more
    until(lambda: captures(responder) >= wanted, SOON_S, "nothing is captured")


def wait_for_look(responder):
    now = time.time()
    until(lambda: (responder.home / "backups" / "wal" / "alive").stat().st_mtime > now, SOON_S,
          "nobody looks")


def restart_killed(responder):
    kill(responder)
    responder.launch()
    until(responder.answers, 15, "the responder does not answer")


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()


def test_each_capture_is_the_database_of_its_time_whoever_is_killed(service, tmp_path):
    with wal_archive.Writer(database(service)) as writer:
        for _ in range(3):
            wait_for_captures(service, 2)
            restart_killed(service)
        wait_for_captures(service, 2)
    assert wal_archive.assert_archive_is_true(service.home, writer, tmp_path) >= 8


def test_a_log_that_begins_anew_many_times_loses_nothing(service, tmp_path):
    wait_for_captures(service, 1, than=0)
    with wal_archive.Writer(database(service), filler=50000) as writer:
        until(lambda: len(wal_archive.generations(service.home)[0].segments()) >= 4, SOON_S,
              "the log does not begin anew")
    wait_for_look(service)
    assert wal_archive.assert_archive_is_true(service.home, writer, tmp_path, every=3) > 0
    assert len(wal_archive.generations(service.home)) == 1


def test_the_database_of_a_moment_is_put_back_while_the_service_runs(service):
    with wal_archive.Writer(database(service)) as writer:
        wait_for_captures(service, 2)
        moment = time.time()
        wait_for_captures(service, 2)
    trial = companion(service, "restore", "--to", iso(moment), "--dry-run", "--json")
    assert trial.returncode == 0, trial.stderr
    assert wal_archive.marks_in(database(service)) == list(writer.times)
    before = captures(service)
    done = companion(service, "restore", "--to", iso(moment), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    reached = datetime.datetime.fromisoformat(report["reached"].replace("Z", "+00:00")).timestamp()
    assert moment - 2 <= reached <= moment  # its digits end at milliseconds
    wal_archive.assert_true_to(writer, wal_archive.marks_in(database(service)), reached - 0.001, moment)
    assert service.answers()
    wait_for_captures(service, 1, than=before)
    assert len(wal_archive.generations(service.home)) == 1  # what was undone can be had back too


def test_times_that_cannot_be_gone_back_to_are_refused_with_those_that_can(service):
    wait_for_captures(service, 1, than=0)
    for moment in ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        refused = companion(service, "restore", "--to", moment, "--dry-run")
        assert refused.returncode == 66
        assert "these can: 20" in refused.stderr
    wrong = companion(service, "restore", "--to", "yesterday")
    assert wrong.returncode == 78
    assert "--to must be a time as" in wrong.stderr
    listed = companion(service, "backups")
    assert "restore --to: 20" in listed.stdout


def test_a_damaged_segment_is_said_and_what_is_before_it_still_good(service):
    with wal_archive.Writer(database(service)):
        wait_for_captures(service, 3)
    wait_for_look(service)
    wait_for_look(service)
    kill(service)
    [generation] = wal_archive.generations(service.home)
    segment = generation.segments()[0]
    good, bad = generation.captures()[0].until, generation.captures()[-1].until
    content = bytearray(segment.read_bytes())
    second = content.index(b"\x1f\x8b\x08", 3)  # the gzip member of the second capture
    third = content.find(b"\x1f\x8b\x08", second + 3)
    end = third if third > 0 else len(content)
    content[end - 60:end - 20] = bytes(40)  # what is packed in it, not its note
    segment.write_bytes(content)
    refused = companion(service, "restore", "--to", iso(bad + 0.002), "--dry-run")
    assert refused.returncode == 65, refused.stdout
    assert "segment 1 of" in refused.stderr
    assert companion(service, "restore", "--to", iso(good + 0.1), "--dry-run").returncode == 0
    latest = companion(service, "restore", "--to", "latest", "--dry-run")
    # A new generation was begun where the damaged segment was to be gone on with; else it is told.
    assert "Base: 00000002" in latest.stdout or "segment 1 of" in latest.stderr
