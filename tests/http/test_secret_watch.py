"""The watch over secrets: what it would not find, nothing would."""

import json

import pytest

from secret_watch import SecretWatch

SECRET = 'planted "secret" / 1'


@pytest.fixture
def watch(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "watch").mkdir()
    return SecretWatch(tmp_path / "watch")


@pytest.fixture
def home(tmp_path, watch):
    return tmp_path / "home"


def found(watch, home, *files):
    with pytest.raises(AssertionError, match="secrets show"):
        watch.look(home, *files)


@pytest.mark.parametrize("form", [SECRET, json.dumps({"a": SECRET}),
                                  "x=planted%20%22secret%22%20%2F%201&y"])
def test_a_secret_in_a_log_is_found_in_every_form(watch, home, tmp_path, form):
    log = tmp_path / "some.log"
    log.write_text(f"a line\nbefore {form} after\n")
    watch.look(home, log)
    watch.learn(SECRET, "a password")
    found(watch, home, log)


def test_a_secret_in_a_file_is_found_and_in_a_file_for_secrets_it_is_at_home(watch, home):
    watch.learn(SECRET, "a password")
    (home / "config").mkdir()
    (home / "secrets.json").write_text(json.dumps({"REPLICATE_API_TOKEN": SECRET}))
    watch.look(home)
    (home / "config" / "jobs.db").write_bytes(b"\0\xff" + SECRET.encode() + b"\0")
    found(watch, home)


def test_what_is_in_the_files_of_secrets_is_watched_too(watch, home):
    (home / "secrets.json").write_text(json.dumps({"REPLICATE_API_TOKEN": "r8_of_the_file"}))
    watch.say("nothing")
    watch.look(home)
    watch.say("the token is r8_of_the_file")
    found(watch, home)


def test_secrets_are_learned_from_requests_and_answers(watch, home):
    watch.learn_value({"users": [{"name": "x", "password": SECRET}],
                       "proxy_url": "http://u:proxy-password@proxy:1"}, "a request")
    watch.learn_environment({"SIMPLETUNER_METRICS_TOKEN": "metrics-token-1",
                             "SIMPLETUNER_DATABASE_URL": "postgresql://u:database-pw@h/d"})
    watch.learn_headers({"X-API-Key": "st_of_a_user", "Authorization": "Bearer bearer-token",
                         "Cookie": "a=b; simpletuner_session=session-id-1"}, "a request")
    for secret in (SECRET, "proxy-password", "metrics-token-1", "database-pw", "st_of_a_user",
                   "bearer-token", "session-id-1"):
        watch.said.write_text(f"... {secret} ...")
        found(watch, home)
    watch.said.write_text("nothing")
    watch.look(home)


def leaks(cloud):
    """Stop the service; the watch must object."""
    with pytest.raises(AssertionError, match="secrets show"):
        cloud.stop()


def test_a_secret_planted_in_the_log_of_a_service_is_found(new_stack):
    cloud = new_stack()
    with open(cloud.log_path, "a") as log:
        log.write(f"oh no: {cloud.sim.token}\n")
    leaks(cloud)


def test_an_upload_token_planted_in_the_database_is_found(new_stack):
    cloud = new_stack()
    job = cloud.new_job()
    cloud.change("UPDATE jobs SET error_message = %s WHERE job_id = %s", f"bad {job.token}",
                 job.job_id)
    leaks(cloud)


def test_a_secret_in_an_answer_is_found(new_stack):
    """A provider's settings show to administrators, but for what is known to be a secret."""
    cloud = new_stack()
    cloud.watch.learn("an organisation 1", "what this test takes for a secret")
    cloud.configure(org_id="an organisation 1")
    leaks(cloud)
