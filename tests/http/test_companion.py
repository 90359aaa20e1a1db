"""The companion program: what cron, packages and administrators call."""

import json
import re
import sqlite3
import subprocess

import pytest

from stack import COMPANION, RESPONDER, base_environment, new_home, require_programs

USAGE, CONFIG, UNAVAILABLE = 64, 78, 69


@pytest.fixture
def home():
    require_programs()
    return new_home()


def run(home, *arguments, program=COMPANION, **env):
    return subprocess.run([program, *arguments], env=base_environment(home) | env,
                          capture_output=True, text=True, timeout=15)


@pytest.mark.parametrize("program", [COMPANION, RESPONDER], ids=lambda path: path.name)
@pytest.mark.parametrize("option, mention", [("--help", "Usage"), ("--version", "simpletuner")])
def test_help_and_version_go_to_standard_output(home, program, option, mention):
    result = run(home, option, program=program)
    assert result.returncode == 0
    assert mention.lower() in result.stdout.lower() and result.stderr == ""


@pytest.mark.parametrize("command", ["migrate", "info", "cron", "poll", "tasks"])
def test_every_command_has_help(home, command):
    result = run(home, command, "--help")
    assert result.returncode == 0 and command in result.stdout


def test_help_lists_the_settings(home):
    text = run(home, "--help").stdout
    for name in ("SIMPLETUNER_HOME", "SIMPLETUNER_DATABASE_URL", "SIMPLETUNER_PUBLIC_URL"):
        assert name in text


@pytest.mark.parametrize("arguments", [(), ("fly",), ("--colour",), ("migrate", "--colour"),
                                       ("info", "extra"), ("poll", "--json", "x")])
def test_wrong_usage_is_64(home, arguments):
    result = run(home, *arguments)
    assert result.returncode == USAGE and result.stderr and result.stdout == ""


def test_help_and_version_work_with_a_broken_configuration(home):
    for option in ("--help", "--version"):
        assert run(home, option, SIMPLETUNER_LOG_LEVEL="LOUD").returncode == 0


def test_migrate_makes_a_database_and_is_repeatable(home):
    first, second = run(home, "migrate"), run(home, "migrate")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    database = home / "config" / "cloud" / "jobs.db"
    tables = {name for (name,) in sqlite3.connect(database).execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"jobs", "schema_migrations"} <= tables


def test_the_database_is_not_for_everyone(home):
    run(home, "migrate")
    database = home / "config" / "cloud" / "jobs.db"
    assert database.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("command", [("migrate",), ("info",), ("cron",), ("poll",)])
def test_a_newer_database_is_refused(home, command):
    run(home, "migrate")
    path = home / "config" / "cloud" / "jobs.db"
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(schema_migrations)")]
    [row] = connection.execute(
        "SELECT * FROM schema_migrations ORDER BY version DESC LIMIT 1").fetchall()
    future = [9999 if name == "version" else value for name, value in zip(columns, row)]
    connection.execute(
        f"INSERT INTO schema_migrations VALUES ({','.join('?' * len(future))})", future)
    connection.commit()
    connection.close()
    result = run(home, *command)
    if command == ("info",):
        assert "newer" in (result.stdout + result.stderr).lower()
        return
    assert result.returncode != 0 and "newer" in result.stderr.lower()


def test_info_is_for_people_and_for_scripts(cloud):
    text = cloud.companion("info")
    assert text.returncode == 0 and str(cloud.home) in text.stdout
    result = cloud.companion("info", "--json")
    assert result.returncode == 0, result.stderr
    info = json.loads(result.stdout)
    assert re.match(r"\d+\.\d+", info["version"])
    assert str(cloud.home) in json.dumps(info)
    assert ("postgresql" if cloud.database_url else "sqlite") in json.dumps(info).lower()


def test_info_shows_no_password(home):
    result = run(home, "info", "--json",
                 SIMPLETUNER_DATABASE_URL="postgresql://me:s3cr3t@127.0.0.1:1/none",
                 REPLICATE_API_TOKEN="r8_t0k3n", HTTPS_PROXY="http://me:pr0xy@127.0.0.1:1")
    for secret in ("s3cr3t", "r8_t0k3n", "pr0xy"):
        assert secret not in result.stdout + result.stderr


