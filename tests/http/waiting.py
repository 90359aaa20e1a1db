"""Waiting for conditions with a deadline, and free ports."""

import socket
import time

PAUSE_S = 0.02


def until(condition, timeout_s, message):
    """Poll condition until it is true and return its value; fail with message after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{message} (waited {timeout_s} s)")
        time.sleep(PAUSE_S)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
