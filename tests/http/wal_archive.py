"""A second reader of the kept log, written from the documents alone, to compare the first with."""

import dataclasses
import gzip
import json
import pathlib
import sqlite3
import struct
import threading
import time

NOTE_AT = 24  # gzip's header, XLEN, the subfield's header, the member's length
FRAME_HEADER = 24


@dataclasses.dataclass
class Capture:
    """What was captured at once: what was committed before since is in it, what was after until is
    not; frames are (page number, page)."""

    since: float
    until: float
    frames: list
    database_pages: int
    page_size: int


class Generation:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.description = json.loads((self.path / "generation.json").read_text())
        self.base = gzip.decompress((self.path / "base.db.gz").read_bytes())

    def segments(self):
        return sorted(self.path.glob("*.wal.gz"))

    def captures(self):
        """All of them, oldest first."""
        return [capture for segment in self.segments() for capture in read_segment(segment)]

    def database(self, captures, target):
        """The database after these captures, as a file."""
        content = bytearray(self.base)
        for capture in captures:
            size = capture.page_size
            for number, page in capture.frames:
                end = number * size
                content.extend(bytes(max(0, end - len(content))))
                content[end - size:end] = page
            if capture.database_pages:
                del content[capture.database_pages * size:]
        target.write_bytes(content)
        return target


def read_segment(path):
    data = path.read_bytes()
    at = 0
    while at < len(data):
        if data[at:at + 2] != b"\x1f\x8b":
            break  # unfinished
        length = struct.unpack_from("<Q", data, at + 16)[0]
        captured_us, = struct.unpack_from(">Q", data, at + NOTE_AT)
        took_us, = struct.unpack_from(">I", data, at + NOTE_AT + 8 + 15 * 4)
        first, last, pages, page_size = struct.unpack_from(">4I", data, at + NOTE_AT + 12)
        plain = gzip.decompress(data[at:at + length])
        plain = plain[32:] if first == 1 and last >= first else plain
        frames = [(struct.unpack_from(">I", plain, i)[0],
                   plain[i + FRAME_HEADER:i + FRAME_HEADER + page_size])
                  for i in range(0, len(plain), FRAME_HEADER + page_size)]
        yield Capture((captured_us - took_us) / 1e6, captured_us / 1e6, frames, pages, page_size)
        at += length


def generations(home):
    return [Generation(path) for path in sorted((home / "backups" / "wal").glob("0*"))]


class Writer:
    """Commits numbered rows from another process's point of view, and knows when each was."""

    def __init__(self, path, filler=200):
        self.path, self.filler = path, filler
        self.times = {}  # number: (before its commit, after it)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS marks (mark INTEGER, filler TEXT)")
        connection.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _run(self):
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        while not self._ending.is_set():
            number = len(self.times) + 1
            before = time.time()
            connection.execute("INSERT INTO marks VALUES (?, ?)", (number, "x" * self.filler))
            self.times[number] = before, time.time()
            time.sleep(0.002)
        connection.close()


def marks_in(path):
    """The marks of a database that is sound."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        has = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'marks'").fetchone()
        return [mark for (mark,) in connection.execute(
            "SELECT mark FROM marks ORDER BY mark")] if has else []
    finally:
        connection.close()


def assert_true_to(writer, marks, since, until):
    """All that was committed before since is in them, and nothing that was after until."""
    there = range(1, len(marks) + 1)
    assert marks == list(there)
    for number, (before, after) in writer.times.items():
        assert number in there or after > since, f"{number} is missing"
        assert number not in there or before <= until, f"{number} is too early"


def assert_archive_is_true(home, writer, directory, every=1):
    """At each capture, or at some, the database is that of its time. Returns how many were seen."""
    seen = 0
    for generation in generations(home):
        captures = generation.captures()
        for count in range(1, len(captures) + 1, every):
            file = generation.database(captures[:count], directory / "then.db")
            assert_true_to(writer, marks_in(file), captures[count - 1].since, captures[count - 1].until)
            seen += 1
    return seen
