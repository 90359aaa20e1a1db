"""A database copied to one of the other kind and verified, against a loop that inserts row by row."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import tempfile
import time

import psycopg2

import services  # noqa: F401  (finds the modules of the HTTP tests)
from copies import Copier, new_file
from postgres import Cluster
from stack import COMPANION

RATIO_MIN = 5
LOOPED = 5_000
COLUMNS = "event_id, created_at_us, event, owner, job_id, data"
FILL = f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
    INSERT INTO events ({COLUMNS}) SELECT i, 1700000000000000 + i, 'job.updated',
    'user' || (i %% 20), '01job' || i, '{{"line": "{"x" * 120}"}}' FROM n"""


def copied_per_s(source, to):
    start = time.monotonic()
    done = subprocess.run([COMPANION, "copy", "--to", to, "--json"], env=source.env, check=True,
                          capture_output=True, text=True).stdout
    return json.loads(done)["rows"] / (time.monotonic() - start)


def looped_per_s(rows, connection, mark):
    """One statement and one commit for each row."""
    cursor = connection.cursor()
    sql = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join([mark] * 6)})"
    start = time.monotonic()
    for row in rows:
        cursor.execute(sql, row)
    return len(rows) / (time.monotonic() - start)


def compare(report, name, copied, looped):
    report.line(f"copy-to-{name}", f"{copied / looped:.1f}",
                f"required >= {RATIO_MIN}; copied and verified {copied:.0f} rows/s, a loop "
                f"{looped:.0f}", copied >= RATIO_MIN * looped)


def copy(report, resources, rows):
    pathlib.Path(tempfile.gettempdir()).chmod(0o711)  # PostgreSQL runs as another user
    cluster = Cluster().start()
    resources.callback(cluster.stop)
    source = Copier()
    subprocess.run([COMPANION, "migrate"], env=source.env, check=True, capture_output=True)
    path = source.url.removeprefix("sqlite://")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(FILL % rows)
        connection.commit()
        some = connection.execute(f"SELECT {COLUMNS} FROM events LIMIT {LOOPED}").fetchall()
    url, loop_url, back, loop_back = (cluster.new_database(), cluster.new_database(), new_file(),
                                      new_file())
    for made in (loop_url, loop_back):
        subprocess.run([COMPANION, "migrate"], check=True, capture_output=True,
                       env=source.env | {"SIMPLETUNER_DATABASE_URL": made})
    with contextlib.closing(psycopg2.connect(loop_url)) as connection:
        connection.autocommit = True
        compare(report, "postgresql", copied_per_s(source, url),
                looped_per_s(some, connection, "%s"))
    with contextlib.closing(sqlite3.connect(loop_back.removeprefix("sqlite://"),
                                            isolation_level=None)) as connection:
        compare(report, "sqlite", copied_per_s(Copier(url), back),
                looped_per_s(some, connection, "?"))
