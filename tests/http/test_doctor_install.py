"""The doctor on an installation that is half made: disks that are used up, and directories that the
service's user may not use."""

import contextlib
import os
import pwd
import subprocess

import pytest

from doctor import Findings, examine, examine_home, read_home
from stack import COMPANION, base_environment, new_home, require_programs, scratch_directory

INODES = 60


@pytest.fixture
def home():
    require_programs()
    return new_home()


# ---- disks ----

@pytest.fixture
def few_inodes():
    """A file system of its own, in memory, with few inodes."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    directory = scratch_directory("inodes")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=400m,nr_inodes={INODES},mode=0700",
                    "tmpfs", directory], check=True)
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def use_up_inodes(directory):
    with contextlib.suppress(OSError):
        for number in range(INODES):
            (directory / f"file-{number}").touch()
    return os.statvfs(directory)


def test_a_disk_without_inodes_is_an_error_though_it_has_room(few_inodes):
    (few_inodes / "cloud.env").touch(mode=0o600)
    env = base_environment(few_inodes)
    assert subprocess.run([COMPANION, "migrate"], env=env, timeout=60).returncode == 0
    disk = use_up_inodes(few_inodes)
    assert disk.f_favail == 0 and disk.f_bavail > 0
    findings = examine(env | {"SIMPLETUNER_MIN_FREE_BYTES": "1048576"}, "--only", "disk,front")
    finding = findings.one("error", "disk", f"{few_inodes} has 0 of {INODES} inodes left")
    assert finding["command"].startswith(f"df -i '{few_inodes}'; ")
    assert subprocess.run(finding["command"], shell=True, capture_output=True).returncode == 0
    findings.one("ok", "disk", f"{few_inodes} has ")
    findings.one("warning", "front", "Not tried: ")
    assert finding["found"] in read_home(few_inodes, "disk", 65)


def test_a_disk_with_inodes_is_not_told(home):
    assert not [finding for finding in examine_home(home, "disk").all
                if "inodes" in finding["found"]]


def test_a_database_to_be_made_in_memory_is_told_before_it_is_made(home):
    env = {"SIMPLETUNER_DATABASE_URL": f"sqlite:///dev/shm/stc-doctor-none-{os.getpid()}/a.db"}
    finding = examine_home(home, "disk", **env).one("warning", "disk", "is on tmpfs")
    assert finding["command"] == "findmnt -T '/dev/shm'"


# ---- as the service's user, who is not root ----

@pytest.fixture
def user():
    if os.geteuid() != 0:
        pytest.skip("only root may be another user")
    return pwd.getpwnam("nobody")


def run_as(user, home, *arguments, **env):
    return subprocess.run(["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid),
                           "--clear-groups", COMPANION, *arguments],
                          env=base_environment(home) | env, capture_output=True, text=True,
                          timeout=150)


def examine_as(user, home, only, **env):
    return Findings(run_as(user, home, "doctor", "--json", "--only", only, **env))


def give(path, user, mode=None):
    """All of it to the user, and the top with this mode."""
    for each in (path, *path.rglob("*")):
        os.chown(each, user.pw_uid, user.pw_gid)
    if mode is not None:
        path.chmod(mode)


def test_a_home_that_cannot_be_made_is_an_error_and_migrate_says_the_same(home, user):
    env = {"SIMPLETUNER_HOME": str(home / "new")}
    give(home, user, 0o500)
    findings = examine_as(user, home, "start,files,disk,front,public_url,sockets", **env)
    finding = findings.one("error", "files", "a start cannot make it: Permission denied")
    assert finding["command"] == f"sudo install -d -m 700 -o nobody '{home}/new'"
    findings.one("error", "start", "it cannot make its home")
    findings.one("note", "front", "Not tried: there is no home directory yet")
    migrated = run_as(user, home, "migrate", **env)
    assert migrated.returncode == 78 and "Permission denied" in migrated.stderr
    subprocess.run(finding["command"].removeprefix("sudo "), shell=True, check=True)
    assert examine_as(user, home, "start,files", **env).troubles() == []


@pytest.mark.parametrize("end", ["", "/"])
def test_a_home_that_can_be_made_is_no_error(home, user, end):
    give(home, user, 0o700)
    env = {"SIMPLETUNER_HOME": f"{home}/new{end}"}
    findings = examine_as(user, home, "start,files,disk", **env)
    assert findings.of("error") == [] and not (home / "new").exists()
    findings.one("warning", "files", "There is no home directory")


@pytest.mark.parametrize("below, mention", [
    ("", "cannot be read and written: Permission denied"),
    ("deep/er/", "of the database cannot be made: Permission denied")])
def test_a_database_that_cannot_be_made_is_an_error(home, user, below, mention):
    give(home, user, 0o700)
    other = scratch_directory("theirs")
    other.chmod(0o755)
    findings = examine_as(user, home, "start,files",
                          SIMPLETUNER_DATABASE_URL=f"sqlite://{other}/{below}jobs.db")
    findings.one("error", "files", mention)
    findings.one("error", "start", "it cannot make the database")


def test_a_read_only_home_is_told_once_by_each_check_that_it_stops(home, user):
    give(home, user)
    assert run_as(user, home, "migrate").returncode == 0
    home.chmod(0o500)
    findings = examine_as(user, home, "start,files,database,front,sockets")
    assert [finding["check"] for finding in findings.of("error")] == ["start", "files"]
    for check in ("front", "sockets"):
        finding = findings.one("warning", check, f"Not tried: no file can be made in {home}: ")
        assert finding["command"] == "simpletuner-cloud doctor --only start,files,disk"


def test_a_closed_home_is_one_finding_and_not_one_for_each_file_in_it(home, user):
    subprocess.run([COMPANION, "migrate"], env=base_environment(home), check=True, timeout=60)
    home.chmod(0o700)
    findings = examine_as(user, home, "files,database,schema,locks,secrets",
                          SIMPLETUNER_CONFIG="")
    assert {finding["found"].split()[0] for finding in findings.of("error", check="files")} == \
        {str(home)}
    findings.one("error", "database", "cannot be looked at: Permission denied")
    findings.one("note", "schema", "cannot be looked at: Permission denied")
    findings.one("note", "locks", "cannot be looked at: Permission denied")
    findings.one("note", "secrets", "the database file cannot be looked at")


# ---- the front server ----

@pytest.mark.parametrize("url", ["http://", "https:///path", "ftp://cloud.example", "cloud"])
def test_a_url_without_a_host_is_refused(home, url):
    result = subprocess.run([COMPANION, "doctor", "--only", "front", "--url", url],
                            env=base_environment(home), capture_output=True, text=True, timeout=60)
    assert result.returncode == 78 and "--url must be" in result.stderr
