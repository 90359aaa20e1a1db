"""The doctor run as operators run it, and its findings."""

import json
import subprocess

from stack import COMPANION, base_environment

LEVELS = ("ok", "note", "warning", "error")
ERRORS_FOUND = 65


class Findings:
    """What a run of the doctor says; every run is held to the form that scripts rely on."""

    def __init__(self, result):
        assert result.stdout, result.stderr
        self.report = json.loads(result.stdout)
        self.all = self.report["findings"]
        assert set(self.report) == {"version", "status", "errors", "warnings", "notes",
                                    "took_seconds", "findings"}
        for finding in self.all:
            assert set(finding) == {"check", "group", "level", "found", "command"}
            assert finding["level"] in LEVELS and finding["found"]
            assert finding["level"] in ("ok", "note") or finding["command"], finding
        assert self.report["errors"] == len(self.of("error"))
        assert result.returncode == (ERRORS_FOUND if self.of("error") else 0), result.stderr

    def of(self, *levels, check=None):
        return [finding for finding in self.all if finding["level"] in levels
                and check in (None, finding["check"])]

    def one(self, level, check, mention):
        """The finding of this level that mentions something."""
        found = [finding for finding in self.of(level, check=check)
                 if mention in finding["found"]]
        assert len(found) == 1, f"{level} {check} {mention!r}: {self.of(*LEVELS, check=check)}"
        return found[0]

    def troubles(self):
        return self.of("warning", "error")


def examine(env, *arguments):
    return Findings(subprocess.run([COMPANION, "doctor", "--json", *arguments], env=env,
                                   capture_output=True, text=True, timeout=150))


def examine_home(home, only, **env):
    return examine(base_environment(home) | env, "--only", only)


def read_home(home, only, status, **env):
    """What people read; status: that it ends with."""
    result = subprocess.run([COMPANION, "doctor", "--only", only],
                            env=base_environment(home) | env, capture_output=True, text=True,
                            timeout=150)
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout
