"""Submitting a job: the row first, then one paid prediction, whatever the provider does."""

import json
import re
import threading
import time

import pytest

import expect
from sim_predictions import version_id
from stack import PROVIDER
from waiting import free_port, until

SUBMIT = "/api/cloud/jobs/submit"


def creations(cloud):
    return cloud.sim.requests_to("POST", "/v1/predictions")


def jobs_total(cloud):
    return expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]


def newest(cloud):
    return expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["jobs"][0]


def test_the_answer_names_the_job(cloud):
    body = expect.ok(cloud.submit(config_name="portrait"))
    assert body["success"] is True
    assert expect.JOB_ID.fullmatch(body["job_id"])
    assert body["status"] in ("pending", "queued")


def test_job_ids_sort_by_time(cloud):
    ids = [expect.ok(cloud.submit())["job_id"] for _ in range(3)]
    assert ids == sorted(ids) and len(set(ids)) == 3


def test_the_row_is_written_before_the_provider_is_called(cloud):
    """While the provider thinks, the job is there already."""
    cloud.sim.fault("slow", "POST", "/v1/predictions", seconds=2)
    before = jobs_total(cloud)
    submit = threading.Thread(target=cloud.submit)
    submit.start()
    until(lambda: jobs_total(cloud) == before + 1, 1.8, "no row while the provider is busy")
    assert newest(cloud)["status"] == "pending"
    submit.join()
    assert newest(cloud)["status"] == "queued"


def test_the_input_carries_configuration_and_data(cloud):
    config = {"model_type": "lora", "nested": {"ünï": [1, 2.5, None, True]}}
    data = [{"id": "pictures", "type": "aws"}, {"id": "texts"}]
    job = cloud.new_job(config=config, dataloader_config=data)
    given = job.prediction["input"]
    assert json.loads(given["config_json"]) == json.loads(given["config_json"]) | config
    assert json.loads(given["dataloader_json"]) == data


def test_the_environment_lets_the_job_upload(cloud):
    env = cloud.new_job().env
    job_id = env["SIMPLETUNER_JOB_ID"]
    assert expect.JOB_ID.fullmatch(job_id)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", env["SIMPLETUNER_UPLOAD_TOKEN"])
    assert env["SIMPLETUNER_UPLOAD_URL"].startswith(f"{cloud.url}/api/cloud/storage")
    assert int(env["SIMPLETUNER_UPLOAD_PART_SIZE"]) >= 5 << 20
    assert env["AWS_ACCESS_KEY_ID"] == env["SIMPLETUNER_UPLOAD_TOKEN"]
    assert env["AWS_SECRET_ACCESS_KEY"]
    assert env["AWS_ENDPOINT_URL_S3"] == f"{cloud.url}/api/cloud/storage"
    assert env["S3_BUCKET"] == job_id
    assert all(isinstance(value, str) for value in env.values())


def test_the_trainer_publishes_to_our_storage(cloud):
    job = cloud.new_job()
    [place] = json.loads(job.prediction["input"]["config_json"])["publishing_config"]
    assert (place["provider"], place["bucket"]) == ("s3", job.job_id)
    assert place["endpoint_url"] == job.env["AWS_ENDPOINT_URL_S3"]
    assert place["access_key"] == job.token
    assert place["use_ssl"] is False


@pytest.mark.parametrize("own", [{"publishing_config": [{"provider": "azure"}]},
                                 {"push_to_hub": True}])
def test_a_configuration_that_publishes_elsewhere_is_left_alone(cloud, own):
    config = {"model_type": "lora"} | own
    assert json.loads(cloud.new_job(config=config).prediction["input"]["config_json"]) == config


def test_every_job_has_a_token_of_its_own(cloud):
    assert cloud.new_job().token != cloud.new_job().token


def test_the_webhook_comes_back_to_us(cloud):
    job = cloud.new_job()
    sent = json.loads(creations(cloud)[-1]["body"])
    [(correlation_id,)] = cloud.query("SELECT correlation_id FROM jobs WHERE job_id = %s",
                                      job.job_id)
    assert sent["webhook"] == (f"{cloud.url}/api/webhooks/replicate?job_id={job.job_id}"
                               f"&correlation_id={correlation_id}")
    assert sent["webhook_events_filter"] == ["start", "completed"]


