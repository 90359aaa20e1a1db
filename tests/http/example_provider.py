#!/usr/bin/python3
"""A provider of one's own for SimpleTuner Cloud, complete, in the standard library.

    CLOUD_WEBHOOK_SECRET=whsec_... /usr/bin/python3 tests/http/example_provider.py 9450

The protocol is in README.md, "A provider of your own"; the secret is the one the service has. Jobs
"train" for TRAIN_SECONDS (1), in memory. Replace train() by what really trains.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["CLOUD_WEBHOOK_SECRET"].removeprefix("whsec_"))
TRAIN_SECONDS = float(os.environ.get("TRAIN_SECONDS", "1"))
TOLERANCE_S = 300
PAGE = int(os.environ.get("PAGE", "100"))
JOBS = {}  # our id: the job as the service sees it, oldest first
WEBHOOKS = {}  # our id: where its news go
LOCK = threading.RLock()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def signature(webhook_id, timestamp, body):
    """Standard Webhooks: HMAC-SHA256 over "id.timestamp.body", for both directions."""
    text = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(SECRET, text, hashlib.sha256).digest()).decode()


def move(job, status, **more):
    """Enter a status, unless the job has ended, and tell the service."""
    with LOCK:
        if job["status"] in ("completed", "failed", "cancelled"):
            return
        job |= {"status": status} | more
        body = json.dumps(job).encode()
    if WEBHOOKS[job["id"]]:
        threading.Thread(target=tell, args=(WEBHOOKS[job["id"]], body), daemon=True).start()


def tell(url, body):
    """A webhook: the same id on every attempt. What gets lost is found by polling."""
    webhook_id = f"msg_{uuid.uuid4().hex}"
    for pause_s in (1, 5, 30):
        timestamp = str(int(time.time()))
        headers = {"Content-Type": "application/json", "webhook-id": webhook_id,
                   "webhook-timestamp": timestamp,
                   "webhook-signature": signature(webhook_id, timestamp, body)}
        try:
            urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).close()
            return
        except OSError:
            time.sleep(pause_s)


def train(job, request):
    move(job, "running", started_at=now())
    time.sleep(TRAIN_SECONDS)
    move(job, "completed", completed_at=now(), run_seconds=TRAIN_SECONDS,
         logs=f"trained {len(request['config'])} settings on {request['hardware_profile']}\n")


def create(request):
    """201 and the job; a job_id that is there already is answered with what it has become."""
    with LOCK:
        for job in JOBS.values():
            if job["job_id"] == request["job_id"]:
                return 201, job
        job = {"id": uuid.uuid4().hex, "job_id": request["job_id"], "status": "queued",
               "created_at": now()}
        JOBS[job["id"]] = job
        WEBHOOKS[job["id"]] = request.get("webhook_url")
        answer = dict(job)
    threading.Thread(target=train, args=(job, request), daemon=True).start()
    return 201, answer


def page(query):
    """Newest first, and the cursor of the next page."""
    first = int(query.get("cursor", ["0"])[0])
    with LOCK:
        jobs = list(reversed(JOBS.values()))
    following = first + PAGE
    return 200, {"jobs": jobs[first:following],
                 "next": str(following) if following < len(jobs) else None}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        path = [self.command, *url.path.strip("/").split("/")]
        timestamp = self.headers.get("webhook-timestamp", "0")
        sent = signature(self.headers["webhook-id"], timestamp, body)
        if (sent not in self.headers.get("webhook-signature", "").split()
                or abs(time.time() - int(timestamp)) > TOLERANCE_S):
            return 401, {"detail": "The signature does not match, or is too old"}
        if path == ["GET", "account"]:
            return 200, {"username": "example", "name": "Example provider"}
        if path == ["POST", "jobs"]:
            return create(json.loads(body))
        if path == ["GET", "jobs"]:
            return page(urllib.parse.parse_qs(url.query))
        job = JOBS.get(path[2]) if path[1] == "jobs" and len(path) in (3, 4) else None
        if job and path[0] == "POST" and path[3:] == ["cancel"]:
            move(job, "cancelled", completed_at=now())
        elif not job or path[0] != "GET" or path[3:]:
            return 404, {"detail": "Not found"}
        return 200, dict(job)

    def do_GET(self):
        status, body = self.answer()
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9450
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
