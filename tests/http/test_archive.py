"""Results come home: logs and output files are fetched when a job has ended."""

import hashlib
import json
import socket
import threading

import pytest

import expect
from waiting import until

WAIT_S = 30
MiB = 1 << 20
BIG = bytes(range(256)) * 4096


def archive(cloud, job):
    return cloud.job(job.job_id)["archive"]


def settled(cloud, job):
    """The archive once it is done or given up."""
    def over():
        view = archive(cloud, job)
        return view if view and view["state"] != "waiting" else None
    return until(over, WAIT_S, "the results do not come")


def fetched(cloud, job):
    view = settled(cloud, job)
    assert view["state"] == "done", view
    return view


def stored(cloud, job, name):
    answer = cloud.get(job.storage(f"archive/{name}"))
    assert answer.status_code == 200, answer.text
    return answer.content


def manifest(cloud, job):
    return json.loads(stored(cloud, job, "manifest.json"))


def ask_again(cloud, job_id):
    return cloud.post(f"/api/cloud/jobs/{job_id}/archive")


def downloads(cloud, job, name):
    """The Range headers of the requests for an output, None for those without."""
    path = f"/delivery/{job.prediction_id}/{name}"
    return [record["headers"].get("Range") for record in cloud.sim.requests_to("GET", path)]


def finish(cloud, job, **changes):
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.advance(job.prediction_id, "succeeded", **changes)


def parts(cloud, job):
    return list((cloud.home / "outputs" / job.job_id).glob(".archive-*.part"))


# what comes

def test_logs_and_outputs_are_in_the_bucket_when_a_webhook_has_told(cloud, job):
    finish(cloud, job)
    view = fetched(cloud, job)
    assert view["files"] == 1 and view["bytes"] == 8 and view["error"] is None
    assert view["finished_at"]
    assert stored(cloud, job, "outputs/weights.safetensors") == b"weights\n"
    assert stored(cloud, job, "logs.txt") == b"step 1/2\nstep 2/2\n"
    assert cloud.status(job.job_id) == "completed"


def test_the_manifest_lists_what_was_fetched(cloud, job):
    url, output = cloud.sim.deliver(job.prediction_id, "a.png", b"pixels")
    finish(cloud, job, output=f"{url}?signature=secret")
    fetched(cloud, job)
    text = manifest(cloud, job)
    assert text.pop("created_at").endswith("Z")
    assert text == {
        "job_id": job.job_id, "provider": "replicate", "external_id": job.prediction_id,
        "status": "completed", "complete": True, "files_left_out": 0, "logs_bytes": 18,
        "files": [{"key": "archive/outputs/a.png", "url": url, "size": 6,
                   "sha256": output.sha256(), "content_type": "image/png"}]}


def test_a_poll_brings_results_as_a_webhook_does(cloud, job):
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    assert cloud.companion("poll").returncode == 0
    assert fetched(cloud, job)["files"] == 1


def test_a_cancelled_job_has_an_archive_too(cloud, job):
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    assert fetched(cloud, job)["files"] == 0
    assert manifest(cloud, job)["status"] == "cancelled"


def test_outputs_are_found_at_any_depth(cloud, job):
    urls = [cloud.sim.deliver(job.prediction_id, name, name.encode())[0]
            for name in ("1/out.png", "2/out.png", "model.zip", "with%20blank")]
    quoted = urls[3].replace("%", "%25")
    finish(cloud, job, output={"images": [urls[0], {"more": urls[1]}, urls[0]], "n": 3,
                               "model": urls[2], "text": "no URL", "last": quoted})
    assert fetched(cloud, job)["files"] == 4
    assert stored(cloud, job, "outputs/out.png") == b"1/out.png"
    assert stored(cloud, job, "outputs/2-out.png") == b"2/out.png"
    assert stored(cloud, job, "outputs/model.zip") == b"model.zip"
    assert [file["key"].removeprefix("archive/outputs/") for file in
            manifest(cloud, job)["files"]] == ["2-out.png", "model.zip", "out.png",
                                               "with%20blank"]


