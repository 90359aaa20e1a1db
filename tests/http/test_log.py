"""The log: its documented form, who and what is in an access line, and where it goes."""

import itertools
import json
import os
import re
import signal
import subprocess

import pytest

import expect
from log_lines import access_lines, lines_of
from people import Person
from responder import Responder
from stack import COMPANION, RESPONDER
from waiting import until

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[(DEBUG|INFO|WARNING|ERROR)\] "
                       r"[a-z.]+ \([A-Za-z0-9._-]+\): .+")
SERIAL = itertools.count(1)


def new_id():
    return f"log-{os.getpid()}-{next(SERIAL)}"


def access_line(cloud, method, path, **options):
    """The access line of one request, which is there once its answer is."""
    wanted = new_id()
    headers = {"X-Correlation-ID": wanted} | options.pop("headers", {})
    cloud.request(method, path, headers=headers, **options)
    [line] = until(lambda: access_lines_of(cloud, wanted), 5, "no access line was written")
    return line


def access_lines_of(cloud, correlation_id):
    return [line for line in access_lines(cloud.log())
            if line["correlation_id"] == correlation_id]


# what a line looks like


def test_a_json_line_has_the_documented_members_and_no_others(cloud):
    line = access_line(cloud, "GET", "/api/cloud/jobs")
    assert list(line) == ["timestamp", "level", "logger", "message", "correlation_id", "source",
                          "extra"]
    assert TIMESTAMP.fullmatch(line["timestamp"])
    assert (line["level"], line["logger"]) == ("INFO", "simpletuner.cloud.http")
    assert list(line["source"]) == ["file", "line", "function"]
    assert line["source"]["file"].endswith(".c") and isinstance(line["source"]["line"], int)


def test_an_access_line_says_what_was_asked_and_how_that_went(cloud):
    answer = cloud.get("/api/cloud/jobs?limit=3&token=quiet")
    line = access_line(cloud, "GET", "/api/cloud/jobs?limit=3&token=quiet")
    extra = line["extra"]
    assert extra["method"] == "GET" and extra["route"] == "/api/cloud/jobs"
    assert extra["status"] == 200 and extra["bytes"] == len(answer.content)
    assert isinstance(extra["ms"], float) and extra["ms"] >= 0
    assert extra["client"] == "127.0.0.1" and extra["user"] == "local"
    assert "via" not in extra and "job_id" not in extra
    assert "quiet" not in json.dumps(line)


def test_an_access_line_names_the_job_and_the_route_not_the_path(cloud, job):
    extra = access_line(cloud, "GET", f"/api/cloud/jobs/{job.job_id}")["extra"]
    assert extra["job_id"] == job.job_id and extra["route"] == "/api/cloud/jobs/{job_id}"
    extra = access_line(cloud, "GET", "/api/nothing/of/this/kind")["extra"]
    assert (extra["route"], extra["status"]) == ("unmatched", 404)


def test_an_access_line_of_a_job_says_that_it_was_the_job(cloud, job):
    extra = access_line(cloud, "PUT", job.storage("a"), data=b"x",
                        headers={"X-Upload-Token": job.token})["extra"]
    assert extra["user"] == f"job:{job.job_id}" or extra["user"] == "job"
    assert (extra["via"], extra["job_id"]) == ("upload_token", job.job_id)


def test_an_access_line_says_who_acted_and_by_what(staffed):
    person = Person(staffed, f"anna-{next(SERIAL)}", "researcher")
    line = access_line(staffed, "GET", "/api/cloud/jobs", headers={"X-API-Key": person.key})
    assert (line["extra"]["user"], line["extra"]["via"]) == (person.name, "api_key")
    line = access_line(staffed, "GET", "/api/cloud/jobs", headers={"X-API-Key": None})
    assert line["extra"]["user"] == "anonymous" and line["extra"]["status"] == 401
    line = access_line(staffed, "GET", "/api/cloud/jobs",
                       headers={"X-API-Key": None, "X-Forwarded-For": "203.0.113.9"})
    assert line["extra"]["client"] == "203.0.113.9"


def test_probes_are_logged_when_debugging_only(cloud):
    assert access_line(cloud, "GET", "/api/cloud/health/live")["level"] == "DEBUG"


# ids from outside


