#!/usr/bin/python3
"""Build and test everything, and count every single test: "./autogen.sh --check" ends here.

    tests/run.py [PART...]

Without a name all parts run, in the order of PARTS; a part that fails does not stop the others. The
last line is "N passed, N failed"; the exit status is 1 when any failed. Builds are kept in
build/check, so a second run only builds what has changed.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from concurrent.futures import ThreadPoolExecutor

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = SOURCE / "build" / "check"
CPUS = os.cpu_count() or 1
TAIL_LINES = 60
HTTP_TIMEOUT_S = 3600
PARTNERS = ["--with-redis", "--with-mysql", "--with-systemd"]
DEB_OPTIONS = f"nocheck noautodbgsym noopt parallel={CPUS + 1}"
CONFIGURATIONS = {
    "release": ["CC=gcc", "--enable-werror", *PARTNERS],
    "sanitizers": ["CC=gcc", "CFLAGS=-O1 -g", "--enable-werror", "--enable-sanitizers", *PARTNERS],
    "clang": ["CC=clang", "--enable-werror"],
    "faults": ["CC=gcc", "--enable-werror", "--enable-fault-points"],
}
INSTALLED = [
    "bin/simpletuner-cloud", "libexec/simpletuner-cloud/simpletuner-cloud.fcgi",
    "share/simpletuner-cloud/static/index.html", "share/doc/simpletuner-cloud/README.md",
    "share/doc/simpletuner-cloud/apache/simpletuner-cloud.conf",
    "share/doc/simpletuner-cloud/lighttpd/simpletuner-cloud.conf",
]


class Tally:
    """What has passed and what has not."""

    def __init__(self):
        self.passed = 0
        self.failed = []

    def add(self, name, ok, why=""):
        if ok:
            self.passed += 1
            return
        self.failed.append(name)
        print(f"FAILED {name}", flush=True)
        if why:
            print("    " + "\n    ".join(why.rstrip().splitlines()[-TAIL_LINES:]), flush=True)


def environment(**more):
    """Ours, without what the user may have set for make, the tests or the service."""
    foreign = re.compile(r"SIMPLETUNER_|REPLICATE_|MAKE|MFLAGS|(CDPATH|CC|(C|CPP|LD)FLAGS"
                         r"|(https?|no|all)_proxy)$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not foreign.match(name)}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"} | more


def run(command, cwd=SOURCE, timeout=None, **more):
    """(ok, output) of a command."""
    try:
        result = subprocess.run([str(word) for word in command], cwd=cwd, timeout=timeout,
                                env=environment(**more), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        return False, (late.stdout or b"").decode(errors="replace") + "\ntook too long"
    return result.returncode == 0, result.stdout.decode(errors="replace")


def make(name, *targets, **more):
    return run(["make", "-k", f"-j{CPUS + 1}", *targets], cwd=BUILD / name, **more)


def configure(name):
    """Make the Makefile of a configuration unless it is there and newer than ./configure."""
    directory = BUILD / name
    directory.mkdir(parents=True, exist_ok=True)
    made = directory / "config.status"
    if made.exists() and made.stat().st_mtime > (SOURCE / "configure").stat().st_mtime:
        return True, ""
    return run([SOURCE / "configure", "--quiet", *CONFIGURATIONS[name]], cwd=directory)


def build(tally, name):
    """Programs and test programs; the tests are not run."""
    ok, output = configure(name)
    if ok:
        ok, output = make(name, "all", "check", "TESTS=")
    tally.add(f"build: {name}", ok, output)


def build_release(tally):
    build(tally, "release")


def build_sanitizers(tally):
    build(tally, "sanitizers")


def build_clang(tally):
    build(tally, "clang")


def build_faults(tally):
    ok, output = configure("faults")
    if ok:
        ok, output = make("faults", "all")
    tally.add("build: faults", ok, output)


def cases_of(log):
    """(name, ok) of each case of a cmocka program: TAP lines, and cmocka's own form for a program
    whose tests forget the variable that asks for TAP because they clear the environment. Cmocka
    repeats what failed at the end, hence the dictionary."""
    tap = re.findall(r"^(not )?ok \d+ - (.+)$", log, re.MULTILINE)
    own = re.findall(r"^\[ +(?:OK|(FAILED)) +\] (\S+)$", log, re.MULTILINE)
    own = {name: not bad for bad, name in own}
    return [(name, not bad) for bad, name in tap] + list(own.items())


def count_cases(tally, program, log, ended_well):
    cases = cases_of(log)
    for case, ok in cases:
        tally.add(f"{program}: {case}", ok, "" if ok else log)
    if not ended_well and all(ok for _, ok in cases):
        tally.add(f"{program}: ends well", False, log)
    if ended_well and not cases:
        tally.add(f"{program}: has cases", False, log)


def c_tests(tally):
    """The cmocka programs under the sanitizers; the store's run on both databases."""
    _, output = make("sanitizers", "check", CMOCKA_MESSAGE_OUTPUT="TAP",
                     UBSAN_OPTIONS="print_stacktrace=1")
    results = sorted((BUILD / "sanitizers" / "tests").glob("*/test_*.trs"))
    for result in results:
        program = str(result.relative_to(BUILD / "sanitizers").with_suffix(""))
        log = result.with_suffix(".log").read_text(errors="replace")
        count_cases(tally, program, log, ":test-result: PASS" in result.read_text())
    if not results:
        tally.add("C tests: there are some", False, output)


