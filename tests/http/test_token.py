"""The provider's API token: kept in a private file, checked, removed, never shown."""

import json
import stat

import pytest

import expect
from stack import PROVIDER

TOKEN = f"{PROVIDER}/token"
VALIDATE = f"{PROVIDER}/validate"


def secrets_file(cloud):
    return cloud.home / "secrets.json"


def put_token(cloud, token):
    return expect.ok(cloud.put(TOKEN, json={"api_token": token}))


def test_a_saved_token_is_in_a_private_file(cloud):
    body = put_token(cloud, cloud.sim.token)
    assert body["success"] is True and not body["error"]
    assert body["file_path"] == str(secrets_file(cloud))
    assert stat.S_IMODE(secrets_file(cloud).stat().st_mode) == 0o600
    assert json.loads(secrets_file(cloud).read_text())["REPLICATE_API_TOKEN"] == cloud.sim.token


def test_saving_keeps_the_other_secrets(cloud):
    path = secrets_file(cloud)
    path.write_text(json.dumps({"REPLICATE_API_TOKEN": "r8_old", "CLOUD_WEBHOOK_SECRET": "mine"}))
    path.chmod(0o600)
    put_token(cloud, cloud.sim.token)
    assert json.loads(path.read_text()) == {
        "REPLICATE_API_TOKEN": cloud.sim.token, "CLOUD_WEBHOOK_SECRET": "mine"}


def test_blanks_around_the_token_are_dropped(cloud):
    put_token(cloud, f"  {cloud.sim.token}\n")
    assert expect.ok(cloud.get(VALIDATE))["valid"] is True


def test_a_token_that_replicate_refuses_is_saved_with_a_warning(cloud):
    body = put_token(cloud, "r8_" + "0" * 37)
    assert body["success"] is True
    assert "Token saved but validation failed" in body["error"]


@pytest.mark.parametrize("token, mention", [
    ("", "empty"), ("   ", "empty"), ("sk-123", "r8_"), ("R8_abc", "r8_")])
def test_a_token_of_the_wrong_form_is_refused(cloud, token, mention):
    answer = cloud.put(TOKEN, json={"api_token": token})
    assert answer.status_code in (200, 400), answer.text
    body = answer.json()
    if answer.status_code == 200:
        assert body["success"] is False and mention in body["error"]
    else:
        assert mention in body["detail"]
    assert cloud.sim.token in secrets_file(cloud).read_text()


@pytest.mark.parametrize("body", [{}, {"api_token": None}, {"api_token": 7}, {"token": "r8_x"},
                                  {"api_token": "r8_x", "more": 1}, [], "r8_x",
                                  {"api_token": "r8_a\u0000b"}, {"api_token": "r8_a\r\nX: y"},
                                  {"api_token": "r8_" + "a" * 100000}])
def test_a_malformed_token_body_is_refused(cloud, body):
    answer = cloud.put(TOKEN, json=body)
    assert answer.status_code in (400, 413), answer.text
    assert cloud.sim.token in secrets_file(cloud).read_text()


def test_validate_tells_who_the_token_belongs_to(cloud):
    body = expect.ok(cloud.get(VALIDATE))
    assert body["valid"] is True and not body["error"]
    assert body["user_info"]["username"] == "simulated"
    assert body["user_info"]["github_url"] == "https://github.com/simulated"


def test_validate_sends_the_token_to_the_configured_address(cloud):
    cloud.get(VALIDATE)
    assert cloud.sim.requests_to("GET", "/v1/account")[-1]["authorization"] == (
        f"Bearer {cloud.sim.token}")


def test_validate_of_a_wrong_token_says_so(cloud):
    put_token(cloud, "r8_" + "0" * 37)
    body = expect.ok(cloud.get(VALIDATE))
    assert body["valid"] is False and "401" in body["error"]


@pytest.mark.parametrize("mode", ["429", "500", "503", "garbage", "reset", "huge"])
def test_validate_survives_a_broken_provider(cloud, mode):
    cloud.sim.fault(mode, "GET", "/v1/account", count=10)
    body = expect.ok(cloud.get(VALIDATE))
    assert body["valid"] is False and body["error"]
    assert cloud.sim.token not in body["error"]


def test_a_deleted_token_is_gone(cloud):
    body = expect.ok(cloud.delete(TOKEN))
    assert body["success"] is True
    assert "REPLICATE_API_TOKEN" not in json.loads(secrets_file(cloud).read_text() or "{}")
    body = expect.ok(cloud.get(VALIDATE))
    assert body["valid"] is False and body["error"]


def test_deleting_keeps_the_other_secrets(cloud):
    path = secrets_file(cloud)
    path.write_text(json.dumps({"REPLICATE_API_TOKEN": "r8_x", "CLOUD_WEBHOOK_SECRET": "mine"}))
    cloud.delete(TOKEN)
    assert json.loads(path.read_text()) == {"CLOUD_WEBHOOK_SECRET": "mine"}


def test_a_secrets_file_others_can_read_is_not_used(cloud):
    asked = len(cloud.sim.requests)
    secrets_file(cloud).chmod(0o644)
    try:
        answer = cloud.get(VALIDATE)
        assert answer.status_code == 503 or answer.json()["valid"] is False
        assert len(cloud.sim.requests) == asked
        health = expect.ok(cloud.get("/api/cloud/health"))
        [secrets] = [item for item in health["components"] if item["name"] == "secrets"]
        assert secrets["status"] != "healthy"
    finally:
        secrets_file(cloud).chmod(0o600)


def test_no_answer_contains_the_token(cloud):
    texts = [cloud.put(TOKEN, json={"api_token": cloud.sim.token}).text,
             *(cloud.get(path).text for path in (
                 PROVIDER, VALIDATE, "/api/cloud/providers", "/api/cloud/health"))]
    assert not [text for text in texts if cloud.sim.token in text]


def test_strangers_cannot_touch_the_token(cloud):
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    expect.error(cloud.put(TOKEN, json={"api_token": "r8_evil"}, headers=stranger), 401)
    expect.error(cloud.delete(TOKEN, headers=stranger), 401)
    expect.error(cloud.get(VALIDATE, headers=stranger), 401)
    assert cloud.sim.token in secrets_file(cloud).read_text()
