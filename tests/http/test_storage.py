"""Storage: what a job uploads is whole, durable, in its own bucket, or not there at all."""

import concurrent.futures
import hashlib
import os
import urllib.parse

import pytest

import expect
from waiting import until

MiB = 1 << 20
STRANGER = {"X-Forwarded-For": "203.0.113.9"}


def md5(body):
    return f'"{hashlib.md5(body).hexdigest()}"'


def bucket_dir(cloud, job):
    return cloud.home / "outputs" / job.job_id


def keys(cloud, job):
    listing = cloud.get(job.storage())
    if listing.status_code == 404:
        return []
    return [item["Key"] for item in expect.ok(listing)["Contents"]]


def files_on_disk(cloud, job):
    """Every regular file below the bucket's directory, hidden ones too."""
    return [path for path in bucket_dir(cloud, job).rglob("*") if path.is_file()]


def test_an_upload_is_answered_with_its_md5(cloud, job):
    body = os.urandom(100_000)
    answer = cloud.upload(job, "checkpoint/model.bin", body)
    assert expect.ok(answer) == {"ETag": md5(body), "Key": "checkpoint/model.bin",
                                 "Bucket": job.job_id}
    assert answer.headers["ETag"] == md5(body)
    assert (bucket_dir(cloud, job) / "checkpoint" / "model.bin").read_bytes() == body


def test_what_was_uploaded_is_downloaded(cloud, job):
    body = os.urandom(300_000)
    cloud.upload(job, "model.bin", body)
    answer = cloud.get(job.storage("model.bin"), headers={"X-Upload-Token": job.token})
    assert answer.status_code == 200 and answer.content == body
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["ETag"] == md5(body)
    assert answer.headers["Last-Modified"]


def test_head_tells_size_and_etag(cloud, job):
    cloud.upload(job, "a.bin", b"12345")
    answer = cloud.request("HEAD", job.storage("a.bin"))
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["Content-Length"] == "5"
    assert answer.headers["ETag"] == md5(b"12345")


def test_the_local_administrator_reads_and_writes(cloud, job):
    assert expect.ok(cloud.put(job.storage("a.txt"), data=b"abc"))["ETag"] == md5(b"abc")
    assert cloud.get(job.storage("a.txt")).content == b"abc"


@pytest.mark.parametrize("name, form", [
    ("X-Upload-Token", "{}"), ("X-SimpleTuner-Secret", "{}"), ("Authorization", "Bearer {}")])
def test_the_token_travels_in_three_ways(cloud, job, name, form):
    headers = STRANGER | {name: form.format(job.token)}
    assert cloud.put(job.storage("a"), data=b"x", headers=headers).status_code == 200
    assert cloud.get(job.storage("a"), headers=headers).content == b"x"
    assert cloud.get(job.storage(), headers=headers).status_code == 200


def test_an_empty_object_is_an_object(cloud, job):
    assert expect.ok(cloud.upload(job, "empty", b""))["ETag"] == md5(b"")
    answer = cloud.get(job.storage("empty"))
    assert answer.status_code == 200 and answer.content == b""


def test_an_overwrite_replaces_everything(cloud, job):
    cloud.upload(job, "a", b"first and longer")
    cloud.upload(job, "a", b"second")
    assert cloud.get(job.storage("a")).content == b"second"
    assert cloud.job(job.job_id)["upload_progress"]["files"] == 1
    assert cloud.job(job.job_id)["upload_progress"]["bytes"] == 6


def test_readers_see_the_old_or_the_new_never_a_mixture(cloud, job):
    bodies = [bytes([letter]) * (2 * MiB) for letter in b"ab"]
    cloud.upload(job, "flip", bodies[0])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(cloud.upload, job, "flip", bodies[number % 2])
                  for number in range(10)]
        for _ in range(20):
            assert cloud.get(job.storage("flip")).content in bodies
    assert all(write.result().status_code == 200 for write in writes)


# Keys


