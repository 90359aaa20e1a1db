#!/usr/bin/python3
"""Speed and memory, as ratios to yardsticks that run beside us on the same machine.

    SIMPLETUNER_BUILD=BUILD python3 tests/bench/run.py [--quick] [NAME ...]

Each figure is one line: NAME value (what is required) ok or MISSED. The exit status is 1 if one was
missed. --quick shortens everything to see that it runs; its figures are rough. NAMEs choose among
live, access-log, auth, list, put, memory, download, small-puts, list-pages, group-commit, webhooks,
poll, flat, audit-verify, limiter, limit-backends, scrape, copy, backup, kept-log and page.
Needs wrk, curl, npm and Chromium, and room for about thirty GiB below TMPDIR, which should be a disk
and not memory.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import access_log
import auth
import backup
import copy_database
import kept_log
import limiter
import page
import s3
import scrape
import services
import webhooks

LIVE = "/api/cloud/health/live"
LIST = "/api/cloud/jobs?limit=50"
CONNECTIONS = 32
FEW_JOBS, MANY_JOBS = 100, 100_000
FLAT_JOBS = 1_000, 1_000_000
AUDIT_PER_S = 200_000
LIMITS_PER_S = 500  # counted by one thread, its server on the same machine
POLLED_JOBS, PROVIDER_LATENCY_S = 1_000, 0.1
WEBHOOKS_PER_S_MAX = 25_000  # more than this are not prepared
UPLOADS = 16
SETTLE_S, SETTLE_LOOK_S, SETTLE_SHARE = 10, 0.2, 0.2  # of one processor
MIB = 1 << 20


@dataclasses.dataclass
class Effort:
    """How much is done for one figure."""

    rounds: int = 3  # of transfers
    slices: int = 9  # of requests: short and many, because what else runs here comes and goes
    seconds: int = 2
    settles: bool = True  # begin each slice when the machine is quiet
    transfer_mib: int = 1024
    upload_mib: int = 1024
    small_puts: int = s3.SMALL_PUTS
    audit_entries: int = 300_000
    scrapes: int = 300
    backup_mib: int = 1024
    copied_rows: int = 500_000


FULL = Effort()
QUICK = Effort(rounds=1, slices=2, seconds=1, settles=False, transfer_mib=128, upload_mib=32,
               small_puts=500, audit_entries=50_000, scrapes=50, copied_rows=100_000,
               backup_mib=64)


class Report:
    """The figures so far."""

    def __init__(self):
        self.missed = 0

    def line(self, name, value, required, is_met):
        self.missed += not is_met
        print(f"{name} {value} ({required}) {'ok' if is_met else 'MISSED'}", flush=True)

    def at_least(self, name, ratios, minimum):
        median = statistics.median(ratios)
        spread = " ".join(f"{ratio:.2f}" for ratio in ratios)
        self.line(name, f"{median:.2f}", f"required >= {minimum}; rounds {spread}",
                  median >= minimum)

    def tell(self, text):
        print(f"  {text}", flush=True)


def busy_ticks():
    """What all processors of this machine have worked so far, in clock ticks."""
    user, nice, system, _idle, _waiting, irq, softirq = [
        int(field) for field in pathlib.Path("/proc/stat").read_text().split()[1:8]]
    return user + nice + system + irq + softirq


def settle():
    """Let what else runs here finish, within reason: poll for a moment with little work."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        before = busy_ticks()
        time.sleep(SETTLE_LOOK_S)
        if busy_ticks() - before <= SETTLE_SHARE * SETTLE_LOOK_S * os.sysconf("SC_CLK_TCK"):
            return


