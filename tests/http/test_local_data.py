"""Local data sets: packed, sent to the provider's files API, and named in the job's input."""

import hashlib
import json
import signal
import subprocess

import pytest

import expect
import local_data
from local_data import accepted, ended, entry, make, submit
from waiting import until

FILES = {"a.png": b"\x89PNG" + bytes(range(256)) * 40, "a.txt": b"a picture of a cat",
         "deeper/down/b.jpg": b"jpeg" * 1000, "empty.txt": b"",
         "ünïcode ☃.txt": "snow".encode(), "with space & quote'.txt": b"x"}


def test_a_job_is_submitted_with_its_data(cloud):
    directory = make(cloud, FILES)
    job_id = accepted(cloud, entry(directory), config_name="portrait")
    job = ended(cloud, job_id)
    assert (job["status"], job["error_message"]) == ("queued", None)
    assert job["external_id"] == local_data.prediction(cloud, job_id)["id"]
    archive, record = local_data.received(cloud, job_id)
    assert local_data.contents(archive) == {f"pictures/{path}": content
                                            for path, content in FILES.items()}
    assert record["checksums"]["sha256"] == hashlib.sha256(archive).hexdigest()
    assert record["content_type"] == "application/zip"
    assert local_data.dataloader(cloud, job_id) == [
        {"id": "pictures", "type": "local", "instance_data_dir": "pictures"}]
    assert job["data_upload"] | {"updated_at": None, "message": None} == {
        "stage": "complete", "current": len(archive), "total": len(archive), "percent": 100.0,
        "message": None, "done": True, "error": None, "updated_at": None}
    assert local_data.left_behind(cloud) == []


