"""kill -9 at every step of sending local data: the next process ends what was begun, once."""

import pytest

import faults
import local_data

FILES = {"a.txt": b"a", "b/c.txt": b"c"}
POINTS = ("data.claimed", "data.packed", "data.uploaded", "data.submitted")


@pytest.mark.parametrize("point", POINTS)
def test_data_is_sent_and_submitted_once(cloud, point):
    name = f"{point}-{cloud.front}-{bool(cloud.database_url)}"
    directory = local_data.make(cloud, FILES)
    with faults.armed(cloud, point):
        local_data.submit(cloud, local_data.entry(directory), config_name=name)
    local_data.let_claims_run_out(cloud)
    [job] = faults.named(cloud, name)
    job_id = job["job_id"]
    local_data.ended(cloud, job_id)
    assert local_data.upload(cloud, job_id)["done"]
    made = local_data.prediction(cloud, job_id)
    assert cloud.job(job_id)["external_id"] == made["id"]
    archive, _ = local_data.received(cloud, job_id)
    assert local_data.contents(archive) == {f"pictures/{path}": content
                                            for path, content in FILES.items()}
    assert local_data.left_behind(cloud) == []
