"""The doctor and a public URL that is not reached, or that leads to somebody else."""

import contextlib
import datetime
import socket
import threading

import pytest
from cryptography import x509

import sim_tls
from doctor import examine_home, read_home
from stack import new_home, require_programs, scratch_directory
from tls_server import TlsServer
from waiting import free_port

OLD = {"age": sim_tls.LIFETIME + datetime.timedelta(days=2)}
ELSEWHERE = {"names": [x509.DNSName("elsewhere.example")]}


@pytest.fixture
def home():
    require_programs()
    return new_home()


@contextlib.contextmanager
def serving(status=200, body=b"Hello", **certificate):
    """A TLS server that says the same to everybody."""
    directory = scratch_directory("tls")
    sim_tls.ensure_certificates(directory, **certificate)
    server = TlsServer(lambda *_: (status, body), directory)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def saying(line):
    """What speaks without being asked, and is no HTTP; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(line)
                        connection.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def trouble(home, url, **env):
    """The one error of the check, which people are told in the same words."""
    settings = {"SIMPLETUNER_PUBLIC_URL": url} | env
    findings = examine_home(home, "public_url", **settings)
    assert len(findings.of("error")) == 1 and findings.of("ok") == [], findings.all
    finding = findings.of("error")[0]
    assert url in finding["found"] and f" {url}/" in finding["command"]
    assert finding["command"].startswith("curl -sS")
    text = read_home(home, "public_url", 65, **settings)
    assert f"✗ public_url {finding['found']}\n               -> {finding['command']}\n" in text
    assert not list(home.glob(".doctor-*"))
    return finding


def test_a_certificate_of_an_unknown_authority_is_shown(home):
    with serving() as server:
        found = trouble(home, server.url)["found"]
    assert "cannot be reached: the certificate is not trusted" in found
    assert "issuer: CN = Replicate simulator CA" in found
    assert "no extra CA file is set" in found


@pytest.mark.parametrize("certificate, mention", [
    (OLD, "certificate has expired"), (ELSEWHERE, "no alternative certificate subject")], ids=["expired", "other name"])
def test_a_certificate_that_is_not_good_here_is_told_with_the_reason(home, certificate, mention):
    with serving(**certificate) as server:
        finding = trouble(home, server.url, SIMPLETUNER_CA_BUNDLE=str(server.ca_path))
    assert "the certificate is not trusted" in finding["found"] and mention in finding["found"]
    assert f"--cacert {server.ca_path}" in finding["command"]


def test_others_look_at_the_certificate_whatever_is_set_here(home):
    with serving() as server:
        finding = trouble(home, server.url, SIMPLETUNER_SSL_VERIFY="false")
    assert "the certificate is not trusted" in finding["found"]


@pytest.mark.parametrize("status, mention", [
    (200, "answered by somebody else"), (404, "does not lead to a responder"),
    (500, "(status 500)")])
def test_somebody_else_behind_a_good_certificate_is_told(home, status, mention):
    with serving(status) as server:
        assert mention in trouble(home, server.url,
                                  SIMPLETUNER_CA_BUNDLE=str(server.ca_path))["found"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_front_server_without_a_responder_leads_to_what_says_why(home, status):
    with serving(status) as server:
        findings = examine_home(home, "public_url,front", SIMPLETUNER_PUBLIC_URL=server.url,
                                SIMPLETUNER_CA_BUNDLE=str(server.ca_path))
    for check in ("public_url", "front"):
        finding = findings.one("error", check, f"does not get at a responder (status {status})")
        assert finding["command"] == "simpletuner-cloud doctor --only start,responder,sockets"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_refuses_is_told(home, scheme):
    found = trouble(home, f"{scheme}://127.0.0.1:{free_port()}")["found"]
    assert "cannot be reached: Failed to connect" in found


def test_a_server_without_tls_behind_https_is_told(home):
    with saying(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as port:
        found = trouble(home, f"https://127.0.0.1:{port}")["found"]
    assert "cannot be reached: what answers does not speak TLS" in found


def test_what_does_not_speak_http_is_told(home):
    with saying(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        found = trouble(home, f"http://127.0.0.1:{port}")["found"]
    assert "cannot be reached: what answers does not speak HTTP" in found


def test_a_public_url_that_is_none_is_not_said_to_be_unset(home):
    finding = examine_home(home, "public_url", SIMPLETUNER_PUBLIC_URL="cloud.example").all[0]
    assert finding["level"] == "note" and "cannot be read" in finding["found"]
    assert finding["command"] == "simpletuner-cloud doctor --only settings"
    examine_home(home, "settings", SIMPLETUNER_PUBLIC_URL="cloud.example").one(
        "error", "settings", "SIMPLETUNER_PUBLIC_URL must be")
