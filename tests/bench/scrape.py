"""A scrape of all metrics with a million jobs and audit entries, against one with none."""

import contextlib
import pathlib
import statistics
import tempfile
import time

import requests

import services  # noqa: F401  (finds the modules of the HTTP tests)
import stack
from postgres import Cluster

TEMPLATE = "/api/cloud/metrics/config/templates/full"
SCRAPE = "/api/cloud/metrics/prometheus"
ROWS = 1_000_000
ACTIVE = 100
RATIO_MAX, MS_MAX = 1.5, 5.0
WARM_UP = 100  # each thread of the responder has a connection, which prepares its statements once
US = 10**6
SERIES = {"sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
                    "WHERE i < {last}) ",
          "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(0 AS BIGINT), {last})) "}

# Jobs over ninety days, of which the last hundred run, of twenty owners; entries over as long.
JOBS = """INSERT INTO jobs (job_id, provider, external_id, status, config_name, owner,
    hardware_profile, hardware_type, price_usd_nanos_per_s, cost_usd_micros, metadata,
    created_at_us, updated_at_us, started_at_us, completed_at_us, poll_at_us)
    SELECT '01full' || i, 'replicate', 'prediction' || i,
    CASE WHEN i > {last} - {active} THEN 'running' ELSE 'completed' END, 'configuration',
    'user' || (i %% 20), 'h100', 'H100', 1525000,
    CASE WHEN i <= {last} - {active} THEN 5490000 END, '{{}}', {now} - ({last} - i) * {step},
    {now}, {now} - ({last} - i) * {step},
    CASE WHEN i <= {last} - {active} THEN {now} - ({last} - i) * {step} + 3600000000 END,
    CASE WHEN i > {last} - {active} THEN {now} END FROM n"""
ENTRIES = """INSERT INTO audit_log (audit_id, created_at_us, event_type, actor, action, details)
    SELECT i + 1000, {now} - ({last} - i) * {step}, 'type.' || (i %% 40), 'user' || (i %% 20), 'Did',
    '{{}}' FROM n"""
SUMS = [
    "INSERT INTO job_counts SELECT provider, status, owner, COUNT(*) FROM jobs GROUP BY 1, 2, 3",
    "INSERT INTO job_hours (provider, hour, owner, hardware_profile, jobs, completed, "
    "cost_usd_micros) SELECT provider, created_at_us / 3600000000, owner, hardware_profile, "
    "COUNT(*), COUNT(completed_at_us), COALESCE(SUM(cost_usd_micros), 0) FROM jobs "
    "GROUP BY 1, 2, 3, 4",
    "INSERT INTO metric_totals SELECT 'jobs_finished', provider, status, COUNT(*) FROM jobs "
    "WHERE status = 'completed' GROUP BY provider, status",
    "INSERT INTO metric_totals SELECT 'job_cost_usd_micros', provider, '', SUM(cost_usd_micros) "
    "FROM jobs GROUP BY provider",
    "INSERT INTO metric_spans SELECT 'job_run', provider, status, 3600, COUNT(*), 3600000000 "
    "FROM jobs WHERE status = 'completed' GROUP BY provider, status",
    "INSERT INTO audit_counts (event_type, entries, written) SELECT event_type, COUNT(*), "
    "COUNT(*) FROM audit_log WHERE audit_id >= 1000 GROUP BY event_type "
    "ON CONFLICT (event_type) DO NOTHING",
    "UPDATE audit_head SET audit_id = (SELECT MAX(audit_id) FROM audit_log)",
]


def fill(service, kind):
    """Straight into the database, as programs of long ago would have left it."""
    values = {"last": ROWS - 1, "active": ACTIVE, "now": int(time.time() * US),
              "step": 90 * 86400 * US // ROWS}
    for sql in (JOBS, ENTRIES):
        head, rest = sql.split("\n    SELECT ", 1)
        text = f"{head} {SERIES[kind]} SELECT {rest}"
        service.change(text.format(**values))
    for sql in SUMS:
        service.change(sql)
    if kind == "postgresql":
        service.change("ANALYZE")


def milliseconds(session, service):
    start = time.monotonic()
    answer = session.get(service.url + SCRAPE, timeout=60)
    if answer.status_code != 200 or "simpletuner_database_up 1" not in answer.text:
        raise RuntimeError(f"a scrape is not whole: {answer.status_code} {answer.text[:500]}")
    return (time.monotonic() - start) * 1000


def compare(report, kind, pair, scrapes):
    """pair: the services with nothing and with everything, asked in turns."""
    times = ([], [])
    with requests.Session() as session:
        session.trust_env = False
        for number in range(WARM_UP + scrapes):
            for service, taken in zip(pair, times):
                took_ms = milliseconds(session, service)
                if number >= WARM_UP:
                    taken.append(took_ms)
    empty, full = map(statistics.median, times)
    report.line(f"scrape-{kind}", f"{full / empty:.2f}",
                f"required <= {RATIO_MAX}; {ROWS} jobs and entries {full:.2f} ms, none "
                f"{empty:.2f} ms", full / empty <= RATIO_MAX)
    report.line(f"scrape-{kind}-time", f"{full:.2f} ms", f"required < {MS_MAX}", full < MS_MAX)


def scrape(report, resources, scrapes):
    pathlib.Path(tempfile.gettempdir()).chmod(0o711)  # PostgreSQL runs as another user
    cluster = Cluster().start()
    resources.callback(cluster.stop)
    for kind in SERIES:
        with contextlib.ExitStack() as own:
            pair = [own.enter_context(stack.Stack(
                "lighttpd", cluster.new_database() if kind == "postgresql" else None,
                {"SIMPLETUNER_LOG_LEVEL": "INFO"})) for _ in range(2)]
            for service in pair:
                service.reset()
                if service.post(TEMPLATE).status_code != 200:
                    raise RuntimeError("the export cannot be switched on")
            fill(pair[1], kind)
            compare(report, kind, pair, scrapes)
