"""HTTP itself: methods, sizes, headers, and who counts as the local administrator."""

import http.client
import re

import pytest

import expect
from stack import BREAKERS, PROVIDER

JSON = {"Content-Type": "application/json"}
SUBMIT = "/api/cloud/jobs/submit"


@pytest.mark.parametrize("path", [
    "/api/nothing", "/api/cloud", "/api/cloud/", "/api/cloud/jobs/x/y/z",
    "/api/cloud/health/dead", "/health/x", "/api/cloud/providers/replicate/nothing", "/api/",
    "/api/Cloud/jobs", "/api/cloud/jobs/submit/x", "/api/webhooks", "/api/webhooks/"])
def test_an_unknown_path_is_not_found(cloud, path):
    expect.error(cloud.get(path), 404)


@pytest.mark.parametrize("method, path, allowed", [
    ("POST", "/health", {"GET", "HEAD"}), ("DELETE", "/api/cloud/jobs", {"GET", "HEAD"}),
    ("PUT", SUBMIT, {"POST"}), ("GET", "/api/cloud/jobs/x/cancel", {"POST"}),
    ("POST", PROVIDER, {"GET", "HEAD", "PUT"}), ("GET", f"{PROVIDER}/token", {"PUT", "DELETE"}),
    ("POST", f"{PROVIDER}/validate", {"GET", "HEAD"}),
    ("PUT", "/api/cloud/storage", {"GET", "HEAD"})])
def test_a_wrong_method_is_405_and_names_the_right_ones(cloud, method, path, allowed):
    answer = cloud.request(method, path, data=None if method == "GET" else b"{}", headers=JSON)
    expect.error(answer, 405)
    named = set(re.split(r"\s*,\s*", answer.headers["Allow"]))
    assert allowed <= named and method not in named


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "get", "TRACE"])
def test_an_unknown_method_is_refused(cloud, method):
    status, headers, _ = cloud.raw(method, "/api/cloud/jobs")
    assert status in (400, 405, 501)


@pytest.mark.parametrize("path", ["/health", "/api/cloud/jobs", PROVIDER, "/api/cloud/providers"])
def test_head_is_get_without_the_body(cloud, path):
    get, head = cloud.get(path), cloud.request("HEAD", path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_head_of_an_unknown_path_has_no_body(cloud):
    answer = cloud.request("HEAD", "/api/nothing")
    assert answer.status_code == 404 and answer.content == b""


@pytest.mark.parametrize("method, path", [("PUT", PROVIDER), ("POST", SUBMIT),
                                          ("PUT", f"{PROVIDER}/token")])
def test_a_body_that_is_too_large_is_413(cloud, method, path):
    body = b'{"config_name":"' + b"x" * (40 << 20) + b'"}'
    expect.error(cloud.request(method, path, data=body, headers=JSON), 413)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x", "application/jsonx",
                                          "x", "application/xml"])
@pytest.mark.parametrize("method, path", [("PUT", PROVIDER), ("POST", SUBMIT)])
def test_a_body_that_is_not_json_is_415(cloud, method, path, content_type):
    answer = cloud.request(method, path, data=b"{}", headers={"Content-Type": content_type})
    expect.error(answer, 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON",
                                          "application/json;charset=UTF-8"])
def test_json_may_be_named_in_several_ways(cloud, content_type):
    expect.ok(cloud.put(PROVIDER, data=b"{}", headers={"Content-Type": content_type}))


@pytest.mark.parametrize("path", ["/health", "/api/cloud/jobs", "/api/nothing", "/api/cloud/jobs/x",
                                  "/api/cloud/jobs?limit=0", "/api/webhooks/replicate"])
def test_every_answer_has_the_security_headers(cloud, path):
    headers = cloud.get(path).headers
    assert {name: headers.get(name) for name in expect.HEADERS} == expect.HEADERS
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_answers_are_not_cached(cloud):
    assert "no-store" in cloud.get("/api/cloud/jobs").headers.get("Cache-Control", "")


# Correlation


@pytest.mark.parametrize("name", ["X-Request-Id", "X-Correlation-ID"])
@pytest.mark.parametrize("value", ["a", "A.b_c-9", "x" * 64])
def test_a_good_correlation_id_is_adopted(cloud, name, value):
    assert cloud.get("/health", headers={name: value}).headers["X-Correlation-ID"] == value


@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a/b", "<x>", "ü".encode(), 'a"b', "a\tb"])
def test_a_bad_correlation_id_is_replaced(cloud, value):
    answer = cloud.get("/health", headers={"X-Request-Id": value})
    assert re.fullmatch(r"[0-9a-f]{12}", answer.headers["X-Correlation-ID"])


def test_every_answer_has_a_correlation_id_of_its_own(cloud):
    ids = {cloud.get(path).headers["X-Correlation-ID"] for path in ("/health", "/api/nothing",
                                                                     "/api/cloud/jobs?limit=x")}
    assert len(ids) == 3


# Paths and queries


@pytest.mark.parametrize("target", [
    "/api/cloud/jobs/%ff", "/api/cloud/jobs/%c3%28", "/api/cloud/jobs/%00", "/api/cloud/jobs/%zz",
    "/api/cloud/jobs/../../../etc/passwd", "/api/cloud/%2e%2e/%2e%2e/etc/passwd",
    "/api//cloud//jobs", "/api/cloud/jobs/" + "a" * 5000, "/api/cloud/jobs?limit=%",
    "/api/cloud/jobs?limit=%ff", "/api/cloud/jobs?limit=1%00", "/api/cloud/jobs/x;y",
    "/api/cloud/jobs/" + "x/" * 500])
