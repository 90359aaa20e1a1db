"""What systemd is to a service, for tests without one: it holds sockets, hears what it is told, and
starts the service again."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess

from stack import RESPONDER, base_environment
from waiting import until

FIRST_FD = 3


class ServiceManager:
    """Holds the listening sockets {name: path} and starts responders with them."""

    def __init__(self, directory, home, names=("api", "bulk"), env=None, watchdog_s=None):
        self.directory = pathlib.Path(directory)
        self.env = base_environment(home) | {"SIMPLETUNER_PUBLIC_URL": "http://127.0.0.1:1"} | (
            env or {})
        self.names = names
        self.sockets = [self._listen(f"{name}.sock") for name in names]
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(self.directory / "notify"))
        self.notify.setblocking(False)
        self.watchdog_s = watchdog_s
        self.log_path = self.directory / "responder.log"
        self.heard = []
        self.process = None

    def _listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.directory / name))
        listener.listen(1024)
        return listener

    @property
    def api(self):
        return self.directory / "api.sock"

    @property
    def bulk(self):
        return self.directory / "bulk.sock"

    def _before_exec(self):
        """As a child: the sockets become descriptors 3 and on, and the pid is our own."""
        copies = [os.dup(listener.fileno()) for listener in self.sockets]
        copies = [os.dup2(fd, 100 + at, inheritable=True) for at, fd in enumerate(copies)]
        for at, fd in enumerate(copies):
            os.dup2(fd, FIRST_FD + at, inheritable=True)
        os.closerange(FIRST_FD + len(copies), 200)

    def start(self, *arguments):
        variables = {"NOTIFY_SOCKET": str(self.directory / "notify"),
                     "LISTEN_FDS": str(len(self.sockets)), "LISTEN_FDNAMES": ":".join(self.names)}
        if self.watchdog_s:
            variables["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1e6))
        # LISTEN_PID is known only in the process itself: a shell sets it and becomes the responder
        command = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", str(RESPONDER), *arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env | variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self._before_exec, close_fds=False)
        return self

    def listen(self):
        """Take what was said so far; returns all of it, a list of texts."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard.append(self.notify.recv(4096).decode())
        return self.heard

    def hears(self, word):
        return any(word in text.split("\n") for text in self.listen())

    def wait_for(self, word, timeout_s=15):
        until(lambda: self.hears(word) or self._has_died(), timeout_s, f"{word} is not said")
        return self

    def _has_died(self):
        if self.process.poll() is not None and not self.hears("STOPPING=1"):
            raise RuntimeError(f"the responder has ended: {self.log()}")
        return False

    def forget(self):
        self.listen()
        self.heard.clear()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        """Returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(40)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for held in (*self.sockets, self.notify):
            held.close()
