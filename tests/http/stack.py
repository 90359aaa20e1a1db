"""The real programs behind a real front server, started as users start them, and their provider."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.parse

import psycopg2
import requests

import sim_webhooks
from replicate_sim import ReplicateSim
from secret_watch import SecretWatch
from waiting import free_port, until

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SIMPLETUNER_BUILD") or REPO).resolve()
RESPONDER = BUILD / "fcgi" / "simpletuner-cloud.fcgi"
COMPANION = BUILD / "core" / "cron" / "simpletuner-cloud"
READY = "SimpleTuner Cloud is ready at "
START_TIMEOUT_S = 40
STOP_TIMEOUT_S = 20
HTTP_TIMEOUT_S = 30
SETTLE_TIMEOUT_S = 20
PROVIDER = "/api/cloud/providers/replicate"
BREAKERS = "/api/cloud/circuit-breakers"
WEBHOOK = "/api/webhooks/replicate"
TAKEN_BACK = re.compile("(cost|webhook_rate|s3_rate)_limit_|hardware_info|max_runtime_minutes|org_id")
ADMIN_PASSWORD = "correct horse battery"
SCRATCH = []


def base_environment(home):
    """Nothing of the machine's own settings: a path, a home and a language."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home), "LANG": "C.UTF-8", "SIMPLETUNER_HOME": str(home),
            "SIMPLETUNER_CONFIG": str(home / "cloud.env"), "SIMPLETUNER_BUILD": str(BUILD),
            "SIMPLETUNER_LOG_LEVEL": "DEBUG", "SIMPLETUNER_PASSWORD_COST": "10",
            "SIMPLETUNER_BACKUP_INTERVAL_HOURS": "0"}


def require_programs():
    for program in (RESPONDER, COMPANION):
        if not os.access(program, os.X_OK):
            raise RuntimeError(f"{program} is missing: build first, or set SIMPLETUNER_BUILD")


def scratch_directory(name):
    """A new directory that is removed at the end of the session."""
    SCRATCH.append(pathlib.Path(tempfile.mkdtemp(prefix=f"stc-{name}-")))
    return SCRATCH[-1]


def remove_scratch():
    """SIMPLETUNER_TEST_KEEP=1 keeps everything, logs included, for a look afterwards."""
    if not os.environ.get("SIMPLETUNER_TEST_KEEP"):
        for path in SCRATCH:
            shutil.rmtree(path, ignore_errors=True)


def new_home():
    home = scratch_directory("home")
    home.chmod(0o755)
    (home / "cloud.env").touch(mode=0o600)
    return home


@dataclasses.dataclass
class Job:
    """A submitted job, seen from both ends."""

    job_id: str
    prediction: dict

    @property
    def env(self):
        return self.prediction["input"]["env"]

    @property
    def prediction_id(self):
        return self.prediction["id"]

    @property
    def token(self):
        return self.env["SIMPLETUNER_UPLOAD_TOKEN"]

    def storage(self, key=""):
        return f"/api/cloud/storage/{self.job_id}" + (f"/{key}" if key else "")


