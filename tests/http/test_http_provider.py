"""The provider http: the example service of the README, through the whole life of a job."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

import expect
import sim_webhooks
from conftest import DATABASES
from stack import REPO, Stack
from waiting import free_port, until

EXAMPLE = REPO / "tests" / "http" / "example_provider.py"
HTTP = "/api/cloud/providers/http"
SECRET = sim_webhooks.new_secret()
A100 = {"a100": {"name": "A100 (80GB)", "cost_per_second": 0.5},
        "a100-x2": {"cost_per_second": 1}}
README_BLOCK = re.compile(r"<!-- example provider -->\s*```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Example:
    """The example service as a process of its own."""

    def __init__(self, train_s, page):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, EXAMPLE, str(self.port)], stdin=subprocess.DEVNULL,
            env={"CLOUD_WEBHOOK_SECRET": SECRET, "TRAIN_SECONDS": str(train_s),
                 "PAGE": str(page), "PATH": os.environ["PATH"]})
        until(self.answers, 10, "the example does not start")

    def answers(self):
        try:
            urllib.request.urlopen(self.url + "/account", timeout=5)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def example():
    started = []

    def start(train_s=0.2, page=100):
        started.append(Example(train_s, page))
        return started[-1]

    yield start
    for service in started:
        service.stop()


@pytest.fixture(scope="module", params=DATABASES)
def http_stack(request, fleet):
    stack = Stack("lighttpd", fleet.database_url(request.param), {"CLOUD_WEBHOOK_SECRET": SECRET})
    with stack:
        yield stack


@pytest.fixture
def cloud(http_stack):
    http_stack.reset()
    configure(http_stack, api_base_url="", hardware_profile="")
    return http_stack


def configure(cloud, **fields):
    return expect.ok(cloud.put(HTTP, json=fields))["config"]


def submit(cloud, **body):
    body.setdefault("config", {"max_train_steps": 10})
    return cloud.post("/api/cloud/jobs/submit?provider=http", json=body)


def entry(cloud):
    [item] = [item for item in expect.ok(cloud.get("/api/cloud/providers"))["providers"]
              if item["id"] == "http"]
    return item


def test_it_is_configured_once_it_has_an_address(cloud):
    assert entry(cloud)["configured"] is False
    expect.error(submit(cloud), 409, "api_base_url")
    configure(cloud, api_base_url="http://127.0.0.1:1", hardware_info=A100)
    assert entry(cloud)["configured"] is True


def test_a_job_goes_all_the_way_by_webhooks(cloud, example):
    service = example()
    configure(cloud, api_base_url=service.url, hardware_info=A100)
    body = expect.ok(submit(cloud, hardware_profile="a100-x2"))
    assert body["external_id"]
    until(lambda: cloud.status(body["job_id"]) == "completed", 20, "no webhook ended the job")
    job = cloud.job(body["job_id"])
    assert job["provider"] == "http" and job["hardware_type"] == "a100-x2"
    assert job["started_at"] and job["completed_at"]
    assert job["cost_usd"] == pytest.approx(0.2)


def test_the_account_answers_through_validate(cloud, example):
    configure(cloud, api_base_url=example().url)
    body = expect.ok(cloud.get(f"{HTTP}/validate"))
    assert body["valid"] is True and body["user_info"]["username"] == "example"
    assert body["token_source"] is None


def test_a_running_job_is_cancelled_there_too(cloud, example):
    service = example(train_s=600)
    configure(cloud, api_base_url=service.url)
    job_id = expect.ok(submit(cloud))["job_id"]
    until(lambda: cloud.status(job_id) == "running", 20, "no webhook started the job")
    assert expect.ok(cloud.post(f"/api/cloud/jobs/{job_id}/cancel"))["status"] == "cancelled"
    poll = cloud.companion("poll", "--json")
    assert poll.returncode == 0, poll.stderr
    assert cloud.status(job_id) == "cancelled"


def test_lost_webhooks_are_made_up_for_by_polling(cloud, example):
    service = example()
    configure(cloud, api_base_url=service.url, webhook_url="http://127.0.0.1:9/nobody")
    job_id = expect.ok(submit(cloud))["job_id"]
    configure(cloud, webhook_url="")

    def completed():
        cloud.companion("poll")
        return cloud.status(job_id) == "completed"

    until(completed, 20, "polling does not end the job")


def test_a_lost_submission_is_found_on_whatever_page_it_is(cloud, example):
    service = example(train_s=600, page=1)
    configure(cloud, api_base_url=service.url)
    job_ids = [expect.ok(submit(cloud))["job_id"] for _ in range(3)]
    external_id = cloud.job(job_ids[0])["external_id"]
    cloud.change("UPDATE jobs SET external_id = NULL WHERE job_id = %s", job_ids[0])
    done = cloud.companion("poll")
    assert done.returncode == 0, done.stderr
    assert cloud.job(job_ids[0])["external_id"] == external_id


def test_what_the_service_charges_goes_before_the_price_list(cloud, example):
    configure(cloud, api_base_url=example(train_s=600).url, hardware_info=A100)
    job = expect.ok(submit(cloud, hardware_profile="a100"))
    body = json.dumps({"id": job["external_id"], "status": "completed", "run_seconds": 10,
                       "cost_usd": 12.5}).encode()
    expect.ok(cloud.post("/api/webhooks/http", data=body,
                         headers=sim_webhooks.headers(SECRET, body)))
    until(lambda: cloud.status(job["job_id"]) == "completed", 10, "the webhook moved nothing")
    assert cloud.job(job["job_id"])["cost_usd"] == 12.5


def test_hardware_is_what_the_setting_lists(cloud, example):
    configure(cloud, api_base_url=example().url, hardware_info=A100, hardware_profile="a100")
    item = entry(cloud)
    assert item["hardware"] == "A100 (80GB)" and item["cost_per_hour"] == 1800
    assert {profile["id"] for profile in item["hardware_profiles"]} == set(A100)
    expect.error(submit(cloud, hardware_profile="h100"), 400, "a100, a100-x2")
    expect.error(cloud.put(HTTP, json={"hardware_profile": "h100"}), 400, "hardware_profile")
    expect.error(cloud.put(HTTP, json={"hardware_info": {"x": {"cost_per_second": 1}}}), 400,
                 "hardware_profile")
    options = expect.ok(cloud.get("/api/cloud/hardware-options?provider=http"))
    assert options["default_hardware"] == "a100"
    assert [item["id"] for item in options["hardware"]] == ["a100", "a100-x2"]


@pytest.mark.parametrize("path", ["versions", "versions?model_id=a/b"])
def test_it_has_no_versions(cloud, path):
    expect.error(cloud.get(f"{HTTP}/{path}"), 404)


def test_a_service_with_another_secret_is_told_apart(cloud, example):
    """The example refuses what is not signed with its secret, and we refuse what it signs not."""
    service = example()
    configure(cloud, api_base_url=service.url)
    body = b'{"id": "x", "job_id": "y", "status": "failed"}'
    for secret, status in ((sim_webhooks.new_secret(), 401), (SECRET, 200)):
        answer = cloud.post("/api/webhooks/http", data=body,
                            headers=sim_webhooks.headers(secret, body))
        assert answer.status_code == status, answer.text


def test_so_it_is_for_a_job_under_a_token_of_ones_own(new_stack, example):
    cloud = new_stack({"CLOUD_WEBHOOK_SECRET": SECRET})
    configure(cloud, api_base_url=example(train_s=600).url)
    answer = cloud.post("/api/users/me/credentials", json={"provider": "http", "value": "my-own"})
    assert answer.status_code == 201, answer.text
    job = expect.ok(submit(cloud))
    body = json.dumps({"id": job["external_id"], "status": "completed"}).encode()
    for secret, status in ((sim_webhooks.new_secret(), 401), (SECRET, 200)):
        answer = cloud.post(f"/api/webhooks/http?job_id={job['job_id']}", data=body,
                            headers=sim_webhooks.headers(secret, body))
        assert answer.status_code == status, answer.text


def test_a_service_that_is_away_fails_the_job_and_says_so(cloud):
    configure(cloud, api_base_url=f"http://127.0.0.1:{free_port()}")
    body = expect.error(submit(cloud), 502, "HTTP cannot be reached")
    assert cloud.status(body["details"]["job_id"]) == "failed"


def test_the_lines_of_the_readme_work(cloud, example):
    service = example()
    [block] = README_BLOCK.findall((REPO / "README.md").read_text())
    block = block.replace("http://127.0.0.1:8080", cloud.url).replace("127.0.0.1:9450",
                                                                      f"127.0.0.1:{service.port}")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert '"completed"' in done.stdout
