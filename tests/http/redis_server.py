"""A throw-away Redis on this machine."""

import pathlib
import shutil
import signal
import subprocess
import tempfile

from waiting import free_port, until

PROGRAM = "/usr/bin/redis-server"


class RedisServer:
    """Over TCP, without a password; what it holds is gone when it ends."""

    def __init__(self):
        if not shutil.which(PROGRAM):
            raise RuntimeError(f"{PROGRAM} is missing: install redis-server")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stc-redis-"))
        self.port = free_port()
        self.process = None

    def start(self):
        """Start the server unless it runs."""
        if self.process and self.process.poll() is None:
            return self
        with open(self.directory / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--dir", self.directory], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, 20, "Redis does not start")
        return self

    resume = start

    def pause(self):
        """Kill the server: its clients learn nothing but that it is gone."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.pause()
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_url(self):
        return f"redis://127.0.0.1:{self.port}"

    def _answers(self):
        if self.process.poll() is not None:
            log = (self.directory / "redis.log").read_text(errors="replace")
            raise RuntimeError(f"Redis has ended: {log[-2000:]}")
        return subprocess.run(["redis-cli", "-p", str(self.port), "PING"], capture_output=True,
                              text=True).stdout.strip() == "PONG"
