"""The Debian package in the life of a host: lintian, installation, serving under systemd with all its
restrictions, upgrade, removal, purge. One machine lives through it, test by test."""

import re
import subprocess
import threading

import pytest

from machine import Machine, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

NEXT_VERSION = "9.0-1"
CONF = "/etc/simpletuner-cloud/cloud.env"
STATE = "/var/lib/simpletuner-cloud"
SERVICE = "simpletuner-cloud.service"
READY = "curl -sf http://127.0.0.1/api/cloud/health/ready"
BUCKET = "http://127.0.0.1/api/cloud/storage/a-bucket"


def dpkg(*command):
    subprocess.run(["dpkg-deb", *map(str, command)], check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def next_package(package, tmp_path_factory):
    """The same package, of a higher version and with another settings file."""
    directory = tmp_path_factory.mktemp("next")
    dpkg("--raw-extract", package, directory / "tree")
    control = directory / "tree/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {NEXT_VERSION}", control.read_text()))
    with open(directory / "tree/etc/simpletuner-cloud/cloud.env", "a", encoding="utf-8") as settings:
        settings.write("# What is new.\n")
    dpkg("--build", "-Zgzip", "-z1", directory / "tree", directory / "next.deb")
    return directory / "next.deb"


@pytest.fixture(scope="module")
def machine(package, next_package, build, tmp_path_factory):
    given = tmp_path_factory.mktemp("given")
    (given / "this.deb").write_bytes(package.read_bytes())
    (given / "modules").write_text("\n".join(re.findall(
        r"(?m)^#   a2enmod (.*)$", (build / "fcgi/host/apache/simpletuner-cloud-snippet.conf").read_text())))
    with Machine(given / "this.deb", given / "modules", next_package) as machine:
        yield machine


def install(machine, name, *options):
    return machine.sh(f"dpkg --install {' '.join(options)} /root/given/{name}.deb")


def test_lintian_finds_no_error(package):
    result = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning",
                             "--suppress-tags", "initial-upload-closes-no-bugs", str(package)],
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr


def test_it_installs_and_starts_nothing(machine):
    install(machine, "this")
    assert machine.sh("simpletuner-cloud --version").startswith("simpletuner-cloud ")
    states = machine.sh("systemctl list-unit-files --no-legend 'simpletuner-cloud*'")
    assert {line.split()[1] for line in states.splitlines()} == {"disabled", "static"}
    assert machine.sh("systemctl list-units --no-legend --all 'simpletuner-cloud*'").strip() == ""
    for directory in ("apache2/conf-enabled", "apache2/sites-enabled", "lighttpd/conf-enabled"):
        assert machine.status(f"ls /etc/{directory}/*simpletuner* 2>/dev/null") != 0


def test_files_belong_to_whom_they_should(machine):
    def owner(path):
        return machine.sh(f"stat -c '%a %U:%G' {path}").strip()
    assert owner(CONF) == "640 root:simpletuner-cloud"
    assert owner(STATE) == "711 simpletuner-cloud:simpletuner-cloud"
    assert owner(f"{STATE}/outputs") == "2750 simpletuner-cloud:www-data"
    assert owner("/var/spool/simpletuner-cloud") == "700 www-data:www-data"
    assert owner("/var/log/simpletuner-cloud") == "750 simpletuner-cloud:simpletuner-cloud"


def test_the_first_request_starts_the_service_behind_lighttpd(machine):
    machine.sh(f"echo RATE_LIMIT_CALLS=0 >>{CONF}")  # for the load of the upgrade
    machine.sh("systemctl enable --now simpletuner-cloud.socket 2>&1;"
               "lighty-enable-mod simpletuner-cloud;"
               "lighttpd -tt -f /etc/lighttpd/lighttpd.conf; systemctl start lighttpd")
    assert machine.sh("systemctl is-active simpletuner-cloud-bulk.socket").strip() == "active"
    assert machine.status(f"systemctl is-active {SERVICE}") != 0
    machine.until(READY)
    machine.until(f"systemctl is-active {SERVICE}")
    assert machine.sh(f"systemctl show {SERVICE} -p StatusText --value").startswith("Serving")
    assert "SimpleTuner Cloud" in machine.sh("curl -sf http://127.0.0.1/")
    assert machine.sh("curl -sf http://127.0.0.1/static/app.js | wc -c").strip() != "0"


def test_the_restrictions_are_in_force(machine):
    status = machine.sh(f"cat /proc/$(systemctl show {SERVICE} -p MainPID --value)/status")
    assert re.search(r"(?m)^Seccomp:\s+2$", status) and re.search(r"(?m)^NoNewPrivs:\s+1$", status)
    assert re.search(r"(?m)^CapEff:\s+0+$", status) and re.search(r"(?m)^CapBnd:\s+0+$", status)


