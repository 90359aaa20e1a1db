"""A machine of its own for a test: this one's files under a layer that is thrown away, in which a real
systemd boots. Needs root and systemd-nspawn."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

BOOT_TIMEOUT_S = 60
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}

# In a mount namespace of its own, so that nothing stays mounted however this ends. Services that this
# machine starts at boot are none of the test's, and a policy against starting any is taken away.
BOOT = r"""
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root=$1/root
rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires
rm -f "$root"/usr/sbin/policy-rc.d "$root"/etc/lighttpd/conf-enabled/* \
        "$root"/var/lib/man-db/auto-update
install -d "$root/root/given"
shift
cp "$@" "$root/root/given/"
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network \
        --machine=simpletuner-test --boot systemd.unit=basic.target
"""


def why_not():
    """Why there can be no machine here; None: there can."""
    if os.geteuid() != 0:
        return "only root can start a machine"
    missing = [name for name in ("systemd-nspawn", "nsenter", "unshare") if not shutil.which(name)]
    return f"{missing[0]} is not installed" if missing else None


class Machine:
    """Files given to it are in /root/given."""

    def __init__(self, *files):
        self.files = [str(file) for file in files]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stc-machine-"))
        self.console = self.directory / "console"
        self.process = self.leader = None

    def __enter__(self):
        mounts = self.directory / "mounts"
        mounts.mkdir()
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOOT, "boot",
                 str(mounts), *self.files], stdin=subprocess.DEVNULL, stdout=console,
                stderr=console)
        try:
            self._wait_for_boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_for_boot(self):
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while not self._is_booted():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("no machine:\n" + self.console.read_text(errors="replace"))
            time.sleep(0.05)

    def _is_booted(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            self.leader = children.read_text().split()[0]
        except (OSError, IndexError):
            return False
        return self.run("systemctl", "is-active", "basic.target").stdout.strip() == "active"

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *command, timeout_s=120):
        return subprocess.run(
            ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "env", "-C", "/",
             *command], env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout_s)

    def sh(self, script, timeout_s=120):
        """What a shell script says; it must end with 0."""
        result = self.run("sh", "-ec", script, timeout_s=timeout_s)
        assert result.returncode == 0, f"{script}\n{result.stdout}"
        return result.stdout

    def changed(self, word):
        """Paths with this word in their names that are there and were not here."""
        upper = self.directory / "mounts/upper"
        found = subprocess.run(
            ["nsenter", "-t", str(self.process.pid), "-m", "find", str(upper), "!", "-type", "c",
             "-name", f"*{word}*"], check=True, capture_output=True, text=True, timeout=60).stdout
        return {"/" + str(pathlib.Path(path).relative_to(upper)) for path in found.split()}

    def status(self, script):
        return self.run("sh", "-c", script).returncode

    def until(self, script, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while True:
            result = self.run("sh", "-c", script)
            if result.returncode == 0:
                return result.stdout
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {script}\n{result.stdout}"
            time.sleep(0.05)
