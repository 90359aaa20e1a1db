"""Databases that are copied: made, filled, looked into, and given to the companion."""

import contextlib
import json
import sqlite3
import subprocess

import psycopg2

from stack import COMPANION, base_environment, new_home, scratch_directory

OK, DIFFERENT, MISSING, NOT_READY, CONFIG = 0, 65, 66, 75, 78

# What texts and numbers may be: nothing of it may change on the way.
TEXTS = ("", " ", "\\N", "\\.", "a\tb\nc\rd\\e", "\x01\x7f\b\v", "näïve ✓ 𝄞", "'\"$1;--", "Z", "a",
         "_", "ä", "\ufffd", "x" * 600)
LONG = "long \\ \t ✓" * 100_000
NUMBERS = (0, -1, 2**63 - 1, -2**63, 1_700_000_000_000_000)


def connect(url):
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite://"))
    return psycopg2.connect(url)


def run(url, sql, *values):
    """Rows of a statement, if it has any; %s stands for a value."""
    if url.startswith("sqlite"):
        sql = sql.replace("%s", "?")
    with contextlib.closing(connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        rows = cursor.fetchall() if cursor.description else None
        connection.commit()
        return rows


def tables(url):
    return sorted(name for (name,) in run(url, "SELECT name FROM sqlite_master WHERE type = 'table'"
                                          if url.startswith("sqlite") else
                                          "SELECT tablename FROM pg_tables "
                                          "WHERE schemaname = 'public'"))


def contents(url):
    """Every row of every table, whatever the order they lie in. What tells the kinds of databases
    apart, the text of the migrations, is left out."""
    found = {}
    for table in tables(url):
        columns = "version, applied_at_us" if table == "schema_migrations" else "*"
        found[table] = sorted(map(repr, run(url, f'SELECT {columns} FROM "{table}"')))
    return found


def new_file():
    return f"sqlite://{scratch_directory('copy')}/copy.db"


class Copier:
    """The companion of a machine that has a database of its own kind, or none yet."""

    def __init__(self, database_url=None):
        self.home = new_home()
        self.env = base_environment(self.home)
        self.url = database_url or new_file()
        self.env["SIMPLETUNER_DATABASE_URL"] = self.url

    def run(self, *arguments, **env):
        return subprocess.run([COMPANION, *arguments], env=self.env | env, capture_output=True,
                              text=True, timeout=60)

    def made(self):
        """With a schema, and with rows that no other test has."""
        assert self.run("user", "add", "alice", "--no-password", "--admin").returncode == 0
        for number, text in enumerate(TEXTS):
            run(self.url, "INSERT INTO preferences (name, value) VALUES (%s, %s)", text, text)
            run(self.url, "INSERT INTO buckets (bucket, directory, files, bytes, created_at_us, "
                          "last_upload_at_us) VALUES (%s, %s, %s, %s, %s, NULL)",
                f"b{number}", text, number, NUMBERS[number % len(NUMBERS)], 1)
            run(self.url, "INSERT INTO objects (bucket, object_key, size_bytes, etag, sha256, "
                          "content_type, file_mtime_ns, modified_at_us) "
                          "VALUES (%s, %s, 1, '', '', '', 1, 1)", f"b{number}", f"{text}.")
        run(self.url, "INSERT INTO preferences (name, value) VALUES ('long', %s)", LONG)
        return self

    def copy(self, to, *arguments, **env):
        """The exit status and the answer as JSON, None when there is none."""
        result = self.run("copy", "--to", to, "--json", *arguments, **env)
        return result.returncode, json.loads(result.stdout) if result.stdout else None

    def refused(self, *arguments, **env):
        """The exit status and what was said of a copy that came to nothing."""
        result = self.run("copy", *arguments, **env)
        assert result.stdout == "", result.stdout
        return result.returncode, result.stderr
