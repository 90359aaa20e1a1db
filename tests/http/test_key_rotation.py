"""Changing the key of secrets while the service runs: everything that was sealed still opens, what
remote jobs were given goes on to work, and the old key goes when nothing needs it any more."""

import json
import re
import shutil
import subprocess

import pytest

import expect
from audit_receivers import WebhookReceiver
from s3_clients import body_of, new_client, new_credentials, refused
from stack import COMPANION, REPO, new_home

SEALED = re.compile(r"v1\\?\.([0-9a-f]{8})\.[A-Za-z0-9+/]{38,}")
COLUMN = re.compile(r'(?:BY_ONE|BY_THREE|SQL_OF)\("(\w+)", "(\w+)"')
EXPORT = "/api/audit/export-config"
OTHER = "/api/cloud/providers/http"
LONG_AGO = "2024-01-15T10:30:00.000Z"


@pytest.fixture(params=["sqlite", "postgresql"])
def cloud(request, new_stack):
    """One whose jobs and keys are the test's alone, with rows in every column that is sealed."""
    stack = new_stack(database=request.param)
    receiver = WebhookReceiver().start()
    expect.ok(stack.put(OTHER, json={
        "proxy_url": "http://someone:proxy-password-1@proxy.example:3128"}))
    expect.ok(stack.post(EXPORT, json={"webhook_url": receiver.url,
                                       "auth_token": "receiver-token-0001"}))
    yield stack
    receiver.stop()


def one_host(cloud):
    return ["--one-host"] if cloud.database_url else []


def ask(cloud, *options, env=None):
    return subprocess.run([COMPANION, "secret", "rotate-key", "--json", *options],
                          env=cloud.env | (env or {}), capture_output=True, text=True, timeout=60)


