"""What limits cost: a check in shared memory, and a request that is counted beside one that is not."""

import re
import statistics
import subprocess

import services

CHECK = "/api/auth/check"  # answers little more than who asks
MAX_US = 1
TOGETHER_PER_S = 3_000_000
FAR_CLIENTS = """
local count = 0
request = function()
        count = count + 1
        local from = "203.0." .. math.floor(count / 250) % 4 .. "." .. count % 250
        return wrk.format("GET", nil, {["X-Forwarded-For"] = from})
end
"""


def checks(bench):
    """The limiter alone: one thread, two threads, two processes."""
    program = services.compile_with_core(bench.directory, "limiter")
    rates = []
    for _ in range(bench.effort.rounds):
        text = subprocess.run([program, bench.directory, str(bench.effort.seconds)], check=True,
                              capture_output=True, text=True).stdout
        rates.append({name: float(value) for name, value in re.findall(r"(\w+)=(\d+)", text)})
        bench.report.tell(f"checks/s: {text.strip()}")
    one_us = 1e6 / statistics.median(rate["one"] for rate in rates)
    bench.report.line("limit-check", f"{one_us:.2f} us", f"required < {MAX_US}", one_us < MAX_US)
    for name in ("threads", "processes"):
        rate = statistics.median(rate[name] for rate in rates)
        bench.report.line(f"limit-check-{name}", f"{rate / 1e6:.1f} million/s",
                          f"required >= {TOGETHER_PER_S / 1e6:.0f}; two", rate >= TOGETHER_PER_S)


def requests_per_s(bench, service):
    """What wrk gets as a thousand far clients. Every answer must be a good one."""
    script = bench.directory / "far-clients.lua"
    script.write_text(FAR_CLIENTS)
    done = subprocess.run(["wrk", "-t1", "-c32", f"-d{bench.effort.seconds}s", f"-s{script}",
                           service.url + CHECK], check=True, capture_output=True, text=True).stdout
    if re.search(r"Non-2xx|Socket errors", done):
        raise RuntimeError(f"wrk saw failures:\n{done}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done).group(1))


def requests(bench):
    """The same request with a limit that is never reached, and with none."""
    limited = bench.resources.enter_context(services.Service(
        {"RATE_LIMIT_CALLS": "10000", "RATE_LIMIT_PERIOD": "1"}))
    free = bench.resources.enter_context(services.Service({"RATE_LIMIT_CALLS": "0"}))
    ratios = []
    for _ in range(bench.effort.slices):
        bench.quiet()
        counted = requests_per_s(bench, limited)
        bench.quiet()
        bare = requests_per_s(bench, free)
        bench.report.tell(f"counted {counted:.0f}/s, not counted {bare:.0f}/s")
        ratios.append(counted / bare)
    bench.report.at_least("limited-request", ratios, 0.95)


def limiter(bench):
    checks(bench)
    requests(bench)