def requests_per_s(url, path, seconds, headers):
    """What wrk gets with 32 connections. Every answer must be a good one."""
    extra = [f"-H{name}: {value}" for name, value in headers.items()]
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *extra, url + path],
                          check=True, capture_output=True, text=True).stdout
    if re.search(r"Non-2xx|Socket errors", done):
        raise RuntimeError(f"wrk saw failures at {path}:\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1))


def curl(*arguments):
    """Start one transfer that prints its status and its seconds."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--output", "/dev/null",
               "--write-out", "%{http_code} %{time_total}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def seconds_of(transfer):
    status, seconds = transfer.communicate()[0].split()
    if status != "200":
        raise RuntimeError(f"a transfer ended with status {status}")
    return float(seconds)


def upload(url, source, token):
    return curl("--upload-file", source, "--header", f"X-Upload-Token: {token}",
                "--header", "Expect:", url)


class Bench:
    """One run over services that are up already."""

    def __init__(self, effort, directory):
        self.effort = effort
        self.directory = directory
        self.report = Report()
        self.resources = contextlib.ExitStack()
        self.service = self.crowded = self.yardstick = self.job = None

    def start(self, wants_list):
        program = services.compile_yardstick(self.directory)
        self.service = self.resources.enter_context(services.Service())
        self.yardstick = self.resources.enter_context(
            services.Yardstick(program, self.directory / "yardstick", self.service))
        self.service.reset()
        self.job = self.service.new_job()
        if wants_list:
            self.service.fill(FEW_JOBS)
            self.crowded = self.resources.enter_context(services.Service())
            self.crowded.fill(MANY_JOBS)

    def source(self, mib):
        """A file of that size that is in memory already and does not compress to nothing."""
        path = self.directory / f"source-{mib}"
        if not path.exists():
            block = os.urandom(MIB)
            with open(path, "wb") as file:
                for _ in range(mib):
                    file.write(block)
                os.fsync(file.fileno())
        return path

    def quiet(self):
        """Begin when the machine is quiet, where the effort is to be that careful."""
        if self.effort.settles:
            settle()

    def rates(self, *targets):
        """Requests per second of each (service, path, headers?), one after the other."""
        rates = []
        for service, path, *headers in targets:
            self.quiet()
            rates.append(requests_per_s(service.url, path, self.effort.seconds,
                                        headers[0] if headers else {}))
        return rates

    def live(self):
        ratios = []
        for _ in range(self.effort.slices):
            ours, bare = self.rates((self.service, LIVE), (self.yardstick, LIVE))
            self.report.tell(f"live {ours:.0f}/s, yardstick {bare:.0f}/s")
            ratios.append(ours / bare)
        self.report.at_least("live", ratios, 0.9)

    def access_log(self):
        access_log.access_log(self, LIVE)

    def auth(self):
        auth.auth(self)
        auth.live_with_key(self, LIVE)

    def list(self):
        few_ratios, many_ratios, between = [], [], []
        for _ in range(self.effort.slices):
            bare, few, many = self.rates((self.yardstick, LIVE), (self.service, LIST),
                                         (self.crowded, LIST))
            self.report.tell(f"list {few:.0f}/s of {FEW_JOBS} jobs, {many:.0f}/s of {MANY_JOBS}, "
                             f"yardstick's live {bare:.0f}/s")
            few_ratios.append(few / bare)
            many_ratios.append(many / bare)
            between.append(many / few)
        self.report.at_least(f"list-of-{FEW_JOBS}", few_ratios, 0.25)
        self.report.at_least(f"list-of-{MANY_JOBS}", many_ratios, 0.25)
        self.report.at_least("list-many-to-few", between, round(1 / 1.3, 2))

    def quiet_disk(self):
        """What was written before must not slow down what is measured now."""
        os.sync()
        self.quiet()

    def put_mb_per_s(self, service):
        mib = self.effort.transfer_mib
        target = service.url + self.job.storage("bench.bin")
        self.quiet_disk()
        return mib * MIB / 1e6 / seconds_of(upload(target, self.source(mib), self.job.token))

    def put(self):
        ratios = []
        self.source(self.effort.transfer_mib)
        for _ in range(self.effort.rounds):
            ours = self.put_mb_per_s(self.service)
            bare = self.put_mb_per_s(self.yardstick)
            self.report.tell(f"put {ours:.0f} MB/s, yardstick {bare:.0f} MB/s")
            ratios.append(ours / bare)
        self.report.at_least("put", ratios, 0.9)

    def memory(self):
        source = self.source(self.effort.upload_mib)
        self.report.tell(f"peak before the uploads {self.service.peak_memory() / MIB:.1f} MiB")
        transfers = [upload(self.service.url + self.job.storage(f"memory-{number}.bin"), source,
                            self.job.token) for number in range(UPLOADS)]
        for transfer in transfers:
            seconds_of(transfer)
        peak = self.service.peak_memory() / MIB
        self.report.line("memory", f"{peak:.1f} MiB", f"required < 64; {UPLOADS} uploads at once",
                         peak < 64)

    def download(self):
        """The file that the service has the front server send, and a plain one."""
        mib = self.effort.transfer_mib
        source = self.source(mib)
        os.link(source, self.yardstick.directory / "static" / "bench.bin")
        target = self.service.url + self.job.storage("download.bin")
        seconds_of(upload(target, source, self.job.token))
        ratios = []
        for _ in range(self.effort.rounds):
            plain = seconds_of(curl(self.yardstick.url + "/static/bench.bin"))
            ours = seconds_of(curl("--header", f"X-Upload-Token: {self.job.token}", target))
            self.report.tell(f"download {mib * MIB / 1e6 / ours:.0f} MB/s, static file "
                             f"{mib * MIB / 1e6 / plain:.0f} MB/s")
            ratios.append(plain / ours)
        self.report.at_least("download", ratios, 0.95)

    def small_puts(self):
        s3.small_puts(self, self.effort.small_puts)

    def list_pages(self):
        s3.list_pages(self)

    def single_commits_per_s(self):
        """Durable single-row transactions of raw SQLite on this disk."""
        program = services.compile_with_core(self.directory, "group_commit")
        text = subprocess.run([program, self.directory, str(self.effort.seconds)], check=True,
                              capture_output=True, text=True).stdout
        return float(re.search(r"one=(\d+)", text).group(1))

    def webhooks(self):
        """Signed, stored and answered; at least half of live, or 5 raw commits each if fewer."""
        ratios, slowest = [], 0.0
        requests = self.directory / "webhooks"
        secret = self.service.sim.webhook_secret
        for number in range(self.effort.rounds):
            names = webhooks.running_jobs(
                self.service, WEBHOOKS_PER_S_MAX * self.effort.seconds // len(webhooks.EVENTS),
                number)
            webhooks.write_requests(requests, secret, names)
            [live] = self.rates((self.service, LIVE))
            self.quiet_disk()
            commits = self.single_commits_per_s()
            self.quiet_disk()
            sent = webhooks.send(self.service.url, requests, CONNECTIONS, self.effort.seconds)
            left = self.service.wait_for_inbox()
            self.report.tell(f"webhooks {sent.rate:.0f}/s, p99 {sent.p99_ms:.1f} ms, the last took "
                             f"effect after {left:.1f} s; live {live:.0f}/s, raw commits "
                             f"{commits:.0f}/s")
            ratios.append(sent.rate / min(live / 2, commits * 5))
            slowest = max(slowest, sent.p99_ms)
        self.report.at_least("webhooks", ratios, 1)
        self.report.line("webhooks-p99", f"{slowest:.1f} ms", "required < 50", slowest < 50)

    def poll(self):
        """A round over many active jobs, each answer of the provider taking its time."""
        service = self.resources.enter_context(services.Service())
        service.reset()
        service.make_polled(POLLED_JOBS)
        service.sim.latency_s = PROVIDER_LATENCY_S
        seconds = []
        for _ in range(self.effort.rounds):
            start = time.monotonic()
            result = service.companion("poll", "--json")
            seconds.append(time.monotonic() - start)
            if f'"asked":{POLLED_JOBS}' not in result.stdout.replace(" ", ""):
                raise RuntimeError(f"the round is not complete: {result.stdout}{result.stderr}")
        median = statistics.median(seconds)
        self.report.line("poll", f"{median:.1f} s", f"required < 10; {POLLED_JOBS} jobs, "
                         f"{PROVIDER_LATENCY_S * 1000:.0f} ms an answer", median < 10)

    def flat(self):
        """What looking at jobs costs when there are a thousand times as many."""
        program = services.compile_with_core(self.directory, "flat")
        few, many = (self.fill_flat(count) for count in FLAT_JOBS)
        ratios = {}
        for _ in range(self.effort.rounds):
            rates = [services.flat_rates(program, path, self.effort.seconds)
                     for path in (few, many)]
            self.report.tell("; ".join(str(rate) for rate in rates))
            for name in rates[0]:
                ratios.setdefault(name, []).append(rates[1][name] / rates[0][name])
        for name, values in ratios.items():
            self.report.at_least(f"flat-{name}", values, round(1 / 1.5, 2))

    def fill_flat(self, count):
        path = self.directory / f"flat-{count}.db"
        services.fill_database(path, count)
        return path

    def audit_verify(self):
        """Entries of the audit log per second, hashed anew and compared; one core, SQLite."""
        program = services.compile_with_core(self.directory, "audit_verify")
        rates = [services.audit_rates(program, self.directory / f"audit-{number}",
                                      self.effort.audit_entries, self.effort.seconds)
                 for number in range(self.effort.rounds)]
        median = statistics.median(rate["verify"] for rate in rates)
        select = statistics.median(rate["select"] for rate in rates)
        self.report.line("audit-verify", f"{median:.0f} entries/s",
                         f"required >= {AUDIT_PER_S}; a plain read {select:.0f} entries/s",
                         median >= AUDIT_PER_S)

    def limit_backends(self):
        """Calls per second that each state backend counts."""
        program = services.compile_with_core(self.directory, "limit_backends")
        rounds = [services.limit_rates(program, self.directory, self.effort.seconds)
                  for _ in range(self.effort.rounds)]
        for name in rounds[0]:
            medians = {what: statistics.median(rates[name][what] for rates in rounds)
                       for what in rounds[0][name]}
            self.report.line(f"limit-backends-{name}", f"{medians['one']:.0f}/s",
                             f"required >= {LIMITS_PER_S}; eight threads {medians['eight']:.0f}/s, "
                             f"refused {medians['refused']:.0f}/s", medians["one"] >= LIMITS_PER_S)

    def scrape(self):
        scrape.scrape(self.report, self.resources, self.effort.scrapes)

    def backup(self):
        backup.backup(self, self.effort.backup_mib, self.effort.rounds, 2 * self.effort.seconds)

    def kept_log(self):
        kept_log.kept_log(self, self.effort.rounds, self.effort.seconds)

    def copy(self):
        copy_database.copy(self.report, self.resources, self.effort.copied_rows)

    def page(self):
        page.page(self.report, self.resources, self.effort.rounds * 5)

    def group_commit(self):
        program = services.compile_with_core(self.directory, "group_commit")
        each, one = [], []
        for _ in range(self.effort.rounds):
            self.quiet_disk()
            text = subprocess.run([program, self.directory, str(self.effort.seconds)], check=True,
                                  capture_output=True, text=True).stdout
            rate = {name: float(value) for name, value in re.findall(r"(\w+)=(\d+)", text)}
            self.report.tell(f"writes/s: {text.strip()}")
            each.append(rate["group"] / rate["each"])
            one.append(rate["group"] / rate["one"])
        self.report.at_least("group-commit-to-each", each, 3)
        self.report.at_least("group-commit-to-one-writer", one, 3)


FIGURES = {"live": Bench.live, "access-log": Bench.access_log, "auth": Bench.auth,
           "list": Bench.list, "put": Bench.put, "memory": Bench.memory,
           "download": Bench.download,
           "small-puts": Bench.small_puts, "list-pages": Bench.list_pages,
           "group-commit": Bench.group_commit,
           "webhooks": Bench.webhooks, "poll": Bench.poll, "flat": Bench.flat,
           "audit-verify": Bench.audit_verify, "limiter": limiter.limiter,
           "limit-backends": Bench.limit_backends, "scrape": Bench.scrape,
           "backup": Bench.backup, "copy": Bench.copy, "kept-log": Bench.kept_log,
           "page": Bench.page}
ALONE = {"auth", "group-commit", "poll", "flat", "audit-verify", "limiter", "limit-backends",
         "scrape", "backup", "copy", "kept-log", "page"}  # need no service that is up already


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measure speed and memory against yardsticks.")
    parser.add_argument("--quick", action="store_true", help="rough figures in under a minute")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FIGURES))
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in FIGURES:
            parser.error(f"{name} is none of {', '.join(FIGURES)}")
    return arguments


def main():
    arguments = parse_arguments()
    names = arguments.names or list(FIGURES)
    for program in ("wrk", "curl", "lighttpd", "pkg-config"):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            print(f"{program} is missing: apt-get install -y {program}", file=sys.stderr)
            return 69
    with tempfile.TemporaryDirectory(prefix="stc-bench-") as directory:
        tempfile.tempdir = directory  # everything that the services leave behind is below
        bench = Bench(QUICK if arguments.quick else FULL, pathlib.Path(directory))
        with bench.resources:
            if set(names) - ALONE:
                bench.start("list" in names)
            for name in names:
                FIGURES[name](bench)
    return 1 if bench.report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
