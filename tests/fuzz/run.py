#!/usr/bin/python3
"""Feed the parsers of strangers' input with what libFuzzer thinks of.

    tests/fuzz/run.py [--build DIR] [--seconds N] [NAME...]

Each tests/fuzz/fuzz_NAME.c is linked with the project's libraries, built by clang with sanitizers,
and runs for so many seconds, two at a time. It starts from tests/fuzz/corpus/NAME/ and knows the
words of tests/fuzz/NAME.dict, where there are such. One line for each: "PASS: fuzz: NAME", or
"FAIL: fuzz: NAME" after what was found; the input that found it is kept in DIR.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
AT_A_TIME = 2
TAIL_LINES = 60
GRACE_S = 120  # for reading the corpus, and for a last input that hangs
LIBRARIES = ["fcgi/libresponder.a", "libcore.a"]
PACKAGES = ["libcurl", "libpq", "sqlite3", "jansson", "openssl", "expat", "zlib"]
LIMITS = ["-max_len=65536", "-timeout=10", "-rss_limit_mb=2048"]


def run(command, cwd, timeout=None):
    """(ok, output) of a command."""
    try:
        result = subprocess.run([str(word) for word in command], cwd=cwd, timeout=timeout,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired as late:
        return False, (late.stdout or b"").decode(errors="replace") + "\ntook too long"
    return result.returncode == 0, result.stdout.decode(errors="replace")


def verdict(name, ok, output):
    if not ok:
        for line in output.rstrip().splitlines()[-TAIL_LINES:]:
            print("    " + line)
    print(f"{'PASS' if ok else 'FAIL'}: fuzz: {name}", flush=True)
    return ok


def build_libraries(build):
    build.mkdir(parents=True, exist_ok=True)
    made, ok, output = build / "config.status", True, ""
    if not made.exists() or made.stat().st_mtime < (SOURCE / "configure").stat().st_mtime:
        ok, output = run([SOURCE / "configure", "--quiet", "CC=clang", "--enable-sanitizers",
                          "CFLAGS=-O1 -g -fsanitize=fuzzer-no-link"], build)
    if ok:
        ok, output = run(["make", "--silent", f"-j{os.cpu_count() or 1}", *LIBRARIES], build)
    return ok, output


def build_one(build, name):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *PACKAGES], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    return run(["clang", "-std=gnu17", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror",
                "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined",
                f"-I{SOURCE}", HERE / f"fuzz_{name}.c", "-o", f"fuzz_{name}", *LIBRARIES, *flags,
                "-lfcgi", "-lm", "-pthread"], build)


def fuzz(build, name, seconds):
    """(ok, output) of one harness. What it thinks of is thrown away: seeds are chosen by hand."""
    ok, output = build_one(build, name)
    if not ok:
        return ok, output
    dictionary, seeds = HERE / f"{name}.dict", HERE / "corpus" / name
    with tempfile.TemporaryDirectory() as corpus:
        ok, output = run([build / f"fuzz_{name}", *LIMITS, f"-max_total_time={seconds}",
                          f"-artifact_prefix={build}/{name}-",
                          *([f"-dict={dictionary}"] if dictionary.exists() else []),
                          corpus, *([seeds] if seeds.is_dir() else [])],
                         build, seconds + GRACE_S)
    return ok and re.search(r"^Done [1-9]", output, re.MULTILINE) is not None, output


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build" / "fuzz")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    names = arguments.names or sorted(file.stem.removeprefix("fuzz_")
                                      for file in HERE.glob("fuzz_*.c"))
    ok, output = build_libraries(build)
    if not ok:
        verdict("the libraries are built", ok, output)
        return 1
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        results = pool.map(lambda name: fuzz(build, name, arguments.seconds), names)
        verdicts = [verdict(name, *result) for name, result in zip(names, results)]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
