"""Who is asking: what it costs to know, with many API keys."""

import hashlib
import re
import sqlite3
import statistics
import subprocess
import time

import services

KEYS, USERS = 10_000, 1_000
MAX_US = 50
CHECK = "/api/auth/check"  # answers little more than who asks


def fill(path):
    """Users of one level each, with ten keys each, all used a moment ago."""
    now_us = int(time.time() * 1e6)
    connection = sqlite3.connect(path, timeout=30)
    with connection:
        connection.executemany(
            "INSERT INTO users (user_id, username, username_key, auth_provider, created_at_us) "
            "VALUES (?, ?, ?, 'local', ?)",
            ((1000 + number, f"bench{number}", f"bench{number}", now_us)
             for number in range(USERS)))
        connection.execute(
            "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
            "SELECT user_id, 2, 'bench', created_at_us FROM users WHERE user_id >= 1000")
        connection.executemany(
            "INSERT INTO api_keys (key_id, user_id, name, prefix, key_sha256, created_at_us, "
            "last_used_at_us) VALUES (?, ?, 'bench', 'st_00000000', ?, ?, ?)",
            ((100_000 + number, 1000 + number % USERS,
              hashlib.sha256(f"st_{number:032d}".encode()).hexdigest(), now_us,
              now_us) for number in range(KEYS)))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def auth(bench):
    path = bench.directory / "auth.db"
    services.fill_database(path, 1)
    fill(path)
    program = services.compile_with_core(bench.directory, "auth")
    times = []
    for _ in range(bench.effort.rounds):
        text = subprocess.run([program, f"sqlite://{path}", str(KEYS), str(bench.effort.seconds)],
                              check=True, capture_output=True, text=True).stdout
        times.append(1e6 / float(re.search(r"auth=(\d+)", text).group(1)))
    bench.report.tell("; ".join(f"{us:.1f} us" for us in times))
    median = statistics.median(times)
    bench.report.line("auth", f"{median:.1f} us", f"required < {MAX_US}; {KEYS} keys",
                      median < MAX_US)


def live_with_key(bench, live):
    """A request that is all about who asks, beside one that is about nothing."""
    service = bench.resources.enter_context(services.Service())
    fill(service.home / "cloud.db")
    headers = {"X-API-Key": f"st_{7:032d}"}
    ratios, literal = [], []
    for _ in range(bench.effort.slices):
        bare, known, shown = bench.rates((service, live), (service, CHECK, headers),
                                         (service, live, headers))
        bench.report.tell(f"live {bare:.0f}/s, check with a key {known:.0f}/s, live with a key "
                          f"{shown:.0f}/s")
        ratios.append(known / bare)
        literal.append(shown / bare)
    bench.report.at_least("check-with-key", ratios, 0.7)
    bench.report.at_least("live-with-key", literal, 0.7)