@pytest.mark.parametrize("target, key", [
    ("with%20space.txt", "with space.txt"), ("a+b", "a+b"), ("a%2Bb", "a+b"),
    ("%C3%BCml%C3%A4ut/%E6%A8%A1%E5%9E%8B.bin", "ümläut/模型.bin"), ("a..b", "a..b"),
    ("..a/b..", "..a/b.."), ("...", "..."), (".hidden", ".hidden"), ("dir%2Ffile", "dir/file"),
    ("100%25", "100%"), ("a%3Fb", "a?b"), ("a%23b", "a#b"),
    ("~%21%24%26%27%28%29%2A%2C%3B%3D%3A%40", "~!$&'()*,;=:@"),
    ("a%5Cb", "a\\b"), ("-rf", "-rf"), ("x" * 200, "x" * 200), ("d/" * 20 + "f", "d/" * 20 + "f"),
    ("%F0%9F%98%80", "😀"), ("%3Cscript%3E", "<script>"), ("a%22b", 'a"b'), ("a//b", "a//b"),
    ("/a", "/a"), ("a/", "a/"), ("%2f", "/"), ("a%2f", "a/"), ("a%2F%2fb/", "a//b/")])
def test_an_odd_key_is_kept_as_it_is(cloud, job, target, key):
    status, _, body = cloud.raw("PUT", job.storage(target), key.encode(),
                                {"X-Upload-Token": job.token})
    assert status == 200, body
    assert keys(cloud, job) == [key]
    status, _, body = cloud.raw("GET", job.storage(target))
    assert (status, body) == (200, key.encode())
    again = cloud.raw("GET", job.storage(urllib.parse.quote(key, safe="/")))
    assert again[0] == 200 and again[2] == key.encode()
    path = "/".join(segment or ".slash" for segment in key.split("/"))
    assert (bucket_dir(cloud, job) / path).is_file()


@pytest.mark.parametrize("target", [
    "..", ".", "../x", "a/../b", "a/..", "./a", "a/./b", "%2e%2e", "%2e%2e/x", "a/%2e%2e/%2e%2e/b",
    "..%2fx", "a%2f..%2fb", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "a%00b", "a%00/../b", "%01",
    "a%0ab", "a%0d%0aX:%20y", "a%7f", "%ff", "a%c3%28", "%ed%a0%80", "x" * 256, "y" * 1100, "k/" * 600 + "k", "%zz", "a%2", "%"])
def test_a_key_that_is_no_key_is_refused(cloud, job, target):
    status, _, body = cloud.raw("PUT", job.storage("") + "/" + target, b"evil",
                                {"X-Upload-Token": job.token})
    assert 400 <= status < 500, (status, body)
    assert keys(cloud, job) == []
    assert files_on_disk(cloud, job) == []
    assert not list(cloud.home.glob("outputs/x")) and not list(cloud.home.glob("x"))


@pytest.mark.parametrize("bucket", ["..", "%2e%2e", "%2e%2e%2f", ".", "A" * 26, "x", "a%00", "%ff",
                                    "..%2f..%2fetc", "z" * 26, "x" * 300])
@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_bucket_that_is_no_bucket_is_refused(cloud, job, method, bucket):
    status, _, body = cloud.raw(method, f"/api/cloud/storage/{bucket}/passwd",
                                b"evil" if method == "PUT" else None,
                                {"X-Upload-Token": job.token})
    assert 400 <= status < 500, (status, body)


@pytest.mark.parametrize("first, second", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b"),
                                           ("a", "a/b/c")])
def test_a_file_and_a_directory_of_one_name_are_a_clear_error(cloud, job, first, second):
    assert cloud.upload(job, first, b"first").status_code == 200
    answer = cloud.upload(job, second, b"second")
    assert answer.status_code in (400, 409), answer.text
    assert answer.json()["detail"]
    assert cloud.get(job.storage(first)).content == b"first"
    assert keys(cloud, job) == [first]


