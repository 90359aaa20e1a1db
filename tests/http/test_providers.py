"""Provider settings: every field, good and bad; one transaction; no secret comes back."""

import json
import threading

import pytest

import expect
from stack import PROVIDER

URL = "https://cloud.example.com"

GOOD = [
    ("version_override", "simpletuner/advanced-trainer-h100:" + "a" * 64, None),
    ("webhook_url", f"  {URL}/hook  ", f"{URL}/hook"),
    ("preferences", {"theme": "dark", "nested": {"a": [1, 2]}}, None),
    ("cost_limit_enabled", True, None),
    ("cost_limit_amount", 12.5, None),
    ("cost_limit_amount", 0, None),
    ("cost_limit_period", "daily", None),
    ("cost_limit_period", "weekly", None),
    ("cost_limit_period", "monthly", None),
    ("cost_limit_action", "warn", None),
    ("cost_limit_action", "block", None),
    ("hardware_info", {"gpu-l40s": {"cost_per_second": 0.001, "name": "L40S"}}, None),
    ("hardware_profile", "l40s-x4", None),
    ("hardware_profile", "H100_X2", "h100-x2"),
    ("hardware_profile", "advanced-trainer-l40s", "l40s"),
    ("hardware_profile", "1xh100", "h100"),
    ("hardware_profile", "h100-x1", "h100"),
    ("webhook_require_signature", False, None),
    ("webhook_allowed_ips", ["10.0.0.0/8", "1.2.3.4", "10.1.2.3/16", "2001:db8::/32"], None),
    ("webhook_allowed_ips", [], None),
    ("ssl_verify", False, None),
    ("http_timeout", 60, None),
    ("http_timeout", 12.5, None),
    ("webhook_rate_limit_max", 10000, None),
    ("webhook_rate_limit_window", 3600, None),
    ("s3_rate_limit_max", 1, None),
    ("s3_rate_limit_window", 1, None),
    ("org_id", " acme ", "acme"),
    ("api_base_url", "https://gateway.example.com/v1/", "https://gateway.example.com/v1"),
    ("max_runtime_minutes", 1, None),
    ("s3_endpoint_enabled", False, None),
    ("s3_public_url", URL, None),
    ("proxy_url", "http://proxy.example.com:8080", None),
]

BAD = [
    ("version_override", 7), ("version_override", ["x"]),
    ("webhook_url", "not a url"), ("webhook_url", "ftp://example.com/x"), ("webhook_url", 3),
    ("webhook_url", "https://"),
    ("preferences", []), ("preferences", "dark"),
    ("cost_limit_enabled", "yes"), ("cost_limit_enabled", 1),
    ("cost_limit_amount", -1), ("cost_limit_amount", "12"), ("cost_limit_amount", True),
    ("cost_limit_period", "yearly"), ("cost_limit_period", 7),
    ("cost_limit_action", "explode"),
    ("hardware_info", []), ("hardware_info", {"gpu": 3}), ("hardware_info", {"gpu": {}}),
    ("hardware_info", {"gpu": {"cost_per_second": -1}}),
    ("hardware_info", {"gpu": {"cost_per_second": "1"}}),
    ("hardware_profile", "tpu"), ("hardware_profile", "h100-x3"), ("hardware_profile", 8),
    ("webhook_require_signature", "false"), ("webhook_require_signature", 0),
    ("webhook_allowed_ips", "10.0.0.0/8"), ("webhook_allowed_ips", ["10.0.0.0/33"]),
    ("webhook_allowed_ips", ["300.1.1.1"]), ("webhook_allowed_ips", ["example.com"]),
    ("webhook_allowed_ips", [7]), ("webhook_allowed_ips", [""]),
    ("webhook_allowed_ips", ["2001:db8::/129"]), ("webhook_allowed_ips", ["10.0.0.0/-1"]),
    ("webhook_allowed_ips", ["10.0.0.0/8 "]), ("webhook_allowed_ips", [["10.0.0.0/8"]]),
    ("ssl_verify", "true"), ("ssl_verify", {}),
    ("ssl_ca_bundle", "/nonexistent/ca.pem"), ("ssl_ca_bundle", "/etc"), ("ssl_ca_bundle", 1),
    ("proxy_url", 3), ("proxy_url", "no proxy"),
    ("http_timeout", "60"), ("http_timeout", True), ("http_timeout", [1]),
    ("webhook_rate_limit_max", 0), ("webhook_rate_limit_max", 10001),
    ("webhook_rate_limit_max", 1.5), ("webhook_rate_limit_max", "5"),
    ("webhook_rate_limit_window", 0), ("webhook_rate_limit_window", 3601),
    ("s3_rate_limit_max", 0), ("s3_rate_limit_max", 10001),
    ("s3_rate_limit_window", -1), ("s3_rate_limit_window", 3601),
    ("org_id", 1),
    ("api_base_url", "api.replicate.com/v1"), ("api_base_url", "gopher://x/"),
    ("api_base_url", "https://"),
    ("max_runtime_minutes", 0), ("max_runtime_minutes", 2.5), ("max_runtime_minutes", "60"),
    ("s3_endpoint_enabled", "on"),
    ("s3_public_url", "cloud.example.com"), ("s3_public_url", "file:///etc"),
    ("s3_output_path", 5),
]


