"""Webhooks taken while the write-ahead log is kept, against the same without."""

import contextlib

import services
import webhooks

SHARE_MIN = 0.9
CONNECTIONS = 32
JOBS_PER_S = 1500


def rate(service, directory, series, seconds):
    names = webhooks.running_jobs(service, JOBS_PER_S * seconds, series)
    path = directory / "requests"
    webhooks.write_requests(path, service.sim.webhook_secret, names)
    sent = webhooks.send(service.url, path, CONNECTIONS, seconds)
    service.wait_for_inbox()
    return sent.rate


def kept_log(bench, rounds, seconds):
    shares = []
    with contextlib.ExitStack() as stack:
        keeping, plain = (
            stack.enter_context(services.Service({"SIMPLETUNER_BACKUP_WAL": kept}))
            for kept in ("true", "false"))
        for service in (keeping, plain):
            service.reset()
        for series in range(rounds):
            bench.quiet()
            without = rate(plain, bench.directory, series, seconds)
            bench.quiet()
            kept = rate(keeping, bench.directory, series, seconds)
            bench.report.tell(f"webhooks {kept:.0f}/s with a kept log, {without:.0f}/s without")
            shares.append(kept / without)
    bench.report.at_least("kept-log", shares, SHARE_MIN)
