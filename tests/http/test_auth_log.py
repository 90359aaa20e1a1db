"""Refused passwords, keys and signatures leave one line with the client's address, by which the
shipped fail2ban filter finds them; what happens every day leaves none."""

import re
import subprocess

import pytest

from browser_session import NOBODY
from log_lines import lines_of
from s3_clients import new_client
from stack import REPO

FILTER = REPO / "fcgi/host/fail2ban/filter.d/simpletuner-cloud.conf"
CLIENT = "203.0.113.66"
FAR = NOBODY | {"X-Forwarded-For": CLIENT}


@pytest.fixture(scope="module", params=["json", "text"])
def watched(request, fleet):
    """A staffed stack whose log has this form, and the form."""
    from stack import Stack
    with Stack("lighttpd", fleet.database_url("sqlite"),
               {"SIMPLETUNER_LOG_FORMAT": request.param}) as stack:
        stack.hire()
        yield stack, request.param


def log_in(stack, name="boss", headers=FAR):
    return stack.post("/api/auth/login", headers=headers,
                      json={"username": name, "password": "wrong password"})


def refusals(stack, form):
    """(client, credential) of each line that says that something was refused."""
    if form == "json":
        return [(line["extra"]["client"], line["extra"]["credential"])
                for line in lines_of(stack.log()) if line["message"] == "Authentication failed"]
    return re.findall(r"^[\d: -]+ \[WARNING\] simpletuner\.cloud\.auth \([\w.-]+\): "
                      r"Authentication failed client=(\S+) credential=(\w+)$", stack.log(),
                      re.MULTILINE)


def new_refusals(stack, form, act):
    before = len(refusals(stack, form))
    act()
    return refusals(stack, form)[before:]


def test_a_wrong_password_is_a_line_with_the_clients_address(watched):
    stack, form = watched
    assert new_refusals(stack, form, lambda: log_in(stack)) == [(CLIENT, "password")]
    assert new_refusals(stack, form, lambda: log_in(stack, "nobody\n[x] y")) == [
        (CLIENT, "password")]


@pytest.mark.parametrize("path", ["/api/cloud/jobs", "/api/auth/check"])
@pytest.mark.parametrize("shown", [{"X-API-Key": "st_guess"},
                                   {"Authorization": "Bearer st_guess", "X-API-Key": None}])
def test_a_wrong_api_key_is_a_line_wherever_it_is_tried(watched, path, shown):
    stack, form = watched
    found = new_refusals(stack, form, lambda: stack.get(path, headers=FAR | shown))
    assert found == [(CLIENT, "api_key")]


def test_a_wrong_s3_signature_is_a_line(watched):
    stack, form = watched

    def list_buckets():
        with pytest.raises(Exception, match="InvalidAccessKeyId"):
            new_client(stack, ("AKIAIOSFODNN7EXAMPLE", "guess")).list_buckets()
    assert new_refusals(stack, form, list_buckets) == [("127.0.0.1", "s3_signature")]


@pytest.mark.parametrize("shown", [
    {}, {"X-Upload-Token": "x" * 43}, {"Authorization": "Bearer " + "x" * 43},
    {"Cookie": "simpletuner_session=ended"}])
def test_what_happens_every_day_is_no_line(watched, shown):
    stack, form = watched

    def ask():
        assert stack.get("/api/cloud/jobs", headers=FAR | shown).status_code == 401
    assert new_refusals(stack, form, ask) == []


def fail2ban(log):
    """What fail2ban-regex finds: addresses, and the number of lines missed that it should find."""
    result = subprocess.run(["fail2ban-regex", "--out", "ip", str(log), str(FILTER)],
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout.split()


def test_fail2ban_finds_every_refusal_and_nothing_else(watched, tmp_path):
    stack, form = watched
    log_in(stack, headers=FAR | {"X-Forwarded-For": "2001:db8::66"})
    stack.get("/api/cloud/jobs", headers=FAR | {
        "X-API-Key": "st_x", "X-Correlation-ID": "client=198.51.100.1"})
    expected = [client for client, _ in refusals(stack, form)]
    assert "2001:db8::66" in expected and len(expected) >= 6
    (tmp_path / "cloud.log").write_text(stack.log())
    assert fail2ban(tmp_path / "cloud.log") == expected


def test_fail2ban_finds_them_in_lines_of_the_journal(watched, tmp_path):
    stack, form = watched
    log_in(stack)
    expected = [client for client, _ in refusals(stack, form)]
    strip = (lambda line: line) if form == "json" else (lambda line: line[20:])
    (tmp_path / "journal").write_text("".join(
        f"Nov 30 21:51:16 host simpletuner-cloud.fcgi[85]: {strip(line)}\n"
        for line in stack.log().splitlines()))
    assert fail2ban(tmp_path / "journal") == expected