def test_a_job_that_sends_no_files_itself_gets_a_bucket(cloud):
    cloud.configure(s3_endpoint_enabled=False)
    job = cloud.new_job()
    assert "SIMPLETUNER_UPLOAD_TOKEN" not in job.env
    finish(cloud, job)
    fetched(cloud, job)
    assert stored(cloud, job, "outputs/weights.safetensors") == b"weights\n"
    assert (cloud.home / "outputs" / job.job_id / "archive" / "logs.txt").exists()


def test_a_large_file_comes_whole(cloud, job):
    url, output = cloud.sim.deliver(job.prediction_id, "big.bin", b"seed", size=64 * MiB + 1)
    finish(cloud, job, output=url)
    assert fetched(cloud, job)["bytes"] == 64 * MiB + 1
    body = stored(cloud, job, "outputs/big.bin")
    assert hashlib.sha256(body).hexdigest() == output.sha256()


def test_a_job_that_says_it_is_done_before_its_provider_does_is_not_forgotten(cloud, job):
    cloud.sim.advance(job.prediction_id, "processing")
    assert cloud.webhook({"event_type": "completed", "job_id": job.job_id}).status_code == 200
    until(lambda: (archive(cloud, job) or {}).get("error"), WAIT_S, "nothing was tried")
    assert archive(cloud, job)["state"] == "waiting"
    assert "not finished" in archive(cloud, job)["error"]
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    expect.ok(ask_again(cloud, job.job_id))
    assert fetched(cloud, job)["files"] == 1


# broken connections and dead processes

@pytest.mark.parametrize("fault", ["break", "short"])
def test_a_broken_download_goes_on_where_it_stopped(cloud, job, fault):
    url, output = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, faults=[fault, fault])
    finish(cloud, job, output=url)
    assert fetched(cloud, job)["bytes"] == len(BIG)
    assert stored(cloud, job, "outputs/w.bin") == BIG
    first, *others = downloads(cloud, job, "w.bin")
    starts = [int(header.removeprefix("bytes=").removesuffix("-")) for header in others]
    assert first is None and len(starts) == 2
    assert 0 < starts[0] <= len(BIG) // 2 and starts[0] < starts[1] <= len(BIG) * 3 // 4
    assert not parts(cloud, job)
    assert manifest(cloud, job)["files"][0]["sha256"] == hashlib.sha256(BIG).hexdigest()


def test_a_killed_responder_goes_on_where_it_stopped(cloud, job):
    url, output = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, faults=["slow"])
    finish(cloud, job, output=url)
    assert output.halfway.wait(WAIT_S)
    until(lambda: parts(cloud, job) and parts(cloud, job)[0].stat().st_size == len(BIG) // 2,
          WAIT_S, "the first half does not arrive")
    cloud.kill_responder()
    output.go_on.set()
    keys = [row["Key"] for row in expect.ok(cloud.get(job.storage()))["Contents"]]
    assert keys == ["archive/logs.txt"]
    cloud.change("UPDATE archives SET claimed_until_us = 1 WHERE job_id = %s", job.job_id)
    assert fetched(cloud, job)["bytes"] == len(BIG)
    assert downloads(cloud, job, "w.bin") == [None, f"bytes={len(BIG) // 2}-"]
    assert stored(cloud, job, "outputs/w.bin") == BIG
    assert not parts(cloud, job)


def test_two_never_write_one_file(cloud, job):
    """As when a host slept until its claim had run out: another takes the job, and waits."""
    url, output = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, faults=["slow"])
    finish(cloud, job, output=url)
    assert output.halfway.wait(WAIT_S)
    cloud.change("UPDATE archives SET claimed_until_us = 5 WHERE job_id = %s", job.job_id)
    until(lambda: "another process" in (archive(cloud, job)["error"] or ""), WAIT_S,
          "nobody else takes the job")
    output.go_on.set()
    until(lambda: not parts(cloud, job), WAIT_S, "the first does not finish")
    expect.ok(ask_again(cloud, job.job_id))
    assert fetched(cloud, job)["bytes"] == len(BIG)
    assert downloads(cloud, job, "w.bin") == [None]
    assert stored(cloud, job, "outputs/w.bin") == BIG


