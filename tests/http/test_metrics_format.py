"""The text as others read it: promtool, OpenMetrics, and a real Prometheus."""

import http.server
import json
import pathlib
import re
import subprocess
import threading
import urllib.parse

import pytest
import requests

from metrics import SAMPLE, export, families, parse, scrape_text
from stack import REPO, scratch_directory
from waiting import free_port, until

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
RULES = REPO / "fcgi" / "prometheus"
# What promtool has to say against the guide's own names, and that is all.
KNOWN = re.compile(r"(simpletuner_http_request_latency_ms_avg|simpletuner_health_database_latency_ms)"
                   r" metric names should not contain abbreviated units")


def promtool(*arguments, given=None, cwd=None):
    done = subprocess.run(["promtool", *arguments], input=given, cwd=cwd, capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def busy(staffed):
    """Every kind of sample there is."""
    export(staffed)
    staffed.configure(cost_limit_enabled=True, cost_limit_amount=50, cost_limit_period="daily",
                      cost_limit_action="warn")
    job = staffed.new_job()
    staffed.sim.advance(job.prediction_id, "processing")
    staffed.sim.advance(job.prediction_id, "succeeded")
    staffed.settle()
    staffed.get("/nowhere")
    staffed.companion("cron")
    return staffed


def test_promtool_has_nothing_against_the_families(busy):
    assert promtool("check", "metrics", given=scrape_text(busy, "?legacy=0")) == (0, "")


def test_promtool_has_only_the_known_against_the_guides_names(busy):
    status, said = promtool("check", "metrics", given=scrape_text(busy))
    assert status == 3
    lines = [line for line in said.splitlines() if line]
    assert len(lines) == 2 and all(KNOWN.fullmatch(line) for line in lines), said


@pytest.mark.parametrize("accept, kind", [
    (None, TEXT),
    ("*/*", TEXT),
    ("text/plain", TEXT),
    ("application/openmetrics-text", OPEN),
    ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
     "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN),
    ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.8", TEXT),
    ("text/plain;q=0.3, application/openmetrics-text;q=0.9", OPEN),
    ("application/openmetrics-text;version=0.0.1", TEXT),
    ("application/openmetrics-text;q=0", TEXT),
    ("application/json", TEXT),
    (";;,,=q", TEXT),
])
def test_the_format_is_the_one_that_is_asked_for(staffed, accept, kind):
    export(staffed)
    answer = staffed.get("/api/cloud/metrics/prometheus", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == kind
    assert answer.text.endswith("# EOF\n") == (kind == OPEN)


def test_open_metrics_keeps_to_its_rules(busy):
    """Every sample below its own family, whose name it extends as its type allows; no line empty."""
    suffixes = {"counter": {"_total"}, "gauge": {""}, "unknown": {""}, "info": {"_info"},
                "histogram": {"_bucket", "_sum", "_count"}}
    lines = scrape_text(busy, Accept="application/openmetrics-text").split("\n")
    assert lines[-2:] == ["# EOF", ""]
    family, kind, seen = None, None, set()
    for line in lines[:-2]:
        assert line
        if line.startswith("# TYPE "):
            family, kind = line.split(" ")[2:4]
            assert family not in seen
            seen.add(family)
        elif not line.startswith("#"):
            name = SAMPLE.fullmatch(line).group(1)
            assert name.startswith(family) and name[len(family):] in suffixes[kind], line


def test_both_formats_have_the_same_series(busy):
    text = parse(scrape_text(busy, Accept="text/plain"))
    opened = parse(scrape_text(busy, Accept="application/openmetrics-text"))
    assert set(text) <= set(opened)


def test_buckets_rise_to_their_count(busy):
    metrics = parse(scrape_text(busy))
    series = {}
    for (name, labels), value in metrics.items():
        if name.endswith("_bucket"):
            labels = dict(labels)
            bound = float(labels.pop("le").replace("+Inf", "inf"))
            series.setdefault((name.removesuffix("_bucket"), tuple(sorted(labels.items()))),
                              []).append((bound, value))
    assert len(series) > 20
    for (name, labels), buckets in series.items():
        values = [value for _bound, value in sorted(buckets)]
        assert values == sorted(values)
        assert values[-1] == metrics[f"{name}_count", labels]


class TextAlone(http.server.ThreadingHTTPServer):
    """Passes scrapes on without their Accept, as if of an older Prometheus."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer = self.server.stack.get(self.path, headers={"Accept": "text/plain"})
            self.server.kinds.add(answer.headers["Content-Type"])
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            pass

    def __init__(self, stack):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.stack = stack
        self.kinds = set()
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Prometheus:
    """Debian's, scraping each second; jobs: {name: host and port}."""

    def __init__(self, jobs):
        self.directory = scratch_directory("prometheus")
        self.url = f"http://127.0.0.1:{free_port()}"
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(RULES / "alerts.yml"), str(RULES / "recording.yml")],
                  "scrape_configs": [{
                      "job_name": name, "metrics_path": "/api/cloud/metrics/prometheus",
                      "static_configs": [{"targets": [target]}]} for name, target in jobs.items()]}
        self.config = self.directory / "prometheus.yml"
        self.config.write_text(json.dumps(config))  # YAML is a superset of it
        self.process = None

    def __enter__(self):
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.config}",
                 f"--storage.tsdb.path={self.directory / 'data'}",
                 f"--web.listen-address={self.url.removeprefix('http://')}"],
                stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def get(self, path, **query):
        answer = requests.get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}",
                              timeout=10, proxies={"http": None})
        if answer.status_code == 503:
            raise requests.ConnectionError("it is starting")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def value(self, query):
        """The only result of a query; None while there is none."""
        try:
            result = self.get("query", query=query)["result"]
        except requests.ConnectionError:
            return None
        return float(result[0]["value"][1]) if result else None


