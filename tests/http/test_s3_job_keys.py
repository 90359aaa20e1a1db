"""The S3 keys of jobs: their own bucket, while they run, and nothing else."""

import threading

import pytest

import s3_signer
import s3_tools
from s3_signer import UNSIGNED, refused
from s3_tools import MiB, STORAGE, STRANGER


def job_signer(cloud, job):
    return s3_signer.Signer(cloud, job.env["AWS_ACCESS_KEY_ID"], job.env["AWS_SECRET_ACCESS_KEY"])


def test_a_job_signs_with_the_pair_it_was_given(cloud, job):
    assert job.env["AWS_ENDPOINT_URL_S3"] == cloud.url + STORAGE
    assert (job.env["S3_BUCKET"], job.env["AWS_ACCESS_KEY_ID"]) == (job.job_id, job.token)
    signer = job_signer(cloud, job)
    assert signer.request("PUT", job.storage("dir/a"), b"x", headers=STRANGER).status == 200
    assert signer.ask("GET", signer.presign("GET", job.storage("dir/a"))).body == b"x"
    s3 = s3_tools.boto3_client(job.env["AWS_ENDPOINT_URL_S3"], job.env["AWS_ACCESS_KEY_ID"],
                               job.env["AWS_SECRET_ACCESS_KEY"])
    assert s3_tools.all_keys(s3, job.job_id) == ["dir/a"]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [job.job_id]


def test_the_token_alone_is_no_secret(cloud, job):
    signer = s3_signer.Signer(cloud, job.token, job.token)
    refused(signer.request("PUT", job.storage("a"), b"x"), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("method, path", [
    ("PUT", "a"), ("GET", "a"), ("HEAD", "a"), ("DELETE", "a"), ("GET", ""), ("POST", "a?uploads"),
    ("GET", "?uploads"), ("POST", "?delete"), ("DELETE", ""), ("PUT", ""), ("GET", "?location")])
def test_another_jobs_bucket_is_closed(cloud, job, method, path):
    other = cloud.new_job()
    assert cloud.upload(other, "a", b"theirs").status_code == 200
    target = other.storage() + ("/" if path and path[0] != "?" else "") + path
    answer = job_signer(cloud, job).request(method, target)
    assert answer.status == 403, answer
    if method != "HEAD":
        assert s3_signer.error_fields(answer)["Code"] == "AccessDenied"
    assert cloud.get(other.storage("a")).content == b"theirs"


def test_nothing_is_copied_out_of_another_jobs_bucket(cloud, job):
    other = cloud.new_job()
    cloud.upload(other, "a", b"theirs")
    answer = job_signer(cloud, job).request(
        "PUT", job.storage("stolen"), headers={"x-amz-copy-source": f"{other.job_id}/a"})
    refused(answer, 403, "AccessDenied")
    assert cloud.get(job.storage("stolen")).status_code == 404


def test_a_job_makes_no_buckets(cloud, job):
    refused(job_signer(cloud, job).request("PUT", f"{STORAGE}/brand-new"), 403, "AccessDenied")
    refused(job_signer(cloud, job).request("DELETE", job.storage()), 403, "AccessDenied")


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled"])
def test_the_pair_dies_with_the_job_in_the_middle_of_an_upload(cloud, job, end):
    signer = job_signer(cloud, job)
    answer = signer.request("POST", job.storage("big") + "?uploads")
    upload_id = answer.body.decode().partition("<UploadId>")[2].partition("<")[0]
    part = f"{job.storage('big')}?partNumber={{}}&uploadId={upload_id}"
    answer = signer.request("PUT", part.format(1), b"first")
    assert answer.status == 200, answer.body
    target = signer.presign("PUT", job.storage("late"))
    cloud.sim.advance(job.prediction_id, end)
    cloud.settle()
    refused(signer.request("PUT", part.format(2), b"next"), 403, "InvalidAccessKeyId")
    listing = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"
               f"{answer.headers['ETag']}</ETag></Part></CompleteMultipartUpload>").encode()
    upload = f"{job.storage('big')}?uploadId={upload_id}"
    refused(signer.request("POST", upload, listing), 403, "InvalidAccessKeyId")
    refused(signer.request("GET", upload), 403, "InvalidAccessKeyId")
    refused(signer.request("DELETE", upload), 403, "InvalidAccessKeyId")
    refused(signer.ask("PUT", target, b"x"), 403, "InvalidAccessKeyId")
    assert cloud.get(job.storage("big")).status_code == 404


@pytest.mark.parametrize("kind", ["object", "part"])
def test_a_body_that_is_on_its_way_at_the_jobs_end_is_refused(cloud, job, kind):
    signer = job_signer(cloud, job)
    target = job.storage("slow")
    if kind == "part":
        answer = signer.request("POST", target + "?uploads")
        target += "?partNumber=1&uploadId=" + answer.body.decode().partition(
            "<UploadId>")[2].partition("<")[0]
    headers = signer.headers("PUT", target, UNSIGNED)
    half = threading.Event()
    ended = threading.Event()

    def body():
        yield bytes(2 * MiB)
        half.set()
        ended.wait(20)
        yield bytes(2 * MiB)

    def end():
        half.wait(20)
        cloud.sim.advance(job.prediction_id, "succeeded")
        cloud.settle()
        ended.set()

    ender = threading.Thread(target=end)
    ender.start()
    answer = cloud.put(target, data=Sized(body(), 4 * MiB), headers=headers)
    ender.join()
    assert answer.status_code == 403, answer.text
    assert "<Code>AccessDenied</Code>" in answer.text
    assert cloud.get(job.storage("slow")).status_code == 404
    cloud.rest()  # the results are fetched by the same way
    assert not list((cloud.home / "outputs" / ".incoming").glob("*"))


class Sized:
    """A body whose length is known before it is there."""

    def __init__(self, pieces, size):
        self.pieces, self.size = pieces, size

    def __len__(self):
        return self.size

    def __iter__(self):
        return self.pieces
