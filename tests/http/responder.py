"""The responder alone on its own sockets, for tests of its life and of what fronts hide."""

import os
import signal
import subprocess

from fcgi_client import FcgiRequest, ask
from stack import COMPANION, RESPONDER, base_environment, new_home, require_programs
from waiting import until


class Responder:
    def __init__(self, directory, env=None, arguments=()):
        require_programs()
        self.home = new_home()
        self.socket = directory / "api.sock"
        self.bulk_socket = directory / "bulk.sock"
        self.log_path = directory / "responder.log"
        self.env = base_environment(self.home) | (env or {})
        self.arguments = ["--listen", str(self.socket), "--listen-bulk", str(self.bulk_socket),
                          *arguments]
        self.process = None

    def start(self):
        subprocess.run([COMPANION, "migrate"], env=self.env, check=True, capture_output=True)
        self.launch()
        until(self._answers, 15, "the responder does not answer")
        return self

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([RESPONDER, *self.arguments], env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the responder has ended: {self.log()}")
        try:
            return ask(self.socket, "GET", "/api/cloud/health/live")[0] == 200
        except OSError:
            return False

    def ask(self, *arguments, **options):
        return ask(self.socket, *arguments, **options)

    def open(self, *arguments, **options):
        return FcgiRequest(self.socket, *arguments, **options)

    def open_bulk(self, *arguments, **options):
        return FcgiRequest(self.bulk_socket, *arguments, **options)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode
