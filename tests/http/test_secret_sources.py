"""Where secrets come from: each source for itself, their order, and what happens when one is away.
The programs are asked as an operator asks them: secret get, secret explain."""

import json
import os
import subprocess

import pytest

import vault_sim
from aws_sim import NAME, REGION, AwsSim
from stack import COMPANION, base_environment, scratch_directory
from vault_sim import ROLE, ROOT, SECRET, VaultSim

TOKEN = "REPLICATE_API_TOKEN"


class Host:
    """A machine without a service: a home, an environment, and the companion."""

    def __init__(self, home):
        self.home = home
        (home / "cloud.env").touch(mode=0o600)
        self.env = base_environment(home)

    def run(self, *arguments, stdin=""):
        return subprocess.run([COMPANION, "secret", *arguments], env=self.env, input=stdin,
                              capture_output=True, text=True, timeout=60)

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def value(self, name=TOKEN):
        """None: no source has it. Else the exit code and message fail the test."""
        done = self.run("get", name, "--reveal")
        assert done.returncode in (0, 66), done.stderr
        return done.stdout.removesuffix("\n") if done.returncode == 0 else None

    def away(self, name=TOKEN):
        """Why it is not known."""
        done = self.run("get", name, "--reveal")
        assert (done.returncode, done.stdout) == (75, ""), done
        return done.stderr

    def states(self, name=TOKEN):
        done = self.run("explain", name, "--json")
        assert done.returncode == 0, done.stderr
        return {row["source"]: row["state"] for row in json.loads(done.stdout)["sources"]}

    def use_aws(self, sim, keys=("AKIDSTATIC", "static-secret-key-0001")):
        self.env |= {"SIMPLETUNER_AWS_SECRET_NAME": NAME, "AWS_DEFAULT_REGION": REGION,
                     "AWS_ENDPOINT_URL": sim.url, "SIMPLETUNER_CA_BUNDLE": str(sim.ca_path)}
        if keys:
            self.env |= {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}

    def use_vault(self, sim, token=ROOT):
        self.env |= {"VAULT_ADDR": sim.url, "VAULT_CACERT": str(sim.ca_path)}
        if token:
            self.env["VAULT_TOKEN"] = token


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.fixture(scope="module")
def certificates():
    return scratch_directory("certificates")


@pytest.fixture
def aws(certificates):
    sim = AwsSim(certificates)
    yield sim
    sim.stop()


@pytest.fixture
def vault(certificates):
    sim = VaultSim(certificates)
    yield sim
    sim.stop()


# near by

def test_sources_come_in_the_order_of_the_guide(host, aws, vault):
    host.use_aws(aws)
    host.use_vault(vault)
    assert host.value() == "r8_from_aws_secrets_manager"
    host.write("secrets.json", json.dumps({TOKEN: "from the file"}))
    assert host.value() == "from the file"
    (host.home / "credentials").mkdir()
    host.write(f"credentials/{TOKEN}", "from systemd\n", 0o440)
    host.env["CREDENTIALS_DIRECTORY"] = str(host.home / "credentials")
    assert host.value() == "from systemd"
    host.env[TOKEN] = "from the environment"
    assert host.value() == "from the environment"
    assert host.states() == {"environment": "used", "systemd": "shadowed", "file": "shadowed",
                             "aws": "shadowed", "vault": "shadowed"}
    host.env[TOKEN] = ""
    assert host.states()["environment"] == "absent"
    assert host.value() == "from systemd"


def test_names_in_the_environment_are_upper_case_with_underscores(host):
    host.env["MY_API_TOKEN_2"] = "a value"
    assert host.value("my-api.token_2") == "a value"
    assert host.states("my-api.token_2") == {
        "environment": "used", "systemd": "not configured", "file": "absent",
        "aws": "not configured", "vault": "not configured"}


def test_yaml_that_is_more_than_a_flat_map_is_refused_with_its_line(host):
    host.write("secrets.yaml", "T: x\nU: &anchor y\n")
    assert f"{host.home}/secrets.yaml:2: anchors and tags are not allowed" in host.away("T")
    assert host.run("set", "U", stdin="x").returncode == 75
    assert (host.home / "secrets.yaml").read_text() == "T: x\nU: &anchor y\n"


def test_the_first_file_there_is_counts_and_keeps_its_form(host):
    host.write("secrets.yml", "T: yml\n")
    assert host.value("T") == "yml"
    assert host.run("set", "N", stdin="no: 'yaml' \"here\" 0123\n").returncode == 0
    assert host.value("N") == "no: 'yaml' \"here\" 0123"
    assert host.value("T") == "yml"
    text = (host.home / "secrets.yml").read_text()
    assert text.startswith("T:") and "{" not in text
    host.write("secrets.yaml", "T: yaml\n")
    assert host.value("T") == "yaml"
    host.write("secrets.json", '{"T": "json", "N": 12, "B": true, "R": 1.5}')
    assert [host.value(name) for name in "TNB"] == ["json", "12", "true"]
    assert "quotes" in host.away("R")
    elsewhere = host.write("elsewhere.yaml", "T: elsewhere\n")
    host.env["SIMPLETUNER_SECRETS_FILE"] = str(elsewhere)
    assert host.value("T") == "elsewhere"


@pytest.mark.parametrize("name", ["secrets.json", "secrets.yaml"])
def test_a_file_that_others_may_read_is_refused_and_hides_nothing(host, vault, name):
    host.use_vault(vault)
    host.write(name, '{"T": "x"}', 0o640)
    assert "chmod 600" in host.away()
    assert host.states()["file"] == "failed"
    assert host.run("set", "T", stdin="x").returncode == 75


def test_a_credential_of_systemd_is_a_text_file(host):
    folder = host.home / "credentials"
    folder.mkdir()
    host.env["CREDENTIALS_DIRECTORY"] = str(folder)
    host.write("credentials/T", "with end of line\r\n", 0o440)
    host.write("credentials/EMPTY", "\n")
    host.write("credentials/NUL", "a\0b")
    assert host.value("T") == "with end of line"
    assert host.value("EMPTY") is None
    assert "no text" in host.away("NUL")
    os.mkfifo(folder / "FIFO")
    assert host.value("FIFO") is None
    assert host.value("NONE") is None
    listed = json.loads(host.run("list", "--json").stdout)["secrets"]
    assert {"name": "T", "source": "systemd", "error": None} in listed


# the commands

def test_get_shows_no_more_than_the_end_of_a_long_value(host):
    host.env["LONG"] = "r8_0123456789abcdefghij"
    host.env["SHORT"] = "hunter2hunter2"
    shown = host.run("get", "LONG").stdout
    assert "***ghij" in shown and "0123" not in shown and "environment" in shown
    assert "hunter" not in host.run("get", "SHORT", "--json").stdout
    assert json.loads(host.run("get", "SHORT", "--json").stdout) == {
        "name": "SHORT", "source": "environment", "masked": "***", "length": 14}
    assert host.run("get", "NONE").returncode == 66


@pytest.mark.parametrize("name, value", [
    ("", "x"), (".T", "x"), ("a/b", "x"), ("a b", "x"), ("n" * 129, "x"), ("T", ""), ("T", "\n"),
    ("T", "x" * 65537), ("T", "a\0b"),
])
def test_a_bad_name_or_value_is_refused_and_nothing_is_written(host, name, value):
    done = host.run("set", name, stdin=value)
    assert done.returncode in (64, 78), done
    assert not (host.home / "secrets.json").exists()


def test_set_and_delete_say_what_else_has_the_name_and_are_audited(host):
    host.env["T"] = "from the environment"
    done = json.loads(host.run("set", "T", "--json", stdin="from the shell\n").stdout)
    assert done["shadowed_by"] == "environment"
    assert (host.home / "secrets.json").stat().st_mode & 0o777 == 0o600
    done = json.loads(host.run("delete", "T", "--json").stdout)
    assert done["still_in"] == "environment"
    assert host.run("delete", "T").returncode == 66
    log = subprocess.run([COMPANION, "audit", "export"], env=host.env, capture_output=True,
                         text=True, timeout=60).stdout
    kinds = [json.loads(line).get("event_type", "") for line in log.splitlines()]
    assert [kind for kind in kinds if kind.startswith("secret.")] == ["secret.set", "secret.deleted"]
    assert "from the shell" not in log


# AWS

def test_aws_accepts_our_signature_with_static_keys_and_a_session_token(host, aws):
    host.use_aws(aws)
    assert host.value() == "r8_from_aws_secrets_manager"
    aws.keys["AKIDSESSION"] = ("another-secret/key+0002", "session/token+==")
    host.use_aws(aws, ("AKIDSESSION", "another-secret/key+0002"))
    host.env["AWS_SESSION_TOKEN"] = "session/token+=="
    assert host.value() == "r8_from_aws_secrets_manager"
    assert host.value("NONE") is None
    host.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    assert "InvalidSignatureException" in host.away()


def test_a_container_gives_its_credentials_for_its_token(host, aws):
    host.use_aws(aws, keys=None)
    aws.give("AKIDCONTAINER", "container-secret-0001", "container-session")
    host.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{aws.next_door_url}/container"
    assert "HTTP 401" in host.away()
    host.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = aws.container_token
    host.env["HTTP_PROXY"] = "http://127.0.0.1:9"  # nobody: it must not be asked
    host.env["NO_PROXY"] = "127.0.0.1:" + aws.url.rpartition(":")[2]
    assert host.value() == "r8_from_aws_secrets_manager"
    path = host.write("token", "from the file\n")
    host.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(path)
    assert "HTTP 401" in host.away()
    path.write_text(aws.container_token + "\n")
    assert host.value() == "r8_from_aws_secrets_manager"
    host.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://192.0.2.1/container"
    assert "must be https or this machine" in host.away()


