"""Restoring onto a malformed SQLite file while the service runs: nothing need be stopped or moved."""

import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

import pytest

from responder import Responder
from stack import COMPANION
from waiting import until

SOON_S = 20
SETTING = "/api/cloud/polling/setting"


@pytest.fixture
def service(tmp_path):
    responder = Responder(tmp_path, {"SIMPLETUNER_BACKUP_WAL": "1",
                                     "SIMPLETUNER_BACKUP_WAL_INTERVAL": "1"})
    responder.start()
    yield responder
    responder.process.kill()
    responder.process.wait()


def file_of(service):
    return service.home / "config" / "cloud" / "jobs.db"


def companion(service, *arguments):
    return subprocess.run([COMPANION, *arguments], env=service.env, capture_output=True, text=True,
                          timeout=60)


def set_mark(service, value):
    assert service.ask_json("PUT", SETTING, {"enabled": value})[0] == 200


def mark(service):
    return service.ask_json("GET", "/api/cloud/polling/status")[1]["preference"]


def wait_for_look(service):
    now = time.time()
    until(lambda: (service.home / "backups" / "wal" / "alive").stat().st_mtime > now, SOON_S,
          "nobody looks")


def restore(service, source):
    done = companion(service, "restore", source, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def copy_to_file(service):
    copy = service.home / "copy.db"
    with closing(sqlite3.connect(file_of(service))) as live, closing(sqlite3.connect(copy)) as to:
        live.backup(to)
    return str(copy)


def wait_to_be_captured(service):
    until((service.home / "backups" / "wal" / "alive").exists, SOON_S, "nobody looks")
    wait_for_look(service)
    wait_for_look(service)
    return "--to=latest"


def is_stopped_with_all_in_the_file(service):
    service.signal(signal.SIGSTOP)
    with closing(sqlite3.connect(file_of(service))) as database:
        busy, frames, done = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if busy == 0 and frames == done:
        return True
    service.signal(signal.SIGCONT)
    return False


@contextmanager
def malformed(service):
    """The first page behind the header, while the service holds still and has the file open."""
    until(lambda: is_stopped_with_all_in_the_file(service), SOON_S, "the log is never written back")
    try:
        with open(file_of(service), "r+b") as file:
            file.seek(100)
            file.write(b"\xa5" * 1000)
        yield
    finally:
        service.signal(signal.SIGCONT)


@pytest.mark.parametrize("prepare", (copy_to_file, wait_to_be_captured))
def test_a_restore_over_a_malformed_file_is_seen_by_the_running_service(service, prepare):
    set_mark(service, True)
    source = prepare(service)
    with malformed(service):
        report = restore(service, source)
    assert report["replaced_file"] is True
    assert report["safety"].startswith(f"{file_of(service)}.before-restore.")
    assert mark(service) is True
    set_mark(service, False)
    with closing(sqlite3.connect(file_of(service))) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("SELECT count(*) FROM audit_log WHERE event_type = "
                                "'backup.restored'").fetchone() == (1,)
    restore(service, wait_to_be_captured(service))  # what is kept is of the new file
    assert mark(service) is False
