"""What a submission may say: named configurations, limits, secrets, and a run that only shows."""

import json

import pytest

import expect

SUBMIT = "/api/cloud/jobs/submit"


@pytest.fixture
def configs(cloud):
    """The directory of named configurations, emptied afterwards."""
    directory = cloud.home / "config" / "jobs"
    directory.mkdir(parents=True, exist_ok=True)
    yield directory
    for path in directory.iterdir():
        path.unlink()


def submit(cloud, **body):
    return cloud.post(SUBMIT, json=body)


def sent_input(cloud, job_id):
    [prediction] = cloud.sim.find_job(job_id)
    return prediction["input"]


def test_a_named_configuration_is_submitted(cloud, configs):
    (configs / "portrait.json").write_text(json.dumps(
        {"config": {"model_type": "lora"}, "dataloader_config": [{"id": "faces"}]}))
    job_id = expect.ok(submit(cloud, config_name_to_load="portrait"))["job_id"]
    given = sent_input(cloud, job_id)
    assert json.loads(given["config_json"])["model_type"] == "lora"
    assert json.loads(given["dataloader_json"]) == [{"id": "faces"}]
    assert cloud.job(job_id)["config_name"] == "portrait"


@pytest.mark.parametrize("name", ["nobody", "../portrait", ".", "a/b", "", 7, "x" * 129])
def test_a_name_that_is_none_is_refused(cloud, configs, name):
    expect.error(submit(cloud, config_name_to_load=name), 400, "config_name_to_load")


def test_a_broken_file_is_explained_without_its_place(cloud, configs):
    (configs / "broken.json").write_text('{"model_type":')
    body = expect.error(submit(cloud, config_name_to_load="broken"), 400, "JSON")
    assert str(cloud.home) not in json.dumps(body)


def test_the_named_configurations_are_listed(cloud, configs):
    (configs / "b.json").write_text("{}")
    (configs / "a.json").write_text("{}")
    body = expect.ok(cloud.get("/api/cloud/available-configs"))
    assert body == {"configs": [{"name": "a", "is_active": False},
                                {"name": "b", "is_active": False}], "active_config": None}


def test_the_metadata_keeps_what_the_caller_says(cloud):
    job = cloud.new_job(snapshot_name="before", snapshot_message="as it was", upload_id="up-1")
    metadata = cloud.job(job.job_id)["metadata"]
    assert metadata["snapshot"] == {"name": "before", "message": "as it was"}
    assert metadata["upload_id"] == "up-1"


@pytest.mark.parametrize("body, field", [
    ({"snapshot_name": 1}, "snapshot_name"), ({"snapshot_message": "x" * 2001}, "snapshot_message"),
    ({"upload_id": ""}, "upload_id"), ({"max_runtime_minutes": 0}, "max_runtime_minutes"),
    ({"max_runtime_minutes": 1.5}, "max_runtime_minutes"), ({"dry_run": "yes"}, "dry_run"),
    ({"config_name_to_load": "x"}, "together")], ids=str)
def test_a_wrong_field_is_named(cloud, body, field):
    expect.error(submit(cloud, config={"a": 1}, **body), 400, field)


def test_a_job_longer_than_the_provider_allows_is_warned_of(cloud):
    body = expect.ok(submit(cloud, config={"a": 1}, max_runtime_minutes=90))
    [warning] = body["warnings"]
    assert "30 minutes" in warning and "90" in warning
    assert expect.ok(submit(cloud, config={"a": 1}, max_runtime_minutes=30))["warnings"] == []


def test_the_limit_of_the_provider_is_the_default(cloud):
    cloud.configure(max_runtime_minutes=120)
    try:
        assert "120" in expect.ok(submit(cloud, config={"a": 1}))["warnings"][0]
    finally:
        cloud.configure(max_runtime_minutes=30)


def test_a_lycoris_configuration_is_sent_as_an_input(cloud):
    job = cloud.new_job(config={"model_type": "lora", "lycoris_config": {"algo": "lokr"}})
    given = job.prediction["input"]
    assert json.loads(given["lycoris_json"]) == {"algo": "lokr"}
    assert "lycoris_config" not in json.loads(given["config_json"])