def test_a_file_that_changed_meanwhile_is_fetched_anew(cloud, job):
    url, output = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, faults=["break", "other"])
    finish(cloud, job, output=url)
    fetched(cloud, job)
    first, second = downloads(cloud, job, "w.bin")
    assert first is None and second.startswith("bytes=")
    assert stored(cloud, job, "outputs/w.bin") == bytes(byte ^ 0xff for byte in BIG)


def test_without_an_entity_tag_a_download_starts_over(cloud, job):
    url, _ = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, etag=False, faults=["break"])
    finish(cloud, job, output=url)
    fetched(cloud, job)
    assert downloads(cloud, job, "w.bin") == [None, None]
    assert stored(cloud, job, "outputs/w.bin") == BIG


# what does not come

def test_a_file_that_is_gone_is_said_to_be_missing_and_the_rest_comes(cloud, job):
    gone, _ = cloud.sim.deliver(job.prediction_id, "a.bin", b"a", faults=["404"])
    there, _ = cloud.sim.deliver(job.prediction_id, "b.bin", b"b")
    finish(cloud, job, output=[gone, there])
    view = fetched(cloud, job)
    assert view["files"] == 1 and "a.bin" in view["error"]
    text = manifest(cloud, job)
    assert text["complete"] is False
    assert [file.get("missing", False) for file in text["files"]] == [True, False]
    assert stored(cloud, job, "outputs/b.bin") == b"b"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_private_url_of_another_server_is_refused(cloud, job, scheme):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0)
        port = listener.getsockname()[1]
        mine, _ = cloud.sim.deliver(job.prediction_id, "b.bin", b"b")
        finish(cloud, job, output=[f"{scheme}://127.0.0.1:{port}/secret", mine])
        view = settled(cloud, job)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert view["state"] == "failed" and "public" in view["error"]
    assert stored(cloud, job, "outputs/b.bin") == b"b"
    assert manifest(cloud, job)["files"][1]["missing"] is False
    assert cloud.status(job.job_id) == "completed"


def test_a_name_that_leads_to_a_private_address_is_refused(cloud, job):
    """The name looks public; where it leads to is found out before anything is sent."""
    finish(cloud, job, output="https://127.0.0.1.nip.invalid/x")
    until(lambda: (archive(cloud, job) or {}).get("error"), WAIT_S, "nothing was tried")
    assert archive(cloud, job)["state"] == "waiting"


def test_a_provider_in_trouble_leaves_the_job_completed_and_the_archive_waiting(cloud, job):
    cloud.sim.fault("500", "GET", "/v1/predictions/", count=1000)
    finish(cloud, job)
    until(lambda: (archive(cloud, job) or {}).get("error"), WAIT_S, "nothing was tried")
    view = archive(cloud, job)
    assert view["state"] == "waiting" and "500" in view["error"] and not view["finished_at"]
    assert cloud.status(job.job_id) == "completed"
    cloud.sim.clear_faults()
    expect.ok(ask_again(cloud, job.job_id))
    assert fetched(cloud, job)["error"] is None


def test_garbage_from_the_provider_is_tried_again(cloud, job):
    cloud.sim.fault("garbage", "GET", "/v1/predictions/", count=1)
    finish(cloud, job)
    assert fetched(cloud, job)["files"] == 1


def test_an_archive_is_given_up_after_its_last_attempt(cloud, job):
    url, _ = cloud.sim.deliver(job.prediction_id, "w.bin", BIG, faults=["break"] + ["500"] * 99)
    finish(cloud, job, output=url)
    until(lambda: (archive(cloud, job) or {}).get("error"), WAIT_S, "nothing was tried")
    assert len(parts(cloud, job)) == 1
    cloud.change("UPDATE archives SET run_at_us = 1, attempts = 17 WHERE job_id = %s",
                  job.job_id)
    view = settled(cloud, job)
    assert view["state"] == "failed" and "HTTP 500" in view["error"] and view["finished_at"]
    assert manifest(cloud, job)["complete"] is False
    assert not parts(cloud, job)
    assert cloud.status(job.job_id) == "completed"