def test_a_public_url_of_the_provider_is_used(cloud):
    cloud.configure(s3_public_url="https://cloud.example.com/st/")
    env = cloud.new_job().env
    assert env["AWS_ENDPOINT_URL_S3"] == "https://cloud.example.com/st/api/cloud/storage"
    assert json.loads(creations(cloud)[-1]["body"])["webhook"].startswith(
        "https://cloud.example.com/st/api/webhooks/replicate")


def test_without_the_storage_endpoint_there_is_no_upload_token(cloud):
    cloud.configure(s3_endpoint_enabled=False)
    env = cloud.new_job().env
    assert env["SIMPLETUNER_JOB_ID"]
    assert set(env) == {"SIMPLETUNER_JOB_ID"}


def test_the_newest_version_of_the_profile_is_used(cloud):
    prediction = cloud.new_job(hardware_profile="l40s-x2").prediction
    assert prediction["version"] == version_id("simpletuner/advanced-trainer-l40s-x2", 2)


def test_a_version_override_is_used(cloud):
    wanted = version_id("simpletuner/advanced-trainer-h100", 1)
    cloud.configure(version_override=f"simpletuner/advanced-trainer-h100:{wanted}")
    assert cloud.new_job().prediction["version"] == wanted


def test_the_profile_of_the_provider_is_the_default(cloud):
    cloud.configure(hardware_profile="l40s")
    job = cloud.new_job()
    assert job.prediction["model"] == "simpletuner/advanced-trainer-l40s"
    assert "L40S" in cloud.job(job.job_id)["hardware_type"]


def test_the_correlation_id_travels_to_the_provider(cloud):
    answer = cloud.post(SUBMIT, json={"config": {"a": 1}}, headers={"X-Request-Id": "walk-7"})
    assert answer.headers["X-Correlation-ID"] == "walk-7"
    sent = creations(cloud)[-1]["headers"]
    assert "walk-7" in sent.values()


@pytest.mark.parametrize("body, field", [
    ({}, "config"), ({"config": {}}, "config"), ({"config": None}, "config"),
    ({"config": []}, "config"), ({"config": "{}"}, "config"), ({"config": 1}, "config"),
    ({"config": {"a": 1}, "dataloader_config": {}}, "dataloader_config"),
    ({"config": {"a": 1}, "dataloader_config": "[]"}, "dataloader_config"),
    ({"config": {"a": 1}, "dataloader_config": [1]}, "dataloader_config"),
    ({"config": {"a": 1}, "dataloader_config": [{}, []]}, "dataloader_config"),
    ({"config": {"a": 1}, "config_name": 7}, "config_name"),
    ({"config": {"a": 1}, "config_name": "x" * 10000}, "config_name"),
    ({"config": {"a": 1}, "webhook_url": "nowhere"}, "webhook_url"),
    ({"config": {"a": 1}, "webhook_url": "ftp://x/y"}, "webhook_url"),
    ({"config": {"a": 1}, "webhook_url": 7}, "webhook_url"),
    ({"config": {"a": 1}, "hardware_profile": "tpu"}, "profile"),
    ({"config": {"a": 1}, "hardware_profile": 4}, "hardware_profile"),
    ({"config": {"a": 1}, "tracker_run_name": []}, "tracker_run_name"),
    ({"config": {"a": 1}, "colour": "red"}, "colour"),
], ids=str)
def test_a_wrong_body_is_refused_before_anything_happens(cloud, body, field):
    before, sent = jobs_total(cloud), len(creations(cloud))
    expect.error(cloud.post(SUBMIT, json=body), 400, field)
    assert (jobs_total(cloud), len(creations(cloud))) == (before, sent)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b'"config"', b"{", b'{"config":}',
                                  b'{"config":{"a":1}}}', b'{"config":{"a":"\xc3\x28"}}',
                                  b"\x00", b'{"config":' + b"[" * 10000, b"config=1",
                                  b'{"config":{"a":NaN}}', b"{'config':{}}"],
                         ids=lambda body: repr(body[:20]))
def test_a_body_that_is_no_json_object_is_refused(cloud, body):
    before = jobs_total(cloud)
    answer = cloud.post(SUBMIT, data=body, headers={"Content-Type": "application/json"})
    expect.error(answer, 400)
    assert jobs_total(cloud) == before


