"""The walk through README.md works line by line as printed.

Every sh block that follows <!-- walk --> is a part of one script. Only what a reader must choose
is changed: the address of the service, the port of the simulator and the scratch directory.
"""

import contextlib
import os
import re
import signal
import subprocess

import pytest

from conftest import FRONTS
from stack import REPO
from waiting import free_port

BLOCK = re.compile(r"<!-- walk -->\s*```(?:sh|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
WALK_TIMEOUT_S = 120
SIMULATOR_PORT = "9443"


def script(stack, directory):
    text = (REPO / "README.md").read_text()
    blocks = BLOCK.findall(text)
    assert blocks, "README.md has no block after <!-- walk -->"
    walk = "".join(blocks)
    walk = walk.replace("http://127.0.0.1:8080", stack.url)
    walk = walk.replace("http://localhost:8080", stack.url)
    walk = walk.replace(SIMULATOR_PORT, str(free_port()))
    return re.sub(r"/tmp\b", str(directory), walk)


def walk(stack, directory):
    environment = stack.env | {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    output = directory / "walk.log"
    with open(output, "wb") as log:
        shell = subprocess.Popen(["bash", "-euxo", "pipefail", "-c", script(stack, directory)],
                                 cwd=REPO, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, start_new_session=True)
    try:
        status = shell.wait(WALK_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        status = "none yet"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)  # the walk's session, simulator included
        shell.wait()
    assert status == 0, f"exit status {status}\n{output.read_text(errors='replace')}"


def assert_well(stack):
    """The doctor has nothing to say, but of the walk's simulator, which has ended."""
    checks = "settings,start,disk,database,schema,locks,front,responder,sockets,audit,storage"
    if stack.front != "apache-fcgid":  # whose responder is not the user who runs these tests
        checks += ",files"
    result = stack.companion("doctor", "--only", checks)
    assert result.returncode == 0 and " 0 warnings" in result.stdout, result.stdout


@pytest.mark.parametrize("front", FRONTS)
def test_the_walk_works_behind_every_front(new_stack, front, tmp_path):
    stack = new_stack(front=front, reset=False)
    walk(stack, tmp_path)
    assert_well(stack)


def test_the_walk_works_on_postgresql(new_stack, tmp_path):
    stack = new_stack(database="postgresql", reset=False)
    walk(stack, tmp_path)
    assert_well(stack)
