"""kill -9 at every step of making a backup and putting one back: what is listed is whole, and the
service answers with the old data or with the new."""

import contextlib
import datetime
import json
import os
import sqlite3
import time

import pytest

import expect
import faults
from stack import Stack
from waiting import until

MAKING = ("backup.half", "backup.copied", "backup.packed", "backup.manifest", "backup.synced",
          "backup.renamed")
RESTORING = ("restore.unpacked", "restore.safety", "restore.prepared", "restore.noted",
             "restore.half", "restore.committed", "restore.done")
REPLACING = ("restore.safety", "restore.prepared", "restore.noted", "restore.unlogged",
             "restore.placed", "restore.done")
POINTS = (*MAKING, *RESTORING, *REPLACING)
SQLITE_ONLY = ("backup.half", "backup.packed", "restore.unpacked", "restore.prepared")


def set_mark(cloud, value):
    expect.ok(cloud.put("/api/cloud/polling/setting", json={"enabled": value}))


def mark(cloud):
    return expect.ok(cloud.get("/api/cloud/polling/status"))["preference"]


def backups(cloud):
    done = cloud.companion("backups", "--json")
    assert done.returncode == 0, done.stderr
    return [backup["id"] for backup in json.loads(done.stdout)["backups"]]


def make(cloud, *arguments):
    done = cloud.companion("backup", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["id"]


def assert_sound(cloud):
    """The newest are good, nothing else is left, and the audit log is what was written."""
    for backup in backups(cloud)[:2]:
        done = cloud.companion("verify", backup)
        assert done.returncode == 0, done.stderr
    left = {name for name in os.listdir(cloud.home / "backups") if name.startswith(".new-")}
    assert not left
    done = cloud.companion("audit", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def reachable(cloud, point):
    if point in SQLITE_ONLY and cloud.database_url:
        pytest.skip("PostgreSQL's own programs do this")


@pytest.mark.parametrize("point", MAKING)
def test_a_backup_is_whole_or_not_there(cloud, point):
    reachable(cloud, point)
    make(cloud)
    before = backups(cloud)
    faults.companion_dies(cloud, point, "backup")
    after = backups(cloud)
    assert len(after) == len(before) + (point == "backup.renamed")
    assert_sound(cloud)
    assert make(cloud) in backups(cloud)


@pytest.mark.parametrize("point", RESTORING)
def test_a_restore_leaves_the_old_or_the_new(cloud, point):
    reachable(cloud, point)
    set_mark(cloud, True)
    cloud.companion("audit", "verify")
    backup = make(cloud)
    set_mark(cloud, False)
    faults.companion_dies(cloud, point, "restore", backup)
    is_new = point in ("restore.committed", "restore.done")
    assert mark(cloud) is is_new
    set_mark(cloud, False)
    assert mark(cloud) is False
    assert_sound(cloud)
    done = cloud.companion("restore", backup)
    assert done.returncode == 0, done.stderr
    assert mark(cloud) is True
    assert_sound(cloud)


def restored(cloud, backup):
    """The entries that tell of this backup's being put back."""
    answer = expect.ok(cloud.get("/api/audit?event_type=backup.restored"))
    return [entry for entry in answer["entries"] if entry["target_id"] == backup]


@pytest.mark.parametrize("point", ["restore.committed", "restore.done"])
def test_a_restore_that_was_done_is_told_once_in_the_audit_log(cloud, point):
    backup = make(cloud)
    faults.companion_dies(cloud, point, "restore", backup)
    until(lambda: restored(cloud, backup), 15, "nobody tells of the restore")
    cloud.kill_responder()
    assert_sound(cloud)
    [entry] = restored(cloud, backup)
    assert entry["actor"] == "local" and entry["details"]["safety"].endswith("_before_restore")


def test_the_next_command_tells_of_a_restore_while_the_service_is_away(fleet):
    with Stack("lighttpd", fleet.database_url("postgresql")) as stack:
        backup = make(stack)
    begun_us = time.time_ns() // 1000
    faults.companion_dies(stack, "restore.committed", "restore", backup)
    for _ in range(2):
        done = stack.companion("audit", "verify")
        assert done.returncode == 0, done.stdout + done.stderr
    [(target, details)] = stack.query("SELECT target_id, details FROM audit_log "
                                      "WHERE event_type = 'backup.restored'")
    begun = datetime.datetime.fromisoformat(json.loads(details)["begun_at"])
    assert target == backup
    assert begun_us // 1000 <= begun.timestamp() * 1000 <= time.time() * 1000


@pytest.mark.parametrize("point", ["restore.noted", "restore.half"])
def test_a_restore_that_was_not_done_is_not_told(cloud, point):
    backup = make(cloud)
    faults.companion_dies(cloud, point, "restore", backup)
    assert_sound(cloud)
    other = make(cloud)
    done = cloud.companion("restore", other)
    assert done.returncode == 0, done.stderr
    assert_sound(cloud)
    assert restored(cloud, backup) == [] and len(restored(cloud, other)) == 1


def test_a_database_that_is_none_is_replaced_whole(cloud):
    if cloud.database_url:
        pytest.skip("a file is what SQLite has")
    set_mark(cloud, True)
    backup = make(cloud)
    file = cloud.home / "cloud.db"
    with contextlib.closing(sqlite3.connect(file)) as database:  # else its log may still know it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(b"this is no database at all")
    faults.companion_dies(cloud, "restore.unlogged", "restore", backup)
    assert file.read_bytes() == b"this is no database at all"
    done = cloud.companion("restore", backup)
    assert done.returncode == 0, done.stderr
    cloud.kill_responder()
    assert mark(cloud) is True
    assert_sound(cloud)


def scribble_first_page(file):
    """Behind the header, so that SQLite knows it for its own, and calls it malformed."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(file, "r+b") as damaged:
        damaged.seek(100)
        damaged.write(b"\xa5" * 1000)


@pytest.mark.parametrize("point", REPLACING)
def test_a_malformed_database_is_kept_and_replaced_under_the_running_service(cloud, point):
    if cloud.database_url:
        pytest.skip("a file is what SQLite has")
    set_mark(cloud, True)
    backup = make(cloud)
    set_mark(cloud, False)
    file = cloud.home / "cloud.db"
    for older in cloud.home.glob("cloud.db.before-restore.*"):
        older.unlink()
    scribble_first_page(file)
    damaged = file.read_bytes()
    faults.companion_dies(cloud, point, "restore", backup)
    is_new = point in ("restore.placed", "restore.done")
    assert (file.read_bytes() == damaged) is not is_new
    kept = [aside for aside in cloud.home.glob("cloud.db.before-restore.*")
            if not aside.name.endswith(("-wal", "-shm"))]
    assert [aside.read_bytes() for aside in kept] == [damaged]
    if is_new:
        assert mark(cloud) is True
    done = cloud.companion("restore", backup)
    assert done.returncode == 0, done.stderr
    assert mark(cloud) is True
    set_mark(cloud, False)
    assert mark(cloud) is False
    assert_sound(cloud)