def test_objects_are_stored_and_sent_by_the_front_server_within_them(machine):
    machine.sh(f"curl -sf -X PUT -d '' {BUCKET}; head -c 3000000 /dev/urandom >/root/object;"
               f"curl -sf -T /root/object {BUCKET}/deep/object; curl -sf -T - {BUCKET}/chunked </root/object")
    head = machine.sh(f"curl -sf -D - -o /root/back -r 10-99999 {BUCKET}/deep/object")
    assert head.startswith("HTTP/1.1 206")
    machine.sh("tail -c +11 /root/object | head -c 99990 | cmp - /root/back")
    assert machine.sh(f"stat -c '%a %U:%G' {STATE}/outputs/a-bucket/deep/object").strip() == (
        "640 simpletuner-cloud:www-data")
    assert machine.sh("find /var/spool/simpletuner-cloud -type f").strip() == ""


def test_the_same_is_served_by_apache(machine):
    """With the modules that the snippet names, and what belongs to the server around it."""
    machine.sh(r"""
        {
            for module in mpm_event authz_core unixd $(cat /root/given/modules); do
                [ -e /usr/lib/apache2/modules/mod_$module.so ] || continue
                echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
            done
            echo 'ServerName localhost'
            echo 'Listen 127.0.0.1:81'
            echo 'User www-data'
            echo 'Group www-data'
            echo 'ErrorLog /root/apache.log'
            echo 'TypesConfig /dev/null'
            echo 'PidFile /run/apache-test.pid'
            echo 'DefaultRuntimeDir /run'
            echo 'Include /etc/apache2/conf-available/simpletuner-cloud.conf'
        } >/root/apache.conf
        apache2 -t -d / -f /root/apache.conf
        apache2 -k start -d / -f /root/apache.conf""")
    machine.until(READY.replace("127.0.0.1", "127.0.0.1:81"))
    machine.sh(f"curl -sf -o /root/back {BUCKET.replace('127.0.0.1', '127.0.0.1:81')}/deep/object;"
               "cmp /root/object /root/back; curl -sf http://127.0.0.1:81/ | grep -q 'SimpleTuner Cloud';"
               "curl -sf -o /dev/null http://127.0.0.1:81/static/app.js; kill $(cat /run/apache-test.pid)")


def test_what_is_due_is_done_by_the_timer_and_not_by_cron(machine):
    line = machine.sh("grep '^\\*' /etc/cron.d/simpletuner-cloud").strip()
    assert line.split()[:6] == ["*"] * 5 + ["simpletuner-cloud"]
    command = line.split(maxsplit=6)[6]
    machine.sh(f"runuser -u simpletuner-cloud -- sh -c \"{command}\"")
    assert "never" in machine.sh("runuser -u simpletuner-cloud -- simpletuner-cloud tasks")
    machine.sh("systemctl start simpletuner-cloud-cron.service")
    tasks = machine.sh("runuser -u simpletuner-cloud -- simpletuner-cloud tasks")
    waiting = [line.split()[0] for line in tasks.splitlines() if "never" in line]
    assert waiting == ["keep_log"]  # no log is kept here
    machine.sh("systemctl enable --now simpletuner-cloud-cron.timer 2>&1")
    machine.sh("mv /run/systemd/system /run/systemd/away")
    try:  # as on a host without systemd
        machine.sh(f"runuser -u simpletuner-cloud -- sh -c \"{command.replace(' cron', ' info')}\" | "
                   "grep -q 'schema version'")
    finally:
        machine.sh("mv /run/systemd/away /run/systemd/system")


def test_logrotate_gives_the_log_a_new_file(machine):
    machine.sh(f"echo SIMPLETUNER_LOG_FILE=/var/log/simpletuner-cloud/cloud.log >>{CONF};"
               f"systemctl restart {SERVICE}; {READY}; curl -s http://127.0.0.1/api/nothing")
    machine.sh("logrotate --force /etc/logrotate.d/simpletuner-cloud 2>&1")
    machine.until("curl -s http://127.0.0.1/api/nothing >/dev/null;"
                  "grep -q unmatched /var/log/simpletuner-cloud/cloud.log")
    assert machine.status("test -s /var/log/simpletuner-cloud/cloud.log.1") == 0


