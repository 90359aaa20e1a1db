"""Data sets of this machine: made below the service's data root, submitted, and read back from
what the provider received."""

import io
import json
import os
import pathlib
import shutil
import uuid
import zipfile

import expect
from waiting import until

CONSENT = "/api/cloud/data-consent/setting"
PREVIEW = "/api/cloud/data-consent/preview"


def make(cloud, files, name="pictures", parent=None):
    """A new directory `name` with these files, below a new directory of the data root."""
    root = (parent or cloud.data_root / uuid.uuid4().hex) / name
    root.mkdir(parents=True)
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def entry(directory, **more):
    return {"id": "pictures", "type": "local", "instance_data_dir": str(directory)} | more


def submit(cloud, *entries, **body):
    return cloud.submit(**{"dataloader_config": list(entries), "data_consent": True} | body)


def accepted(cloud, *entries, **body):
    """The id of a job that was taken and whose data is on the way."""
    answer = expect.ok(submit(cloud, *entries, **body))
    assert answer["status"] == "uploading" and answer["data_uploaded"] is False
    assert answer["external_id"] is None
    return answer["job_id"]


def upload(cloud, job_id):
    return cloud.job(job_id)["data_upload"]


def hold(cloud, job_id):
    """Wait until the provider has all the data of the job, and does not answer."""
    def held():
        return any(record["fault"] and job_id.encode() in record["body"]
                   for record in cloud.sim.requests_to("POST", "/v1/files"))
    until(held, 20, "the data does not reach the provider")


def let_claims_run_out(cloud):
    """As time does, for those that a dead process has left."""
    cloud.change("UPDATE submissions SET claimed_until_us = 0")


def ended(cloud, job_id, timeout_s=60):
    """Wait until nothing more is done with the data; the job as it is then."""
    until(lambda: upload(cloud, job_id)["stage"] in ("complete", "error"), timeout_s,
          "the submission does not end")
    return cloud.job(job_id)


def prediction(cloud, job_id):
    [made] = cloud.sim.find_job(job_id)
    return made


def received(cloud, job_id):
    """(archive bytes, the provider's record) of the data the job was submitted with."""
    url = prediction(cloud, job_id)["input"]["images"]
    file_id = url.rsplit("/", 1)[1]
    return cloud.sim.file_contents[file_id], cloud.sim.files[file_id]


def contents(archive):
    """{path: bytes} of a ZIP archive that is whole."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {info.filename: opened.read(info) for info in opened.infolist()}


def dataloader(cloud, job_id):
    return json.loads(prediction(cloud, job_id)["input"]["dataloader_json"])


def noise(size):
    """Bytes that do not get smaller."""
    return os.urandom(size)


def left_behind(cloud):
    """Files of packed data that are still there."""
    return [path for path in pathlib.Path(cloud.home, "run").glob("data-*")]


def remove(directory):
    shutil.rmtree(directory)
