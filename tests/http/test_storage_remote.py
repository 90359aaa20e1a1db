"""Objects whose bytes are in another S3 store: they behave as those in files do."""

import concurrent.futures
import hashlib
import os

import botocore.exceptions
import pytest

import expect
import test_archive
from remote_stores import STORAGE, OwnStore, S3rver, s3_client_of
from stack import Stack
from waiting import until

MiB = 1 << 20
MINE = "my-bucket"
STORES = {"own": OwnStore, "s3rver": S3rver}


@pytest.fixture(scope="module", params=STORES)
def store(request):
    store = STORES[request.param]()
    yield store
    store.stop()


@pytest.fixture(scope="module")
def near(store):
    """The service with its objects in the store."""
    with Stack("lighttpd", None, store.settings() | {"SIMPLETUNER_HTTP_TIMEOUT": "5"}) as stack:
        stack.reset()
        stack.s3 = s3_client_of(stack)
        stack.s3.create_bucket(Bucket=MINE)
        yield stack


@pytest.fixture
def s3(near, store):
    """An empty bucket before each test."""
    store.revive()
    for row in near.s3.list_objects_v2(Bucket=MINE).get("Contents", []):
        near.s3.delete_object(Bucket=MINE, Key=row["Key"])
    return near.s3


def read(s3, key, **options):
    return s3.get_object(Bucket=MINE, Key=key, **options)["Body"].read()


def keys(s3):
    return [row["Key"] for row in s3.list_objects_v2(Bucket=MINE).get("Contents", [])]


def code(call, **arguments):
    """S3's word for why a call fails, and its status."""
    with pytest.raises(botocore.exceptions.ClientError) as failure:
        call(**arguments)
    answer = failure.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def files(near):
    return [path for path in (near.home / "outputs").rglob("*") if path.is_file()]


def sweep(near):
    """What is due, and what will be."""
    near.change("UPDATE remote_leftovers SET due_at_us = 1")
    done = near.companion("cron", "--task", "sweep_uploads")
    assert done.returncode == 0, done.stderr
    assert near.query("SELECT url FROM remote_leftovers") == []


