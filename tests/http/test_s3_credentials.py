"""S3 credentials of users: the secret is shown once and kept sealed; by HTTP and by the shell."""

import datetime
import json
import re

import pytest

import expect
from responder import Responder

MINE = "/api/auth/s3-credentials"
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
LIMIT = 20


@pytest.fixture
def plain(tmp_path):
    """A responder that was not told its public address."""
    program = Responder(tmp_path, env={"SIMPLETUNER_PUBLIC_URL": ""}).start()
    yield program
    program.stop()


@pytest.fixture
def cloud(stack):
    """No credential, before and after."""
    stack.reset()
    forget(stack)
    yield stack
    forget(stack)


def forget(cloud):
    cloud.change("DELETE FROM s3_credentials")


def add(cloud, **body):
    answer = cloud.post(MINE, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listed(cloud, query=""):
    return expect.ok(cloud.get(MINE + query))["credentials"]


def when(text):
    return datetime.datetime.fromisoformat(text.removesuffix("Z"))


def companion(cloud, *arguments):
    done = cloud.companion("s3-credential", *arguments)
    assert done.returncode == 0, done.stderr
    return done


# making

def test_a_new_credential_is_all_that_an_s3_client_needs(cloud):
    body = add(cloud, name="laptop", expires_in_days=30)
    assert re.fullmatch(r"STC[A-Z2-7]{17}", body["access_key_id"])
    assert re.fullmatch(r"[A-Za-z0-9]{40}", body["secret_access_key"])
    assert body["name"] == "laptop" and body["region"] == "us-east-1"
    assert body["endpoint_url"] == f"{cloud.url}/api/cloud/storage"
    assert when(body["expires_at"]) - when(body["created_at"]) == datetime.timedelta(days=30)


def test_nothing_need_be_said_of_it(cloud):
    for answer in (cloud.post(MINE, json={}), cloud.post(MINE, data=""),
                   cloud.post(MINE, json={"name": None, "expires_in_days": None})):
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert body["name"] == "" and body["expires_at"] is None


@pytest.mark.parametrize("variables, endpoint", [
    ({"HTTP_HOST": "127.0.0.1:81"}, "http://127.0.0.1:81/api/cloud/storage"),
    ({"HTTP_HOST": "localhost", "REQUEST_SCHEME": "https"}, "https://localhost/api/cloud/storage"),
    ({"HTTP_HOST": "[::1]:81", "HTTPS": "on"}, "https://[::1]:81/api/cloud/storage"), ({}, None)])
def test_without_a_public_address_it_is_the_one_that_was_called(plain, variables, endpoint):
    status, _, body = plain.ask("POST", MINE, variables=variables)
    assert status == 201, body
    assert json.loads(body)["endpoint_url"] == endpoint


@pytest.mark.parametrize("body, field", [
    ({"name": 7}, "name"), ({"name": "x" * 101}, "name"), ({"name": "two\nlines"}, "name"),
    ({"name": "\x1b[2J"}, "name"), ({"name": "\x7f"}, "name"),
    ({"expires_in_days": 0}, "expires_in_days"), ({"expires_in_days": -1}, "expires_in_days"),
    ({"expires_in_days": 3651}, "expires_in_days"), ({"expires_in_days": 1.5}, "expires_in_days"),
    ({"expires_in_days": "30"}, "expires_in_days"), ({"owner": "root"}, "owner"),
    ({"access_key_id": "STCAAAAAAAAAAAAAAAAA"}, "access_key_id"),
    ({"secret_access_key": "mine"}, "secret_access_key")])
def test_a_wrong_field_is_refused_and_named(cloud, body, field):
    expect.error(cloud.post(MINE, json=body), 400, field)
    assert listed(cloud) == []


def test_there_is_a_limit_and_it_is_named(cloud):
    made = [add(cloud) for _ in range(LIMIT)]
    expect.error(cloud.post(MINE, json={}), 409, str(LIMIT))
    assert len(listed(cloud)) == LIMIT
    expect.ok(cloud.delete(f"{MINE}/{made[0]['access_key_id']}"))
    add(cloud)


# keeping

def test_a_secret_is_shown_once_and_is_nowhere(cloud):
    made = add(cloud, name="laptop")
    secret = made["secret_access_key"]
    assert secret not in cloud.get(MINE).text
    assert secret not in cloud.get("/api/audit?limit=500").text
    assert secret not in companion(cloud, "list", "--json").stdout
    text = cloud.database_text()
    assert made["access_key_id"] in text and secret not in text
    assert secret not in cloud.log()
    files = [path for path in cloud.home.rglob("*") if path.is_file()]
    assert files and not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_credential_is_listed_without_its_secret(cloud):
    first, second = add(cloud, name="laptop"), add(cloud, name="desk", expires_in_days=1)
    assert listed(cloud) == listed(cloud, "?all=true") == [
        {"access_key_id": made["access_key_id"], "owner": "local", "name": made["name"],
         "status": "active", "created_at": made["created_at"], "expires_at": made["expires_at"],
         "last_used_at": None} for made in (first, second)]


def test_the_list_of_all_has_those_of_others(cloud):
    made = add(cloud)
    cloud.change("UPDATE s3_credentials SET owner = 'somebody'")
    assert listed(cloud) == []
    assert [row["access_key_id"] for row in listed(cloud, "?all=true")] == [made["access_key_id"]]
    expect.error(cloud.get(MINE + "?all=perhaps"), 400, "all")


def test_an_expired_one_says_so(cloud):
    add(cloud, expires_in_days=1)
    cloud.change("UPDATE s3_credentials SET expires_at_us = 1")
    assert [row["status"] for row in listed(cloud)] == ["expired"]


def test_a_credential_is_revoked_once_and_its_secret_forgotten(cloud):
    path = f"{MINE}/{add(cloud)['access_key_id']}"
    assert expect.ok(cloud.delete(path)) == {"success": True}
    assert listed(cloud) == []
    expect.error(cloud.delete(path), 404)
    [(sealed, revoked)] = cloud.query("SELECT secret_sealed, revoked_at_us FROM s3_credentials")
    assert sealed == "" and revoked


@pytest.mark.parametrize("unknown", ["STCAAAAAAAAAAAAAAAAA", "x", "%27", "STC%C3%A9", "x" * 2000])
def test_an_unknown_one_is_not_found(cloud, unknown):
    expect.error(cloud.delete(f"{MINE}/{unknown}"), 404)


def test_making_and_revoking_are_audited(cloud):
    key_id = add(cloud, name="laptop")["access_key_id"]
    cloud.delete(f"{MINE}/{key_id}")
    rows = cloud.query("SELECT event_type, actor, target_type, details FROM audit_log "
                       "WHERE target_id = %s ORDER BY audit_id", key_id)
    assert [row[:3] for row in rows] == [
        ("s3_credential.created", "local", "s3_credential"),
        ("s3_credential.revoked", "local", "s3_credential")]
    assert json.loads(rows[0][3]) == {"owner": "local", "name": "laptop"}


# who may not

def test_strangers_have_no_credentials(cloud):
    path = f"{MINE}/{add(cloud)['access_key_id']}"
    for answer in (cloud.get(MINE, headers=STRANGER), cloud.delete(path, headers=STRANGER),
                   cloud.post(MINE, json={}, headers=STRANGER)):
        expect.error(answer, 401)
    assert len(listed(cloud)) == 1


def test_a_job_makes_none(cloud, job):
    token = {"X-Upload-Token": job.token}
    expect.error(cloud.post(MINE, json={}, headers=token), 403)
    expect.error(cloud.get(MINE, headers=token), 403)
    assert listed(cloud) == []


# the companion

def test_the_companion_makes_lists_and_revokes_for_scripts(cloud):
    made = json.loads(companion(cloud, "add", "--name", "cron", "--expires-days=7",
                                "--json").stdout)
    assert re.fullmatch(r"[A-Za-z0-9]{40}", made["secret_access_key"])
    assert made["endpoint_url"] == f"{cloud.url}/api/cloud/storage"
    assert made["region"] == "us-east-1"
    assert when(made["expires_at"]) - when(made["created_at"]) == datetime.timedelta(days=7)
    [row] = json.loads(companion(cloud, "list", "--json").stdout)["credentials"]
    assert [row] == listed(cloud)
    assert (row["access_key_id"], row["owner"], row["name"]) == (
        made["access_key_id"], "local", "cron")
    result = json.loads(companion(cloud, "revoke", made["access_key_id"], "--json").stdout)
    assert result == {"access_key_id": made["access_key_id"], "revoked": True}
    assert listed(cloud) == []


def test_the_companion_speaks_to_people_too(cloud):
    text = companion(cloud, "add", "--name", "my laptop").stdout
    key_id = re.search(r"STC[A-Z2-7]{17}", text).group()
    assert re.search(r"\b[A-Za-z0-9]{40}\b", text) and "not shown again" in text
    [line] = companion(cloud, "list").stdout.splitlines()
    assert line.startswith(key_id) and line.endswith("my laptop") and "never used" in line
    assert key_id in companion(cloud, "revoke", key_id).stdout
    assert companion(cloud, "list").stdout == ""


def test_the_companion_says_what_is_wrong(cloud):
    done = cloud.companion("s3-credential", "revoke", "STCAAAAAAAAAAAAAAAAA")
    assert done.returncode == 66 and "not found" in done.stderr and done.stdout == ""
    for arguments in (("revoke",), ("add", "--expires-days", "0"), ("add", "laptop"), ()):
        assert cloud.companion("s3-credential", *arguments).returncode == 64
    done = cloud.companion("s3-credential", "add", "--name", "two\nlines")
    assert done.returncode != 0 and "name" in done.stderr
    assert listed(cloud) == []