@pytest.mark.parametrize("query, status", [
    ("?provider=replicate", (200,)), ("?provider=nobody", (404,)), ("?provider=", (400, 404)),
    ("?provider=%ff", (400, 404)), ("?provider=Replicate", (404,))])
def test_the_provider_is_chosen_by_the_query(cloud, query, status):
    answer = cloud.post(SUBMIT + query, json={"config": {"a": 1}})
    assert answer.status_code in status, answer.text


def test_without_a_token_nothing_is_sent(cloud):
    cloud.delete(f"{PROVIDER}/token")
    sent = len(creations(cloud))
    answer = cloud.submit()
    assert 400 <= answer.status_code < 600 and answer.json()["detail"]
    assert answer.status_code not in (404, 405, 500)
    assert len(creations(cloud)) == sent


# A provider that fails


def refused(cloud, answer):
    """The provider surely did nothing: 502, and the job has failed and says why."""
    expect.error(answer, 502, code="provider_error")
    job = newest(cloud)
    assert job["status"] == "failed" and job["error_message"]
    assert cloud.sim.find_job(job["job_id"]) == []
    return job


@pytest.mark.parametrize("mode", ["429", "500", "503", "garbage", "reset", "hang"])
def test_a_provider_without_versions_fails_the_job(cloud, mode):
    cloud.configure(http_timeout=1)
    # Many: libcurl tries once more by itself for each kept connection that turns out to be dead.
    cloud.sim.fault(mode, "GET", "/v1/models", count=200, seconds=3)
    sent = len(creations(cloud))
    answer = cloud.submit()
    cloud.sim.clear_faults()
    assert answer.status_code in (502, 503), answer.text
    assert len(creations(cloud)) == sent
    assert newest(cloud)["status"] == "failed"


def test_a_provider_that_throttles_fails_the_job(cloud):
    cloud.sim.fault("429", "POST", "/v1/predictions", count=10)
    answer = cloud.submit()
    assert answer.status_code in (429, 502, 503), answer.text
    job = newest(cloud)
    assert job["status"] == "failed" and job["error_message"]


def test_a_provider_that_is_down_fails_the_job(cloud):
    cloud.configure(api_base_url=f"https://127.0.0.1:{free_port()}/v1")
    refused(cloud, cloud.submit())


def test_a_provider_whose_name_does_not_resolve_fails_the_job(cloud):
    cloud.configure(api_base_url="https://nowhere.invalid/v1")
    refused(cloud, cloud.submit())


def test_an_unknown_authority_fails_the_job(cloud):
    cloud.configure(ssl_ca_bundle="")
    sent = len(cloud.sim.requests)
    job = refused(cloud, cloud.submit())
    assert "certificate" in job["error_message"].lower() or "ssl" in job["error_message"].lower()
    assert len(cloud.sim.requests) == sent


def test_verification_can_be_turned_off(cloud):
    cloud.configure(ssl_ca_bundle="", ssl_verify=False)
    assert cloud.new_job().job_id


def test_a_proxy_that_is_down_is_not_bypassed(cloud):
    cloud.configure(proxy_url=f"http://127.0.0.1:{free_port()}")
    sent = len(cloud.sim.requests)
    refused(cloud, cloud.submit())
    assert len(cloud.sim.requests) == sent


def test_a_refused_prediction_fails_the_job_with_the_reason(cloud):
    cloud.configure(version_override="simpletuner/advanced-trainer-h100:" + "0" * 64)
    job = refused(cloud, cloud.submit())
    assert "version" in job["error_message"].lower()


def outcome_is_unknown(cloud, answer):
    """The provider may have done it: 502, and the job waits for the reconciler."""
    made = cloud.sim.find_job(newest(cloud)["job_id"])
    assert len(made) == 1, f"{len(made)} predictions were made and paid"
    body = expect.error(answer, 502, code="provider_outcome_unknown")
    job = newest(cloud)
    assert job["status"] == "pending" and job["external_id"] is None
    assert job["job_id"] in json.dumps(body)
    return job["job_id"]


