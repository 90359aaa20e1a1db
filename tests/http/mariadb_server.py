"""A throw-away MariaDB on this machine, and fresh databases in it."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from waiting import free_port, until

PROGRAM = "/usr/sbin/mariadbd"


class MariadbServer:
    """Over TCP, for the user tuner without a password. Runs as the user mysql when we are root,
    because mariadbd refuses root."""

    def __init__(self):
        if not shutil.which(PROGRAM):
            raise RuntimeError(f"{PROGRAM} is missing: install mariadb-server")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stc-my-"))
        self.socket = self.directory / "sock"
        self.port = free_port()
        self.prefix = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("mysql")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                           "--clear-groups"]
        self.options = ["--no-defaults", f"--datadir={self.directory}/data",
                        f"--socket={self.socket}", "--innodb-log-file-size=16M",
                        "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0"]
        self.process = None
        self.count = 0

    def start(self):
        subprocess.run([*self.prefix, "mariadb-install-db", *self.options, "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.resume()
        self.run("CREATE USER tuner@'%'; GRANT ALL ON *.* TO tuner@'%'")
        return self

    def resume(self):
        """Start the server unless it runs."""
        if self.process and self.process.poll() is None:
            return self
        with open(self.directory / "mariadb.log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, PROGRAM, *self.options, "--bind-address=127.0.0.1",
                 f"--port={self.port}", f"--pid-file={self.directory}/pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, 30, "MariaDB does not start")
        return self

    def pause(self):
        """Kill the server: its clients learn nothing but that it is gone."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        self.pause()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", "--user=root",
                               f"--socket={self.socket}", "-e", sql], check=True,
                              capture_output=True, text=True)

    def new_url(self):
        """The URL of a new, empty database."""
        self.count += 1
        self.run(f"CREATE DATABASE stc_{self.count}")
        return f"mysql://tuner@127.0.0.1:{self.port}/stc_{self.count}"

    def _answers(self):
        if self.process.poll() is not None:
            log = (self.directory / "mariadb.log").read_text(errors="replace")
            raise RuntimeError(f"MariaDB has ended: {log[-2000:]}")
        try:
            self.run("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True
