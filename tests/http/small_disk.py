"""A file system that is soon full."""

import contextlib
import os
import subprocess

import pytest

from stack import scratch_directory

DISK_MIB = 24


@contextlib.contextmanager
def mounted():
    """The directory of one of its own, in memory; skips where it may not be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    directory = scratch_directory("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0777", "tmpfs",
                    directory], check=True)
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)


def fill(directory):
    """Take all that is left, to the last byte; deleting "ballast" gives it back."""
    with open(directory / "ballast", "wb", buffering=0) as file:
        for size in (1 << 16, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