# afterwards

def test_logs_are_there_after_the_provider_forgot_them(cloud, job):
    finish(cloud, job)
    fetched(cloud, job)
    cloud.sim.remove_data(job.prediction_id)
    expect.ok(ask_again(cloud, job.job_id))
    assert fetched(cloud, job)["files"] == 1
    assert stored(cloud, job, "logs.txt") == b"step 1/2\nstep 2/2\n"
    assert stored(cloud, job, "outputs/weights.safetensors") == b"weights\n"
    assert manifest(cloud, job)["complete"] is True


def test_removed_data_ends_an_archive_with_what_there_is(cloud, job):
    cloud.sim.advance(job.prediction_id, "succeeded", deliver=False)
    cloud.sim.remove_data(job.prediction_id)
    assert cloud.companion("poll").returncode == 0
    assert fetched(cloud, job)["files"] == 0


def test_what_is_there_is_not_fetched_again(cloud, job):
    finish(cloud, job)
    fetched(cloud, job)
    expect.ok(ask_again(cloud, job.job_id))
    fetched(cloud, job)
    assert downloads(cloud, job, "weights.safetensors") == [None]


def test_an_active_or_unknown_job_has_nothing_to_ask_for(cloud, job):
    assert archive(cloud, job) is None
    assert ask_again(cloud, job.job_id).status_code == 409
    assert ask_again(cloud, "01hzzzzzzzzzzzzzzzzzzzzzzz").status_code == 404


def test_a_job_that_never_reached_its_provider_has_nothing_to_ask_for(cloud):
    cloud.sim.fault("503", "POST", "/v1/predictions", count=1)
    before = {row["job_id"] for row in expect.ok(cloud.get("/api/cloud/jobs"))["jobs"]}
    cloud.submit()
    [job_id] = {row["job_id"] for row in
                expect.ok(cloud.get("/api/cloud/jobs"))["jobs"]} - before
    assert ask_again(cloud, job_id).status_code == 409


# whom it trusts

class Tunnel:
    """A proxy for CONNECT that leads every name to one port of this machine."""

    def __init__(self, port):
        self.port = port
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.asked.append(head.split()[1].decode())
            server = socket.create_connection(("127.0.0.1", self.port))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_only_the_provider_gets_its_token(cloud, job, tmp_path):
    """Both servers are behind one proxy, which resolves their names."""
    finish(cloud, job)
    fetched(cloud, job)
    path = f"/delivery/{job.prediction_id}/"
    [own] = cloud.sim.requests_to("GET", path)
    assert own["authorization"] == f"Bearer {cloud.sim.token}"

    tunnel = Tunnel(cloud.sim.port)
    cloud.configure(proxy_url=tunnel.url, ssl_verify=False)
    foreign = cloud.new_job()
    finish(cloud, foreign, output=f"https://delivery.example{path}weights.safetensors")
    assert fetched(cloud, foreign)["files"] == 1
    assert "delivery.example:443" in tunnel.asked
    assert cloud.sim.requests_to("GET", path)[1]["authorization"] is None
    tunnel.listener.close()


def test_a_file_that_is_too_large_is_refused(new_stack):
    cloud = new_stack({"SIMPLETUNER_MAX_OBJECT_BYTES": "1000"})
    job = cloud.new_job()
    large, _ = cloud.sim.deliver(job.prediction_id, "large.bin", b"x" * 1001)
    small, _ = cloud.sim.deliver(job.prediction_id, "small.bin", b"x" * 100)
    finish(cloud, job, output=[large, small])
    view = settled(cloud, job)
    assert view["state"] == "failed" and "1000 bytes" in view["error"] and view["files"] == 1
    assert not parts(cloud, job)
