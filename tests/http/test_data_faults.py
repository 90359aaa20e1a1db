"""kill -9 at each named point of sending local data: the next process ends what was begun, once."""

import contextlib
import sqlite3

import psycopg2
import pytest

import local_data
from replicate_sim import ReplicateSim
from responder import Responder
from stack import RESPONDER, scratch_directory
from waiting import until

POINTS = ("data.claimed", "data.packed", "data.uploaded", "data.submitted")
pytestmark = pytest.mark.skipif(
    RESPONDER.exists() and POINTS[0].encode() not in RESPONDER.read_bytes(),
    reason="the programs are built without --enable-fault-points")


@pytest.fixture
def sim():
    with ReplicateSim(scratch_directory("sim")) as account:
        yield account


@pytest.fixture(params=("sqlite", "postgresql"))
def responder(request, tmp_path, fleet, sim):
    """Not started; it may reach the provider and send data of its home."""
    url = fleet.database_url(request.param)
    program = Responder(tmp_path, {"REPLICATE_API_TOKEN": sim.token} | (
        {"SIMPLETUNER_DATABASE_URL": url} if url else {}))
    program.data_root = program.home / "data"
    program.env["SIMPLETUNER_DATA_ROOTS"] = str(program.data_root)
    yield program
    program.stop()


def let_claims_run_out(responder):
    url = responder.env.get("SIMPLETUNER_DATABASE_URL")
    connection = (psycopg2.connect(url) if url else
                  sqlite3.connect(responder.home / "config" / "cloud" / "jobs.db", timeout=10))
    connection.cursor().execute("UPDATE submissions SET claimed_until_us = 0")
    connection.commit()
    connection.close()


def job(responder, job_id):
    return responder.ask_json("GET", f"/api/cloud/jobs/{job_id}")[1]["job"]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_this_point_changes_nothing_in_the_end(responder, sim, point):
    responder.env["SIMPLETUNER_FAULT_POINT"] = point
    responder.start()
    responder.ask_json("PUT", "/api/cloud/providers/replicate",
                       {"api_base_url": sim.url, "ssl_ca_bundle": str(sim.ca_path)})
    directory = local_data.make(responder, {"a.txt": b"a", "b/c.txt": b"c"})
    with contextlib.suppress(ConnectionError):  # it may die before it has answered
        responder.ask_json("POST", "/api/cloud/jobs/submit", {
            "config": {"a": 1}, "data_consent": True,
            "dataloader_config": [local_data.entry(directory)]})
    until(lambda: responder.process.poll() is not None, 20, f"nothing happened at {point}")
    assert responder.process.returncode == -9

    del responder.env["SIMPLETUNER_FAULT_POINT"]
    let_claims_run_out(responder)
    responder.launch()
    until(responder.answers, 15, "the responder does not answer")
    [listed] = responder.ask_json("GET", "/api/cloud/jobs")[1]["jobs"]
    job_id = listed["job_id"]
    until(lambda: job(responder, job_id)["data_upload"]["done"], 30, "the data was not sent")
    [made] = sim.find_job(job_id)
    assert job(responder, job_id)["external_id"] == made["id"]
    archive = sim.file_contents[made["input"]["images"].rsplit("/", 1)[1]]
    assert local_data.contents(archive) == {"pictures/a.txt": b"a", "pictures/b/c.txt": b"c"}
    assert local_data.left_behind(responder) == []