def count_verdicts(tally, output):
    """PASS: and FAIL: lines, with the findings that stand before a FAIL."""
    findings = []
    for line in output.splitlines():
        if line.startswith(("PASS: ", "FAIL: ")):
            tally.add(line[6:], line.startswith("PASS"), "\n".join(findings))
            findings = []
        elif line.startswith("    "):
            findings.append(line.strip())
    return len(re.findall(r"^(PASS|FAIL): ", output, re.MULTILINE))


def style(tally):
    ok, output = make("release", "check-style")
    if not count_verdicts(tally, output):
        tally.add("style: the checks run", ok, output or "no verdict")


def fronts(tally):
    ok, output = run(["bash", "tests/check-fronts.sh"])
    if not count_verdicts(tally, output):
        tally.add("fronts: the checks run", ok, output or "no verdict")


def fuzz(tally):
    """The parsers of strangers' input, a minute each."""
    ok, output = run(["/usr/bin/python3", "tests/fuzz/run.py", "--build", BUILD / "fuzz"])
    if not count_verdicts(tally, output):
        tally.add("fuzz: the harnesses run", ok, output or "no verdict")


def clang_tidy(tally):
    """One test a file."""
    _, flags = run(["pkg-config", "--cflags", "libcurl", "libpq", "sqlite3", "jansson", "openssl",
                    "expat", "zlib", "hiredis", "libmariadb", "yaml-0.1", "libsystemd"])
    arguments = ["--", "-std=gnu17", "-D_GNU_SOURCE", "-DWITH_REDIS", "-DWITH_MYSQL",
                 "-DWITH_SYSTEMD", "-I.", '-DPACKAGE_VERSION="0"', '-DRELEASE_DATE="0"',
                 *flags.split()]
    files = sorted(str(file.relative_to(SOURCE)) for folder in ("core", "fcgi")
                   for file in (SOURCE / folder).rglob("*.c")
                   if file.name != "migrations_embedded.c")
    with ThreadPoolExecutor(CPUS) as pool:
        results = pool.map(lambda file: run(["clang-tidy", "--quiet", file, *arguments]), files)
        for file, (ok, output) in zip(files, results):
            tally.add(f"clang-tidy: {file}", ok, output)


def run_pytest(paths, configuration, report):
    """(ok, output) of pytest against a build; it chooses front servers and databases itself."""
    return run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                f"--junitxml={report}", *paths], timeout=HTTP_TIMEOUT_S,
               SIMPLETUNER_BUILD=str(BUILD / configuration))