def test_planted_symlinks_are_not_followed(cloud, job, tmp_path):
    cloud.upload(job, "real", b"x")
    (tmp_path / "secret").write_bytes(b"secret")
    (bucket_dir(cloud, job) / "link").symlink_to(tmp_path)
    (bucket_dir(cloud, job) / "file").symlink_to(tmp_path / "secret")
    for key in ("link/secret", "file"):
        answer = cloud.get(job.storage(key))
        assert answer.status_code in (400, 403, 404, 409) and b"secret" != answer.content
    answer = cloud.upload(job, "link/new", b"evil")
    assert 400 <= answer.status_code < 500, answer.text
    assert not (tmp_path / "new").exists()
    cloud.upload(job, "file", b"evil")
    assert (tmp_path / "secret").read_bytes() == b"secret"


# Lists


def test_objects_are_listed_by_key(cloud, job):
    for key in ("b", "a/2", "a/1", "Z"):
        cloud.upload(job, key, key.encode())
    listing = expect.ok(cloud.get(job.storage()))
    assert listing["Name"] == job.job_id
    assert [item["Key"] for item in listing["Contents"]] == ["Z", "a/1", "a/2", "b"]
    assert [item["Size"] for item in listing["Contents"]] == [1, 3, 3, 1]
    assert listing["Contents"][3]["ETag"] == md5(b"b")
    assert listing["Contents"][3]["LastModified"]


def test_buckets_are_listed_with_their_size(cloud, job):
    cloud.upload(job, "a", b"12345")
    cloud.upload(job, "b", b"123")
    listing = expect.ok(cloud.get("/api/cloud/storage"))
    [bucket] = [item for item in listing["Buckets"] if item["Name"] == job.job_id]
    assert (bucket["Size"], bucket["FileCount"]) == (8, 2)
    assert listing["total_size"] >= 8


def test_a_missing_object_is_not_found(cloud, job):
    expect.error(cloud.get(job.storage("nothing")), 404)
    assert cloud.request("HEAD", job.storage("nothing")).status_code == 404


# Tokens


@pytest.mark.parametrize("method, key", [("PUT", "a"), ("GET", "a"), ("HEAD", "a"), ("GET", "")])
@pytest.mark.parametrize("headers", [
    {}, {"X-Upload-Token": ""}, {"X-Upload-Token": "x" * 43}, {"X-SimpleTuner-Secret": "no"},
    {"Authorization": "Bearer " + "x" * 43}, {"Authorization": "Basic eDp5"},
    {"Authorization": "Bearer"}], ids=str)
def test_without_a_good_token_a_stranger_gets_nothing(cloud, job, method, key, headers):
    cloud.upload(job, "a", b"mine")
    answer = cloud.request(method, job.storage(key), data=b"evil" if method == "PUT" else None,
                           headers=STRANGER | headers)
    assert answer.status_code == 401 and b"mine" not in answer.content
    assert answer.headers["WWW-Authenticate"]
    assert cloud.get(job.storage("a")).content == b"mine"


@pytest.mark.parametrize("headers", [{"X-Upload-Token": "x" * 43},
                                     {"Authorization": "Bearer " + "x" * 43}])
def test_a_wrong_token_is_not_excused_by_a_local_address(cloud, job, headers):
    expect.error(cloud.put(job.storage("a"), data=b"x", headers=headers), 401)


@pytest.mark.parametrize("method, key", [("PUT", "a"), ("GET", "a"), ("GET", "")])
def test_the_token_of_another_job_is_denied(cloud, job, method, key):
    other = cloud.new_job()
    cloud.upload(job, "a", b"mine")
    answer = cloud.request(method, job.storage(key), data=b"evil" if method == "PUT" else None,
                           headers=STRANGER | {"X-Upload-Token": other.token})
    expect.error(answer, 403)
    assert cloud.get(job.storage("a")).content == b"mine"


