"""What the line in the log costs that each request leaves, beside the request itself."""

import os
import re
import statistics
import subprocess

import services

MAX_SHARE = 0.03
LINES = 200_000


def line_us(program, directory):
    """Microseconds of processor time for one line, written to a file."""
    log = directory / "access.log"
    text = subprocess.run([program, log, str(LINES)], check=True, capture_output=True,
                          text=True).stdout
    log.unlink()
    return float(re.search(r"line_ns=(\d+)", text).group(1)) / 1000


def access_log(bench, live):
    """The share of a line in all that the processors do for a request about nothing, which writes
    none: probes are logged when debugging only."""
    program = services.compile_with_core(bench.directory, "access_log")
    shares = []
    for _ in range(bench.effort.rounds):
        [rate] = bench.rates((bench.service, live))
        request_us = len(os.sched_getaffinity(0)) * 1e6 / rate
        line = line_us(program, bench.directory)
        bench.report.tell(f"a line {line:.2f} us, a request {request_us:.1f} us")
        shares.append(line / request_us)
    share = statistics.median(shares)
    bench.report.line("access-log", f"{100 * share:.1f} %", f"required < {100 * MAX_SHARE:.0f} %",
                      share < MAX_SHARE)
