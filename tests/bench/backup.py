"""A backup against sqlite3's .backup and gzip at the same level, and webhooks taken meanwhile."""

import contextlib
import os
import pathlib
import sqlite3
import subprocess
import threading
import time

import services
import stack
import webhooks

SPEED_MIN, INGEST_MIN, WAIT_MS_MAX = 0.9, 0.7, 100
LEVEL = "6"
ROW_BYTES = 8192
CONNECTIONS = 32
JOBS_PER_SLICE = 6000


def fill(path, mib):
    """Rows as the service has them: JSON, with identifiers that do not pack."""
    filler = "json_object('id', hex(randomblob(20)), 'logs', replace(hex(zeroblob(400)), '00', " \
             "'step ' || (random() % 1000) || ' loss 0.'), 'body', hex(randomblob(1200)))"
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        connection.execute("CREATE TABLE bulk (n INTEGER PRIMARY KEY, filler TEXT)")
        connection.execute(f"WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE "
                           f"n < {mib * 1024 * 1024 // ROW_BYTES}) INSERT INTO bulk SELECT n, "
                           f"{filler} FROM x")
    return pathlib.Path(path).stat().st_size


def by_hand(database, directory):
    """Seconds of what the guide's shell lines do; the copy is as durable as ours."""
    copy, packed = directory / "copy.db", directory / "copy.db.gz"
    start = time.monotonic()
    subprocess.run(["sqlite3", database, f".backup {copy}"], check=True)
    with open(packed, "wb") as file:
        subprocess.run(["gzip", f"-{LEVEL}", "--stdout", copy], check=True, stdout=file)
        os.fsync(file.fileno())
    seconds = time.monotonic() - start
    copy.unlink()
    packed.unlink()
    return seconds


def ours(service):
    start = time.monotonic()
    done = subprocess.run([stack.COMPANION, "backup"], env=service.env, check=True,
                          capture_output=True, text=True)
    seconds = time.monotonic() - start
    path = pathlib.Path(done.stdout.strip())
    for file in path.iterdir():
        file.unlink()
    path.rmdir()
    return seconds


class Ingest:
    """Slices of webhooks; each has its own jobs and requests, made before."""

    def __init__(self, service, directory, seconds):
        self.service, self.directory, self.seconds = service, directory, seconds
        self.series = 0

    def take(self):
        """What came of the next one."""
        names = webhooks.running_jobs(self.service, JOBS_PER_SLICE * self.seconds, self.series)
        self.series += 1
        path = self.directory / "requests"
        webhooks.write_requests(path, self.service.sim.webhook_secret, names)
        sent = webhooks.send(self.service.url, path, CONNECTIONS, self.seconds)
        self.service.wait_for_inbox()
        return sent


@contextlib.contextmanager
def backups_go_on(service):
    """One after the other, until the end of the scope."""
    over = threading.Event()

    def work():
        while not over.is_set():
            ours(service)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        time.sleep(1)  # it has begun
        yield
    finally:
        over.set()
        thread.join()


def backup(bench, mib, rounds, seconds):
    with services.Service() as service:
        service.reset()
        size = fill(service.home / "cloud.db", mib)
        service.env["SIMPLETUNER_BACKUP_LEVEL"] = LEVEL
        ratios, shares, longest_ms = [], [], 0
        for _ in range(rounds):
            bench.quiet()
            hand = by_hand(service.home / "cloud.db", bench.directory)
            bench.quiet()
            own = ours(service)
            bench.report.tell(f"backup of {size >> 20} MiB {own:.1f} s, by hand {hand:.1f} s")
            ratios.append(hand / own)
        ingest = Ingest(service, bench.directory, seconds)
        for _ in range(rounds):
            bench.quiet()
            alone = ingest.take()
            with backups_go_on(service):
                meanwhile = ingest.take()
            bench.report.tell(f"webhooks {meanwhile.rate:.0f}/s during a backup, the longest took "
                              f"{meanwhile.longest_ms:.0f} ms; {alone.rate:.0f}/s and "
                              f"{alone.longest_ms:.0f} ms without")
            shares.append(meanwhile.rate / alone.rate)
            longest_ms = max(longest_ms, meanwhile.longest_ms)
    bench.report.at_least("backup", ratios, SPEED_MIN)
    bench.report.at_least("backup-webhooks", shares, INGEST_MIN)
    bench.report.line("backup-longest-wait", f"{longest_ms:.0f} ms", f"required < {WAIT_MS_MAX}",
                      longest_ms < WAIT_MS_MAX)
