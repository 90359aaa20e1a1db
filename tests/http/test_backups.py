"""Backups over HTTP: made, listed, verified, put back and deleted while the service works."""

import concurrent.futures
import gzip
import json
import sqlite3
import subprocess
import threading

import pytest

import expect
from people import Person
from stack import COMPANION, Stack
from waiting import until

API = "/api/backup"
SETTING = "/api/cloud/polling/setting"


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def office(request, fleet):
    with Stack("lighttpd", fleet.database_url(request.param)) as stack:
        stack.reset()
        stack.admin = Person(stack, "backup-admin", "admin")
        yield stack


def make(office, **body):
    answer = office.admin.request("POST", API, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def restore(office, backup, **body):
    return office.admin.request("POST", f"{API}/{backup}/restore", json=body)


def set_mark(office, value):
    expect.ok(office.admin.request("PUT", SETTING, json={"enabled": value}))


def mark(office):
    return expect.ok(office.admin.request("GET", "/api/cloud/polling/status"))["preference"]


def entries(office, kind):
    return expect.ok(office.admin.request("GET", f"/api/audit?event_type={kind}"))["entries"]


def test_a_backup_is_made_listed_and_shown(office):
    made = make(office, name="before it", description="a try",
                components=["jobs", "auth", "approvals"])
    assert made["backup_id"].endswith("_before_it")
    assert made["state"] == "done" and made["components"] == ["database"]
    listed = expect.ok(office.admin.request("GET", API + "?limit=1"))
    assert listed["backup_dir"] == str(office.home / "backups")
    [first] = listed["backups"]
    assert first["id"] == made["backup_id"]
    assert listed["total_size_bytes"] == first["size_bytes"] > 0
    shown = expect.ok(office.admin.request("GET", f"{API}/{made['backup_id']}"))
    assert shown["created_by"] == "backup-admin" and shown["description"] == "a try"
    assert shown["last_action"]["state"] == "done"
    good = expect.ok(office.admin.request("POST", f"{API}/{made['backup_id']}/verify"))
    assert good["valid"] is True
    assert entries(office, "backup.created")[0]["actor"] == "backup-admin"


def test_a_restore_is_seen_at_once_by_all_who_are_connected(office):
    set_mark(office, True)
    backup = make(office)["backup_id"]
    set_mark(office, False)
    later = Person(office, f"later-{backup[-3:]}", "viewer", granted="api.access")
    assert later.request("GET", "/api/users/me").status_code == 200
    tried = expect.ok(restore(office, backup, dry_run=True))
    assert tried["dry_run"] and tried["warnings"] == ["Dry run - no changes made"]
    assert mark(office) is False
    answer = expect.ok(restore(office, backup, backup_id=backup))
    assert answer["restored_components"] == ["database"]
    for _ in range(40):  # every thread and its prepared statements
        assert mark(office) is True
    assert later.request("GET", "/api/users/me").status_code == 401
    entry = entries(office, "backup.restored")[0]
    assert entry["actor"] == "backup-admin" and entry["target_id"] == backup
    assert expect.ok(office.admin.request("GET", "/api/audit/verify"))["valid"]
    assert office.companion("audit", "verify").returncode == 0
    expect.ok(restore(office, answer["safety"]))
    assert mark(office) is False
    assert later.request("GET", "/api/users/me").status_code == 200
    assert office.companion("audit", "verify").returncode == 0


def test_requests_go_on_while_backups_are_made_and_put_back(office):
    backup = make(office)["backup_id"]
    over, failed = threading.Event(), []

    def ask():
        while not over.is_set():
            answer = office.admin.request("GET", "/api/cloud/jobs")
            if answer.status_code != 200:
                failed.append(answer.text)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(ask)
        try:
            expect.ok(restore(office, backup))
            make(office)
        finally:
            over.set()
    assert not failed


def test_wrong_requests_name_what_is_allowed(office):
    ask = office.admin.request
    expect.error(ask("POST", API, json={"name": "a/b"}), 400, "letters, digits")
    expect.error(ask("POST", API, json={"components": ["x"]}), 400, "components[0]")
    expect.error(ask("POST", API, json={"components": ["config"]}), 400, "database")
    expect.error(ask("POST", API, json={"components": ["jobs", "config"]}), 400, "SIMPLETUNER_BACKUP_PASSPHRASE")
    expect.error(ask("GET", API + "?limit=201"), 400, "limit")
    expect.error(ask("GET", API + "/..%5Cx"), 400, "Invalid backup ID")
    expect.error(ask("GET", API + "/20240115_103000_000"), 404, "Backup not found")
    expect.error(restore(office, "20240115_103000_000"), 404)
    backup = make(office)["backup_id"]
    expect.error(restore(office, backup, backup_id="20240115_103000_000"), 400, "path")
    assert restore(office, backup, components=["config"]).status_code >= 400
    expect.error(restore(office, backup, dry_run="yes"), 400, "dry_run")


def test_a_damaged_backup_is_refused_and_can_be_deleted(office):
    backup = make(office)["backup_id"]
    [file] = (office.home / "backups" / backup).glob("jobs_backup_*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    expect.error(restore(office, backup), 409, "damaged")
    failed = expect.error(office.admin.request("POST", f"{API}/{backup}/verify"), 409)
    assert str(office.home) not in failed["detail"]
    assert expect.ok(office.admin.request("DELETE", f"{API}/{backup}"))["deleted"] == backup
    assert office.admin.request("GET", f"{API}/{backup}").status_code == 404
    assert entries(office, "backup.deleted")[0]["target_id"] == backup


def test_two_at_once_are_one_and_a_conflict(office):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: office.admin.request("POST", API).status_code,
                                range(4)))
    assert answers.count(201) >= 1
    assert set(answers) <= {201, 409}