def config(cloud):
    return expect.ok(cloud.get(PROVIDER))["config"]


def test_the_list_names_replicate(cloud):
    providers = {item["id"]: item for item in expect.ok(cloud.get("/api/cloud/providers"))[
        "providers"]}
    assert providers["replicate"]["name"] == "Replicate"
    assert providers["replicate"]["configured"] is True


def test_without_a_token_replicate_is_not_configured(cloud):
    cloud.delete(f"{PROVIDER}/token")
    [item] = [item for item in expect.ok(cloud.get("/api/cloud/providers"))["providers"]
              if item["id"] == "replicate"]
    assert item["configured"] is False


@pytest.mark.parametrize("field, value, stored", GOOD, ids=lambda value: str(value)[:30])
def test_a_good_value_is_stored_and_echoed(cloud, field, value, stored):
    wanted = value if stored is None else stored
    assert cloud.configure(**{field: value})[field] == wanted
    assert config(cloud)[field] == wanted


@pytest.mark.parametrize("field, value", BAD, ids=lambda value: str(value)[:30])
def test_a_bad_value_is_refused_and_named(cloud, field, value):
    before = config(cloud)
    answer = cloud.put(PROVIDER, json={"org_id": "must-not-be-stored", field: value})
    expect.error(answer, 400, field)
    assert config(cloud) == before


@pytest.mark.parametrize("field", ["colour", "upload_token", "SSL_VERIFY", "", "ssl_verify\x00"])
def test_an_unknown_field_is_refused(cloud, field):
    before = config(cloud)
    expect.error(cloud.put(PROVIDER, json={"ssl_verify": False, field: 1}), 400)
    assert config(cloud) == before


def test_null_and_absent_fields_leave_the_value_alone(cloud):
    cloud.configure(org_id="acme", hardware_profile="l40s")
    cloud.configure(org_id=None)
    cloud.configure()
    assert config(cloud)["org_id"] == "acme"
    assert config(cloud)["hardware_profile"] == "l40s"


@pytest.mark.parametrize("field, value", [
    ("version_override", "x/y:" + "b" * 64), ("webhook_url", URL), ("org_id", "acme"),
    ("hardware_profile", "l40s"), ("proxy_url", "http://proxy.example.com:1"),
    ("api_base_url", URL), ("s3_public_url", URL), ("s3_output_path", "/tmp/stc-elsewhere")])
def test_an_empty_string_removes_the_value(cloud, field, value):
    cloud.configure(**{field: value})
    cloud.configure(**{field: ""})
    assert not config(cloud).get(field)


def test_an_empty_ca_bundle_removes_it(cloud):
    assert config(cloud)["ssl_ca_bundle"] == str(cloud.sim.ca_path)
    cloud.configure(ssl_ca_bundle="")
    assert not config(cloud).get("ssl_ca_bundle")


def test_a_timeout_of_zero_goes_back_to_the_default(cloud):
    cloud.configure(http_timeout=5)
    assert config(cloud)["http_timeout"] == 5
    cloud.configure(http_timeout=0)
    assert config(cloud).get("http_timeout", 30) in (None, 30)


def test_both_paths_are_one_resource(cloud):
    answer = cloud.put(f"{PROVIDER}/config", json={"org_id": "alias"})
    assert expect.ok(answer) == {"provider": "replicate", "config": config(cloud)}
    assert expect.ok(cloud.get(f"{PROVIDER}/config"))["config"]["org_id"] == "alias"


