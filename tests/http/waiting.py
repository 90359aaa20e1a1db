"""Waiting for conditions with a deadline, and free ports."""

import collections
import random
import socket
import time

PAUSE_S = 0.02
PORTS = 16384, 32768
KEPT_NAMES = 256  # of the ports given last; the others' servers listen by now
names = collections.deque()


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
    """A port of this machine that no other process of tests is given meanwhile.

    It is below those that the kernel hands out, so that neither a connection nor a server with a
    port of the kernel's choice takes it before ours listens. Who has bound the name has the port.
    """
    while True:
        port = random.randrange(*PORTS)
        name = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                name.bind(f"\0simpletuner-test-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
        names.append(name)
        if len(names) > KEPT_NAMES:
            names.popleft().close()
        return port
