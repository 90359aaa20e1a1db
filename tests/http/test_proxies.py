"""The way to the provider through real proxies: logins, NO_PROXY, inspected TLS, and what is said
when it fails."""

import contextlib

import pytest

import expect
from proxies import INSPECTOR, InspectingSquid, Microsocks, Tinyproxy, TlsSquid
from stack import PROVIDER

VALIDATE = f"{PROVIDER}/validate"
USER, PASSWORD = "builder", "s3cr3t-w0rd"
ENCODED = "s3cr3t%2Dw0r%64"
SOCKS_PASSWORD, SOCKS_ENCODED = "p@ss:w/rd", "p%40ss%3Aw%2Frd"


@pytest.fixture(scope="module")
def tinyproxy():
    with Tinyproxy(USER, PASSWORD) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def socks():
    with Microsocks(USER, SOCKS_PASSWORD) as proxy:
        yield proxy


@contextlib.contextmanager
def inspected(cloud):
    """The provider behind a proxy that reads along; by name, as the proxy makes certificates."""
    with InspectingSquid(cloud.sim.ca_path) as squid:
        cloud.configure(proxy_url=f"http://{squid.name}",
                        api_base_url=f"https://localhost:{cloud.sim.port}/v1")
        yield squid


def validate(cloud):
    return expect.ok(cloud.get(VALIDATE))


def validation_error(cloud):
    body = validate(cloud)
    assert body["valid"] is False
    return body["error"]


def test_a_job_goes_through_a_proxy_with_a_login(cloud, tinyproxy):
    shown = cloud.configure(proxy_url=f"http://{USER}:{ENCODED}@{tinyproxy.name}")["proxy_url"]
    cloud.configure(proxy_url=shown)  # the form without its password, put back, keeps it
    job = cloud.new_job()
    assert f"CONNECT 127.0.0.1:{cloud.sim.port}" in tinyproxy.log()
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))


def test_a_proxy_that_refuses_the_login_is_named(cloud, tinyproxy):
    cloud.configure(proxy_url=f"http://{USER}:wr0ng-w0rd@{tinyproxy.name}")
    sent = len(cloud.sim.requests)
    answer = cloud.submit()
    error = expect.error(answer, 502, code="provider_error")["detail"]
    assert f"proxy {tinyproxy.name} refused CONNECT: 401 Unauthorized" in error
    assert len(cloud.sim.requests) == sent
    assert "wr0ng" not in answer.text + cloud.log()


def test_a_proxy_that_wants_a_login_and_gets_none_is_named(cloud, tinyproxy):
    cloud.configure(proxy_url=f"http://{tinyproxy.name}")
    said = f"proxy {tinyproxy.name} refused CONNECT: 407 Proxy Authentication Required"
    assert said in validation_error(cloud)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_job_goes_through_socks(cloud, socks, scheme):
    cloud.configure(proxy_url=f"{scheme}://{USER}:{SOCKS_ENCODED}@{socks.name}")
    cloud.new_job()
    assert "127.0.0.1" in socks.log()


def test_a_socks_proxy_that_refuses_the_login_is_named(cloud, socks):
    cloud.configure(proxy_url=f"socks5://{USER}:wr0ng-w0rd@{socks.name}")
    error = validation_error(cloud)
    assert f"proxy {socks.name}" in error and "wr0ng" not in error + cloud.log()


def test_a_job_goes_through_a_proxy_over_tls(cloud, tmp_path):
    """The extra file is trusted for the proxy and for the provider behind it."""
    with TlsSquid() as squid:
        both = tmp_path / "both.pem"
        both.write_bytes(squid.ca_path.read_bytes() + cloud.sim.ca_path.read_bytes())
        cloud.configure(proxy_url=f"https://{squid.name}", ssl_ca_bundle=str(both))
        cloud.new_job()
    assert f"proxy {squid.name}: " in validation_error(cloud)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY"])
def test_the_environment_names_a_proxy(new_stack, tinyproxy, name):
    cloud = new_stack({name: f"http://{USER}:{ENCODED}@{tinyproxy.name}"})
    cloud.new_job()
    assert f"CONNECT 127.0.0.1:{cloud.sim.port}" in tinyproxy.log()
    assert PASSWORD not in cloud.log() and ENCODED not in cloud.log()


@pytest.mark.parametrize("name, value", [("NO_PROXY", "10.0.0.0/8,127.0.0.0/8"),
                                         ("no_proxy", "127.0.0.1"), ("NO_PROXY", "*")])
def test_hosts_of_no_proxy_are_reached_without(new_stack, tinyproxy, name, value):
    cloud = new_stack({"HTTPS_PROXY": f"http://{USER}:{ENCODED}@{tinyproxy.name}", name: value})
    cloud.new_job()
    assert f":{cloud.sim.port}" not in tinyproxy.log()


def test_the_setting_of_the_provider_goes_before_the_environment(new_stack, tinyproxy):
    cloud = new_stack({"HTTPS_PROXY": "http://nowhere.invalid:3128"}, reset=False)
    cloud.configure(ssl_ca_bundle=str(cloud.sim.ca_path), api_base_url=cloud.sim.url,
                    proxy_url=f"http://{USER}:{ENCODED}@{tinyproxy.name}")
    assert expect.ok(cloud.put(f"{PROVIDER}/token", json={"api_token": cloud.sim.token}))[
        "error"] is None


def test_inspected_tls_works_with_the_authority_of_the_proxy(cloud):
    with inspected(cloud) as squid:
        cloud.configure(ssl_ca_bundle=str(squid.ca_path))
        job = cloud.new_job()
        assert cloud.status(job.job_id) == "queued"


def test_the_certificate_of_an_unknown_authority_is_named(cloud):
    """Both are said: who signed what was shown, and which file was trusted beside the system's."""
    with inspected(cloud) as squid:
        error = validation_error(cloud)
        assert INSPECTOR in error and "not trusted" in error
        assert f"extra CA file in use: {cloud.sim.ca_path}" in error
        cloud.configure(ssl_ca_bundle="")
        error = validation_error(cloud)
        assert INSPECTOR in error and "no extra CA file is set" in error
        assert "GET" not in squid.log()


def test_a_certificate_for_another_host_is_named(cloud):
    with InspectingSquid(cloud.sim.ca_path) as squid:
        cloud.configure(proxy_url=f"http://{squid.name}", ssl_ca_bundle=str(squid.ca_path),
                        api_base_url=cloud.sim.url)
        error = validation_error(cloud)
    assert "127.0.0.1" in error and INSPECTOR in error
