"""The responder alone on its own sockets, for tests of its life and of what fronts hide."""

import json
import os
import signal
import socket
import subprocess

from fcgi_client import FcgiRequest, ask
from stack import COMPANION, RESPONDER, base_environment, new_home, require_programs
from waiting import until


class HangingServer:
    """Takes connections and never answers: the outcome of a call to it is unknown."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        return self

    def __exit__(self, *_):
        self.socket.close()


class Responder:
    def __init__(self, directory, env=None, arguments=()):
        require_programs()
        self.home = new_home()
        self.socket = directory / "api.sock"
        self.bulk_socket = directory / "bulk.sock"
        self.log_path = directory / "responder.log"
        self.env = base_environment(self.home) | {
            "SIMPLETUNER_PUBLIC_URL": "http://127.0.0.1:1"} | (env or {})
        self.arguments = ["--listen", str(self.socket), "--listen-bulk", str(self.bulk_socket),
                          *arguments]
        self.process = None

    def start(self):
        subprocess.run([COMPANION, "migrate"], env=self.env, check=True, capture_output=True)
        self.launch()
        until(self.answers, 15, "the responder does not answer")
        return self

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([RESPONDER, *self.arguments], env=self.env,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the responder has ended: {self.log()}")
        try:
            return ask(self.socket, "GET", "/api/cloud/health/live")[0] == 200
        except OSError:
            return False

    def ask(self, *arguments, **options):
        return ask(self.socket, *arguments, **options)

    def ask_json(self, method, uri, value=None):
        """(status, body) of a request with a JSON body or none."""
        body = b"" if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        status, _, answer = self.ask(method, uri, body, headers)
        return status, json.loads(answer)

    def make_job(self):
        """The id of a job that was submitted and still waits for its provider's answer."""
        with HangingServer() as server:
            secrets = self.home / "secrets.json"
            secrets.touch(mode=0o600)
            secrets.write_text('{"REPLICATE_API_TOKEN": "r8_x"}')
            self.ask_json("PUT", "/api/cloud/providers/replicate",
                          {"api_base_url": server.url, "http_timeout": 0.5,
                           "version_override": "x/y:" + "0" * 64})
            self.ask_json("POST", "/api/cloud/jobs/submit", {"config": {"a": 1}})
        return self.ask_json("GET", "/api/cloud/jobs")[1]["jobs"][0]["job_id"]

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