@pytest.mark.parametrize("mode", ["drop-after-commit", "slow"])
def test_a_lost_answer_is_found_again_and_paid_once(cloud, mode):
    cloud.configure(http_timeout=1)
    cloud.sim.fault(mode, "POST", "/v1/predictions", seconds=3)
    job_id = outcome_is_unknown(cloud, cloud.submit())
    cloud.configure(http_timeout=30)
    [prediction] = cloud.sim.find_job(job_id)
    polled = cloud.companion("poll")
    assert polled.returncode == 0, polled.stderr
    job = cloud.job(job_id)
    assert (job["status"], job["external_id"]) == ("queued", prediction["id"])
    assert len(cloud.sim.find_job(job_id)) == 1


@pytest.mark.parametrize("mode", ["reset", "hang", "500", "503", "garbage"])
def test_an_answer_that_proves_nothing_is_never_paid_twice(cloud, mode):
    """Nothing was made. The job may fail now or after reconciling; it is not sent again blindly."""
    cloud.configure(http_timeout=1)
    cloud.sim.fault(mode, "POST", "/v1/predictions", seconds=2)
    answer = cloud.submit()
    assert answer.status_code in (502, 503), answer.text
    job = newest(cloud)
    cloud.configure(http_timeout=30)
    assert cloud.companion("poll").returncode == 0
    assert len(cloud.sim.find_job(job["job_id"])) <= 1
    job = cloud.job(job["job_id"])
    assert job["status"] in ("pending", "failed", "queued")
    assert job["status"] == "queued" or job["error_message"]


def test_the_lost_prediction_is_found_on_a_later_page(cloud):
    cloud.configure(http_timeout=1)
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    job_id = outcome_is_unknown(cloud, cloud.submit())
    cloud.configure(http_timeout=30)
    for _ in range(5):
        cloud.new_job()
    cloud.sim.page_size = 2
    try:
        assert cloud.companion("poll").returncode == 0
    finally:
        cloud.sim.page_size = 100
    [prediction] = cloud.sim.find_job(job_id)
    assert cloud.job(job_id)["external_id"] == prediction["id"]


def test_a_webhook_tells_about_the_lost_prediction_too(cloud):
    cloud.configure(http_timeout=1)
    cloud.sim.fault("drop-after-commit", "POST", "/v1/predictions")
    job_id = outcome_is_unknown(cloud, cloud.submit())
    [prediction] = cloud.sim.find_job(job_id)
    delivery = cloud.sim.advance(prediction["id"], "processing")
    assert delivery.status == 200, delivery.attempts
    job = cloud.job(job_id)
    assert (job["status"], job["external_id"]) == ("running", prediction["id"])


def test_a_slow_provider_does_not_hold_longer_than_its_timeout(cloud):
    cloud.configure(http_timeout=1)
    cloud.sim.fault("hang", "POST", "/v1/predictions", seconds=8)
    start = time.monotonic()
    cloud.submit()
    assert time.monotonic() - start < 6


def test_an_answer_without_end_is_cut(cloud):
    cloud.sim.fault("huge", "POST", "/v1/predictions")
    answer = cloud.submit()
    assert answer.status_code == 502, answer.text
    assert len(answer.content) < 65536


# Secrets


def test_no_secret_is_in_answers_database_or_logs(cloud):
    job = cloud.new_job()
    cloud.upload(job, "a.bin", b"abc")
    cloud.sim.advance(job.prediction_id, "processing")
    cloud.sim.fault("500", "GET", "/v1/predictions")
    polled = cloud.companion("poll", "--json")
    secrets = {"provider token": cloud.sim.token, "upload token": job.token,
               "secret key": job.env["AWS_SECRET_ACCESS_KEY"],
               "signing secret": cloud.sim.webhook_secret}
    places = {"database": cloud.database_text(), "log": cloud.log(),
              "poll": polled.stdout + polled.stderr}
    for path in (f"/api/cloud/jobs/{job.job_id}", "/api/cloud/jobs", PROVIDER,
                 "/api/cloud/health?include_providers=true", job.storage()):
        places[path] = cloud.get(path).text
    for path in cloud.home.glob("run/**/*"):
        if path.is_file():
            places[str(path)] = path.read_text(errors="replace")
    found = [(secret, place) for place, text in places.items()
             for secret, value in secrets.items() if value in text]
    assert not found
