"""What is measured: the real service, and the yardstick behind the same front server."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "tests" / "http"))

import sim_predictions  # noqa: E402
import stack  # noqa: E402
import webhooks  # noqa: E402
from waiting import free_port, until  # noqa: E402

CFLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", f"-I{REPO}"]
CORE_PACKAGES = ["expat", "libcurl", "libpq", "sqlite3", "jansson", "libssl", "libcrypto", "zlib"]
OPTIONAL_PACKAGES = {"-DWITH_REDIS": "hiredis", "-DWITH_MYSQL": "libmariadb"}
WITH_SERVERS = [REPO / "tests/with-postgresql.sh", REPO / "tests/with-state-servers.sh"]
LIMIT_BACKENDS = """
"$0" sqlite "sqlite://$1/state.db" $2
"$0" postgresql "$SIMPLETUNER_TEST_PGSQL_URL" $2
case "$3" in *REDIS*) "$0" redis "$SIMPLETUNER_TEST_REDIS_URL" $2 ;; esac
case "$3" in *MYSQL*) "$0" mysql "$SIMPLETUNER_TEST_MYSQL_URL" $2 ;; esac"""


def compile_program(target, *inputs):
    subprocess.run([os.environ.get("CC", "cc"), *CFLAGS, *inputs, "-o", target], check=True)
    return target


def compile_yardstick(directory):
    sources = [REPO / "tests/bench/yardstick.c", REPO / "core/base/scope.c"]
    return compile_program(directory / "yardstick.fcgi", *sources, "-lfcgi", "-lcrypto",
                           "-lpthread")


def compile_with_core(directory, name):
    """tests/bench/NAME.c, with all that both programs share."""
    built_with = core_options()
    packages = CORE_PACKAGES + [OPTIONAL_PACKAGES[option] for option in built_with]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], check=True,
                           capture_output=True, text=True).stdout.split()
    return compile_program(directory / name, *built_with, REPO / f"tests/bench/{name}.c",
                           stack.BUILD / "libcore.a", *flags, "-lpthread")


def core_options():
    """What ./configure was asked to build in."""
    makefile = (stack.BUILD / "Makefile").read_text()
    return [option for option in OPTIONAL_PACKAGES if re.search(rf" {option}\b", makefile)]


def limit_rates(program, directory, seconds):
    """Calls per second by the names of backends and of what was done with them."""
    words = subprocess.run([*WITH_SERVERS, "bash", "-c", LIMIT_BACKENDS, program, directory,
                            str(seconds), " ".join(core_options())], check=True,
                           capture_output=True, text=True).stdout
    names = ["sqlite", "postgresql"] + [option.removeprefix("-DWITH_").lower()
                                        for option in core_options()]
    return {name: {what: float(value) for what, value in re.findall(r"(\w+)=(\d+)", line)}
            for name, line in zip(names, words.splitlines(), strict=True)}


def audit_rates(program, home, entries, seconds):
    """Entries per second, verified and read, of a log of so many in a new SQLite database."""
    home.mkdir()
    env = stack.base_environment(home) | {"SIMPLETUNER_DATABASE_URL": f"sqlite://{home}/audit.db"}
    (home / "cloud.env").touch()
    subprocess.run([stack.COMPANION, "migrate"], env=env, check=True, capture_output=True)
    text = subprocess.run([program, f"sqlite://{home}/audit.db", home, str(entries), str(seconds)],
                          check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}


def flat_rates(program, path, seconds):
    """Calls per second by their names."""
    text = subprocess.run([program, f"sqlite://{path}", str(seconds)], check=True,
                          capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}


def fill_database(path, count):
    """A database of finished jobs, of which the last hundred are running, over ninety days."""
    env = stack.base_environment(path.parent) | {"SIMPLETUNER_DATABASE_URL": f"sqlite://{path}"}
    (path.parent / "cloud.env").touch()
    subprocess.run([stack.COMPANION, "migrate"], env=env, check=True, capture_output=True)
    now_us = int(time.time() * 1e6)
    step_us = 90 * 86400 * 10**6 // count
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
            "INSERT INTO jobs (job_id, provider, external_id, status, config_name, owner, "
            "hardware_profile, hardware_type, price_usd_nanos_per_s, cost_usd_micros, metadata, "
            "created_at_us, updated_at_us, started_at_us, completed_at_us, poll_at_us, "
            "estimated_cost_usd_micros) "
            "SELECT printf('01flat%020d', i), 'replicate', 'prediction' || i, "
            "CASE WHEN i >= ? - 100 THEN 'running' ELSE 'completed' END, 'configuration', "
            "'user' || (i % 20), 'h100', 'H100', 1525000, "
            "CASE WHEN i < ? - 100 THEN 5490000 END, '{}', "
            "? - (? - i) * ?, ?, ? - (? - i) * ?, "
            "CASE WHEN i < ? - 100 THEN ? - (? - i) * ? + 3600000000 END, "
            "CASE WHEN i >= ? - 100 THEN ? END, 5490000 FROM n",
            (count, count, count, now_us, count, step_us, now_us, now_us, count, step_us, count,
             now_us, count, step_us, count, now_us))
        connection.execute("INSERT INTO job_counts SELECT provider, status, owner, COUNT(*) "
                           "FROM jobs GROUP BY 1, 2, 3")
        connection.execute(
            "INSERT INTO job_hours (provider, hour, owner, hardware_profile, jobs, completed, "
            "run_us, cost_usd_micros) SELECT provider, created_at_us / 3600000000, owner, "
            "hardware_profile, COUNT(*), COUNT(completed_at_us), 0, "
            "COALESCE(SUM(cost_usd_micros), 0) FROM jobs GROUP BY 1, 2, 3, 4")
        for span_s in (3600, 86400):
            connection.execute(
                "INSERT INTO provider_costs SELECT provider, ?, hour * 3600 / ?, "
                "SUM(cost_usd_micros) FROM job_hours GROUP BY 1, 2, 3", (span_s, span_s))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def stop_process(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
        process.kill()
        process.wait()


def wait_for_port(port, process):
    def answers():
        if process.poll() is not None:
            raise RuntimeError(f"a front server ended with status {process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        return False
    until(answers, 15, "the yardstick's front server does not answer")


class Service(stack.Stack):
    """The service as users start it, with as many finished jobs as a test wants, and webhooks."""

    def __init__(self, env=None):
        super().__init__("lighttpd", None, {
            "SIMPLETUNER_LOG_LEVEL": "INFO", "SIMPLETUNER_WEBHOOKS_PER_MINUTE": "0"} | (env or {}))

    def front_directory(self):
        """Where the launcher put the sockets and the configuration of the front server."""
        arguments = pathlib.Path(f"/proc/{self.responder_pid()}/cmdline").read_text().split("\0")
        return pathlib.Path(arguments[arguments.index("--listen") + 1]).parent

    def peak_memory(self):
        """Bytes of memory the responder has had at most since its start."""
        status = pathlib.Path(f"/proc/{self.responder_pid()}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M).group(1)) * 1024

    def fill(self, count):
        """Straight into the database: finished jobs as they look after a training."""
        now_us = int(time.time() * 1e6)
        columns = ("job_id, provider, external_id, status, config_name, hardware_profile, "
                   "hardware_type, price_usd_nanos_per_s, cost_usd_micros, output_url, metadata, "
                   "created_at_us, updated_at_us, started_at_us, completed_at_us")
        rows = ((f"01bench{number:019d}", "replicate", f"prediction{number}", "completed",
                 f"configuration-{number % 50}", "a100", "gpu-a100-large", 1400000, 5040000,
                 f"https://example.org/outputs/{number}", '{"tracker_run_name":"run"}',
                 now_us + number, now_us + number, now_us + number, now_us + number + 3600 * 10**6)
                for number in range(count))
        connection = sqlite3.connect(self.home / "cloud.db", timeout=30)
        with connection:
            connection.executemany(
                f"INSERT INTO jobs ({columns}) VALUES ({', '.join('?' * 15)})", rows)
            connection.execute(
                "INSERT INTO job_counts VALUES ('replicate', 'completed', 'local', ?) ON CONFLICT "
                "(provider, status, owner) DO UPDATE SET jobs = jobs + excluded.jobs", (count,))
        connection.close()


    def make_polled(self, count):
        """Jobs that run at the provider and here."""
        views = [self.sim.create({"version": "simpletuner/advanced-trainer-h100:"
                                  + sim_predictions.version_id(
                                      "simpletuner/advanced-trainer-h100", 1), "input": {}})
                 for _ in range(count)]
        for view in views:
            self.sim.advance(view["id"], "processing", deliver=False)
        webhooks.running_jobs(self, count, 0, [view["id"] for view in views])

    def wait_for_inbox(self):
        """Seconds until every webhook so far has taken effect."""
        start = time.monotonic()
        until(lambda: self.query("SELECT COUNT(*) FROM webhook_deliveries WHERE apply_at_us "
                                 "IS NOT NULL") == [(0,)], 300, "webhooks are not applied")
        return time.monotonic() - start


class Yardstick:
    """Two yardstick responders, for both sockets, behind a copy of the service's front server."""

    def __init__(self, program, directory, service):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes = []
        self.program = program
        values = {"sockets": f'"{directory}"', "static": f'"{directory}/static"',
                  "outputs": f'"{directory}/outputs"', "spool": f'"{directory}/spool"',
                  "pidfile": f'"{directory}/front.pid"', "port": str(self.port)}
        text = (service.front_directory() / "front.conf").read_text()
        for name, value in values.items():
            text, found = re.subn(rf"^(var\.{name}\s*=).*", rf"\1 {value}", text, flags=re.M)
            if found != 1:
                raise RuntimeError(f"var.{name} is not in the front server's configuration")
        self.configuration = text

    def start(self):
        for name in ("static", "outputs", "spool"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "front.conf").write_text(self.configuration)
        for name in ("api", "bulk"):
            socket_path = self.directory / f"{name}.sock"
            outputs = self.directory / "outputs"
            self.processes.append(subprocess.Popen([self.program, socket_path, outputs]))
            until(socket_path.exists, 10, "the yardstick does not listen")
        environment = stack.base_environment(self.directory)
        front = subprocess.Popen(["lighttpd", "-D", "-f", self.directory / "front.conf"],
                                 env=environment, stdin=subprocess.DEVNULL)
        self.processes.append(front)
        wait_for_port(self.port, front)
        return self

    def stop(self):
        for process in reversed(self.processes):
            stop_process(process)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()
