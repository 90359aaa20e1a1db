"""A service whose secrets are in AWS and in Vault: it renews its lease and its credentials, goes on
while Vault is away and says so, and takes a new value on SIGHUP."""

import os
import signal
import threading
import time

import pytest
import requests

import expect
from aws_sim import NAME, REGION, AwsSim
from stack import PROVIDER, Stack, scratch_directory
from vault_sim import ROLE, SECRET, VaultSim
from waiting import until

TOKEN = "REPLICATE_API_TOKEN"
SOON_S = 30


@pytest.fixture(scope="module")
def vault():
    sim = VaultSim(scratch_directory("vault"))
    yield sim
    sim.stop()


@pytest.fixture(scope="module")
def aws():
    sim = AwsSim(scratch_directory("aws"))
    sim.values = {"HF_TOKEN": "hf_from_aws_secrets_manager"}
    sim.give("AKIDCONTAINER", "container-secret-0001", "container-session")
    yield sim
    sim.stop()


@pytest.fixture(scope="module")
def shop(fleet, aws, vault):
    """A stack whose provider's token is in Vault alone; AWS is asked before, as a container."""
    stack = Stack("lighttpd", fleet.database_url("sqlite"), {
        "SIMPLETUNER_AWS_SECRET_NAME": NAME, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.next_door_url}/container",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": aws.container_token,
        "SIMPLETUNER_CA_BUNDLE": str(aws.ca_path),
        "VAULT_ADDR": vault.url, "VAULT_CACERT": str(vault.ca_path), "VAULT_ROLE_ID": ROLE,
        "VAULT_SECRET_ID": SECRET, "SIMPLETUNER_SECRETS_MAX_STALE": "600"})
    stack.start()
    vault.values = {TOKEN: stack.sim.token}
    stack.configure(api_base_url=stack.sim.url, ssl_ca_bundle=str(stack.sim.ca_path))
    expect.ok(stack.put("/api/cloud/metrics/config", json={
        "prometheus_enabled": True, "prometheus_categories": ["health"]}))
    until(lambda: valid(stack), SOON_S, "the token of Vault is not used")
    yield stack
    stack.stop()


def valid(stack):
    answer = stack.get(f"{PROVIDER}/validate")
    return answer.status_code == 200 and answer.json().get("valid")


def in_seconds(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def up(stack, source="vault"):
    text = stack.get("/api/cloud/metrics/prometheus").text
    return [line.split()[-1] for line in text.splitlines()
            if line.startswith(f'simpletuner_secret_source_up{{source="{source}"}}')]


def component(stack):
    health = expect.ok(stack.get("/api/cloud/health"))
    return next(row for row in health["components"] if row["name"] == "secrets")


def reload(stack):
    os.kill(stack.responder_pid(), signal.SIGHUP)


def logins(vault):
    return vault.paths().count("/v1/auth/approle/login")


def test_a_value_that_was_changed_is_taken_on_sighup(shop, vault):
    assert up(shop) == ["1"] and component(shop)["status"] == "healthy"
    vault.values = {TOKEN: shop.sim.add_account()}
    before = vault.paths().count("/v1/secret/data/simpletuner")
    reload(shop)
    until(lambda: vault.paths().count("/v1/secret/data/simpletuner") > before, SOON_S,
          "Vault is not asked anew")
    until(lambda: valid(shop), SOON_S, "the new token is not used")


def test_the_lease_is_renewed_and_where_that_fails_there_is_a_new_login(shop, vault):
    vault.tokens.clear()  # all are revoked
    vault.lease_s = 6
    before = logins(vault)
    reload(shop)
    until(lambda: logins(vault) > before, SOON_S, "there is no new login after a revocation")
    until(lambda: "/v1/auth/token/renew-self" in vault.paths(), SOON_S, "the lease is not renewed")
    before = logins(vault)
    vault.refuses_renewal = True
    until(lambda: logins(vault) > before, SOON_S, "there is no new login after a refused renewal")
    assert valid(shop) and up(shop) == ["1"]
    vault.lease_s, vault.refuses_renewal = 3600, False


def test_keys_for_aws_are_renewed_before_they_expire(shop, aws):
    def asked_again():
        """Requests next door while AWS is asked anew."""
        before, seen = len(aws.requests), len(aws.neighbours)
        reload(shop)
        until(lambda: len(aws.requests) > before, SOON_S, "AWS is not asked anew")
        return len(aws.neighbours) - seen

    assert asked_again() == 0
    del aws.keys["AKIDCONTAINER"]
    aws.fault = (400, "ExpiredTokenException")
    aws.expires = in_seconds(240)
    aws.give("AKIDSECOND", "container-secret-0002", "session-2")
    assert asked_again() <= 1
    aws.fault = None
    until(lambda: up(shop, "aws") == ["1"], SOON_S, "the keys are not taken anew")
    aws.expires = in_seconds(3600)
    aws.give("AKIDTHIRD", "container-secret-0003", "session-3")
    assert asked_again() == 1
    assert asked_again() == 0
    assert up(shop, "aws") == ["1"]


def test_vault_may_be_away_for_a_while(shop, vault):
    vault.fault = 503
    reload(shop)
    until(lambda: up(shop) == ["0"], SOON_S, "the metric does not say that Vault is away")
    assert valid(shop)
    health = component(shop)
    assert health["status"] == "degraded" and "vault" in health["message"]
    vault.fault = None
    until(lambda: up(shop) == ["1"], SOON_S, "Vault is not asked again")
    assert component(shop)["status"] == "healthy"


def test_nobody_waits_long_for_a_vault_that_hangs(shop, vault):
    """With nothing known: after a restart."""
    vault.delay = threading.Event()
    try:
        shop.restart()
        first = shop.get(f"{PROVIDER}/validate", timeout=12)
        assert first.status_code == 503, first.text
        second = shop.get(f"{PROVIDER}/validate", timeout=2)
        assert second.status_code == 503
        assert shop.get("/api/cloud/jobs", timeout=2).status_code == 200
    except requests.Timeout:
        pytest.fail("a request waits for Vault")
    finally:
        vault.delay.set()
        vault.delay = None
    until(lambda: valid(shop), SOON_S, "Vault is not asked again")
