"""Every shell line of fcgi/host/OPERATIONS.md works as printed.

Each part of the guide is one script, run against a service of its own kind. Only addresses and the
directories of the machine are changed. Lines that change the host itself (marked "host") run too:
with the real web server, in a network of their own, or with a tunnel that is played here.
"""

import contextlib
import os
import re
import signal
import stat
import subprocess

import pytest

from stack import COMPANION, REPO, scratch_directory
from waiting import free_port

GUIDE = (REPO / "fcgi" / "host" / "OPERATIONS.md").read_text()
PARTS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"(?:<!-- host: (\w+) -->\n)?^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SERVICE = "http://localhost:8080"
TIMEOUT_S = 120
TUNNEL_HOST = "simpletuner.example.com"
TUNNEL = REPO / "tests" / "http" / "tunnel.py"

# What sudo does here: the firewall is asked and not changed, or changed in a network of its own;
# Apache looks at the site as the guide has made it.
SUDO = """#!/bin/bash
case $1 in
ufw) shift; exec ufw --dry-run "$@" ;;
iptables) exec unshare --net "$@" ;;
certbot) shift; exec "$BIN/certbot" "$@" ;;
apachectl) [ "$2" = configtest ] && exec apache2 -t -d / -f "$APACHE_CONF" ;;
systemctl) [ "$2 $3" = "reload apache2" ] ;;
apt-get) [ "$2" != install ] || [ -z "${NEW_PROGRAM:-}" ] || ln -sf "$TUNNEL" "$BIN/$NEW_PROGRAM" ;;
*) exec "$@" ;;
esac
"""


def blocks(part, host=None):
    return "".join(text for name, text in BLOCK.findall(PARTS[part]) if name == (host or ""))


def write_program(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class Desk:
    """Where an operator sits: a home, a path with the programs, and what the guide changes."""

    def __init__(self, stack):
        self.stack = stack
        self.home = scratch_directory("operator")
        self.bin = self.home / "bin"
        self.bin.mkdir()
        (self.bin / "simpletuner-cloud").symlink_to(COMPANION)
        write_program(self.bin / "sudo", SUDO)
        self.env = stack.env | {
            "HOME": str(self.home), "PATH": f"{self.bin}:{stack.env['PATH']}",
            "BIN": str(self.bin), "TUNNEL": str(TUNNEL), "PYTHONDONTWRITEBYTECODE": "1"}

    def here(self, script):
        """The guide's places are directories and ports of ours."""
        for place in ("/usr/local/bin", "/etc/apt", "/etc/letsencrypt", "/var/log", "/backup"):
            directory = self.home / place.strip("/").replace("/", "-")
            (directory / "sources.list.d").mkdir(parents=True, exist_ok=True)
            (directory / "trusted.gpg.d").mkdir(exist_ok=True)
            (directory / "simpletuner-cloud").mkdir(exist_ok=True)
            script = script.replace(f"{place}/", f"{directory}/")
        script = script.replace(SERVICE, self.stack.url).replace("localhost:8080", self.stack.url)
        return script.replace("ngrok http 8080", f"ngrok http {self.stack.port}")

    def run(self, script):
        assert script, "the guide has no such lines"
        log = self.home / "log"
        with open(log, "wb") as output:
            shell = subprocess.Popen(
                ["bash", "-euxo", "pipefail", "-c", self.here(script)], cwd=REPO, env=self.env,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        try:
            status = shell.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            status = "none yet"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
        assert status == 0, f"exit status {status}\n{log.read_text(errors='replace')}"
        return log.read_text(errors="replace")


@pytest.fixture(scope="module")
def service(fleet):
    return fleet.get("lighttpd", "sqlite")


@pytest.fixture
def desk(service):
    service.reset()
    return Desk(service)


@pytest.mark.parametrize("part", [part for part in PARTS if blocks(part)])
def test_the_lines_of_a_part_work(desk, part):
    desk.run(blocks(part))


def test_every_block_of_commands_is_run():
    hosts = {name for name, _ in BLOCK.findall(GUIDE)} - {""}
    assert hosts == {"cloudflared", "ngrok", "certbot", "apache"}
    assert GUIDE.count("```sh\n") == len(BLOCK.findall(GUIDE))
    assert "```bash" not in GUIDE and "```shell" not in GUIDE


# the host: tunnels


@pytest.fixture
def tunnel(desk):
    """The name of the guide leads, for curl, to where the tunnel will listen."""
    port = free_port()
    certificate = desk.home / "tunnel.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={TUNNEL_HOST}", "-addext", f"subjectAltName=DNS:{TUNNEL_HOST}",
                    "-keyout", desk.home / "key.pem", "-out", certificate],
                   check=True, capture_output=True)
    with open(certificate, "a", encoding="ascii") as file:
        file.write((desk.home / "key.pem").read_text())
    (desk.home / ".curlrc").write_text(
        f'connect-to = "{TUNNEL_HOST}:443:127.0.0.1:{port}"\ncacert = "{certificate}"\n')
    desk.env |= {"TUNNEL_PORT": str(port), "TUNNEL_CERTIFICATE": str(certificate)}
    return desk


