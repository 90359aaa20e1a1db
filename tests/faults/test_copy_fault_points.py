"""kill -9 while a database is copied: nobody uses the half of it, and the same line goes on."""

import signal

import pytest

import copies
from conftest import fleet  # noqa: F401: a fixture
from copies import NOT_READY, OK, Copier

# The point, and whether the copy is unfinished, finished, or not begun when it is reached.
POINTS = {"copy.begun": "unfinished", "copy.migrated": "unfinished", "copy.written": "unfinished",
          "copy.committed": "unfinished", "copy.verified": "unfinished",
          "copy.finished": "finished"}


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request, fleet):  # noqa: F811
    other = "sqlite" if request.param == "postgresql" else "postgresql"
    return (Copier(fleet.database_url(request.param) or copies.new_file()).made(),
            fleet.database_url(other) or copies.new_file())


def die(source, target, point):
    result = source.run("copy", "--to", target, SIMPLETUNER_FAULT_POINT=point)
    assert result.returncode == -signal.SIGKILL, (point, result.stderr)


@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_copy_that_is_killed_goes_on(pair, point):
    source, target = pair
    die(source, target, point)
    used = Copier(target).run("info")
    if POINTS[point] == "finished":
        assert used.returncode == OK
    else:
        assert used.returncode == NOT_READY and "not finished" in used.stderr
        status, answer = source.copy(target)
        assert (status, answer["state"], answer["resumed"]) == (OK, "finished", True)
    assert source.copy(target, "--verify-only")[1]["state"] == "same"
    assert copies.contents(target) == copies.contents(source.url)


def test_what_was_committed_is_not_written_again(pair):
    source, target = pair
    _, whole = source.copy(target, "--dry-run")
    die(source, target, "copy.committed")
    status, answer = source.copy(target)
    assert status == OK and answer["written"] < whole["rows"]
    assert copies.contents(target) == copies.contents(source.url)