@pytest.mark.parametrize("url", ["http://me:s3cr3t@proxy.example.com:8080",
                                 "http://me:s3cr3t@[2001:db8::1]:3128"])
def test_a_proxy_password_is_never_shown(cloud, url):
    answer = cloud.put(PROVIDER, json={"proxy_url": url})
    assert answer.status_code == 200 and "s3cr3t" not in answer.text
    shown = config(cloud)["proxy_url"]
    assert "s3cr3t" not in shown and url.rpartition("@")[2] in shown


def test_a_proxy_password_is_sealed_at_rest(cloud):
    cloud.configure(proxy_url="http://me:s3cr3t@proxy.example.com:8080")
    assert "s3cr3t" not in cloud.database_text()
    [(stored,)] = cloud.query("SELECT config FROM providers WHERE provider = 'replicate'")
    assert json.loads(stored)["proxy_url"].startswith("v1.")
    cloud.configure(org_id="x")
    assert "s3cr3t" not in cloud.database_text()
    assert config(cloud)["proxy_url"] == "http://me:***@proxy.example.com:8080"
    cloud.configure(proxy_url="http://proxy.example.com:8080")
    assert "http://proxy.example.com:8080" in cloud.database_text()


def test_a_sealed_proxy_that_does_not_open_is_an_error_until_another_is_set(cloud):
    cloud.configure(proxy_url="http://me:s3cr3t@proxy.example.com:8080")
    [(stored,)] = cloud.query("SELECT config FROM providers WHERE provider = 'replicate'")
    broken = json.loads(stored) | {"proxy_url": json.loads(stored)["proxy_url"][:-8] + "AAAAAAA="}
    cloud.change("UPDATE providers SET config = %s WHERE provider = 'replicate'",
                 json.dumps(broken))
    assert cloud.get(PROVIDER).status_code == 503
    assert cloud.put(PROVIDER, json={"org_id": "x"}).status_code == 503
    cloud.configure(proxy_url="http://proxy.example.com:8080")
    assert config(cloud)["proxy_url"] == "http://proxy.example.com:8080"


@pytest.mark.parametrize("method, path", [
    ("GET", ""), ("PUT", ""), ("GET", "/config"), ("PUT", "/token"), ("GET", "/validate")])
@pytest.mark.parametrize("name", ["nobody", "Replicate", "replicate%20", "..%2fx"])
def test_an_unknown_provider_is_not_found(cloud, method, path, name):
    given = b'{"api_token": "r8_x"}' if path == "/token" else b"{}"
    status, _, body = cloud.raw(method, f"/api/cloud/providers/{name}{path}",
                                given if method == "PUT" else None,
                                {"Content-Type": "application/json"})
    assert status in (404, 400), body
    assert status == 404 or "%" in name


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"3", b"null", b"{", b"{}x", b'{"a"}',
                                  b'{"org_id": "\xff"}', b'{"org_id": "a\\u0000b"}',
                                  b"\xef\xbb\xbf{", b'{"org_id":"a","org_id":"b"}',
                                  b"[" * 5000, b'{"preferences":' * 200 + b"1" + b"}" * 200])
def test_a_malformed_body_is_refused(cloud, body):
    before = config(cloud)
    answer = cloud.put(PROVIDER, data=body, headers={"Content-Type": "application/json"})
    expect.error(answer, 400)
    assert config(cloud) == before


def test_concurrent_changes_of_different_fields_lose_nothing(cloud):
    """Each round, eight writers change a field of their own at the same moment."""
    fields = {"org_id": str, "version_override": str, "webhook_rate_limit_max": int,
              "s3_rate_limit_max": int, "max_runtime_minutes": int, "http_timeout": int,
              "cost_limit_amount": int, "webhook_rate_limit_window": int}
    for number in range(1, 9):
        wanted = {name: kind(number) for name, kind in fields.items()}
        failed = []

        def write(name, value):
            answer = cloud.put(PROVIDER, json={name: value})
            if answer.status_code != 200 or answer.json()["config"][name] != value:
                failed.append((name, answer.status_code, answer.text))

        writers = [threading.Thread(target=write, args=item) for item in wanted.items()]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert not failed
        assert {name: config(cloud)[name] for name in wanted} == wanted


def test_strangers_see_no_settings(cloud):
    answer = cloud.get(PROVIDER, headers={"X-Forwarded-For": "203.0.113.9"})
    expect.error(answer, 401)
    assert "api_base_url" not in answer.text