@pytest.mark.parametrize("headers, adopted", [
    ({"X-Request-ID": "r-1"}, "r-1"), ({"X-Correlation-ID": "c-1"}, "c-1"),
    ({"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}, "c-1"),
    ({"X-Request-ID": "r-1", "X-Correlation-ID": "no good"}, "r-1")])
def test_ids_are_echoed_under_the_names_they_came_with(any_front, headers, adopted):
    answer = any_front.get("/api/cloud/jobs", headers=headers)
    assert answer.headers["X-Correlation-ID"] == adopted
    assert answer.headers.get("X-Request-ID") == headers.get("X-Request-ID")


@pytest.mark.parametrize("path", ["/api/nothing", "/api/cloud/jobs?limit=x", "/api/cloud/health"])
def test_errors_have_ids_too(cloud, path):
    answer = cloud.get(path, headers={"X-Request-ID": "e-1"})
    assert answer.headers["X-Request-ID"] == answer.headers["X-Correlation-ID"] == "e-1"


BAD_IDS = [b"x" * 65, b"x" * 5000, b"a b", b"a\tb", b"a\x01b", b"\xc3\xbc", b"\xff\xfe", b"a\"b",
           b"<script>", b"a,b", b"%0d%0aSet-Cookie:%20x=1", b"../../etc/passwd", b"${jndi:x}",
           b"' OR 1=1 --", b"{}", b"a\x7fb"]


@pytest.mark.parametrize("name", ["X-Request-ID", "X-Correlation-ID"])
@pytest.mark.parametrize("value", BAD_IDS, ids=range(len(BAD_IDS)))
def test_a_hostile_id_goes_nowhere(any_front, name, value):
    """Either the front server refuses it, or we take another in its place."""
    before = len(any_front.log())
    with any_front.connect() as connection:
        connection.sendall(b"GET /api/cloud/jobs HTTP/1.0\r\nHost: x\r\n" + name.encode() + b": " +
                           value + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert value not in head and value not in body
    for line in lines_of(any_front.log()[before:]):
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", line.get("correlation_id", "-"))


def test_a_header_that_breaks_the_line_sets_no_header(any_front):
    with any_front.connect() as connection:
        connection.sendall(b"GET /api/cloud/jobs HTTP/1.0\r\nHost: x\r\n"
                           b"X-Request-ID: a\rX-Evil: 1\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"\nX-Evil" not in answer and b"\rX-Evil" not in answer


def test_of_several_headers_none_is_believed_unless_they_are_one(any_front):
    with any_front.connect() as connection:
        connection.sendall(b"GET /api/cloud/jobs HTTP/1.0\r\nHost: x\r\nX-Correlation-ID: one\r\n"
                           b"X-Correlation-ID: two\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    [given] = re.findall(rb"(?im)^X-Correlation-ID: (.*)\r$", answer)
    assert re.fullmatch(rb"[0-9a-f]{12}|one|two", given)


# where it goes


@pytest.fixture
def logging(tmp_path):
    """logging(**settings): the responder alone, with its log settings in cloud.env."""
    programs = []

    def start(**settings):
        program = Responder(tmp_path)
        del program.env["SIMPLETUNER_LOG_LEVEL"]
        programs.append(program)
        write_settings(program, **settings)
        return program.start()

    yield start
    for program in programs:
        program.stop()


def write_settings(program, **settings):
    (program.home / "cloud.env").write_text(
        "".join(f"SIMPLETUNER_LOG_{name.upper()}={value}\n" for name, value in settings.items()))


def hang_up(program, log):
    """SIGHUP; returns when the settings have been read."""
    before = len(log.read_text()) if log.exists() else 0
    program.signal(signal.SIGHUP)
    until(lambda: log.exists() and "The settings were read anew" in log.read_text()[before:], 10,
          "the settings were not read")


def test_sighup_reads_level_format_and_file_anew(logging, tmp_path):
    program = logging(level="WARNING")
    program.ask("GET", "/api/cloud/jobs")
    assert program.log() == ""
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    write_settings(program, level="DEBUG", file=first)
    hang_up(program, first)
    program.ask("GET", "/api/cloud/health/live")
    until(lambda: '"level":"DEBUG"' in first.read_text(), 5, "no line of level DEBUG")
    write_settings(program, level="INFO", format="text", file=second)
    hang_up(program, second)
    program.ask("GET", "/api/cloud/jobs")
    lines = until(lambda: [line for line in second.read_text().splitlines()
                           if "route=/api/cloud/jobs" in line], 5, "no text line")
    assert TEXT_LINE.fullmatch(lines[0]) and " status=200 " in lines[0]
    assert "/api/cloud/jobs" not in first.read_text()


def test_settings_that_are_wrong_change_nothing(logging, tmp_path):
    log = tmp_path / "cloud.log"
    program = logging(level="INFO", file=log)
    write_settings(program, level="LOUD", file=log)
    program.signal(signal.SIGHUP)
    until(lambda: "The settings stay as they are" in log.read_text(), 10, "nothing was said")
    [line] = [line for line in lines_of(log.read_text())
              if line["message"] == "The settings stay as they are"]
    assert "SIMPLETUNER_LOG_LEVEL must be" in line["extra"]["reason"]
    program.ask("GET", "/api/cloud/jobs")
    until(lambda: access_lines(log.read_text(), route="/api/cloud/jobs"), 5, "no access line")


def test_a_rotation_loses_no_line(logging, tmp_path):
    """logrotate as README shows it."""
    log = tmp_path / "cloud.log"
    program = logging(level="INFO", file=log)
    assert log.stat().st_mode & 0o7777 == 0o640
    config = tmp_path / "logrotate.conf"
    config.write_text(f"{log} {{\n    rotate 3\n    missingok\n    nocreate\n    sharedscripts\n"
                      f"    postrotate\n        kill -HUP {program.process.pid}\n"
                      f"    endscript\n}}\n")
    config.chmod(0o644)
    tmp_path.chmod(0o755)
    asked = 0
    for turn in (1, 2):
        for _ in range(20):
            program.ask("GET", "/api/cloud/jobs")
            asked += 1
        subprocess.run(["logrotate", "--force", "--state", tmp_path / "state", config], check=True,
                       capture_output=True)
        until(log.exists, 10, "the log was not opened anew")
        assert (tmp_path / f"cloud.log.{turn}").exists()
    program.ask("GET", "/api/cloud/jobs")
    until(lambda: access_lines(log.read_text(), route="/api/cloud/jobs"), 5, "no line after it")
    everything = "".join(path.read_text() for path in tmp_path.glob("cloud.log*"))
    assert len(access_lines(everything, route="/api/cloud/jobs")) == asked + 1


def test_responder_and_companions_share_a_file_line_by_line(logging, tmp_path):
    log = tmp_path / "cloud.log"
    program = logging(level="DEBUG", file=log)
    companions = [subprocess.Popen([COMPANION, "cron"], env=program.env) for _ in range(4)]
    for _ in range(200):
        program.ask("GET", "/api/cloud/jobs")
    assert [process.wait(60) for process in companions] == [0] * 4
    text = log.read_text()
    assert text.endswith("\n") and len(lines_of(text)) == len(text.splitlines())
    assert len(access_lines(text, route="/api/cloud/jobs")) == 200


def test_lines_for_the_journal_have_a_priority_and_no_time(logging):
    program = logging(format="text")
    program.stop()
    reading, writing = os.pipe()
    st = os.fstat(writing)
    environment = program.env | {"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino}"}
    process = subprocess.Popen([RESPONDER, *program.arguments],
                               env=environment, stdin=subprocess.DEVNULL, stderr=writing)
    os.close(writing)
    try:
        until(lambda: program.socket.exists() and program_answers(program), 10, "no answer")
        program.ask("GET", "/api/cloud/jobs")
    finally:
        process.terminate()
        process.wait(15)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    assert lines and all(re.fullmatch(r"<[3467]>\[[A-Z]+\] [a-z.]+ \(.*\): .*", line)
                         for line in lines), lines
    assert any("route=/api/cloud/jobs status=200" in line for line in lines)


def program_answers(program):
    try:
        return program.ask("GET", "/api/cloud/health/live")[0] == 200
    except OSError:
        return False


# what repeats


def test_work_that_fails_every_second_is_told_when_it_begins_and_ends(new_stack):
    cloud = new_stack(reset=False)
    cloud.change("ALTER TABLE webhook_deliveries RENAME TO elsewhere")

    def told(message):
        return [line for line in lines_of(cloud.log()) if line["message"] == message
                and line["extra"].get("work") == "inbox"]

    until(lambda: told("Background work failed"), 20, "the failure is not told")
    body = until(lambda: failing(cloud), 20, "health does not see it")
    assert body["status"] == "degraded"
    cloud.change("ALTER TABLE elsewhere RENAME TO webhook_deliveries")
    [line] = until(lambda: told("Background work goes on"), 20, "the end is not told")
    assert line["extra"]["failures"] >= 3
    assert len(told("Background work failed")) == 1


def failing(cloud):
    [part] = [part for part in expect.ok(cloud.get("/api/cloud/health"))["components"]
              if part["name"] == "background"]
    return part if part["status"] == "degraded" and "inbox" in part["message"] else None