def test_other_programs_find_the_archive_whole(cloud, tmp_path):
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    ended(cloud, job_id)
    path = tmp_path / "data.zip"
    path.write_bytes(local_data.received(cloud, job_id)[0])
    tested = subprocess.run(["unzip", "-t", path], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_job_can_send_files_back(cloud):
    """Its upload token was made when the provider was called, and works."""
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    ended(cloud, job_id)
    env = local_data.prediction(cloud, job_id)["input"]["env"]
    answer = cloud.put(f"/api/cloud/storage/{job_id}/a.bin", data=b"abc",
                       headers={"X-Upload-Token": env["SIMPLETUNER_UPLOAD_TOKEN"]})
    assert answer.status_code == 200, answer.text
    assert cloud.job(job_id)["upload_progress"]["files"] == 1


def test_the_request_is_sent_as_it_was_made(cloud):
    job_id = accepted(cloud, entry(make(cloud, FILES), caption="ü"), {"id": "texts", "type": "aws"},
                      config={"model_type": "lora", "seed": 7}, tracker_run_name="run-1",
                      hardware_profile="l40s", webhook_url="https://hook.example.com/x")
    ended(cloud, job_id)
    made = local_data.prediction(cloud, job_id)
    config = json.loads(made["input"]["config_json"])
    assert config["seed"] == 7 and config["tracker_run_name"] == "run-1"
    assert made["model"] == "simpletuner/advanced-trainer-l40s"
    assert local_data.dataloader(cloud, job_id) == [
        {"id": "pictures", "type": "local", "instance_data_dir": "pictures", "caption": "ü"},
        {"id": "texts", "type": "aws"}]
    [sent] = [json.loads(record["body"]) for record in
              cloud.sim.requests_to("POST", "/v1/predictions") if job_id.encode() in record["body"]]
    assert sent["webhook"] == "https://hook.example.com/x"


def test_the_same_data_makes_the_same_archive(cloud):
    directory = make(cloud, FILES)
    jobs = [accepted(cloud, entry(directory)) for _ in range(2)]
    sums = set()
    for job_id in jobs:
        ended(cloud, job_id)
        sums.add(local_data.received(cloud, job_id)[1]["checksums"]["sha256"])
    assert len(sums) == 1


def test_a_large_file_arrives_whole(cloud):
    content = local_data.noise(20 << 20) + b"\0" * (20 << 20)
    job_id = accepted(cloud, entry(make(cloud, {"large.bin": content})))
    assert ended(cloud, job_id)["status"] == "queued"
    archive, _ = local_data.received(cloud, job_id)
    assert local_data.contents(archive) == {"pictures/large.bin": content}


def test_many_files_arrive(cloud):
    files = {f"{n % 7}/{n:05}.txt": str(n).encode() for n in range(2000)}
    job_id = accepted(cloud, entry(make(cloud, files)))
    ended(cloud, job_id)
    assert len(local_data.contents(local_data.received(cloud, job_id)[0])) == 2000


def test_data_sets_of_the_same_name_do_not_meet(cloud):
    one, two = make(cloud, {"a.txt": b"one"}), make(cloud, {"a.txt": b"two"})
    third = make(cloud, {"a.txt": b"three"}, name="pictures-2")
    job_id = accepted(cloud, entry(one), entry(two, type=""), entry(third), entry(one, id="again"))
    ended(cloud, job_id)
    assert local_data.contents(local_data.received(cloud, job_id)[0]) == {
        "pictures/a.txt": b"one", "pictures-2/a.txt": b"two", "pictures-2-2/a.txt": b"three"}
    assert [item["instance_data_dir"] for item in local_data.dataloader(cloud, job_id)] == [
        "pictures", "pictures-2", "pictures-2-2", "pictures"]


def test_what_must_not_leave_stays_here(cloud, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    directory = make(cloud, {
        "a.txt": b"a", ".hidden": b"x", ".git/config": b"x", ".env": b"x", "prod.env": b"x",
        "server.PEM": b"x", "id.key": b"x", "a.crt": b"x", "a.p12": b"x", "a.pfx": b"x",
        "node_modules/m.js": b"x", "__pycache__/m.pyc": b"x", "venv/bin/python": b"x",
        ".cache/a.txt": b"x"})
    (directory / "link.txt").symlink_to(secret)
    (directory / "inside.txt").symlink_to(directory / "a.txt")
    (directory / "linked").symlink_to(tmp_path)
    subprocess.run(["mkfifo", directory / "pipe.txt"], check=True)
    job_id = accepted(cloud, entry(directory))
    ended(cloud, job_id)
    assert local_data.contents(local_data.received(cloud, job_id)[0]) == {"pictures/a.txt": b"a"}


def test_an_entry_without_local_data_needs_no_upload(cloud):
    answer = expect.ok(submit(cloud, {"id": "a", "type": "aws", "instance_data_dir": "/etc"},
                              {"id": "b"}, {"id": "c", "type": "local"},
                              {"id": "d", "instance_data_dir": ""}))
    assert answer["status"] == "queued"
    assert local_data.upload(cloud, answer["job_id"]) is None


# What is refused at once

FIELD = "dataloader_config[1].instance_data_dir"


def refused(cloud, entries, status, mention):
    before = expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]
    body = expect.error(submit(cloud, {"id": "other"}, *entries), status, mention)
    assert expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"] == before
    return body["detail"]


@pytest.mark.parametrize("path, status", [
    ("/etc", 403), ("/", 403), ("/nowhere", 403), ("/etc/../etc", 403), ("relative", 400),
    ("~/pictures", 400), ("./x", 400), ("/proc/self", 403), ("/nowhere/at/all", 403)])
def test_a_directory_outside_the_roots_is_refused(cloud, path, status):
    assert FIELD in refused(cloud, [entry(path)], status, "instance_data_dir")


def test_a_way_out_of_the_roots_is_refused(cloud, tmp_path):
    inside = make(cloud, {"a.txt": b"a"})
    (inside / "out").symlink_to(tmp_path)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    sibling = cloud.home / "data-of-others"
    sibling.mkdir(exist_ok=True)
    for path in (inside / "out", f"{inside}/../../../run", sibling, f"{cloud.data_root}/../run"):
        assert FIELD in refused(cloud, [entry(path)], 403, "SIMPLETUNER_DATA_ROOTS")


def test_what_lies_elsewhere_is_not_told(cloud):
    """A stranger to the machine cannot learn which files there are."""
    there = refused(cloud, [entry("/etc/passwd")], 403, FIELD)
    not_there = refused(cloud, [entry("/etc/passwx")], 403, FIELD)
    assert there.replace("passwd", "") == not_there.replace("passwx", "")


@pytest.mark.parametrize("name", [".git", ".ssh", "node_modules", "__pycache__", ".config"])
def test_a_directory_of_a_refused_name_is_refused(cloud, name):
    directory = make(cloud, {"below/a.txt": b"a"}, name=name)
    for path in (directory, directory / "below"):
        assert FIELD in refused(cloud, [entry(path)], 403, name)


def test_what_is_no_directory_is_refused(cloud):
    directory = make(cloud, {"a.txt": b"a"})
    assert FIELD in refused(cloud, [entry(directory / "a.txt")], 400, "not a directory")
    assert FIELD in refused(cloud, [entry(directory / "b")], 400, "does not exist")
    assert FIELD in refused(cloud, [entry(7) | {"instance_data_dir": 7}], 400, "string")
    refused(cloud, [entry(directory, type=7)], 400, "dataloader_config[1].type")


def test_a_data_set_without_files_is_refused(cloud):
    directory = make(cloud, {".hidden": b"x"})
    (directory / "empty").mkdir()
    refused(cloud, [entry(directory)], 400, "No safe files found to upload")


def test_too_much_data_is_refused(cloud):
    directory = make(cloud, {})
    with open(directory / "large.bin", "wb") as file:
        file.truncate((100 << 20) + 1)
    refused(cloud, [entry(directory)], 400,
            "Estimated dataset size 100.0 MiB exceeds Replicate's 100 MiB upload limit")


def test_a_name_that_is_no_text_is_refused(cloud):
    directory = make(cloud, {"a.txt": b"a"})
    with open(bytes(directory) + b"/\xff.txt", "wb"):
        pass
    refused(cloud, [entry(directory)], 400, "not UTF-8")


def test_without_roots_nothing_may_be_sent(new_stack):
    cloud = new_stack({"SIMPLETUNER_DATA_ROOTS": ""})
    directory = make(cloud, {"a.txt": b"a"})
    refused(cloud, [entry(directory)], 403, "SIMPLETUNER_DATA_ROOTS")


def test_nothing_waits_for_a_provider_without_token(cloud):
    cloud.delete("/api/cloud/providers/replicate/token")
    answer = submit(cloud, entry(make(cloud, {"a.txt": b"a"})))
    expect.error(answer, 409, "REPLICATE_API_TOKEN")


# What goes wrong on the way


@pytest.mark.parametrize("mode", ["429", "500", "503", "garbage", "reset"])
def test_a_files_api_that_fails_fails_the_job(cloud, mode):
    cloud.sim.fault(mode, "POST", "/v1/files", count=20)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    job = ended(cloud, job_id)
    assert job["status"] == "failed"
    assert job["error_message"].startswith("Failed to upload data: ")
    assert job["data_upload"]["stage"] == "error"
    assert job["data_upload"]["error"] == job["error_message"]
    assert cloud.sim.find_job(job_id) == []
    assert local_data.left_behind(cloud) == []


def test_a_provider_that_refuses_the_job_fails_it(cloud):
    cloud.configure(version_override="simpletuner/advanced-trainer-h100:" + "0" * 64)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    job = ended(cloud, job_id)
    assert job["status"] == "failed" and "version" in job["error_message"].lower()
    assert job["data_upload"]["stage"] == "error"


def test_data_that_went_meanwhile_fails_the_job(cloud):
    """The one before it is being sent, so this one waits in line."""
    cloud.sim.fault("slow", "POST", "/v1/files", seconds=1)
    first = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, first)
    directory = make(cloud, FILES)
    second = accepted(cloud, entry(directory))
    local_data.remove(directory)
    job = ended(cloud, second)
    assert job["status"] == "failed"
    assert "dataloader_config[0].instance_data_dir" in job["error_message"]
    assert ended(cloud, first)["status"] == "queued"


