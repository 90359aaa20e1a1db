"""What the tests of the installed host share: the build, a tree it was installed in, the package."""

import os
import pathlib
import subprocess
import sys

import pytest

sys.dont_write_bytecode = True

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SIMPLETUNER_BUILD") or REPO).resolve()


@pytest.fixture(scope="session")
def build():
    return BUILD


@pytest.fixture(scope="session")
def package(build):
    """The .deb of "make deb", which is made if there is none."""
    def packages():
        return sorted((build / "deb").glob("simpletuner-cloud_*.deb"))
    if not packages():
        subprocess.run(["make", "-C", str(build), "deb"], check=True, stdin=subprocess.DEVNULL,
                       capture_output=True)
    return packages()[-1]


@pytest.fixture(scope="session")
def installed(build, tmp_path_factory):
    """What "make install DESTDIR=" puts where."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-C", str(build), "install", f"DESTDIR={root}"], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    return root
