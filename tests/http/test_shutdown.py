"""The responder's life: start, signals, and an end that loses nothing."""

import json
import os
import signal
import socket
import stat
import subprocess

import pytest

from fcgi_client import FcgiRequest
from responder import Responder
from stack import RESPONDER, base_environment, new_home
from waiting import free_port, until

MiB = 1 << 20


def test_an_upload_in_flight_finishes_after_sigterm(responder, local_job):
    upload = responder.open_bulk("PUT", f"/api/cloud/storage/{local_job}/slow",
                                 content_length=2 * MiB)
    upload.send(bytes(MiB))
    until(lambda: in_flight(responder, local_job) == 1, 10, "the upload has not begun")
    responder.signal(signal.SIGTERM)
    until(lambda: not accepts(responder.socket), 10, "new requests are still taken")
    assert responder.process.poll() is None
    status, _, body = upload.send(bytes(MiB)).finish()
    assert status == 200, body
    assert responder.process.wait(15) == 0
    assert [path.stat().st_size for path in responder.home.glob("outputs/*/slow")] == [2 * MiB]


def in_flight(responder, job_id):
    job = responder.ask_json("GET", f"/api/cloud/jobs/{job_id}")[1]["job"]
    return job["upload_progress"]["in_flight"]


def accepts(path):
    """True while a new request is answered with anything but 503."""
    try:
        return FcgiRequest(path, "GET", "/api/cloud/health/ready",
                           timeout_s=2).finish()[0] != 503
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_responder_ends_at_once_with_0(responder, number):
    responder.signal(number)
    assert responder.process.wait(15) == 0


def test_a_client_that_never_finishes_does_not_hold_up_the_end(tmp_path):
    program = Responder(tmp_path, {"SIMPLETUNER_SHUTDOWN_TIMEOUT": "2"}).start()
    try:
        stuck = program.open_bulk("PUT", "/api/cloud/storage/x/y", content_length=100)
        stuck.send(b"a")
        program.signal(signal.SIGTERM)
        assert program.process.wait(12) is not None
    finally:
        program.stop()


def test_an_idle_kept_connection_does_not_hold_up_the_end(responder):
    idle = socket.socket(socket.AF_UNIX)
    idle.connect(str(responder.socket))
    responder.signal(signal.SIGTERM)
    assert responder.process.wait(15) == 0
    idle.close()


def test_sighup_opens_the_log_anew(tmp_path):
    log = tmp_path / "cloud.log"
    program = Responder(tmp_path, {"SIMPLETUNER_LOG_FILE": str(log)}).start()
    try:
        log.rename(tmp_path / "cloud.log.1")
        program.signal(signal.SIGHUP)
        until(lambda: program.ask("GET", "/api/nothing") and log.exists(), 5,
              "the log was not opened anew")
        assert program.process.poll() is None
    finally:
        program.stop()


def test_sockets_have_the_asked_mode_and_stale_ones_are_replaced(tmp_path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "api.sock"))
    stale.close()
    program = Responder(tmp_path, arguments=("--socket-mode", "0600")).start()
    try:
        for path in (program.socket, program.bulk_socket):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        assert program.stop() == 0


def test_a_tcp_socket_serves_too(tmp_path):
    port = free_port()
    home = new_home()
    process = subprocess.Popen([RESPONDER, "--listen", f"127.0.0.1:{port}"],
                               env=base_environment(home), stderr=subprocess.DEVNULL)
    try:
        def connects():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0
        until(connects, 10, "nothing listens")
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_a_listening_socket_on_descriptor_0_is_used(tmp_path):
    """As mod_fcgid, spawn-fcgi and systemd start it."""
    path = tmp_path / "zero.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(16)
    process = subprocess.Popen([RESPONDER], env=base_environment(new_home()), stdin=listener,
                               stderr=subprocess.DEVNULL)
    try:
        status, _, body = FcgiRequest(path, "GET", "/api/cloud/health/live").finish()
        assert (status, json.loads(body)) == (200, {"status": "ok"})
    finally:
        process.terminate()
        assert process.wait(10) == 0
        listener.close()


@pytest.mark.parametrize("arguments, code", [
    (("--colour",), 64), (("--listen",), 64), (("--threads", "0"), 64), (("--threads", "x"), 64),
    (("--socket-mode", "abc"), 64), (("extra",), 64)])
def test_wrong_options_are_64(arguments, code):
    result = subprocess.run([RESPONDER, *arguments], env=base_environment(new_home()),
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert result.returncode == code and result.stderr


def test_a_start_without_any_socket_is_refused():
    result = subprocess.run([RESPONDER], env=base_environment(new_home()),
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert result.returncode != 0 and "--listen" in result.stderr


def test_a_socket_that_cannot_be_made_is_an_error(tmp_path):
    result = subprocess.run([RESPONDER, "--listen", str(tmp_path / "no" / "x.sock")],
                            env=base_environment(new_home()), stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=10)
    assert result.returncode != 0 and "x.sock" in result.stderr


def test_stopping_the_launcher_stops_everything(new_stack):
    cloud = new_stack()
    pid = cloud.responder_pid()
    assert cloud.stop() in (0, 143)
    until(lambda: not alive(pid), 10, "the responder still runs")
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", cloud.port)) != 0


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
