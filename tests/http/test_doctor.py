"""The doctor finds what is wrong, says how bad it is, and names the next command."""

import contextlib
import os
import pathlib
import socket
import sqlite3
import subprocess
import threading
import time

import psycopg2
import pytest

from doctor import Findings, examine, examine_home
from stack import COMPANION, RESPONDER, base_environment, new_home, require_programs
from waiting import free_port, until

CONFIG, USAGE = 78, 64


@pytest.fixture
def home():
    require_programs()
    return new_home()


@pytest.fixture
def made(home):
    """A home with a database."""
    run(home, "migrate")
    return home


def database(home):
    return home / "config" / "cloud" / "jobs.db"


def run(home, *arguments, program=COMPANION, **env):
    return subprocess.run([program, *arguments], env=base_environment(home) | env,
                          capture_output=True, text=True, timeout=60)


# ---- the command itself ----

def test_unknown_checks_are_wrong_usage(home):
    assert run(home, "doctor", "--only", "nothing").returncode == USAGE
    assert run(home, "doctor", "--only", "disk,").returncode == USAGE


def test_people_read_what_is_well_on_one_line_and_the_rest_with_commands(made):
    (made / "secrets.json").touch(mode=0o644)
    result = run(made, "doctor", "--only", "settings,files,disk")
    assert result.returncode == 65
    assert "✓ settings, disk" in result.stdout
    assert f"-> chmod 600 '{made}/secrets.json'" in result.stdout
    assert "errors were found: 1" in result.stderr


def test_a_new_machine_has_notes_and_warnings_only(home):
    findings = examine(base_environment(home))
    assert findings.of("error") == []
    findings.one("warning", "database", "There is no database")
    assert not database(home).exists()


def test_everything_broken_at_once_is_still_told(home):
    (home / "cloud.env").write_text("SIMPLETUNER_NOTHING=1\nSIMPLETUNER_API_THREADS=many\n")
    database(home).parent.mkdir(parents=True)
    database(home).write_bytes(b"no database" * 400)
    began = time.monotonic()
    findings = examine(base_environment(home) | {
        "SIMPLETUNER_RATE_LIMIT_RULES": "/nowhere/rules.json",
        "SIMPLETUNER_PUBLIC_URL": f"http://127.0.0.1:{free_port()}",
        "HTTPS_PROXY": f"http://127.0.0.1:{free_port()}"})
    assert time.monotonic() - began < 60
    for check, mention in (("settings", "SIMPLETUNER_NOTHING"), ("settings", "API_THREADS"),
                           ("start", "rules.json"), ("database", "no SQLite database"),
                           ("public_url", "cannot be reached"), ("front", "does not answer")):
        findings.one("error", check, mention)


# ---- settings ----

def test_each_bad_setting_is_named_with_its_line(home):
    (home / "cloud.env").write_text("# settings\nSIMPLETUNER_LOG_FORMAT=LOUD\nRATE_LIMIT_CALLS=x\n")
    findings = examine_home(home, "settings")
    assert len(findings.of("error")) == 2
    finding = findings.one("error", "settings", "cloud.env:2: SIMPLETUNER_LOG_FORMAT")
    assert finding["command"] == f"${{EDITOR:-vi}} +2 '{home}/cloud.env'"


def test_an_env_file_for_everybody_is_told(home):
    (home / "cloud.env").chmod(0o604)
    finding = examine_home(home, "settings").one("warning", "settings", "read by everybody")
    assert finding["command"] == f"chmod o-rwx '{home}/cloud.env'"
    (home / "cloud.env").chmod(0o622)
    assert examine_home(home, "settings").one("error", "settings", "changed by others")


def test_a_variable_that_is_no_setting_is_told(home):
    findings = examine_home(home, "settings", SIMPLETUNER_LOG_LEVLE="INFO")
    findings.one("warning", "settings", "SIMPLETUNER_LOG_LEVLE")


@pytest.mark.parametrize("program", [COMPANION, RESPONDER], ids=lambda path: path.name)
@pytest.mark.parametrize("option", ["-t", "--test-config"])
def test_settings_can_be_tested(home, program, option):
    good = run(home, option, program=program)
    assert (good.returncode, good.stdout) == (0, f"{program.name}: settings are well\n")
    bad = run(home, option, program=program, SIMPLETUNER_API_THREADS="0")
    assert (bad.returncode, bad.stdout) == (CONFIG, "")
    assert "SIMPLETUNER_API_THREADS must be" in bad.stderr
    bad = run(home, option, program=program, SIMPLETUNER_RATE_LIMIT_RULES="/nowhere")
    assert bad.returncode == CONFIG and "/nowhere" in bad.stderr
    assert list(home.iterdir()) == [home / "cloud.env"]


# ---- files and disks ----