def count_pytest(tally, name, report, ok, output):
    cases = xml.etree.ElementTree.parse(report).iter("testcase") if report.exists() else []
    seen = failures = 0
    for case in cases:
        if case.find("skipped") is not None:
            print(f"skipped {case.get('classname')}: {case.get('name')}", flush=True)
            continue
        seen += 1
        bad = [part for part in case if part.tag in ("failure", "error")]
        failures += len(bad) > 0
        tally.add(f"{case.get('classname')}: {case.get('name')}", not bad,
                  "\n".join(part.text or "" for part in bad))
    if not seen or (not ok and not failures):
        tally.add(f"{name}: pytest runs", False, output)


def shares(folder, count):
    """The test files of a folder in shares of about the same size."""
    lists = [[] for _ in range(count)]
    files = sorted((SOURCE / folder).glob("test_*.py"), key=lambda file: -file.stat().st_size)
    for file in files:
        share = min(lists, key=lambda names: sum((SOURCE / name).stat().st_size for name in names))
        share.append(str(file.relative_to(SOURCE)))
    return [sorted(names) for names in lists if names]


def pytest(tally, folder, configuration, at_once=1):
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(at_once) as pool:
        runs = [(pathlib.Path(directory, f"report-{number}.xml"), names)
                for number, names in enumerate(shares(folder, at_once))]
        results = [pool.submit(run_pytest, names, configuration, report)
                   for report, names in runs]
        for (report, _), result in zip(runs, results):
            count_pytest(tally, folder, report, *result.result())


def http(tally):
    """Much of the time is spent waiting, for starts and timeouts: several at once."""
    pytest(tally, "tests/http", "release", at_once=CPUS + 1)


def faults(tally):
    """Programs that die at named points."""
    pytest(tally, "tests/faults", "faults", at_once=CPUS)


def install(tally):
    """make install puts everything where its users look for it."""
    with tempfile.TemporaryDirectory() as directory:
        ok, output = make("release", "install", f"DESTDIR={directory}")
        prefix = pathlib.Path(directory, "usr/local")
        missing = [path for path in INSTALLED if not (prefix / path).is_file()]
        tally.add("install: make install DESTDIR=", ok and not missing,
                  output + "".join(f"missing: {path}\n" for path in missing))


def distcheck(tally):
    """The tarball is complete: it builds, installs and cleans up. Its tests are those of c_tests."""
    ok, output = make("release", "distcheck", "TESTS=")
    tally.add("distcheck", ok, output)


def package(tally):
    """The Debian package, and what it and make install do to a host."""
    ok, output = make("release", "deb", DEB_BUILD_OPTIONS=DEB_OPTIONS)
    tally.add("package: make deb", ok, output)
    pytest(tally, "tests/host", "release", at_once=2)


PARTS = {part.__name__: part for part in (
    build_release, build_sanitizers, build_clang, build_faults, style, fronts, c_tests, http, faults,
    fuzz, clang_tidy, install, distcheck, package)}


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"{unknown[0]}: no such part; there are {' '.join(PARTS)}")
    if (SOURCE / "config.status").exists():
        print("The source tree is configured in place, and automake refuses other builds beside it:"
              " run 'make distclean' first.", file=sys.stderr)
        sys.exit(69)
    if shutil.which("make") is None or not (SOURCE / "configure").exists():
        sys.exit("run ./autogen.sh --check instead: it installs and makes what is missing")
    tally = Tally()
    for name in names or PARTS:
        before, started = tally.passed + len(tally.failed), time.monotonic()
        print(f"== {name}", flush=True)
        PARTS[name](tally)
        count = tally.passed + len(tally.failed) - before
        print(f"   {count} in {time.monotonic() - started:.0f} s", flush=True)
    if tally.failed:
        print("\nFailed:\n    " + "\n    ".join(tally.failed))
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
