"""A throw-away PostgreSQL cluster on this machine, and fresh databases in it."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import psycopg2

from waiting import free_port, until

SETTINGS = {"fsync": "off", "max_connections": "200", "log_min_messages": "warning"}


def _binaries():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("PostgreSQL's server programs are missing: install postgresql")
    return found[-1].parent


class Cluster:
    """Runs as the user postgres when we are root, because initdb refuses root."""

    def __init__(self):
        self.bin = _binaries()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stc-pg-"))
        self.port = free_port()
        self.prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                           "--clear-groups"]
        self.process = None
        self.count = 0

    def start(self):
        data = self.directory / "data"
        subprocess.run([*self.prefix, self.bin / "initdb", "-D", data, "-U", "postgres",
                        "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"], check=True,
                       cwd=self.directory, stdout=subprocess.DEVNULL)
        return self.resume()

    def resume(self):
        """Start the server unless it runs."""
        if self.process and self.process.poll() is None:
            return self
        data = self.directory / "data"
        options = [text for name, value in SETTINGS.items() for text in ("-c", f"{name}={value}")]
        log = open(self.directory / "postgres.log", "ab")
        self.process = subprocess.Popen(
            [*self.prefix, self.bin / "postgres", "-D", data, "-k", self.directory,
             "-h", "127.0.0.1", "-p", str(self.port), *options],
            cwd=self.directory, stdout=log, stderr=log)
        log.close()
        until(self._answers, 30, "PostgreSQL does not start")
        return self

    def pause(self):
        """Stop the server at once, cutting its clients off."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _signal(self, number):
        """The server and its backends, some of which may be ending."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in [self.process.pid, *map(int, children.read_text().split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def freeze(self):
        """Let the server hang: its sockets stay open and take connections, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        if self.process and self.process.poll() is None:
            self._signal(signal.SIGCONT)

    def stop(self):
        self.pause()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, name="postgres"):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="postgres",
                                      dbname=name, connect_timeout=5)
        connection.autocommit = True
        return connection

    def new_database(self):
        """The URL of a new, empty database."""
        self.count += 1
        name = f"stc_{self.count}"
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}"')
        finally:
            connection.close()
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _answers(self):
        if self.process.poll() is not None:
            log = (self.directory / "postgres.log").read_text(errors="replace")
            raise RuntimeError(f"PostgreSQL has ended: {log[-2000:]}")
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True