def test_an_instance_gives_its_credentials_to_who_has_a_metadata_token(host, aws):
    host.use_aws(aws, keys=None)
    aws.give("AKIDINSTANCE", "instance-secret-0001", "instance-session")
    host.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = aws.next_door_url + "/"
    assert host.value() == "r8_from_aws_secrets_manager"
    assert aws.neighbours == [("PUT", "/latest/api/token"),
                              ("GET", "/latest/meta-data/iam/security-credentials/"),
                              ("GET", "/latest/meta-data/iam/security-credentials/the-role")]
    host.env["AWS_EC2_METADATA_DISABLED"] = "true"
    assert "AWS_ACCESS_KEY_ID is not set" in host.away()


def test_a_secret_of_bytes_is_a_map_or_named(host, aws):
    host.use_aws(aws)
    aws.binary = b'{"T": "bytes"}'
    assert host.value("T") == "bytes"
    aws.binary = b"\x00\x01"
    assert "no JSON map" in host.away("T")
    aws.binary, aws.text = None, "only a text"
    assert "no JSON map" in host.away("T")
    aws.text = '{"T": {"a": "map"}}'
    assert "quotes" in host.away("T")


@pytest.mark.parametrize("fault", [(400, "AccessDeniedException"), (500, "InternalServiceError"),
                                   (503, "ServiceUnavailable"), (400, "DecryptionFailure")])
def test_aws_that_refuses_does_not_let_vault_answer(host, aws, vault, fault):
    host.use_aws(aws)
    host.env["VAULT_ADDR"], host.env["VAULT_TOKEN"] = vault.url, ROOT
    aws.fault = fault
    assert fault[1] in host.away()
    assert vault.requests == []
    aws.fault, aws.exists = None, False
    assert host.value() == "r8_from_vault_kv_engine"


# Vault

def test_vault_reads_version_2_and_version_1_where_there_is_nothing(host, vault):
    host.use_vault(vault)
    assert host.value() == "r8_from_vault_kv_engine"
    assert "/v1/secret/simpletuner" not in vault.paths()
    vault.version = 1
    assert host.value() == "r8_from_vault_kv_engine"
    vault.is_there = False
    assert host.value() is None


def test_a_version_that_was_deleted_is_no_secret_and_no_version_1(host, vault):
    host.use_vault(vault)
    vault.is_deleted = True
    assert host.value() is None
    assert "/v1/secret/simpletuner" not in vault.paths()


@pytest.mark.parametrize("status, word", [(403, "403"), (500, "500"), (503, "sealed"),
                                          (307, "VAULT_ADDR"), (429, "429")])
def test_trouble_with_vault_is_no_miss_and_no_reason_for_version_1(host, vault, status, word):
    host.use_vault(vault)
    vault.fault = status
    assert word in host.away()
    assert "/v1/secret/simpletuner" not in vault.paths()


def test_a_path_that_may_not_be_read_is_no_reason_for_version_1_unless_it_is_said(host, vault):
    host.use_vault(vault)
    vault.version = 1
    vault.deny.add("/v1/secret/data/simpletuner")
    assert "403" in host.away()
    host.env["SIMPLETUNER_VAULT_KV_VERSION"] = "1"
    assert host.value() == "r8_from_vault_kv_engine"


def test_vault_is_told_the_namespace_and_its_certificate_is_checked(host, vault, tmp_path):
    host.use_vault(vault)
    vault.namespace = "team/training"
    assert "HTTP 404" in host.away()
    host.env["VAULT_NAMESPACE"] = "team/training"
    assert host.value() == "r8_from_vault_kv_engine"
    del host.env["VAULT_CACERT"]
    assert "certificate" in host.away()
    host.env["SIMPLETUNER_CA_BUNDLE"] = str(vault.ca_path)
    assert host.value() == "r8_from_vault_kv_engine"


def test_an_approle_logs_in_with_what_the_near_sources_have(host, vault):
    host.use_vault(vault, token=None)
    assert host.value() is None
    assert host.states()["vault"] == "not configured"
    assert "neither VAULT_TOKEN nor VAULT_ROLE_ID" in host.run("explain", TOKEN).stdout
    host.write("secrets.json", json.dumps({"VAULT_ROLE_ID": ROLE, "VAULT_SECRET_ID": SECRET}))
    assert host.value() == "r8_from_vault_kv_engine"
    host.write("secrets.json", json.dumps({"VAULT_ROLE_ID": ROLE, "VAULT_SECRET_ID": "other"}))
    message = host.away()
    assert "HTTP 400" in message and "other" not in message
    assert vault_sim.ROOT not in message


def test_a_token_that_may_not_look_itself_up_is_used_all_the_same(host, vault):
    host.use_vault(vault)
    vault.deny.add("/v1/auth/token/lookup-self")
    assert host.value() == "r8_from_vault_kv_engine"
    host.env["VAULT_TOKEN"] = "hvs.no-token-at-all"
    assert "403" in host.away()