def test_poll_reports_what_it_did(cloud):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    result = cloud.companion("poll", "--json")
    assert result.returncode == 0, result.stderr
    assert isinstance(json.loads(result.stdout), dict)
    assert cloud.status(job.job_id) == "completed"


def test_poll_with_a_broken_provider_says_so_and_changes_nothing(cloud):
    job = cloud.new_job()
    cloud.sim.fault("500", "GET", "/v1/predictions", count=10000)
    result = cloud.companion("poll", "--json")
    assert json.loads(result.stdout)["failed"] >= 1 and "500" in result.stderr
    assert cloud.status(job.job_id) == "queued"


def test_polling_twice_at_once_is_harmless(cloud):
    job = cloud.new_job()
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    polls = [subprocess.Popen([COMPANION, "poll"], env=cloud.env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) for _ in range(3)]
    assert {poll.wait(60) for poll in polls} == {0}
    assert cloud.status(job.job_id) == "completed"


@pytest.mark.parametrize("name, value", [
    ("SIMPLETUNER_LOG_LEVEL", "LOUD"), ("SIMPLETUNER_LOG_FORMAT", "xml"),
    ("SIMPLETUNER_DATABASE_URL", "mysql://x/y"), ("SIMPLETUNER_DATABASE_URL", "sqlite://relative"),
    ("SIMPLETUNER_PUBLIC_URL", "not a url"), ("SIMPLETUNER_HTTP_TIMEOUT", "soon"),
    ("SIMPLETUNER_HTTP_TIMEOUT", "-1"), ("SIMPLETUNER_SSL_VERIFY", "perhaps"),
    ("SIMPLETUNER_TRUSTED_PROXIES", "10.0.0.0/99"), ("SIMPLETUNER_MAX_OBJECT_BYTES", "-5"),
    ("SIMPLETUNER_WEBHOOK_TIMESTAMP_TOLERANCE", "x"), ("SIMPLETUNER_HOME", "relative"),
    ("SIMPLETUNER_CA_BUNDLE", "/nonexistent/ca.pem")])
@pytest.mark.parametrize("program", [COMPANION, RESPONDER], ids=lambda path: path.name)
def test_a_bad_setting_stops_the_start_and_is_named(home, tmp_path, program, name, value):
    arguments = ("info",) if program == COMPANION else ("--listen", str(tmp_path / "x.sock"))
    result = run(home, *arguments, program=program, **{name: value})
    assert result.returncode == CONFIG, (result.returncode, result.stderr)
    assert name in result.stderr


def test_a_bad_line_of_the_env_file_is_shown_with_its_number(home):
    (home / "cloud.env").write_text("# good\nSIMPLETUNER_LOG_LEVEL=INFO\n\nnonsense\n")
    result = run(home, "info")
    assert result.returncode == CONFIG
    assert str(home / "cloud.env") in result.stderr and "4" in result.stderr


def test_a_bad_value_of_the_env_file_is_shown_with_file_and_name(home):
    (home / "cloud.env").write_text("SIMPLETUNER_LOG_FORMAT=xml\n")
    result = run(home, "info")
    assert result.returncode == CONFIG
    assert "cloud.env" in result.stderr and "SIMPLETUNER_LOG_FORMAT" in result.stderr


def test_the_environment_wins_over_the_env_file(home):
    (home / "cloud.env").write_text(f"SIMPLETUNER_DATABASE_URL=sqlite://{home}/from-file.db\n")
    assert "from-file.db" in run(home, "info", "--json").stdout
    text = run(home, "info", "--json",
               SIMPLETUNER_DATABASE_URL=f"sqlite://{home}/from-environment.db").stdout
    assert "from-environment.db" in text and "from-file.db" not in text


def test_a_named_env_file_that_is_missing_is_an_error(home):
    result = run(home, "info", SIMPLETUNER_CONFIG=str(home / "nowhere.env"))
    assert result.returncode == CONFIG and "nowhere.env" in result.stderr


def test_a_database_that_is_away_is_a_failure_with_a_reason(home):
    result = run(home, "poll",
                 SIMPLETUNER_DATABASE_URL="postgresql://postgres@127.0.0.1:1/none")
    assert result.returncode not in (0, CONFIG) and result.stderr
