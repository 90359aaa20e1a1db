#!/usr/bin/python3
"""Replicate's HTTP API over TLS, played on this machine.

As a program it is an account whose predictions run by themselves:

    python3 tests/http/replicate_sim.py --port 9443 --dir DIR

A prediction goes starting, processing, succeeded in about two seconds, uploads one small file as
the remote job would, and signed webhooks tell its story. DIR gets ca.pem, the authority to trust,
and token, the API token of the account. As a library, ReplicateSim(mode="manual") leaves every
step to the caller: sim.advance(prediction_id, "processing").

Besides the API there are control routes, without a token, for people with curl:
    GET    /control/predictions | /control/deliveries | /control/requests
    POST   /control/predictions/{id}/advance  {"status": "failed", "error": "..."}
    POST   /control/faults  {"path_prefix", "method", "mode", "count", "seconds"}
    DELETE /control/faults
Fault modes: 429 500 503, slow (does it, answers late), hang (does nothing, answers never),
garbage, deep, reset, drop-after-commit (does it, closes without an answer), huge.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import secrets
import signal
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import ThreadingHTTPServer

import sim_api
import sim_delivery
import sim_predictions
import sim_tls
import sim_webhooks

FAULT_MODES = ("429", "500", "503", "slow", "hang", "garbage", "deep", "reset",
               "drop-after-commit", "huge")
HANDSHAKE_TIMEOUT_S = 10


class Fault:
    """What goes wrong with the next `count` requests of one method below one path."""

    def __init__(self, path_prefix, method, mode, count=1, seconds=5.0):
        if mode not in FAULT_MODES:
            raise ValueError(f"mode must be one of {', '.join(FAULT_MODES)}")
        self.path_prefix = path_prefix
        self.method = method
        self.mode = mode
        self.count = int(count)
        self.seconds = float(seconds)

    def take(self, method, path):
        matches = self.count > 0 and path.startswith(self.path_prefix)
        if not matches or self.method not in ("*", method):
            return False
        self.count -= 1
        return True


class TlsServer(ThreadingHTTPServer):
    """Shakes hands in the thread of the connection, so that one silent client stops nobody."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, handler, context):
        super().__init__(address, handler)
        self.context = context

    def process_request_thread(self, request, client_address):
        try:
            request.settimeout(HANDSHAKE_TIMEOUT_S)
            secure = self.context.wrap_socket(request, server_side=True)
            secure.settimeout(None)
        except OSError:
            self.shutdown_request(request)
            return
        super().process_request_thread(secure, client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class ReplicateSim:
    """One simulated account: its server, its predictions, its webhook sender, its records."""

    def __init__(self, directory, port=0, listen="127.0.0.1", mode="manual"):
        self.directory = pathlib.Path(directory)
        self.mode = mode
        self.page_size = 100
        self.version_page_size = 100
        self.latency_s = 0.0
        self.under_way = self.busiest = 0  # requests at once, counted while latency_s is set
        self.ca_path, cert, key = sim_tls.ensure_certificates(self.directory)
        self.token = "r8_" + secrets.token_hex(19)[:37]
        sim_tls.write_private(self.directory / "token", self.token.encode())
        self.webhook_secret = sim_webhooks.new_secret()
        self.store = sim_predictions.PredictionStore()
        self.other_accounts = {}  # API token: webhook secret
        self.status_page = sim_api.STATUS_PAGE
        self.sender = sim_webhooks.Sender(
            lambda delivery: self.secret_of(self.store.account_of(delivery.prediction_id)))
        self.files = {}
        self.file_contents = {}
        self.outputs = {}
        self.requests = []
        self.stopping = threading.Event()
        self._faults = []
        self._lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        handler = type("Handler", (sim_api.Handler,), {"sim": self})
        self._server = TlsServer((listen, port), handler, context)
        self.port = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}/v1"

    # life

    def start(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self.sender.stop()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # records

    @property
    def deliveries(self):
        return self.sender.deliveries

    def requests_to(self, method, path_prefix):
        """The recorded API requests of one kind, oldest first."""
        return [record for record in list(self.requests)
                if record["method"] == method and record["path"].startswith(path_prefix)]

    def predictions(self):
        return self.store.all()

    def find_job(self, job_id):
        """The predictions whose input names this job, newest first."""
        return [view for view in self.store.all()
                if (view["input"].get("env") or {}).get("SIMPLETUNER_JOB_ID") == job_id]

    # accounts

    def add_account(self):
        """The API token of one more account, with predictions and a webhook secret of its own."""
        token = "r8_" + secrets.token_hex(19)[:37]
        self.other_accounts[token] = sim_webhooks.new_secret()
        return token

    def secret_of(self, token):
        return self.other_accounts.get(token, self.webhook_secret)

    # faults

    def fault(self, mode, method="*", path_prefix="/v1", count=1, seconds=5.0):
        with self._lock:
            self._faults.append(Fault(path_prefix, method, str(mode), count, seconds))

    def clear_faults(self):
        with self._lock:
            self._faults.clear()

    def take_fault(self, method, path):
        with self._lock:
            for fault in self._faults:
                if fault.take(method, path):
                    return fault
        return None

    def take_time(self):
        """Be as slow as latency_s says."""
        with self._lock:
            self.under_way += 1
            self.busiest = max(self.busiest, self.under_way)
        self.stopping.wait(self.latency_s)
        with self._lock:
            self.under_way -= 1

    # predictions

    def create(self, body, cancel_after=None, account=None):
        view = self.store.create(body, self.url, cancel_after, account or self.token)
        self.deliver(view["id"], "weights.safetensors", b"weights\n")
        if view["model"] == sim_predictions.CHECK_MODEL:
            threading.Thread(target=self._check_webhook, args=(view,), daemon=True).start()
        elif self.mode == "auto":
            threading.Thread(target=self._run, args=(view["id"],), daemon=True).start()
        return view

    def advance(self, prediction_id, status, deliver=True, wait_s=30, force=False, **changes):
        """Move a prediction and deliver the webhook that belongs to it.

        Returns the Delivery, waited for up to wait_s, or None when there is nothing to deliver.
        force moves even a prediction that has ended, as a late event of the past would look.
        """
        if status not in sim_predictions.STATUSES:
            raise ValueError(f"status must be one of {', '.join(sim_predictions.STATUSES)}")
        view = self.store.move(prediction_id, status, changes, force)
        if view is None:
            raise ValueError("the prediction has ended")
        delivery = self._notify(view) if deliver else None
        if delivery and wait_s:
            delivery.done.wait(wait_s)
        return delivery

    def deliver(self, prediction_id, name, data=b"", **options):
        """Put a file on the delivery server; returns (its URL, its sim_delivery.Output)."""
        path = f"/delivery/{prediction_id}/{name}"
        self.outputs[path] = sim_delivery.Output(data, **options)
        return self.url.removesuffix("/v1") + path, self.outputs[path]

    def remove_data(self, prediction_id):
        """What the provider does an hour after the end."""
        for path in [path for path in self.outputs if f"/{prediction_id}/" in path]:
            del self.outputs[path]
        self.store.move(prediction_id, self.store.get(prediction_id)["status"],
                        {"output": None, "logs": None, "data_removed": True}, force=True)

    def cancel(self, prediction_id):
        """What POST .../cancel does; a prediction that has ended stays as it is."""
        view = self.store.move(prediction_id, "canceled", {})
        if view:
            self._notify(view)
        return self.store.get(prediction_id)

    def _notify(self, view):
        event = "start" if view["status"] in ("starting", "processing") else "completed"
        url, events = self.store.webhook_of(view["id"])
        if not url or event not in events:
            return None
        body = json.dumps(view, ensure_ascii=False).encode()
        return self.sender.send(view["id"], url, event, body)

    def _run(self, prediction_id):
        """The life of a prediction in auto mode."""
        try:
            if self.stopping.wait(0.7):
                return
            self.advance(prediction_id, "processing")
            error = self._upload_result(self.store.get(prediction_id))
            if self.stopping.wait(1.0):
                return
            if error:
                self.advance(prediction_id, "failed", error=error)
            else:
                self.advance(prediction_id, "succeeded")
        except ValueError:
            return  # canceled meanwhile

    def _check_webhook(self, view):
        """What the check model does: it calls the URL of its input and tells what came."""
        target = urllib.parse.urlsplit(view["input"]["webhook_url"])
        output = {"success": False, "latency_ms": 0.0, "status_code": None, "error": None,
                  "details": None}
        begun = time.monotonic()
        connection = sim_webhooks.connect(target)
        try:
            connection.request("POST", target.path or "/", b'{"event": "webhook_check"}',
                               {"Content-Type": "application/json"})
            output["status_code"] = connection.getresponse().status
            output["success"] = output["status_code"] < 300
            output["details"] = f"HTTP {output['status_code']}"
        except (OSError, http.client.HTTPException) as error:
            output["error"] = type(error).__name__
        finally:
            connection.close()
        output["latency_ms"] = (time.monotonic() - begun) * 1000
        with contextlib.suppress(ValueError):  # canceled meanwhile
            self.advance(view["id"], "succeeded", output=output, deliver=False)

    @staticmethod
    def _upload_result(view):
        """Send one small file home as the trainer does; returns what went wrong, or ''."""
        env = view["input"].get("env") or {}
        url, token = env.get("SIMPLETUNER_UPLOAD_URL"), env.get("SIMPLETUNER_UPLOAD_TOKEN")
        if not url or not token:
            return ""
        target = urllib.parse.urlsplit(f"{url.rstrip('/')}/pytorch_lora_weights.safetensors")
        body = f"weights of {env.get('SIMPLETUNER_JOB_ID')}\n".encode()
        connection = sim_webhooks.connect(target)
        try:
            connection.request("PUT", target.path, body, {"X-Upload-Token": token})
            status = connection.getresponse().status
            return "" if status == 200 else f"upload failed: HTTP {status}"
        except (OSError, http.client.HTTPException) as error:
            return f"upload failed: {type(error).__name__}"
        finally:
            connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9443, help="port to listen on (9443)")
    parser.add_argument("--listen", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--dir", required=True, help="directory for the CA and its certificate")
    parser.add_argument("--manual", action="store_true",
                        help="predictions wait for /control/predictions/{id}/advance")
    options = parser.parse_args()
    sim = ReplicateSim(options.dir, options.port, options.listen,
                       "manual" if options.manual else "auto")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sim.start()
    print(f"Replicate simulator is ready at {sim.url} (CA: {sim.ca_path}, token: {sim.token})",
          flush=True)
    stop.wait()
    sim.stop()


if __name__ == "__main__":
    main()
