"""The packages of js/package.json, installed once, into build/.

Write the lock file with "npm install --package-lock-only --omit-lockfile-registry-resolved".
"""

import fcntl
import pathlib
import shutil
import subprocess

from stack import REPO

JS_SOURCE = pathlib.Path(__file__).parent / "js"
JS_HOME = REPO / "build" / "js-clients"
INSTALL_TIMEOUT_S = 300


def install_js():
    """The packages and our programs, unless they are there. Two sessions do not do it at once."""
    JS_HOME.mkdir(parents=True, exist_ok=True)
    with open(JS_HOME / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (JS_SOURCE / "package-lock.json").read_bytes()
        stamp = JS_HOME / ".installed"
        if not stamp.exists() or stamp.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(JS_SOURCE / name, JS_HOME / name)
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--no-update-notifier"], cwd=JS_HOME,
                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=INSTALL_TIMEOUT_S)
            if done.returncode != 0:
                raise RuntimeError(f"npm cannot install the packages: {done.stderr[-2000:]}")
            stamp.write_bytes(wanted)
        for program in JS_SOURCE.glob("*.mjs"):
            shutil.copy(program, JS_HOME / program.name)