def rotate(cloud, *options, env=None):
    done = ask(cloud, *options, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def key_id(cloud):
    return rotate_view(cloud)[0]


def rotate_view(cloud):
    """The ids of the file's keys, of which the first seals."""
    text = (cloud.home / "credential.key").read_text()
    return re.findall(r"^(?:seals|opens|next) ([0-9a-f]{8}) ", text, re.M)


def let_time_pass(cloud):
    """The keys have been what they are for long."""
    path = cloud.home / "credential.key"
    path.write_text(re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", LONG_AGO, path.read_text()))


def text_columns(cloud):
    if cloud.database_url:
        return cloud.query("SELECT table_name, column_name FROM information_schema.columns "
                           "WHERE table_schema = 'public' AND data_type = 'text'")
    return [(table, row[1]) for (table,) in
            cloud.query("SELECT name FROM sqlite_master WHERE type = 'table'")
            for row in cloud.query(f"PRAGMA table_info({table})") if row[2].upper() == "TEXT"]


def sealed_under(cloud):
    """{(table, column): {key ids}} of all sealed texts of the database."""
    found = {}
    for table, column in text_columns(cloud):
        for (text,) in cloud.query(f'SELECT "{column}" FROM "{table}" '
                                   f'WHERE "{column}" LIKE \'%%v1.%%\''):
            for key in SEALED.findall(text or ""):
                found.setdefault((table, column), set()).add(key)
    return found


def test_everything_is_sealed_anew_and_goes_on_to_work(cloud):
    job = cloud.new_job(config_name="rotation")
    ended = cloud.new_job(config_name="ended")
    expect.ok(cloud.post(f"/api/cloud/jobs/{ended.job_id}/cancel"))
    own = cloud.sim.add_account()
    assert cloud.post("/api/users/me/credentials", json={
        "provider": "http", "credential_name": "api_token", "value": own}).status_code == 201
    credentials = new_credentials(cloud)
    cloud.settle()
    before = sealed_under(cloud)
    columns = set(COLUMN.findall((REPO / "core/store/store_sealed.c").read_text()))
    assert set(before) == columns, "a column with sealed texts is not in core/store/store_sealed.c"
    [old] = set.union(*before.values())

    result = rotate(cloud, *one_host(cloud))
    new = result["keys"][0]["id"]
    assert result["sealed_rows"] >= len(columns) and result["unreadable_rows"] == 0
    assert [key["use"] for key in result["keys"]] == ["seals", "opens"]
    assert sealed_under(cloud) == {column: {new} for column in columns}
    assert old != new and rotate_view(cloud) == [new, old]
    assert (cloud.home / "credential.key").stat().st_mode & 0o777 == 0o600

    # the responder has seen it, without a restart
    pid = cloud.responder_pid()
    expect.ok(cloud.get(OTHER))
    expect.ok(cloud.post(f"/api/cloud/jobs/{ended.job_id}/retry"))
    client = new_client(cloud, credentials)
    client.put_object(Bucket=job.job_id, Key="by-user", Body=b"x")
    assert body_of(client, job.job_id, "by-user") == b"x"
    remote = new_client(cloud, (job.token, job.env["AWS_SECRET_ACCESS_KEY"]))
    remote.put_object(Bucket=job.job_id, Key="by-job", Body=b"y")
    after = cloud.new_job(config_name="after")
    remote = new_client(cloud, (after.token, after.env["AWS_SECRET_ACCESS_KEY"]))
    remote.put_object(Bucket=after.job_id, Key="by-job", Body=b"y")
    refused(403, "SignatureDoesNotMatch", new_client(cloud, (after.token, "wrong")).put_object,
            Bucket=after.job_id, Key="by-nobody", Body=b"")
    assert cloud.responder_pid() == pid
    assert set.union(*sealed_under(cloud).values()) == {new}

    # the old key stays as long as it may be needed
    done = ask(cloud, "--retire")
    assert done.returncode == 75 and "try again after" in done.stderr
    let_time_pass(cloud)
    done = ask(cloud, "--retire")
    assert done.returncode == 65 and "active jobs upload" in done.stderr
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    cloud.settle()
    assert rotate(cloud, "--retire")["dropped_keys"] == 1
    assert rotate_view(cloud) == [new]
    expect.ok(cloud.get(OTHER))
    kinds = [json.loads(details)["step"] for (details,) in cloud.query(
        "SELECT details FROM audit_log WHERE event_type = 'key.rotated' ORDER BY audit_id")]
    assert kinds[-3:] == ["prepared", "activated", "retired"]
    done = cloud.companion("audit", "verify")
    assert done.returncode == 0, done.stdout


def test_hosts_get_the_key_before_one_seals_with_it(cloud):
    """Another host is another home on the same database."""
    if cloud.database_url:
        rotate(cloud, *one_host(cloud))
        let_time_pass(cloud)
        rotate(cloud, "--retire")
    other = new_home()
    for name in ("credential.key", "audit.key"):
        shutil.copy(cloud.home / name, other / name)
    there = {"SIMPLETUNER_HOME": str(other), "SIMPLETUNER_CONFIG": str(other / "cloud.env"),
             "SIMPLETUNER_DATABASE_URL": cloud.env["SIMPLETUNER_DATABASE_URL"]}
    done = ask(cloud)
    if cloud.database_url:
        assert done.returncode == 65 and "--prepare" in done.stderr
    else:
        assert done.returncode == 0
        let_time_pass(cloud)
        rotate(cloud, "--retire")
        shutil.copy(cloud.home / "credential.key", other / "credential.key")
    assert ask(cloud, "--activate").returncode == 65
    first = rotate(cloud, "--prepare")
    assert [key["use"] for key in first["keys"]] == ["seals", "next"]
    again = rotate(cloud, "--prepare")
    assert [key["id"] for key in again["keys"]] == [key["id"] for key in first["keys"]]
    assert "--activate" in ask(cloud, *one_host(cloud)).stderr
    shutil.copy(cloud.home / "credential.key", other / "credential.key")
    activated = rotate(cloud, "--activate")
    assert [key["id"] for key in activated["keys"]] == [key["id"] for key in first["keys"]][::-1]

    # the other host reads what this one sealed, and may seal under the old key for a while
    late = rotate(cloud, "--prepare", env=there)
    assert late["unreadable_rows"] == 0 and late["keys"][0]["rows"] == 0
    shutil.copy(cloud.home / "credential.key", other / "credential.key")
    done = rotate(cloud, env=there)
    assert done["unreadable_rows"] == 0 and done["keys"][1]["rows"] == 0


def test_what_does_not_open_is_told_and_left_alone(cloud):
    cloud.change("INSERT INTO user_credentials (owner, provider, name, value, created_at_us) VALUES "
                 "('nobody', 'http', 'api_token', %s, 0)", "v1.00000000." + "A" * 60)
    try:
        done = ask(cloud, *one_host(cloud))
        assert done.returncode == 65 and "1 rows do not open" in done.stderr
        assert json.loads(done.stdout)["unreadable_rows"] == 1
        let_time_pass(cloud)
        assert rotate(cloud, "--retire")["dropped_keys"] == 1
    finally:
        cloud.change("DELETE FROM user_credentials WHERE owner = 'nobody'")


@pytest.mark.parametrize("options", [("--prepare", "--activate"), ("--retire", "--one-host"),
                                     ("--activate", "--retire")])
def test_steps_go_one_at_a_time(cloud, options):
    before = (cloud.home / "credential.key").read_text()
    assert ask(cloud, *options).returncode == 78
    assert (cloud.home / "credential.key").read_text() == before
