"""The companion's storage commands: what is there, what may go, and whether all of it is right."""

import concurrent.futures
import os

import pytest

import buckets
from conftest import DATABASES
from stack import Stack

MiB = 1 << 20
FOUND = 65


@pytest.fixture(scope="module", params=DATABASES)
def own_stack(request, fleet):
    """One in whose storage nobody else has left anything."""
    stack = Stack("lighttpd", fleet.database_url(request.param)).start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def s3(own_stack):
    own_stack.reset()
    return buckets.client(own_stack)


@pytest.fixture
def cloud(own_stack):
    yield own_stack
    assert buckets.fsck(own_stack, "--hashes") == (0, set()), "the test leaves something wrong"


@pytest.fixture
def bucket(s3):
    return buckets.new_bucket(s3)


def put_parts(s3, bucket, key, *parts):
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    sent = [{"PartNumber": number,
             "ETag": s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number,
                                    Body=part)["ETag"]}
            for number, part in enumerate(parts, 1)]
    return upload, sent


def put_multipart(s3, bucket, key, *parts):
    upload, sent = put_parts(s3, bucket, key, *parts)
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload,
                                 MultipartUpload={"Parts": sent})


def usage_of(cloud, bucket):
    code, answer = buckets.command(cloud, "usage")
    assert code == 0
    [row] = [row for row in answer["buckets"] if row["bucket"] == bucket]
    return row, answer


# usage

def test_usage_has_files_bytes_and_parts_of_each_bucket(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"12345")
    s3.put_object(Bucket=bucket, Key="b/c", Body=b"678")
    put_parts(s3, bucket, "open", b"1234567")
    row, answer = usage_of(cloud, bucket)
    assert (row["files"], row["bytes"], row["part_bytes"]) == (2, 8, 7)
    assert row["directory"] == str(buckets.root(cloud) / bucket) and row["last_upload_at"]
    for name in ("files", "bytes", "part_bytes"):
        assert answer[name] == sum(other[name] for other in answer["buckets"])
    [directory] = answer["directories"]
    assert directory["directory"] == str(buckets.root(cloud))
    assert directory["free_bytes"] > 0 and directory["min_free_bytes"] == 256 * MiB
    assert answer["storage_quota_bytes"] is None and answer["job_quota_bytes"] is None


def test_usage_is_for_people_too(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"12345")
    text = cloud.companion("storage", "usage").stdout
    [line] = [line for line in text.splitlines() if line.startswith(bucket)]
    assert line.split()[1:5] == ["1", "files", "5", "bytes"]
    assert "must stay free" in text and str(buckets.root(cloud)) in text


def test_the_bucket_of_a_job_has_no_owner(cloud):
    job = cloud.new_job()
    cloud.upload(job, "a", b"12345")
    row, _ = usage_of(cloud, job.job_id)
    assert (row["files"], row["bytes"], row["owner"]) == (1, 5, None)


# gc