class Stack:
    """One running service. Stop it with stop(); it also works as a context manager."""

    def __init__(self, front, database_url, env=None):
        require_programs()
        self.front = front
        self.database_url = database_url
        self.home = new_home()
        self.data_root = self.home / "data"
        self.sim = ReplicateSim(scratch_directory("sim"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = base_environment(self.home) | {
            "SIMPLETUNER_FRONT": front, "SIMPLETUNER_PORT": str(self.port),
            "SIMPLETUNER_DATABASE_URL": database_url or f"sqlite://{self.home}/cloud.db",
            "SIMPLETUNER_PUBLIC_URL": self.url,
            "RATE_LIMIT_CALLS": "0",  # tests of other things come from few addresses, all at once
            "SIMPLETUNER_DATA_ROOTS": f"/nowhere:{self.data_root}"} | (env or {})
        self.log_path = scratch_directory("log") / f"{front}.log"
        self.watch = SecretWatch(scratch_directory("watch"))
        self.headers = {}  # sent with every request that does not say otherwise
        self.process = None
        self.lines = []
        self._ready = threading.Event()

    # life

    def start(self):
        self.sim.start()
        return self._serve()

    def restart(self, **env):
        """End the programs and start them again with a changed environment; None removes."""
        self._end()
        self.watch.say(self.log())
        self.env = {name: value for name, value in (self.env | env).items() if value is not None}
        self.lines.clear()
        self._ready.clear()
        return self._serve()

    def _serve(self):
        self.log_path.write_bytes(b"")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [REPO / "autogen.sh", "--serve"], cwd=REPO, env=self.env, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        threading.Thread(target=self._read_lines, daemon=True).start()
        self._ready.wait(START_TIMEOUT_S)
        if not any(line.startswith(READY) for line in self.lines):
            self.stop()
            raise RuntimeError(f"{self.front} does not get ready:\n{self.log()[-4000:]}")
        return self

    def stop(self):
        """End everything; returns the exit status of the launcher. No secret may show."""
        self._end()
        self.sim.stop()
        watch, self.watch = self.watch, None
        if watch:
            self._look_for_secrets(watch)
        return self.process.returncode if self.process else None

    def _look_for_secrets(self, watch):
        watch.learn_environment(self.env)
        for token, secret in (self.sim.other_accounts
                              | {self.sim.token: self.sim.webhook_secret}).items():
            watch.learn(token, "an API token")
            watch.learn(secret, "a webhook secret")
        for prediction in self.sim.predictions():
            watch.learn_environment(prediction["input"].get("env") or {})
        dump = watch.said.with_name("database.txt")
        with contextlib.suppress(sqlite3.Error, psycopg2.Error):
            dump.write_text(self.database_text())
        watch.look(self.home, self.log_path, *[path for path in [dump] if path.exists()])

    def _end(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _read_lines(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(READY):
                self._ready.set()
        self._ready.set()

    def log(self):
        return self.log_path.read_text(errors="replace")

    # the responder

    def responder_pid(self):
        return int((self.home / "run" / "responder.pid").read_text())

    def kill_responder(self, number=signal.SIGKILL):
        """kill -9; returns when the launcher has put a new one in its place and it answers."""
        old = self.responder_pid()
        os.kill(old, number)
        until(lambda: self.new_pid(old), 15, "the responder was not started again")
        until(self.is_ready, 20, "the service does not get ready after the restart")

    def new_pid(self, old):
        with contextlib.suppress(OSError, ValueError):
            return self.responder_pid() != old
        return False

    def is_ready(self):
        with contextlib.suppress(requests.RequestException):
            return self.get("/api/cloud/health/ready").status_code == 200
        return False

    def companion(self, *arguments, timeout_s=60):
        result = subprocess.run([COMPANION, *arguments], env=self.env, capture_output=True,
                                text=True, timeout=timeout_s)
        if self.watch and "add" not in arguments:  # what makes a secret shows it
            self.watch.say(result.stdout + result.stderr)
        return result

    def _run(self, sql, values, read):
        if self.database_url:
            connection = psycopg2.connect(self.database_url, connect_timeout=5)
        else:
            path = self.env["SIMPLETUNER_DATABASE_URL"].removeprefix("sqlite://")
            connection = sqlite3.connect(path, timeout=10)
            sql = sql.replace("%s", "?").replace("%%", "%")
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute(sql, values)
            rows = cursor.fetchall() if read else None
            connection.commit()
            return rows

    def query(self, sql, *values):
        """Rows of the service's database; %s stands for a value."""
        return self._run(sql, values, True)

    def change(self, sql, *values):
        """Change the database behind the service's back: how a test lets time pass."""
        self._run(sql, values, False)

    def database_text(self):
        """Every value of every table, as one text to search in."""
        catalogue = ("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                     if self.database_url else
                     "SELECT name FROM sqlite_master WHERE type = 'table'")
        return "\n".join(str(row) for (table,) in self.query(catalogue)
                         for row in self.query(f'SELECT * FROM "{table}"'))

    # HTTP

    def request(self, method, path, **options):
        options.setdefault("timeout", HTTP_TIMEOUT_S)
        options["headers"] = self.headers | (options.get("headers") or {})
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.url + path, **options)
        if self.watch and not options.get("stream"):
            self.watch.take(answer, options.get("json"))
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def raw(self, method, target, body=None, headers=None):
        """A request whose target goes out byte for byte: (status, headers, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_TIMEOUT_S)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            headers = dict(headers or {})
            if body is not None:
                headers.setdefault("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def connect(self):
        """A bare connection to the front server."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=HTTP_TIMEOUT_S)

    # people

    def hire(self):
        """Make the first administrator: from here on nobody acts for where he is, and requests
        go out with this administrator's API key. {"X-API-Key": None} sends one without."""
        answer = self.post("/api/auth/setup/first-admin", json={
            "username": "boss", "email": "boss@example.org", "password": ADMIN_PASSWORD})
        assert answer.status_code == 201, answer.text
        login = {"X-CSRF-Token": answer.json()["csrf_token"],
                 "Cookie": f"simpletuner_session={answer.cookies['simpletuner_session']}"}
        answer = self.post("/api/auth/api-keys", json={"name": "tests"}, headers=login)
        assert answer.status_code == 201, answer.text
        self.headers = {"X-API-Key": answer.json()["key"]}

    # the provider

    def configure(self, **fields):
        answer = self.put(PROVIDER, json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["config"]

    def reset(self):
        """Known settings, a token, a provider without faults, and no job that still runs."""
        self.sim.clear_faults()
        self.configure(
            version_override="", webhook_url="", hardware_profile="", proxy_url="",
            webhook_require_signature=True, webhook_allowed_ips=[], ssl_verify=True,
            ssl_ca_bundle=str(self.sim.ca_path), http_timeout=30, api_base_url=self.sim.url,
            s3_endpoint_enabled=True, s3_public_url="", s3_output_path="",
            cost_limit_enabled=False)
        self.take_back_settings()
        answer = self.put("/api/cloud/polling/setting", json={"enabled": None})
        assert answer.status_code == 200, answer.text
        answer = self.post(f"{BREAKERS}/replicate/reset")
        assert answer.status_code == 200, answer.text
        answer = self.put(f"{PROVIDER}/token", json={"api_token": self.sim.token})
        assert answer.status_code == 200 and answer.json()["success"], answer.text
        deliveries = [self.sim.advance(prediction_id, "canceled", wait_s=0,
                                       deliver=self.sim.store.calls(prediction_id, self.url))
                      for prediction_id in self.sim.store.active()]
        for delivery in filter(None, deliveries):
            delivery.done.wait(HTTP_TIMEOUT_S)
        self.settle()
        self.rest()

    def take_back_settings(self):
        """The provider's that may be changed but not taken back otherwise."""
        [(text,)] = self.query("SELECT config FROM providers WHERE provider = 'replicate'")
        config = json.loads(text)
        kept = {name: value for name, value in config.items() if not TAKEN_BACK.match(name)}
        if kept != config:
            self.change("UPDATE providers SET config = %s WHERE provider = 'replicate'",
                        json.dumps(kept))

    # webhooks that were acknowledged

    def settle(self):
        """Return when every stored delivery has been applied: effects come after the answer."""
        until(lambda: self.query("SELECT COUNT(*) FROM webhook_deliveries "
                                 "WHERE apply_at_us IS NOT NULL") == [(0,)],
              SETTLE_TIMEOUT_S, "the inbox does not get empty")

    def rest(self):
        """Return when no results are being fetched; what is to be tried again, or still to be asked
        about, is given up."""
        with contextlib.suppress(AssertionError):
            until(lambda: self.query("SELECT COUNT(*) FROM archives WHERE state = 'waiting' AND "
                                     "(claimed_until_us > 0 OR attempts = 0)") == [(0,)], 5, "")
        self.change("UPDATE archives SET state = 'failed', run_at_us = NULL "
                    "WHERE state = 'waiting'")
        self.change("UPDATE jobs SET poll_at_us = NULL WHERE poll_at_us IS NOT NULL")

    def delivery(self, answer):
        """The stored delivery that this answer to a webhook is about, once it has been applied."""
        self.settle()
        answer = self.get(f"/api/webhooks/deliveries/{answer['delivery_id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()["delivery"]

    # jobs

    def submit(self, **body):
        body.setdefault("config", {"model_type": "lora", "max_train_steps": 10})
        return self.post("/api/cloud/jobs/submit", json=body)

    def new_job(self, **body):
        """Submit a job that the provider accepts."""
        answer = self.submit(**body)
        assert answer.status_code == 200, answer.text
        return self.known_job(answer.json()["job_id"])

    def known_job(self, job_id):
        """A job that the provider has accepted."""
        [prediction] = self.sim.find_job(job_id)
        return Job(job_id, prediction)

    def job(self, job_id):
        self.settle()
        answer = self.get(f"/api/cloud/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()["job"]

    def job_row(self, job_id):
        """The job without what goes on after its end: files that arrive, results on their way."""
        return {name: value for name, value in self.job(job_id).items()
                if name not in ("archive", "upload_progress")}

    def status(self, job_id):
        return self.job(job_id)["status"]

    def upload(self, job, key, body, **headers):
        return self.put(job.storage(urllib.parse.quote(key)), data=body,
                        headers={"X-Upload-Token": job.token} | headers)

    def sign(self, payload, secret=None, webhook_id=None, timestamp=None, headers=None):
        """An event as arguments of post; headers replace or, when None, remove what was signed."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signed = sim_webhooks.headers(secret or self.sim.webhook_secret, body, webhook_id,
                                      int(time.time()) if timestamp is None else timestamp)
        signed |= headers or {}
        return {"data": body, "headers": {name: value for name, value in signed.items()
                                          if value is not None}}

    def webhook(self, payload, query="", **signing):
        """Deliver a signed event after those before it have taken effect."""
        self.settle()
        return self.post(WEBHOOK + query, **self.sign(payload, **signing))