def without_downloads(script):
    """What is downloaded is our own file."""
    return re.sub(r"https://(github\.com|ngrok-agent\.s3\.amazonaws\.com)\S+", f"file://{TUNNEL}",
                  script)


def test_cloudflared_leads_to_the_service(tunnel):
    tunnel.env["PATH"] = f"{tunnel.home}/usr-local-bin:{tunnel.env['PATH']}"
    script = without_downloads(blocks("Uploads from the cloud", "cloudflared"))
    directory = tunnel.home / "work"
    directory.mkdir()
    log = tunnel.run(f"cd {directory}\n{script}")
    assert "HTTP/1.1 200" in log


def test_ngrok_leads_to_the_service(tunnel):
    tunnel.env["NEW_PROGRAM"] = "ngrok"
    log = tunnel.run(without_downloads(blocks("Uploads from the cloud", "ngrok")))
    assert "HTTP/1.1 200" in log


# the host: certificates


CERTBOT = """#!/bin/bash
live=$LETSENCRYPT/live/simpletuner.example.com
case $* in
"certonly --apache -d simpletuner.example.com")
        mkdir -p "$live" && cp "$TUNNEL_CERTIFICATE" "$live/fullchain.pem" &&
                cp "$TUNNEL_CERTIFICATE" "$live/privkey.pem" ;;
"renew --dry-run") [ -e "$live/fullchain.pem" ] ;;
*) exit 64 ;;
esac
"""


def apache_site(desk):
    """The site that is shipped, with the certificate where the guide says it is."""
    site = (REPO / "apache" / "simpletuner-cloud.conf").read_text()
    modules = re.search(r"^# *a2enmod (.+)$", site, re.MULTILINE)[1].split()
    places = {"/etc/ssl/simpletuner-cloud": f"{desk.home}/etc-letsencrypt/live/{TUNNEL_HOST}",
              "/usr/share/simpletuner-cloud/static": f"{desk.home}",
              "/var/lib/simpletuner-cloud": f"{desk.home}",
              "${APACHE_LOG_DIR}": f"{desk.home}"}
    for place, ours in places.items():
        site = site.replace(place, ours)
    load = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in ("mpm_event", "authz_core", *modules)]
    config = desk.home / "apache.conf"
    config.write_text("\n".join([*load, "ServerName localhost", f"ErrorLog {desk.home}/error.log",
                                 "TypesConfig /dev/null", f"DefaultRuntimeDir {desk.home}",
                                 'LogFormat "%h %r" combined', site]))
    return config


def test_a_certificate_is_made_and_apache_takes_the_site_with_it(tunnel):
    (tunnel.home / "outputs").mkdir()
    write_program(tunnel.bin / "certbot", CERTBOT)
    tunnel.env |= {"LETSENCRYPT": f"{tunnel.home}/etc-letsencrypt",
                   "APACHE_CONF": str(apache_site(tunnel))}
    part = "Uploads from the cloud"
    assert "Syntax OK" in tunnel.run(blocks(part, "certbot") + blocks(part, "apache"))