def in_threads(calls):
    """Run them all at once; the first failure is the test's."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 256 * 1024 + 1, 3 * MiB + 7])
def test_what_is_put_is_got(store, near, s3, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=MINE, Key="a/model.bin", Body=body, Metadata={"step": "7"})
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=MINE, Key="a/model.bin")
    assert got["Body"].read() == body
    assert (got["ETag"], got["Metadata"]) == (put["ETag"], {"step": "7"})
    assert s3.head_object(Bucket=MINE, Key="a/model.bin")["ContentLength"] == size
    [name] = store.names(MINE)
    assert name.startswith(f"a/prefix/{MINE}/a/model.bin.")
    assert files(near) == []


def test_ranges_are_cut_by_the_store(s3):
    body = os.urandom(2 * MiB)
    s3.put_object(Bucket=MINE, Key="r", Body=body)
    for text, expected in (("bytes=0-1", body[:2]), ("bytes=5-1048580", body[5:1048581]),
                           ("bytes=-7", body[-7:]), ("bytes=2097151-", body[-1:])):
        assert read(s3, "r", Range=text) == expected
    assert code(s3.get_object, Bucket=MINE, Key="r", Range="bytes=2097152-") == (
        "InvalidRange", 416)
    several = read(s3, "r", Range="bytes=0-9,100-109")
    assert body[:10] in several and body[100:110] in several


def test_odd_keys_keep_their_names(s3):
    odd = ["a//b", "dir/", "/a", "a b+c&d=e?f#g", "é/ü", ".hidden/.x",
           "x" * 255 + "/" + "y" * 255]
    for key in odd:
        s3.put_object(Bucket=MINE, Key=key, Body=key.encode())
    assert sorted(keys(s3)) == sorted(odd)
    for key in odd:
        assert read(s3, key) == key.encode()


def test_a_file_may_have_the_name_of_a_directory(s3):
    s3.put_object(Bucket=MINE, Key="a", Body=b"1")
    s3.put_object(Bucket=MINE, Key="a/b", Body=b"2")
    assert (read(s3, "a"), read(s3, "a/b")) == (b"1", b"2")


def test_nothing_is_left_of_what_is_replaced_or_deleted(store, near, s3):
    s3.put_object(Bucket=MINE, Key="k", Body=b"old")
    s3.put_object(Bucket=MINE, Key="k", Body=b"new")
    assert read(s3, "k") == b"new"
    assert len(store.names(MINE)) == 1
    s3.delete_object(Bucket=MINE, Key="k")
    assert code(s3.get_object, Bucket=MINE, Key="k") == ("NoSuchKey", 404)
    assert store.names(MINE) == [] and keys(s3) == []
    assert near.query("SELECT url FROM remote_leftovers") == []


def test_readers_see_one_of_the_writers_whole(store, near, s3):
    s3.put_object(Bucket=MINE, Key="k", Body=b"first")
    failures = []

    def write(number):
        for turn in range(8):
            s3.put_object(Bucket=MINE, Key="k", Body=bytes([number, turn]) * 150_000)

    def look():
        for _ in range(12):
            got = s3.get_object(Bucket=MINE, Key="k")
            if got["ETag"] != f'"{hashlib.md5(got["Body"].read()).hexdigest()}"':
                failures.append(got)

    in_threads([lambda: write(1), lambda: write(2), look, look, look])
    assert failures == []
    sweep(near)
    assert len(store.names(MINE)) == 1


def test_the_store_copies_by_itself(store, s3):
    body = os.urandom(MiB)
    s3.put_object(Bucket=MINE, Key="from", Body=body, Metadata={"a": "b"})
    s3.copy_object(Bucket=MINE, Key="to", CopySource={"Bucket": MINE, "Key": "from"})
    s3.delete_object(Bucket=MINE, Key="from")
    got = s3.get_object(Bucket=MINE, Key="to")
    assert (got["Body"].read(), got["Metadata"]) == (body, {"a": "b"})
    s3.copy_object(Bucket=MINE, Key="to", CopySource={"Bucket": MINE, "Key": "to"},
                   Metadata={"c": "d"}, MetadataDirective="REPLACE")
    got = s3.get_object(Bucket=MINE, Key="to")
    assert (got["Body"].read(), got["Metadata"]) == (body, {"c": "d"})
    assert len(store.names(MINE)) == 1


def upload_parts(s3, key, parts):
    upload_id = s3.create_multipart_upload(Bucket=MINE, Key=key)["UploadId"]
    return upload_id, [
        {"PartNumber": number, "ETag": s3.upload_part(
            Bucket=MINE, Key=key, UploadId=upload_id, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, 1)]


def test_parts_are_passed_through_and_put_together_there(store, near, s3):
    parts = [os.urandom(8 * MiB), os.urandom(8 * MiB), os.urandom(4 * MiB)]
    upload_id, named = upload_parts(s3, "big", parts)
    assert [part["ETag"] for part in named] == [
        f'"{hashlib.md5(part).hexdigest()}"' for part in parts]
    assert keys(s3) == [] and files(near) == []
    done = s3.complete_multipart_upload(Bucket=MINE, Key="big", UploadId=upload_id,
                                        MultipartUpload={"Parts": named})
    sums = b"".join(hashlib.md5(part).digest() for part in parts)
    assert done["ETag"] == f'"{hashlib.md5(sums).hexdigest()}-3"'
    assert read(s3, "big") == b"".join(parts)
    assert read(s3, "big", Range="bytes=8388600-8388615") == parts[0][-8:] + parts[1][:8]
    assert read(s3, "big", PartNumber=3) == parts[2]
    assert len(store.names(MINE)) == 1
    again = s3.complete_multipart_upload(Bucket=MINE, Key="big", UploadId=upload_id,
                                         MultipartUpload={"Parts": named})
    assert again["ETag"] == done["ETag"]


def test_a_part_may_be_sent_again_and_left_out(s3):
    first, last = os.urandom(5 * MiB), b"last"
    upload_id, named = upload_parts(s3, "p", [b"x" * (5 * MiB), os.urandom(5 * MiB), last])
    named[0]["ETag"] = s3.upload_part(Bucket=MINE, Key="p", UploadId=upload_id, PartNumber=1,
                                      Body=first)["ETag"]
    s3.complete_multipart_upload(Bucket=MINE, Key="p", UploadId=upload_id,
                                 MultipartUpload={"Parts": [named[0], named[2]]})
    assert read(s3, "p") == first + last


def test_a_part_is_copied_from_an_object(s3):
    body = os.urandom(6 * MiB)
    s3.put_object(Bucket=MINE, Key="from", Body=body)
    upload_id = s3.create_multipart_upload(Bucket=MINE, Key="c")["UploadId"]
    part = s3.upload_part_copy(Bucket=MINE, Key="c", UploadId=upload_id, PartNumber=1,
                               CopySource={"Bucket": MINE, "Key": "from"},
                               CopySourceRange="bytes=3-6291455")
    s3.complete_multipart_upload(
        Bucket=MINE, Key="c", UploadId=upload_id, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
    assert read(s3, "c") == body[3:]


def test_an_aborted_upload_is_aborted_there(near, s3):
    upload_id, _ = upload_parts(s3, "gone", [b"x" * MiB])
    [(remote, remote_id)] = near.query(
        "SELECT remote, remote_id FROM multiparts WHERE upload_id = %s", upload_id)
    assert remote.startswith("s3://") and remote_id
    s3.abort_multipart_upload(Bucket=MINE, Key="gone", UploadId=upload_id)
    assert code(s3.upload_part, Bucket=MINE, Key="gone", UploadId=upload_id, PartNumber=1,
                Body=b"x") == ("NoSuchUpload", 404)
    assert near.query("SELECT url FROM remote_leftovers") == []


@pytest.mark.parametrize("size", [1000, 2 * MiB])
def test_wrong_bytes_never_replace_an_object(store, near, s3, size):
    s3.put_object(Bucket=MINE, Key="k", Body=b"old")
    before = store.names(MINE)
    assert code(s3.put_object, Bucket=MINE, Key="k", Body=os.urandom(size),
                ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == ("BadDigest", 400)
    store.revive()
    assert read(s3, "k") == b"old"
    sweep(near)
    assert store.names(MINE) == before


def test_a_condition_that_does_not_hold_changes_nothing(near, s3):
    job = near.new_job()
    near.upload(job, "k", b"old")
    expect.error(near.upload(job, "k", b"new", **{"If-None-Match": "*"}), 412)
    assert near.get(job.storage("k")).content == b"old"


def test_a_job_sends_files_without_a_length(near):
    job = near.new_job()
    body = os.urandom(3 * MiB)
    answer = near.put(job.storage("chunked.bin"), data=iter([body[:MiB], body[MiB:]]),
                      headers={"X-Upload-Token": job.token})
    assert answer.status_code == 200, answer.text
    assert near.get(job.storage("chunked.bin")).content == body
    assert near.job(job.job_id)["upload_progress"]["bytes"] == len(body)
    assert not [path for path in (near.home / "spool").rglob("*") if path.is_file()]


def test_results_of_providers_go_there_too(store, near):
    job = near.new_job()
    test_archive.finish(near, job)
    test_archive.fetched(near, job)
    assert test_archive.stored(near, job, "outputs/weights.safetensors") == b"weights\n"
    assert "step 2/2" in near.get(f"/api/cloud/jobs/{job.job_id}/logs").text
    assert len(store.names(job.job_id)) == 3
    assert files(near) == []
    assert not [path for path in (near.home / "spool").rglob("*") if path.is_file()]


def test_a_broken_upload_leaves_nothing_in_the_store(store, near):
    job = near.new_job()
    before = store.names(job.job_id)
    connection = near.connect()
    connection.sendall((f"PUT {job.storage('cut')} HTTP/1.1\r\nHost: x\r\nX-Upload-Token: "
                        f"{job.token}\r\nContent-Length: {8 * MiB}\r\n\r\n").encode() +
                       bytes(5 * MiB))
    until(lambda: near.job(job.job_id)["upload_progress"]["in_flight"] == 1, 10, "none begins")
    connection.close()
    until(lambda: near.job(job.job_id)["upload_progress"]["in_flight"] == 0, 15, "it does not end")
    store.revive()
    sweep(near)
    expect.error(near.get(job.storage("cut")), 404)
    assert store.names(job.job_id) == before


def test_a_store_that_is_away_is_said_and_comes_back(store, near, s3):
    s3.put_object(Bucket=MINE, Key="k", Body=b"kept")
    store.pause()
    try:
        assert code(s3.put_object, Bucket=MINE, Key="new", Body=b"x")[1] == 503
        assert code(s3.put_object, Bucket=MINE, Key="k", Body=b"y" * MiB)[1] == 503
        assert code(s3.get_object, Bucket=MINE, Key="k")[1] == 503
        assert s3.head_object(Bucket=MINE, Key="k")["ContentLength"] == 4
        assert keys(s3) == ["k"]
        s3.delete_object(Bucket=MINE, Key="k")
        assert keys(s3) == []
    finally:
        store.go_on()
    s3.put_object(Bucket=MINE, Key="k", Body=b"again")
    assert read(s3, "k") == b"again"
    sweep(near)
    assert len(store.names(MINE)) == 1


def test_many_large_uploads_need_little_memory(near, s3):
    pid, body = near.responder_pid(), os.urandom(64 * MiB)
    in_threads([lambda number=number: s3.put_object(Bucket=MINE, Key=f"large-{number}", Body=body)
                for number in range(8)])
    assert hashlib.md5(read(s3, "large-7")).digest() == hashlib.md5(body).digest()
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        [peak] = [int(line.split()[1]) for line in status if line.startswith("VmHWM")]
    assert peak < 64 * 1024, f"{peak} KiB"