def test_a_process_that_stands_still_is_started_again(machine):
    machine.sh(f"mkdir -p /run/systemd/system/{SERVICE}.d;"
               f"printf '[Service]\\nWatchdogSec=1\\nWatchdogSignal=SIGKILL\\n' "
               f">/run/systemd/system/{SERVICE}.d/quick.conf;"
               f"systemctl daemon-reload; systemctl restart {SERVICE}")
    pid = machine.sh(f"systemctl show {SERVICE} -p MainPID --value").strip()
    machine.sh(f"kill -STOP {pid}")
    machine.until(f"[ $(systemctl show {SERVICE} -p NRestarts --value) = 1 ] && {READY}")
    machine.sh(f"rm -r /run/systemd/system/{SERVICE}.d; systemctl daemon-reload;"
               f"systemctl restart {SERVICE}")


def test_an_upgrade_keeps_settings_loses_no_request_and_restarts(machine):
    """What was changed stays, although the new package brings another file."""
    settings = machine.sh(f"cat {CONF}")
    before = machine.sh(f"systemctl show {SERVICE} -p MainPID --value")
    load = ("while [ ! -e /root/stop ]; do curl -s -o /dev/null -m 30 -w '%{http_code}\\n' "
            "http://127.0.0.1/api/cloud/jobs; done >/root/codes")
    machine.sh("rm -f /root/stop")
    clients = threading.Thread(target=machine.run, args=("sh", "-c", load))
    clients.start()
    try:
        machine.until("[ $(wc -l </root/codes) -gt 5 ]")
        install(machine, "next", "--force-confold")
        machine.until(READY)
        machine.sh("wc -l </root/codes >/root/count")
        machine.until("[ $(wc -l </root/codes) -gt $(($(cat /root/count) + 5)) ]")
    finally:
        machine.sh("touch /root/stop")
        clients.join()
    assert machine.sh("sort -u /root/codes").split() == ["200"]
    assert machine.sh("dpkg-query -W -f '${Version}' simpletuner-cloud") == NEXT_VERSION
    assert machine.sh(f"cat {CONF}") == settings
    assert machine.sh(f"stat -c '%a %U:%G' {CONF}").strip() == "640 root:simpletuner-cloud"
    assert machine.sh(f"systemctl show {SERVICE} -p MainPID --value") != before


def test_a_wrong_setting_is_told_and_not_tried_for_ever(machine):
    machine.sh(f"cp -p {CONF} /root/settings; echo SIMPLETUNER_API_THREADS=many >>{CONF};"
               f"systemctl restart {SERVICE} 2>/dev/null || true")
    machine.until(f"systemctl is-failed {SERVICE}")
    assert "SIMPLETUNER_API_THREADS must be" in machine.sh(f"journalctl -u {SERVICE} --no-pager")
    assert machine.sh(f"systemctl show {SERVICE} -p ExecMainStatus --value").strip() == "78"
    machine.sh(f"cp -p /root/settings {CONF}; systemctl reset-failed;"
               f"systemctl restart simpletuner-cloud.socket {SERVICE}; {READY}")


def test_removal_stops_everything_and_keeps_settings_and_data(machine):
    machine.sh("systemctl enable simpletuner-cloud.service 2>&1; dpkg --remove simpletuner-cloud")
    assert machine.status(f"systemctl is-active {SERVICE} simpletuner-cloud.socket "
                          "simpletuner-cloud-bulk.socket simpletuner-cloud-cron.timer") != 0
    machine.sh(f"test -s {CONF}; test -s {STATE}/outputs/a-bucket/deep/object")
    assert machine.status("test -e /run/simpletuner-cloud/api.sock") != 0


def test_it_is_there_again_after_another_installation(machine):
    install(machine, "this", "--force-confold", "--force-downgrade")
    machine.sh(f"systemctl start simpletuner-cloud.socket {SERVICE}")
    machine.until(READY)
    machine.sh(f"curl -sf -o /root/back {BUCKET}/deep/object; cmp /root/object /root/back")


def test_purge_leaves_the_state_alone_and_nothing_else(machine):
    machine.sh("rm /etc/lighttpd/conf-enabled/*; systemctl stop lighttpd")
    said = machine.sh("dpkg --purge simpletuner-cloud")
    assert f"{STATE} is kept" in said
    machine.sh(f"test -s {STATE}/outputs/a-bucket/deep/object")
    assert machine.changed("simpletuner") == {STATE}


def test_purge_of_a_package_that_was_never_used_leaves_nothing(machine):
    machine.sh(f"rm -r {STATE}")
    install(machine, "this")
    assert "is kept" not in machine.sh("dpkg --purge simpletuner-cloud")
    assert machine.status(f"test -e {STATE}") != 0
