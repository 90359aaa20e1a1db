"""kill -9 while the log is kept: whatever was captured is true, and it goes on."""

import contextlib
import time

import pytest

import wal_archive
from responder import Responder
from waiting import until

POINTS = ("wal.unnoted", "wal.unsynced", "wal.segment_made", "wal.generation_made", "wal.stopped",
          "wal.backfilled", "wal.turned_over")
SOON_S = 20
LARGE = 50000  # bytes of a row: the log begins anew every second


@pytest.mark.parametrize("point", POINTS)
def test_what_was_captured_stays_true_and_capturing_goes_on(point, tmp_path):
    service = Responder(tmp_path, {"SIMPLETUNER_BACKUP_WAL": "1",
                                   "SIMPLETUNER_BACKUP_WAL_INTERVAL": "1"})
    service.env["SIMPLETUNER_FAULT_POINT"] = ""
    service.start()
    try:
        until(lambda: wal_archive.generations(service.home), SOON_S, "nothing is captured")
        with wal_archive.Writer(service.home / "config/cloud/jobs.db", filler=LARGE) as writer:
            kill(service)
            if point == "wal.generation_made":
                forget_generations(service)
            service.env["SIMPLETUNER_FAULT_POINT"] = point
            service.launch()
            until(lambda: service.process.poll() is not None, SOON_S, f"{point} was not reached")
            service.env["SIMPLETUNER_FAULT_POINT"] = ""
            service.launch()
            until(service.answers, 15, "the responder does not answer")
            wait_for_look(service)
            wait_for_look(service)
        assert wal_archive.assert_archive_is_true(service.home, writer, tmp_path, every=2) > 0
        assert not list((service.home / "backups" / "wal").glob(".new-*"))
    finally:
        kill(service)


def forget_generations(service):
    for generation in wal_archive.generations(service.home):
        (generation.path / "generation.json").unlink()


def wait_for_look(service):
    now = time.time()
    until(lambda: (service.home / "backups" / "wal" / "alive").stat().st_mtime > now, SOON_S,
          "nobody looks")


def kill(service):
    with contextlib.suppress(ProcessLookupError):
        service.process.kill()
    service.process.wait()