@pytest.mark.parametrize("name", ["secrets.json", "credential.key", "audit.key"])
def test_a_secret_that_others_can_read_is_an_error(made, name):
    (made / name).touch()
    (made / name).chmod(0o640)
    finding = examine_home(made, "files").one("error", "files", f"{name} may be used by others")
    subprocess.run(finding["command"], shell=True, check=True)
    assert examine_home(made, "files").troubles() == []


def test_a_database_for_everybody_is_told(made):
    database(made).chmod(0o666)
    finding = examine_home(made, "files").one("error", "files", "jobs.db may be changed")
    subprocess.run(finding["command"], shell=True, check=True)
    assert examine_home(made, "files").troubles() == []


def test_a_log_that_cannot_be_made_is_an_error(made):
    findings = examine_home(made, "files", SIMPLETUNER_LOG_FILE="/nowhere/cloud.log")
    findings.one("error", "files", "/nowhere/cloud.log cannot be made")


def test_a_disk_below_its_floor_is_an_error(made):
    findings = examine_home(made, "disk", SIMPLETUNER_MIN_FREE_BYTES="1000000000000000")
    assert "df -h" in findings.of("error", check="disk")[0]["command"]


def test_a_database_in_memory_is_told(made):
    path = f"/dev/shm/stc-doctor-{os.getpid()}.db"
    try:
        env = {"SIMPLETUNER_DATABASE_URL": f"sqlite://{path}"}
        run(made, "migrate", **env)
        examine_home(made, "disk", **env).one("warning", "disk", "is on tmpfs")
    finally:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path + suffix)


# ---- SQLite ----

def test_a_sound_database_is_well(made):
    assert examine_home(made, "database,schema,locks").troubles() == []