def test_a_token_lists_no_bucket_but_its_own(cloud, job):
    cloud.upload(cloud.new_job(), "a", b"other")
    listing = expect.ok(cloud.get("/api/cloud/storage",
                                  headers=STRANGER | {"X-Upload-Token": job.token}))
    assert [bucket["Name"] for bucket in listing["Buckets"]] == [job.job_id]
    assert listing["total_size"] == 0


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled"])
def test_the_token_dies_with_the_job(cloud, job, end):
    cloud.upload(job, "a", b"kept")
    cloud.sim.advance(job.prediction_id, end)
    cloud.settle()
    expect.error(cloud.upload(job, "b", b"late"), 401)
    expect.error(cloud.get(job.storage("a"), headers={"X-Upload-Token": job.token}), 401)
    assert cloud.get(job.storage("a")).content == b"kept"


def test_a_cancel_ends_the_token(cloud, job):
    cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel")
    expect.error(cloud.upload(job, "b", b"late"), 401)


def test_a_switched_off_endpoint_takes_nothing(cloud, job):
    cloud.configure(s3_endpoint_enabled=False)
    answer = cloud.upload(job, "a", b"x")
    assert 400 <= answer.status_code < 500, answer.text
    assert files_on_disk(cloud, job) == []


def test_the_output_path_is_a_setting(cloud, tmp_path):
    cloud.configure(s3_output_path=str(tmp_path / "results"))
    job = cloud.new_job()
    assert cloud.upload(job, "a/b", b"here").status_code == 200
    assert (tmp_path / "results" / job.job_id / "a" / "b").read_bytes() == b"here"
    cloud.configure(s3_output_path="")
    assert cloud.upload(job, "c", b"there").status_code == 200


# Progress


def test_progress_counts_files_and_bytes(cloud, job):
    cloud.upload(job, "a", b"12345")
    cloud.upload(job, "b", b"123")
    progress = cloud.job(job.job_id)["upload_progress"]
    assert (progress["files"], progress["bytes"], progress["in_flight"]) == (2, 8, 0)
    assert progress["last_upload_at"].endswith("Z")


def test_large_objects_arrive_whole_and_at_once(cloud, job):
    bodies = {f"part-{number}": os.urandom(3 * MiB) for number in range(8)}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = dict(zip(bodies, pool.map(lambda key: cloud.upload(job, key, bodies[key]),
                                            bodies)))
    assert {key: answer.headers["ETag"] for key, answer in answers.items()} == {
        key: md5(body) for key, body in bodies.items()}
    assert cloud.job(job.job_id)["upload_progress"]["bytes"] == 24 * MiB


def test_a_file_that_arrives_is_an_event(cloud, job):
    body = b"the first checkpoint"
    answer = cloud.upload(job, "checkpoints/1.bin", body)
    [event] = [event for event in expect.ok(cloud.get("/api/events/recent?limit=10"))["events"]
               if event["event"] == "job_file_received" and event["job_id"] == job.job_id]
    assert event["data"] == {"type": "job_file_received", "job_id": job.job_id,
                             "key": "checkpoints/1.bin", "size": len(body),
                             "etag": md5(body).strip('"'),
                             "correlation_id": answer.headers["X-Correlation-ID"]}


def test_a_job_that_asks_too_often_is_told_to_slow_down(new_stack):
    cloud = new_stack({"SIMPLETUNER_JOB_REQUESTS_PER_MINUTE": "20"})
    job, other = cloud.new_job(), cloud.new_job()
    answers = [cloud.upload(job, "a", b"x") for _ in range(25)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429] * 5
    assert int(answers[-1].headers["Retry-After"]) > 0
    expect.error(answers[-1], 429, "rate limit exceeded")
    answer = cloud.get(job.storage("a"), headers={"X-Upload-Token": job.token,
                                                  "User-Agent": "Boto3/1"})
    assert answer.status_code == 503 and b"<Code>SlowDown</Code>" in answer.content
    assert cloud.upload(other, "a", b"x").status_code == 200
    assert cloud.get(job.storage("a")).content == b"x"


def test_nothing_but_objects_is_left_on_disk(cloud, job):
    cloud.upload(job, "a/b", b"1")
    cloud.upload(job, "c", b"2")
    until(lambda: len(files_on_disk(cloud, job)) == 2, 5, "temporary files are left")