def test_a_lost_answer_is_found_again_and_paid_once(cloud):
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    job = ended(cloud, job_id)
    [made] = cloud.sim.find_job(job_id)
    assert (job["status"], job["external_id"]) == ("queued", made["id"])
    assert job["data_upload"]["stage"] == "complete"


def lists(cloud):
    """How often somebody looked for a job at the provider."""
    return sum(record["path"] == "/v1/predictions"
               for record in cloud.sim.requests_to("GET", "/v1/predictions"))


def test_polling_leaves_a_job_alone_whose_data_is_on_the_way(cloud):
    cloud.sim.fault("slow", "POST", "/v1/files", seconds=2)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, job_id)
    before = lists(cloud)
    assert cloud.companion("poll").returncode == 0
    assert lists(cloud) == before
    assert ended(cloud, job_id)["status"] == "queued"


# Cancelling


def test_a_cancel_during_the_upload_submits_nothing(cloud):
    cloud.sim.fault("hang", "POST", "/v1/files", seconds=60)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, job_id)
    before = lists(cloud)
    answer = expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))
    assert answer["status"] == "cancelled"
    job = cloud.job(job_id)
    assert (job["status"], job["error_message"]) == ("cancelled", "Job cancelled during upload")
    assert job["data_upload"]["stage"] == "error"
    assert job["data_upload"]["error"] == "Job cancelled during upload"
    assert lists(cloud) == before
    following = accepted(cloud, entry(make(cloud, FILES)))
    assert ended(cloud, following, 10)["status"] == "queued", "the cancelled upload still runs"
    assert cloud.sim.find_job(job_id) == []
    expect.error(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"), 409)


def test_a_cancel_needs_no_provider_while_the_data_is_here(cloud):
    cloud.sim.fault("hang", "POST", "/v1/files", seconds=60)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    cloud.sim.fault("503", "GET", "/v1/predictions", count=10)
    expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))
    assert cloud.status(job_id) == "cancelled"


