"""A service manager that holds the sockets and listens: systemd, played by the test."""

import re
import signal
import socket
import subprocess
import threading

import pytest
import requests

from fcgi_client import FcgiRequest, ask
from service_manager import ServiceManager
from stack import COMPANION, REPO, base_environment, new_home
from waiting import free_port, until

LIVE = "/api/cloud/health/live"
READY = "/api/cloud/health/ready"


@pytest.fixture
def manager(tmp_path):
    """manager(...): a service manager of the test's own; arguments as of ServiceManager."""
    managers = []

    def make(**options):
        managers.append(ServiceManager(tmp_path, new_home(), **options))
        return managers[-1]

    yield make
    for made in managers:
        made.close()


def status(path, uri=LIVE):
    return ask(path, "GET", uri)[0]


def test_both_sockets_are_served_and_readiness_is_said(manager):
    systemd = manager().start().wait_for("READY=1")
    assert "STATUS=Serving" in systemd.heard[0]
    assert [status(systemd.api), status(systemd.bulk)] == [200, 200]
    assert systemd.stop() == 0
    assert systemd.hears("STOPPING=1")


def test_sockets_go_by_their_names_and_not_by_their_order(manager):
    systemd = manager(names=("bulk", "api"))
    systemd.start("--threads", "2", "--bulk-threads", "1").wait_for("READY=1")
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as also_silent:
        silent.connect(str(systemd.bulk))  # has the one thread there is
        also_silent.connect(str(systemd.api))
        with pytest.raises(TimeoutError):
            FcgiRequest(systemd.bulk, "GET", LIVE, timeout_s=0.5).finish()
        assert status(systemd.api) == 200


def test_sockets_without_names_are_taken_in_order(manager):
    systemd = manager(names=("first", "second"))
    systemd.start().wait_for("READY=1")
    assert status(systemd.directory / "first.sock") == status(systemd.directory / "second.sock") == 200


@pytest.mark.parametrize("names, why", [
    (("api", "bulk", "third"), "is one of more than two"),
    (("bulk",), "comes without one for the API")])
def test_other_sockets_are_refused_with_a_reason(manager, names, why):
    systemd = manager(names=names).start()
    assert systemd.process.wait(15) == 71
    assert why in systemd.log() and not systemd.hears("READY=1")


def test_a_descriptor_that_does_not_listen_is_refused(manager):
    systemd = manager(names=("api",))
    systemd.sockets[0].close()
    systemd.sockets[0] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    assert systemd.start().process.wait(15) == 71
    assert "is no listening socket" in systemd.log()


def test_a_reload_is_told_and_ends(manager):
    systemd = manager().start().wait_for("READY=1")
    systemd.forget()
    systemd.process.send_signal(signal.SIGHUP)
    systemd.wait_for("RELOADING=1").wait_for("READY=1")
    told = [text for text in systemd.heard if text.startswith("RELOADING=1")]
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told[0])
    assert status(systemd.api) == 200


def test_the_watchdog_hears_of_it_while_all_is_well(manager):
    systemd = manager(watchdog_s=0.4).start().wait_for("READY=1")
    until(lambda: sum(text.startswith("WATCHDOG=1") for text in systemd.listen()) >= 3, 10,
          "the watchdog hears nothing")
    assert "STATUS=Serving, 0 requests under way" in systemd.heard[-1]


def test_the_watchdog_hears_nothing_of_a_process_that_stands(manager):
    systemd = manager(watchdog_s=0.4).start().wait_for("WATCHDOG=1")
    systemd.process.send_signal(signal.SIGSTOP)
    systemd.forget()
    with pytest.raises(AssertionError):
        until(lambda: systemd.hears("WATCHDOG=1"), 1, "")
    systemd.process.send_signal(signal.SIGCONT)
    systemd.wait_for("WATCHDOG=1")


def test_what_is_missing_is_in_the_status(manager):
    systemd = manager()
    home = systemd.env["SIMPLETUNER_HOME"]
    subprocess.run([COMPANION, "migrate"], env=systemd.env, check=True, capture_output=True)
    subprocess.run(["sqlite3", f"{home}/config/cloud/jobs.db",
                    "DELETE FROM schema_migrations WHERE version = "
                    "(SELECT MAX(version) FROM schema_migrations)"], check=True)
    systemd.start().wait_for("READY=1")
    assert "simpletuner-cloud migrate" in systemd.heard[0], systemd.heard


class Load:
    """Clients that ask again and again until told to stop, and keep what is no 200."""

    def __init__(self, url, clients=8):
        self.url, self.failures, self.answers = url, [], 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self):
        with requests.Session() as session:
            session.trust_env = False
            while not self.stopping.is_set():
                try:
                    answer = session.get(self.url, timeout=30)
                    if answer.status_code != 200:
                        self.failures.append(f"{answer.status_code} {answer.text}")
                except requests.RequestException as error:
                    self.failures.append(repr(error))
                self.answers += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def lighttpd(directory, port):
    """The shipped configuration with our sockets, as serve.sh makes it; returns the process."""
    text = (REPO / "lighttpd/simpletuner-cloud.conf").read_text()
    text = re.sub(r"# --- begin production ---.*?# --- end production ---", "", text, flags=re.S)
    values = {"sockets": f'"{directory}"', "static": f'"{REPO}/fcgi/static"',
              "outputs": f'"{directory}/outputs"', "spool": f'"{directory}/spool"',
              "pidfile": f'"{directory}/front.pid"', "address": '"127.0.0.1"', "port": str(port)}
    for name, value in values.items():
        text = re.sub(rf"(?m)^var\.{name} *=.*$", f"var.{name} = {value}", text)
    (directory / "spool").mkdir()
    (directory / "front.conf").write_text(text)
    return subprocess.Popen(["lighttpd", "-D", "-f", str(directory / "front.conf")],
                            env=base_environment(directory), stdin=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


@pytest.fixture
def served(manager, tmp_path):
    """A responder whose sockets are held by the test, behind lighttpd: (manager, url)."""
    systemd, port = manager(), free_port()
    systemd.start().wait_for("READY=1")
    front = lighttpd(tmp_path, port)
    url = f"http://127.0.0.1:{port}"

    def answers():
        try:
            return requests.get(url + READY, timeout=5).status_code == 200
        except requests.RequestException:
            return False
    try:
        until(answers, 15, "lighttpd does not get ready")
        yield systemd, url
    finally:
        front.terminate()
        front.wait(15)


def test_no_request_fails_when_the_service_is_started_again(served):
    systemd, url = served
    with Load(url + "/api/cloud/jobs") as load:
        for _ in range(4):
            before = load.answers
            until(lambda: load.answers > before + 100, 20, "the load stands")
            assert systemd.stop() == 0
            systemd.forget()
            systemd.start().wait_for("READY=1")
        before = load.answers
        until(lambda: load.answers > before + 100, 20, "the load stands")
    assert not load.failures, load.failures[:5]