def test_submissions_may_be_posted_to_the_list(cloud):
    assert expect.ok(cloud.post("/api/cloud/jobs", json={"config": {"a": 1}}))["job_id"]


def test_a_hub_token_goes_with_jobs_that_push(new_stack):
    cloud = new_stack(env={"HF_TOKEN": "hf_verysecret"})
    config = {"push_to_hub": True, "hub_model_id": "me/model"}
    job = cloud.new_job(config=config)
    assert job.prediction["input"]["hf_token"] == "hf_verysecret"
    assert job.prediction["input"]["hub_model_id"] == "me/model"
    assert "hf_token" not in cloud.new_job(config={"a": 1}).prediction["input"]
    shown = submit(cloud, config=config, dry_run=True).text
    assert "hf_verysecret" not in shown and '"hf_token":"***"' in shown
    assert "hf_verysecret" not in cloud.database_text() + cloud.log()


def test_a_hub_token_goes_nowhere_that_a_submitter_chose(new_stack):
    cloud = new_stack(env={"HF_TOKEN": "hf_verysecret"})
    job = cloud.new_job(config={"push_to_hub": True}, webhook_url="https://elsewhere.example/x")
    assert "hf_token" not in job.prediction["input"]
    answer = expect.ok(submit(cloud, config={"push_to_hub": True}, dry_run=True,
                              webhook_url="https://elsewhere.example/x"))
    assert any("HF_TOKEN" in warning for warning in answer["warnings"])


def test_a_missing_hub_token_is_warned_of(cloud):
    [warning] = expect.ok(submit(cloud, config={"push_to_hub": True}))["warnings"]
    assert "HF_TOKEN" in warning


# Dry runs


@pytest.mark.parametrize("query, body", [("", {"dry_run": True}), ("?dry_run=true", {})], ids=str)
def test_a_dry_run_shows_and_does_nothing(cloud, query, body):
    total = expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]
    calls = len(cloud.sim.requests)
    view = expect.ok(cloud.post(SUBMIT + query, json={
        "config": {"model_type": "lora", "wandb_api_key": "wandb-secret"},
        "dataloader_config": [{"id": "d", "aws_secret_access_key": "aws-secret"}],
        "hardware_profile": "l40s", "config_name": "n", "max_runtime_minutes": 60,
        "idempotency_key": "dry"} | body))
    assert view["dry_run"] is True and view["provider"] == "replicate"
    assert view["hardware_profile"] == "l40s"
    assert view["input"]["config"]["model_type"] == "lora"
    assert view["input"]["config"]["wandb_api_key"] == "***"
    assert view["input"]["config"]["publishing_config"][0]["secret_key"] == "***"
    assert view["input"]["dataloader_config"] == [{"id": "d", "aws_secret_access_key": "***"}]
    assert view["env"]["SIMPLETUNER_UPLOAD_TOKEN"] == "***"
    assert view["env"]["AWS_SECRET_ACCESS_KEY"] == "***"
    assert view["env"]["S3_BUCKET"] == view["env"]["SIMPLETUNER_JOB_ID"]
    assert view["webhook_url"].startswith(f"{cloud.url}/api/webhooks/replicate")
    assert view["estimate"]["estimated_cost_usd"] > 0
    assert len(view["warnings"]) == 1 and view["quota_warnings"] == []
    assert expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"] == total
    assert len(cloud.sim.requests) == calls


def test_a_dry_run_needs_no_token(cloud):
    cloud.delete("/api/cloud/providers/replicate/token")
    assert expect.ok(submit(cloud, config={"a": 1}, dry_run=True))["dry_run"] is True


def test_a_dry_run_says_that_the_limit_is_in_the_way(cloud):
    cloud.configure(cost_limit_enabled=True, cost_limit_amount=0.000001, cost_limit_action="block")
    try:
        view = expect.ok(submit(cloud, config={"a": 1}, dry_run=True))
        assert "Cost limit exceeded" in view["cost_limit_warning"]
    finally:
        cloud.configure(cost_limit_enabled=False)


def test_a_dry_run_of_a_wrong_request_is_refused(cloud):
    expect.error(submit(cloud, config={}, dry_run=True), 400, "config")