def test_a_damaged_database_is_an_error(made):
    with sqlite3.connect(database(made)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(database(made), "r+b") as file:
        for page in range(4, 200, 3):
            file.seek(page * 4096 + 100)
            file.write(os.urandom(2000))
    finding = examine_home(made, "database").of("error", check="database")[0]
    assert "recover" in finding["command"]


def test_another_journal_mode_is_told(made):
    connection = sqlite3.connect(database(made))
    assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.close()
    examine_home(made, "database").one("warning", "database", "is not WAL")


def test_a_schema_that_is_behind_or_ahead_is_an_error(made):
    with sqlite3.connect(database(made)) as connection:
        connection.execute("DELETE FROM schema_migrations WHERE version = "
                           "(SELECT MAX(version) FROM schema_migrations)")
    finding = examine_home(made, "schema").one("error", "schema", "this program needs")
    assert finding["command"] == "simpletuner-cloud migrate"
    with sqlite3.connect(database(made)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(schema_migrations)")]
        rest = ", ".join(name for name in columns if name != "version")
        connection.execute(f"INSERT INTO schema_migrations (version, {rest}) SELECT 9999, {rest} "
                           "FROM schema_migrations LIMIT 1")
    assert examine_home(made, "schema").of("error", check="schema")


def test_who_holds_the_write_lock_is_named(made):
    connection = sqlite3.connect(database(made), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    finding = examine_home(made, "locks").one("warning", "locks", "The write lock")
    assert f"process {os.getpid()} (" in finding["found"] and "python" in finding["found"]
    assert f"-p {os.getpid()}" in finding["command"]
    connection.execute("ROLLBACK")
    connection.close()
    assert examine_home(made, "locks").troubles() == []


def test_who_keeps_the_log_from_being_written_back_is_named(made):
    reader = sqlite3.connect(database(made), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM jobs").fetchone()
    finding = examine_home(made, "locks").one("note", "locks", "A read of the database goes on")
    assert f"process {os.getpid()} (" in finding["found"]
    os.truncate(f"{database(made)}-wal", 300 << 20)  # as large as if it had been written
    with contextlib.closing(sqlite3.connect(database(made))) as writer:
        writer.execute("CREATE TABLE doctor_test (x)")
        writer.commit()
        finding = examine_home(made, "locks").one("error", "locks", "has grown to")
    assert f"kill {os.getpid()}" in finding["command"]
    reader.execute("ROLLBACK")
    reader.close()


# ---- the way out ----

def test_a_proxy_that_is_not_there_is_named(made):
    proxy = f"127.0.0.1:{free_port()}"
    (made / "secrets.json").write_text('{"REPLICATE_API_TOKEN": "r8_0123456789"}')
    (made / "secrets.json").chmod(0o600)
    findings = examine_home(made, "network", HTTPS_PROXY=f"http://someone:hidden@{proxy}")
    finding = findings.one("error", "network", f"proxy {proxy}")
    assert f"--proxy http://USER:PASSWORD@{proxy}" in finding["command"]
    assert "hidden" not in str(findings.all)


def test_a_missing_token_is_told_and_a_secrets_file_that_is_no_json_is_an_error(made):
    examine_home(made, "secrets").one("warning", "secrets", "REPLICATE_API_TOKEN is not set")
    (made / "secrets.json").write_text("{")
    (made / "secrets.json").chmod(0o600)
    assert examine_home(made, "secrets").of("error", check="secrets")


def test_a_public_url_that_hangs_ends_in_time(made):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        findings = examine_home(made, "public_url", SIMPLETUNER_PUBLIC_URL=url)
        assert time.monotonic() - began < 20
    assert "curl" in findings.one("error", "public_url", "no answer within")["command"]


@contextlib.contextmanager
def answering(text):
    """A server that says the same to everybody; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(text.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("answer, mention", [
    ("HTTP/1.1 308 R\r\nLocation: https://x.example/\r\nContent-Length: 0\r\n\r\n", "redirects to"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}", "somebody else"),
    ("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "does not lead to a responder")])
def test_a_public_url_that_leads_elsewhere_is_an_error(made, answer, mention):
    with answering(answer) as url:
        findings = examine_home(made, "public_url", SIMPLETUNER_PUBLIC_URL=url)
    findings.one("error", "public_url", mention)
    assert not list(made.glob(".doctor-*"))


# ---- a service that runs ----

def test_a_service_that_is_well_has_no_errors(cloud):
    findings = examine(cloud.env)
    assert findings.of("error") == []
    for check in ("settings", "start", "database", "schema", "locks", "network", "provider",
                  "webhook", "front", "responder", "sockets", "audit", "storage", "state"):
        assert findings.of("ok", check=check), check
        assert findings.of("warning", check=check) == [], check
    findings.one("ok", "webhook", "A webhook of Replicate arrives")
    findings.one("ok", "public_url", "leads here")
    assert not list(cloud.home.glob(".doctor-*"))
    assert not list((cloud.home / "outputs").glob(".doctor-*"))


def test_a_token_that_the_provider_refuses_is_an_error(cloud):
    cloud.configure(api_base_url=cloud.sim.url)
    secrets = cloud.home / "secrets.json"
    before = secrets.read_bytes()
    secrets.write_text('{"REPLICATE_API_TOKEN": "r8_' + "0" * 37 + '"}')
    try:
        examine(cloud.env, "--only", "provider").one("error", "provider", "cannot be used")
    finally:
        secrets.write_bytes(before)


def test_a_certificate_nobody_trusts_is_shown(cloud):
    cloud.configure(ssl_ca_bundle="")
    finding = examine(cloud.env, "--only", "network").one("error", "network", "not trusted")
    assert "issuer:" in finding["found"] and finding["command"].startswith("curl -sSv")


def test_unsigned_webhooks_are_told(cloud):
    cloud.configure(webhook_require_signature=False)
    examine(cloud.env, "--only", "webhook").one("warning", "webhook", "need no signature")


def test_the_companion_is_missed(cloud):
    cloud.change("DELETE FROM tasks")
    finding = examine(cloud.env, "--only", "companion").one("warning", "companion", "never run")
    assert "crontab -" in finding["command"]
    assert cloud.companion("cron").returncode == 0
    examine(cloud.env, "--only", "companion").one("note", "companion", "has run lately")


def test_a_task_that_keeps_failing_is_told(cloud):
    assert cloud.companion("cron", "--task", "prune_logins").returncode == 0
    cloud.change("UPDATE tasks SET failures = 5 WHERE name = 'prune_logins'")
    finding = examine(cloud.env, "--only", "companion").one("warning", "companion", "5 times")
    assert finding["command"] == "simpletuner-cloud cron --task prune_logins"
    cloud.change("UPDATE tasks SET failures = 0 WHERE name = 'prune_logins'")


def test_backups_that_are_missing_or_old_are_told(cloud):
    assert cloud.companion("backup").returncode == 0
    cloud.change("DELETE FROM metric_totals WHERE name = 'backup_verified_us'")
    found = examine(cloud.env, "--only", "backup")
    found.one("ok", "backup", "0 hours old")
    assert found.one("note", "backup", "ever tried")["command"].endswith("restore --rehearse")
    daily = cloud.env | {"SIMPLETUNER_BACKUP_INTERVAL_HOURS": "24"}
    cloud.change("UPDATE metric_totals SET value = value - 200 * 3600000000 "
                 "WHERE name = 'backup_success_us'")
    finding = examine(daily, "--only", "backup").one("error", "backup", "200 hours old")
    assert finding["command"] == "simpletuner-cloud cron --task backup"
    assert cloud.companion("backup").returncode == 0


def test_a_store_that_cannot_be_renamed_in_is_an_error(cloud):
    incoming = cloud.home / "outputs" / ".incoming"
    incoming.mkdir(exist_ok=True)
    aside = incoming.with_name(".aside")
    incoming.rename(aside)
    incoming.symlink_to("/dev/shm")
    try:
        examine(cloud.env, "--only", "storage").one("error", "storage", "another file system")
    finally:
        incoming.unlink()
        aside.rename(incoming)


def test_a_socket_that_nobody_serves_is_an_error(fleet):
    cloud = fleet.get("lighttpd", "sqlite")
    pid = cloud.responder_pid()
    os.kill(pid, 19)
    try:
        findings = examine(cloud.env, "--only", "sockets")
        assert len(findings.of("error", check="sockets")) == 2
    finally:
        os.kill(pid, 18)
    assert examine(cloud.env, "--only", "sockets").troubles() == []


def test_strangers_learn_nothing_of_the_doctor(cloud):
    for path in ("/api/cloud/doctor/echo", "/api/events/doctor",
                 "/api/cloud/storage/.doctor/x"):
        for token in (None, "x", "../../secrets", "0" * 26 + "." + "0" * 64):
            headers = {"X-SimpleTuner-Doctor": token, "X-SimpleTuner-Doctor-Nonce": "n"}
            assert cloud.get(path, headers=headers).status_code == 404
    stale = cloud.home / (".doctor-" + "0" * 26)
    stale.touch(mode=0o600)
    stale.write_text("0" * 64 + " " + "1" * 64 + " 1000\n")
    token = "0" * 26 + "." + "0" * 64
    answer = cloud.get("/api/cloud/doctor/echo", headers={"X-SimpleTuner-Doctor": token,
                                                          "X-SimpleTuner-Doctor-Nonce": "n"})
    assert answer.status_code == 404
    stale.unlink()


def test_memory_that_a_killed_process_left_is_told(made):
    path = pathlib.Path(f"/dev/shm/simpletuner-doctor-test-{os.getpid()}")
    path.write_bytes(bytes(4096))
    try:
        finding = examine_home(made, "memory").one("note", "memory", "left")
        assert "rm -v" in finding["command"]
    finally:
        path.unlink()


# ---- PostgreSQL ----

@pytest.fixture
def pgsql(fleet):
    stack = fleet.get("lighttpd", "postgresql")
    stack.reset()
    return stack


def test_who_holds_up_whom_is_named(pgsql):
    with contextlib.closing(psycopg2.connect(pgsql.database_url,
                                             application_name="night report")) as holder, \
            contextlib.closing(psycopg2.connect(pgsql.database_url)) as waiter:
        holder.cursor().execute("LOCK TABLE levels IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(
            target=waiter.cursor().execute,
            args=("LOCK TABLE levels IN ACCESS EXCLUSIVE MODE",))
        thread.start()
        until(lambda: pgsql.query("SELECT 1 FROM pg_locks WHERE NOT granted"), 10, "nobody waits")
        finding = examine(pgsql.env, "--only", "locks").one("warning", "locks", "night report")
        holder.rollback()
        thread.join()
        waiter.rollback()
    assert f"pg_terminate_backend({holder.info.backend_pid}" in finding["command"] or \
        "pg_terminate_backend(" in finding["command"]


def test_a_server_that_is_away_is_an_error_and_its_password_is_not_told(home):
    url = f"postgresql://someone:hidden-word@127.0.0.1:{free_port()}/cloud"
    result = run(home, "doctor", "--json", "--only", "database,schema,locks",
                 SIMPLETUNER_DATABASE_URL=url)
    Findings(result).one("error", "database", "PostgreSQL does not answer")
    assert "hidden-word" not in result.stdout + result.stderr


def test_an_empty_database_is_left_empty(fleet, home):
    url = fleet.database_url("postgresql")
    findings = examine_home(home, "schema,provider", SIMPLETUNER_DATABASE_URL=url)
    findings.one("warning", "schema", "no tables yet")
    with contextlib.closing(psycopg2.connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
        assert cursor.fetchone() == (0,)


def test_tables_that_the_role_may_not_use_are_an_error(fleet, home):
    url = fleet.database_url("postgresql")
    run(home, "migrate", SIMPLETUNER_DATABASE_URL=url)
    role = f"doctor_{os.getpid()}"
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {role} LOGIN")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        other = psycopg2.extensions.make_dsn(url, user=role)
        parts = psycopg2.extensions.parse_dsn(other)
        theirs = (f"postgresql://{role}@{parts['host']}:{parts['port']}/{parts['dbname']}")
        findings = examine_home(home, "database", SIMPLETUNER_DATABASE_URL=theirs)
        findings.one("error", "database", "may not read and write")
        findings.one("warning", "database", "may not make tables")
        cursor.execute(f"DROP OWNED BY {role}")
        cursor.execute(f"DROP ROLE {role}")