def test_a_job_cancelled_while_it_is_submitted_ends_at_the_provider(cloud):
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=1.5)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    until(lambda: cloud.sim.find_job(job_id), 20, "no prediction was made")
    expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))
    ended(cloud, job_id)
    assert cloud.status(job_id) == "cancelled"
    assert local_data.prediction(cloud, job_id)["status"] == "canceled"


# Processes that die


def test_an_upload_goes_on_after_a_kill(cloud):
    """kill -9 while the data is on its way: another starts again, and submits once."""
    cloud.sim.fault("hang", "POST", "/v1/files", seconds=60)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, job_id)
    cloud.kill_responder()
    assert cloud.status(job_id) == "uploading"
    job = ended(cloud, job_id, 60)
    assert job["status"] == "queued" and len(cloud.sim.find_job(job_id)) == 1
    archive, _ = local_data.received(cloud, job_id)
    assert len(local_data.contents(archive)) == len(FILES)
    assert local_data.left_behind(cloud) == []


def test_packing_goes_on_after_a_kill(cloud):
    content = local_data.noise(60 << 20)
    job_id = accepted(cloud, entry(make(cloud, {"large.bin": content})))
    until(lambda: local_data.upload(cloud, job_id)["stage"] == "packaging", 20, "no packing")
    cloud.kill_responder()
    local_data.let_claims_run_out(cloud)
    assert ended(cloud, job_id, 60)["status"] == "queued"
    archive, _ = local_data.received(cloud, job_id)
    assert local_data.contents(archive) == {"pictures/large.bin": content}
    assert local_data.left_behind(cloud) == []


def test_a_kill_while_the_provider_is_asked_pays_once(cloud):
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=5)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    until(lambda: cloud.sim.find_job(job_id), 20, "no prediction was made")
    cloud.kill_responder()
    local_data.let_claims_run_out(cloud)
    job = ended(cloud, job_id, 30)
    [made] = cloud.sim.find_job(job_id)
    assert (job["status"], job["external_id"]) == ("queued", made["id"])


def test_a_stop_hands_the_upload_on_at_once(new_stack):
    """SIGTERM does not wait for a long upload; the next process starts it again."""
    cloud = new_stack()
    cloud.sim.fault("hang", "POST", "/v1/files", seconds=60)
    job_id = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, job_id)
    cloud.kill_responder(signal.SIGTERM)
    assert ended(cloud, job_id, 15)["status"] == "queued"