def test_gc_removes_what_is_no_object_and_nothing_else(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir/kept", Body=b"kept")
    put_multipart(s3, bucket, "parts", b"x" * 5 * MiB, b"y")
    orphan = buckets.orphan(cloud, bucket, "dir/sub/orphan")
    young = buckets.orphan(cloud, bucket, "young", old=False)
    dead = buckets.root(cloud) / ".incoming" / "dead"
    dead.write_bytes(b"half")

    code, answer = buckets.command(cloud, "gc", "--dry-run")
    assert (code, answer["dry_run"], answer["pieces"], answer["bytes"]) == (0, True, 2, 10)
    assert orphan.exists() and dead.exists()
    code, answer = buckets.command(cloud, "gc")
    assert (code, answer["pieces"], answer["bytes"]) == (0, 2, 10)
    assert {(row["kind"], row["path"], row["removed"]) for row in answer["found"]} == {
        ("file", str(orphan), True), ("temporary", str(dead), True)}
    assert not orphan.parent.exists() and not dead.exists() and young.exists()
    assert buckets.command(cloud, "gc")[1]["found"] == []
    assert s3.get_object(Bucket=bucket, Key="dir/kept")["Body"].read() == b"kept"
    young.unlink()


def test_gc_ends_uploads_that_nobody_goes_on_with(cloud, s3, bucket):
    old, _ = put_parts(s3, bucket, "old", b"12345")
    new, _ = put_parts(s3, bucket, "new", b"678")
    cloud.change("UPDATE multiparts SET touched_at_us = 1 WHERE upload_id = %s", old)
    _, answer = buckets.command(cloud, "gc")
    assert [(row["kind"], row["path"], row["bytes"]) for row in answer["found"]] == [
        ("upload", old, 5)]
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [upload["UploadId"] for upload in listed] == [new]
    assert [path.name for path in (buckets.root(cloud) / ".multipart").iterdir()
            if path.name in (old, new)] == [new]


def test_cron_ends_them_too(cloud, s3, bucket):
    upload, _ = put_parts(s3, bucket, "old", b"12345")
    cloud.change("UPDATE multiparts SET touched_at_us = 1 WHERE upload_id = %s", upload)
    assert cloud.companion("cron", "--task", "sweep_multiparts").returncode == 0
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    assert not (buckets.root(cloud) / ".multipart" / upload).exists()


def test_gc_names_what_is_not_ours_and_leaves_it(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    outside = cloud.home / "precious"
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    link = buckets.file_of(cloud, bucket, "link")
    link.symlink_to(outside)
    stranger = buckets.orphan(cloud, "stranger", "file")
    done = cloud.companion("storage", "gc")
    assert done.returncode == 0 and "left 2 unknown ones" in done.stdout
    assert str(link) in done.stdout and str(stranger.parent) in done.stdout
    assert (outside / "file").exists() and link.is_symlink() and stranger.exists()
    link.unlink()


# fsck

def test_fsck_finds_each_thing_that_is_wrong(cloud, s3, bucket):
    for key in ("gone", "short", "other", "whole"):
        s3.put_object(Bucket=bucket, Key=f"dir/{key}", Body=b"12345")
    put_multipart(s3, bucket, "parts", b"x" * 5 * MiB, b"y")
    put_multipart(s3, bucket, "whole-parts", b"x" * 5 * MiB, b"y")
    upload, _ = put_parts(s3, bucket, "open", b"12345")
    files = {key: buckets.file_of(cloud, bucket, key)
             for key in ("dir/gone", "dir/short", "dir/other", "parts")}
    contents = {key: (path.read_bytes(), path.stat()) for key, path in files.items()}
    [part] = (buckets.root(cloud) / ".multipart" / upload).iterdir()
    files["dir/gone"].unlink()
    os.truncate(files["dir/short"], 2)
    for key in ("dir/other", "parts"):
        was = contents[key][1]
        files[key].write_bytes(b"z" + contents[key][0][1:])
        os.utime(files[key], ns=(was.st_atime_ns, was.st_mtime_ns))
    part_bytes = part.read_bytes()
    part.unlink()
    orphan = buckets.orphan(cloud, bucket, "or/phan")
    cloud.change("UPDATE buckets SET files = 77 WHERE bucket = %s", bucket)

    outside = {("no_file", bucket, "dir/gone"), ("size", bucket, "dir/short"),
               ("part", bucket, "open"), ("no_row", bucket, "or/phan"), ("totals", bucket, None)}
    inside = {("content", bucket, "dir/other"), ("content", bucket, "parts")}
    assert buckets.fsck(cloud) == (FOUND, outside)
    assert buckets.fsck(cloud, "--hashes") == (FOUND, outside | inside)
    text = cloud.companion("storage", "fsck", "--hashes")
    assert text.returncode == FOUND and f"content   {bucket}/parts" in text.stdout
    assert "differ in 7 things" in text.stderr

    assert buckets.fsck(cloud, "--hashes", "--repair") == (FOUND, outside | inside)
    left = (outside | inside) - {("no_file", bucket, "dir/gone"), ("totals", bucket, None)}
    assert buckets.fsck(cloud, "--hashes") == (FOUND, left)
    assert usage_of(cloud, bucket)[0]["files"] == 5

    for key in ("dir/short", "dir/other", "parts"):
        content, was = contents[key]
        files[key].write_bytes(content)
        os.utime(files[key], ns=(was.st_atime_ns, was.st_mtime_ns))
    part.write_bytes(part_bytes)
    orphan.unlink()


def test_fsck_of_what_is_whole_is_silent_and_zero(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a//b/", Body=b"1")
    s3.put_object(Bucket=bucket, Key="/", Body=b"")
    done = cloud.companion("storage", "fsck", "--hashes")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines()[-1].endswith("0 findings, 0 repaired")
    assert len(done.stdout.splitlines()) == 1


def test_fsck_and_gc_may_run_while_clients_work(cloud, s3, bucket):
    def work(number):
        for turn in range(12):
            key = f"dir-{number % 2}/{turn % 2}"
            s3.put_object(Bucket=bucket, Key=key, Body=os.urandom(1 + number))
            put_multipart(s3, bucket, f"parts-{number}", b"x" * turn)
            s3.delete_object(Bucket=bucket, Key=key)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        while not all(future.done() for future in working):
            assert buckets.fsck(cloud, "--hashes") == (0, set())
            assert buckets.command(cloud, "gc")[1]["pieces"] == 0
    for future in working:
        future.result()


@pytest.mark.parametrize("command", ["usage", "gc", "fsck"])
def test_each_has_help_that_says_what_it_does(cloud, command):
    done = cloud.companion("storage", command, "--help")
    assert done.returncode == 0 and f"Usage: simpletuner-cloud storage {command}" in done.stdout
    assert len(done.stdout.splitlines()) > 2
