"""The page with ten thousand jobs: when something is painted, and when the jobs are there."""

import statistics
import time

import services  # noqa: F401  (finds the modules of the HTTP tests)
import scrape
import stack
from browser import Browser

JOBS = 10_000
PAINT_MS_MAX = 300
LOOK = """
await page.goto(args);
const jobs = await page.waitForFunction(() => document.querySelector("[data-job]")
  && performance.now());
return [await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime),
  await jobs.jsonValue()]
"""


def fill(service):
    """Straight into the database, as scrape.py does it with many more."""
    values = {"last": JOBS - 1, "active": scrape.ACTIVE, "now": int(time.time() * scrape.US),
              "step": 90 * 86400 * scrape.US // JOBS}
    head, rest = scrape.JOBS.split("\n    SELECT ", 1)
    service.change(f"{head} {scrape.SERIES['sqlite']} SELECT {rest}".format(**values))
    for sql in scrape.SUMS[:2]:
        service.change(sql)


def page(report, resources, rounds):
    """Each look is by a new visitor, who has nothing of the page yet."""
    service = resources.enter_context(
        stack.Stack("lighttpd", None, {"SIMPLETUNER_LOG_LEVEL": "INFO"}))
    service.reset()
    fill(service)
    browser = Browser()
    resources.callback(browser.close)
    browser.visit(service, "#/cloud")
    paints, lists = [], []
    for _ in range(rounds):
        browser.run("await tools.visit({})")
        paint, jobs = browser.run(LOOK, f"{service.url}/#/cloud")
        paints.append(paint)
        lists.append(jobs)
    paint = statistics.median(paints)
    report.line("page-first-paint", f"{paint:.0f} ms",
                f"required < {PAINT_MS_MAX} with {JOBS} jobs; they are there after "
                f"{statistics.median(lists):.0f} ms", paint < PAINT_MS_MAX)
