"""Signed webhooks as fast as they are taken: requests made beforehand, sent by wrk."""

import dataclasses
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

import sim_webhooks  # noqa: E402

SCRIPT = pathlib.Path(__file__).with_name("webhooks.lua")
EVENTS = ("starting", "processing", "processing", "succeeded")


def running_jobs(service, count, series, names=None):
    """Straight into the database: jobs that the provider has taken; returns their ids there."""
    now_us = int(time.time() * 1e6)
    names = names or [f"bench{series:03d}{number:014d}" for number in range(count)]
    columns = ("job_id, provider, external_id, status, hardware_profile, price_usd_nanos_per_s, "
               "created_at_us, updated_at_us, poll_at_us")
    connection = sqlite3.connect(service.home / "cloud.db", timeout=30)
    with connection:
        connection.executemany(
            f"INSERT INTO jobs ({columns}) VALUES (?, 'replicate', ?, 'queued', 'h100', 1525000, "
            "?, ?, 0)", ((f"01webh{series:03d}{number:017d}", name, now_us, now_us)
                         for number, name in enumerate(names)))
        connection.execute("INSERT INTO job_counts VALUES ('replicate', 'queued', 'local', ?) "
                           "ON CONFLICT (provider, status, owner) DO UPDATE SET jobs = jobs + ?",
                           (count, count))
    connection.close()
    return names


def prediction(name, status):
    """As Replicate sends it while a training runs."""
    ended = status == "succeeded"
    return {"id": name, "model": "simpletuner/advanced-trainer-h100", "version": "0" * 64,
            "input": {"config_json": "{\"model_type\":\"lora\"}", "env": {"A": "b" * 40}},
            "logs": "".join(f"step {step}/100 loss 0.1\n" for step in range(12)),
            "output": "https://example.org/weights" if ended else None, "error": None,
            "status": status, "created_at": "2026-11-01T10:00:00.000Z",
            "started_at": None if status == "starting" else "2026-11-01T10:00:05.000Z",
            "completed_at": "2026-11-01T10:30:05.000Z" if ended else None,
            "metrics": {"predict_time": 1800.0} if ended else {}}


def write_requests(path, secret, names):
    """Each job's events in their order, those of different jobs mixed; returns how many."""
    count = 0
    with open(path, "wb") as file:
        for status in EVENTS:
            for name in names:
                body = json.dumps(prediction(name, status)).encode()
                lines = [f"{key}: {value}" for key, value in
                         sim_webhooks.headers(secret, body).items()]
                head = "\r\n".join(["POST /api/webhooks/replicate HTTP/1.1", "Host: localhost",
                                    f"Content-Length: {len(body)}", *lines, "", ""])
                request = head.encode() + body
                file.write(b"%d\n%b" % (len(request), request))
                count += 1
    return count


@dataclasses.dataclass
class Sent:
    rate: float  # requests/s
    p99_ms: float
    longest_ms: float


def milliseconds(number, unit):
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def send(url, requests, connections, seconds):
    """What came of sending them; every answer must be a good one."""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", SCRIPT, url],
        check=True, capture_output=True, text=True,
        env=os.environ | {"REQUESTS": str(requests)}).stdout
    if re.search(r"Non-2xx|Socket errors", done):
        raise RuntimeError(f"wrk saw failures:\n{done}")
    time_of = r"([\d.]+)(us|ms|s)"
    return Sent(float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1)),
                milliseconds(*re.search(rf"99%\s+{time_of}", done).groups()),
                milliseconds(*re.search(rf"Latency\s+\S+\s+\S+\s+{time_of}", done).groups()))
