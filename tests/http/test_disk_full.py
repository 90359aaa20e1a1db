"""The disk fills up under the database and the outputs: our fault is said as such, nothing
acknowledged is lost, and nothing needs a restart once there is room again."""

import expect
import wal_archive
from responder import Responder
from small_disk import fill
from waiting import until

def test_a_full_disk_is_our_fault_and_heals_by_itself(new_stack, small_disk):
    cloud = new_stack({"SIMPLETUNER_DATABASE_URL": f"sqlite://{small_disk}/cloud.db",
                       "SIMPLETUNER_MIN_FREE_BYTES": "65536"})
    cloud.configure(s3_output_path=str(small_disk / "outputs"))
    job, other = cloud.new_job(), cloud.new_job()
    assert cloud.upload(job, "before.bin", b"kept").status_code == 200
    made = len(cloud.sim.predictions())
    fill(small_disk)

    expect.error(cloud.get("/api/cloud/health/ready"), 503)
    assert cloud.upload(job, "during.bin", bytes(1 << 20)).status_code in (503, 507)
    assert cloud.submit(config_name="no room").status_code == 503
    assert len(cloud.sim.predictions()) == made, "paid for without a row"
    delivery = cloud.sim.advance(other.prediction_id, "succeeded", wait_s=0)
    until(lambda: delivery.attempts, 30, "no attempt was made")
    assert delivery.attempts[0]["status"] == 503
    assert expect.ok(cloud.get("/api/cloud/health/live")) == {"status": "ok"}

    (small_disk / "ballast").unlink()
    until(cloud.is_ready, 30, "the service does not recover")
    until(delivery.done.is_set, 60, "the sender gave up")
    assert delivery.status == 200
    until(lambda: cloud.get(f"/api/cloud/jobs/{other.job_id}").json()["job"]["status"]
          == "completed", 10, "the webhook was not applied")
    assert cloud.get(job.storage("before.bin")).content == b"kept"
    assert cloud.get(job.storage("during.bin")).status_code == 404
    assert cloud.submit(config_name="room again").status_code == 200


def test_without_space_the_log_is_not_kept_and_with_it_goes_on_without_a_gap(small_disk, tmp_path):
    service = Responder(tmp_path, {"SIMPLETUNER_BACKUP_WAL": "1",
                                   "SIMPLETUNER_BACKUP_WAL_INTERVAL": "1",
                                   "SIMPLETUNER_BACKUP_DIR": str(small_disk / "backups")})
    service.start()
    try:
        until(lambda: wal_archive.generations(small_disk), 20, "nothing is kept")
        alive = small_disk / "backups" / "wal" / "alive"
        with wal_archive.Writer(service.home / "config/cloud/jobs.db") as writer:
            fill(small_disk)
            until(lambda: "no space left for the archive" in service.log(), 20, "nothing is said")
            looked, count = alive.stat().st_mtime, len(writer.times)
            until(lambda: len(writer.times) > count + 100, 20, "nobody can write")
            assert alive.stat().st_mtime == looked, "more is claimed than is kept"
            assert service.ask_json("GET", "/api/cloud/jobs")[0] == 200
            (small_disk / "ballast").unlink()
            until(lambda: alive.stat().st_mtime > looked, 20, "it does not go on")
        assert wal_archive.assert_archive_is_true(small_disk, writer, tmp_path) >= 2
        assert len(wal_archive.generations(small_disk)) == 1
    finally:
        service.process.kill()
        service.process.wait()