def test_a_real_prometheus_scrapes_and_answers(busy):
    address = busy.url.removeprefix("http://")
    with TextAlone(busy) as text, Prometheus({
            "simpletuner": address, "text": f"127.0.0.1:{text.server_address[1]}"}) as prometheus:
        want = parse(scrape_text(busy)).of("simpletuner_jobs_total")
        for job in ("simpletuner", "text"):
            until(lambda job=job: prometheus.value(f'up{{job="{job}"}}') == 1, 40, "no scrape")
            assert prometheus.value(f'simpletuner_jobs_total{{job="{job}"}}') == want
            assert prometheus.value(
                f'sum(simpletuner_jobs_submitted_total{{job="{job}"}})') == want
        assert text.kinds == {TEXT}
        for target in prometheus.get("targets")["activeTargets"]:
            assert target["lastError"] == "" and target["health"] == "up"
        until(lambda: prometheus.value(
            "histogram_quantile(0.9, sum by (le) (rate("
            "simpletuner_http_request_duration_seconds_bucket[1m])))"), 20, "no quantile")
        metadata = prometheus.get("metadata")
        assert metadata["simpletuner_job_duration_seconds"][0]["type"] == "histogram"
        groups = prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        until(lambda: all(rule["health"] == "ok" for group in prometheus.get("rules")["groups"]
                          for rule in group["rules"]), 30, "a rule does not work")
        assert len(rules) > 15


# The files for operators

def test_rules_are_well_formed_and_fire_when_they_should():
    for name in ("alerts.yml", "recording.yml"):
        assert promtool("check", "rules", str(RULES / name))[0] == 0
    status, said = promtool("test", "rules", "tests.yml", cwd=RULES)
    assert status == 0, said


NAME = re.compile(r"\b(?:simpletuner|process)_[a-z0-9_]+\b")


def test_rules_and_dashboard_use_only_names_that_are_written(busy):
    base = families(scrape_text(busy))
    listed = {name for item in busy.get("/api/cloud/metrics/config/categories").json()["categories"]
              for name in item["metrics"]} | set(base)
    written = listed | {f"{name}{suffix}" for name in listed
                        for suffix in ("_bucket", "_sum", "_count")}
    for path in sorted(RULES.iterdir()):
        recorded = set(re.findall(r"record: (\S+)", pathlib.Path(path).read_text()))
        used = set(NAME.findall(re.sub(r"simpletuner:\S+", "", path.read_text())))
        assert used <= written | recorded, path.name


def test_the_dashboard_is_what_grafana_imports():
    dashboard = json.loads((RULES / "dashboard.json").read_text())
    assert dashboard["title"] and dashboard["uid"] and dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids) >= 10
    for panel in dashboard["panels"]:
        assert panel["type"] == "row" or panel["targets"], panel["title"]
