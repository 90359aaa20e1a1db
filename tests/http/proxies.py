"""Real proxies as corporate networks have them: with a login, SOCKS, and one that reads TLS."""

import datetime
import os
import pwd
import shutil
import signal
import socket
import subprocess

from cryptography.hazmat.primitives import serialization

import sim_tls
from stack import scratch_directory
from waiting import free_port, until

INSPECTOR = "Corporate Inspection CA"
START_TIMEOUT_S = 20

TINYPROXY = """\
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 50
LogLevel Info
LogFile "{log}"
BasicAuth {user} {password}
"""
SQUID_INSPECTS = """\
http_port 127.0.0.1:{port} ssl-bump tls-cert={home}/ca.key.pem generate-host-certificates=on \
dynamic_cert_mem_cache_size=4MB
sslcrtd_program /usr/lib/squid/security_file_certgen -s {home}/certificates -M 4MB
sslcrtd_children 2 startup=1
ssl_bump bump all
tls_outgoing_options cafile={home}/upstream.pem
"""
SQUID_OVER_TLS = """\
https_port 127.0.0.1:{port} tls-cert={home}/server.pem tls-key={home}/server.key
"""
SQUID = """\
http_access allow all
pid_filename none
cache_log {home}/cache.log
access_log stdio:{log}
pinger_enable off
netdb_filename none
cache deny all
cache_mem 1 MB
coredump_dir none
"""


class Proxy:
    """A program of its own on a free port. Use it as a context manager."""

    def __init__(self):
        self.home = scratch_directory("proxy")
        self.port = free_port()
        self.name = f"127.0.0.1:{self.port}"
        self.log_path = self.home / "proxy.log"
        self.process = None

    def __enter__(self):
        with open(self.home / "output", "wb") as output:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output, start_new_session=True)
        until(self.accepts, START_TIMEOUT_S, f"{type(self).__name__} does not start")
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def accepts(self):
        assert self.process.poll() is None, (self.home / "output").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


class Tinyproxy(Proxy):
    """An HTTP proxy that wants a user and a password of plain letters."""

    def __init__(self, user, password):
        super().__init__()
        self.config = self.home / "tinyproxy.conf"
        self.config.write_text(TINYPROXY.format(port=self.port, log=self.log_path, user=user,
                                                password=password))

    def command(self):
        return ["/usr/bin/tinyproxy", "-d", "-c", self.config]


class Microsocks(Proxy):
    """A SOCKS5 proxy that wants a user and a password; what it logs is its output."""

    def __init__(self, user, password):
        super().__init__()
        self.login = ["-u", user, "-P", password]
        self.log_path = self.home / "output"

    def command(self):
        return ["/usr/bin/microsocks", "-i", "127.0.0.1", "-p", str(self.port), *self.login]


class Squid(Proxy):
    """A proxy of the large kind. How it listens is up to those below."""

    listen = ""

    def __init__(self):
        super().__init__()
        self.home.chmod(0o755)
        self.ca_path = self.home / "ca.pem"
        self.config = self.home / "squid.conf"
        self.config.write_text((self.listen + SQUID).format(port=self.port, home=self.home,
                                                            log=self.log_path))
        self.prepare()
        self._hand_over()

    def command(self):
        return ["/usr/sbin/squid", "-N", "-f", self.config]

    def _hand_over(self):
        """Squid that is started by root goes on as the user proxy."""
        if os.geteuid() != 0:
            return
        user = pwd.getpwnam("proxy")
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


class InspectingSquid(Squid):
    """It reads TLS, and shows certificates of its own authority for every host."""

    listen = SQUID_INSPECTS

    def __init__(self, upstream_ca):
        self.upstream_ca = upstream_ca
        super().__init__()

    def prepare(self):
        key, cert = sim_tls.make_authority(INSPECTOR, datetime.datetime.utcnow())
        pem = cert.public_bytes(serialization.Encoding.PEM)
        self.ca_path.write_bytes(pem)
        sim_tls.write_private(self.home / "ca.key.pem", sim_tls.pem(key) + pem)
        shutil.copy(self.upstream_ca, self.home / "upstream.pem")
        subprocess.run(["/usr/lib/squid/security_file_certgen", "-c", "-s",
                        self.home / "certificates", "-M", "4MB"], check=True, capture_output=True)


class TlsSquid(Squid):
    """It is spoken to over TLS itself."""

    listen = SQUID_OVER_TLS

    def prepare(self):
        sim_tls.ensure_certificates(self.home)