def test_a_senseless_target_is_one_clear_4xx(cloud, target):
    status, headers, body = cloud.raw("GET", target)
    assert 400 <= status < 500, (status, body)
    assert b"root:" not in body


def test_a_path_of_nine_thousand_bytes_is_refused(cloud):
    status, _, _ = cloud.raw("GET", "/api/cloud/jobs/" + "a" * 9000)
    assert status in (400, 404, 414, 431)


def test_escapes_in_a_path_are_read(cloud, job):
    escaped = "".join(f"%{ord(letter):02X}" for letter in job.job_id)
    status, _, body = cloud.raw("GET", f"/api/cloud/jobs/{escaped}")
    assert status == 200 and job.job_id.encode() in body


@pytest.mark.parametrize("path", ["/health?x=1", "/api/cloud/providers?colour=red",
                                  f"{PROVIDER}?x=y",
                                  "/api/cloud/jobs?" + "a=b&" * 1500, "/api/cloud/jobs?=1"])
def test_an_unknown_query_name_is_refused_or_ignored_but_never_a_fault(cloud, path):
    assert cloud.get(path).status_code in (200, 400)


def test_errors_are_json_and_say_what(cloud):
    answer = cloud.get("/api/cloud/jobs?limit=0")
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json()
    assert set(body) <= {"detail", "error", "details"} and "limit" in body["detail"]


# Who asks


@pytest.mark.parametrize("name, value", [
    ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "203.0.113.9"),
    ("X-Forwarded-For", "::1"), ("X-Forwarded-For", "nonsense"),
    ("Forwarded", "for=127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("CF-Connecting-IP", "127.0.0.1"),
    ("x-forwarded-for", "127.0.0.1, 127.0.0.1"), ("X-Forwarded-For", "127.0.0.1:80")])
@pytest.mark.parametrize("method, path", [("GET", "/api/cloud/jobs"), ("GET", PROVIDER),
                                          ("POST", SUBMIT), ("GET", "/api/cloud/storage")])
def test_a_forwarded_request_is_never_the_administrator(cloud, name, value, method, path):
    body = {"config": {"a": 1}} if method == "POST" else None
    answer = cloud.request(method, path, json=body, headers={name: value})
    expect.error(answer, 401)


@pytest.mark.parametrize("headers", [
    {"Host": "evil.example"}, {"Host": "evil.example:8080"}, {"Host": "localhost.evil.example"},
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}], ids=str)
def test_a_page_of_another_site_is_never_the_administrator(cloud, headers):
    expect.error(cloud.post(f"{BREAKERS}/replicate/reset", headers=headers), 401)


def test_a_page_of_the_service_and_a_link_to_it_are_the_administrators(cloud):
    own = {"Origin": f"http://127.0.0.1:{cloud.port}", "Sec-Fetch-Site": "same-origin"}
    expect.ok(cloud.post(f"{BREAKERS}/replicate/reset", headers=own))
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    expect.ok(cloud.get("/api/cloud/jobs", headers=link))
    expect.ok(cloud.get("/api/cloud/jobs", headers={"Host": f"localhost:{cloud.port}"}))


def test_the_public_name_of_the_service_is_its_own(new_stack):
    cloud = new_stack(env={"SIMPLETUNER_PUBLIC_URL": "https://train.example/x"})
    expect.ok(cloud.get("/api/cloud/jobs", headers={"Host": "train.example"}))
    expect.error(cloud.get("/api/cloud/jobs", headers={"Host": "x.train.example"}), 401)


@pytest.mark.parametrize("headers", [
    {"X-API-Key": "st_" + "a" * 32}, {"X-API-Key": "x"}, {"Authorization": "Bearer st_" + "a" * 32},
    {"Authorization": "Bearer st_"}], ids=str)
def test_a_presented_key_is_checked_not_overlooked(cloud, headers):
    expect.error(cloud.get("/api/cloud/jobs", headers=headers), 401)


def test_headers_with_underscores_do_not_pass_for_real_ones(cloud):
    """lighttpd hands both spellings on under one name; neither may make a stranger local."""
    status, _, _ = cloud.raw("GET", "/api/cloud/jobs", None, {
        "X_Forwarded_For": "127.0.0.1", "X-Forwarded-For": "203.0.113.9"})
    assert status == 401


@pytest.mark.parametrize("address, status", [
    ("127.0.0.1", 200), ("127.8.9.10", 200), ("::1", 200), ("::ffff:127.0.0.1", 200),
    ("10.0.0.5", 401), ("203.0.113.9", 401), ("2001:db8::1", 401), ("", 401), ("localhost", 401)])
def test_only_a_loopback_peer_is_the_local_administrator(responder, address, status):
    assert responder.ask("GET", "/api/cloud/jobs", remote_addr=address)[0] == status


def test_the_front_serves_the_page(cloud):
    answer = cloud.get("/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_keep_alive_answers_many_requests_on_one_connection(cloud):
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    for number in range(200):
        path = ("/health", "/api/nothing", "/api/cloud/jobs?limit=1")[number % 3]
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 404)
    connection.close()