def test_operators_tools_read_the_database_in_it(office):
    backup = make(office)
    [file] = (office.home / "backups" / backup["backup_id"]).glob("jobs_backup_*")
    if office.database_url:
        done = subprocess.run(["pg_restore", "--list", file], capture_output=True, text=True,
                              check=True)
        assert "TABLE DATA" in done.stdout and "limit_windows" not in done.stdout
        return
    plain = office.home / "plain.db"
    plain.write_bytes(gzip.decompress(file.read_bytes()))
    with sqlite3.connect(plain) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_companion_makes_tries_and_counts_them(office):
    env = office.env | {"SIMPLETUNER_BACKUP_INTERVAL_HOURS": "1"}
    office.change("DELETE FROM metric_totals WHERE name LIKE 'backup%%'"
                  if office.database_url else
                  "DELETE FROM metric_totals WHERE name LIKE 'backup%'")
    for name, count in (("backup", "made"), ("rehearse_backup", "restored")):
        done = subprocess.run([COMPANION, "cron", "--task", name, "--json"], env=env,
                              capture_output=True, text=True, check=True)
        [task] = json.loads(done.stdout)["tasks"]
        assert task[count] == 1, task
    expect.ok(office.admin.request("POST", "/api/cloud/metrics/config/templates/full"))
    text = office.admin.request("GET", "/api/cloud/metrics/prometheus").text
    for name in ("last_success_timestamp_seconds", "last_rehearsal_timestamp_seconds",
                 "duration_seconds", "size_bytes", "failures_total"):
        assert f"\nsimpletuner_backup_{name} " in text
    info = json.loads(office.companion("info", "--json").stdout)
    assert info["last_backup"]["size_bytes"] > 0 and info["total_size_mb"] >= info["size_mb"]


def test_a_slow_backup_is_answered_later(office):
    """Somebody else holds the lock for as long as the request waits."""
    lock = open(office.home / "backups" / ".lock", "w", encoding="ascii")
    subprocess.run(["flock", "-n", str(lock.fileno())], pass_fds=[lock.fileno()], check=True)
    try:
        answer = office.admin.request("POST", API, json={"name": "later"})
        assert answer.status_code == 202, answer.text
        place = answer.headers["Location"]
        shown = expect.ok(office.admin.request("GET", place))
        assert shown["state"] == "queued" and shown["action"] == "backup"
        assert office.admin.request("POST", API).status_code == 409
    finally:
        lock.close()
    until(lambda: office.admin.request("GET", place).json()["state"] == "done", 20,
          "the backup is not made")
