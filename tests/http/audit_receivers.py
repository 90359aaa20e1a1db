"""Receivers of the audit log that a test can switch off and on: a webhook and syslog."""

import contextlib
import http.server
import json
import pathlib
import re
import socket
import tempfile
import threading

from waiting import free_port


class WebhookReceiver:
    """Keeps what is posted to it; answers with status, or is away."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/audit"
        self.status = 204
        self.posts = []
        self.server = None

    @property
    def ids(self):
        return [document["simpletuner"]["audit_id"] for _, document in self.posts]

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status < 300:
                    receiver.posts.append((dict(self.headers), json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None


class SyslogReceiver:
    """Messages as they come over UDP, TCP or a socket of the machine; of TCP by their counts."""

    def __init__(self, kind):
        self.kind = kind
        self.messages = []
        self.socket = self.thread = None
        self.directory = tempfile.TemporaryDirectory()
        if kind == "unix":
            self.address = f"{self.directory.name}/log"
            self.url = f"unix://{self.address}"
        else:
            self.address = "127.0.0.1", free_port()
            self.url = f"{kind}://127.0.0.1:{self.address[1]}"

    def start(self):
        family = socket.AF_UNIX if self.kind == "unix" else socket.AF_INET
        kind = socket.SOCK_STREAM if self.kind == "tcp" else socket.SOCK_DGRAM
        self.socket = socket.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.address)
        if self.kind == "tcp":
            self.socket.listen()
        self.thread = threading.Thread(target=self._run, args=(self.socket,), daemon=True)
        self.thread.start()
        return self

    def _run(self, listener):
        try:
            while True:
                if self.kind != "tcp":
                    message = listener.recv(65536)
                    if not message:  # no sender sends that: the socket was shut down
                        return
                    self.messages.append(message.decode())
                else:
                    self._read_frames(listener.accept()[0])
        except OSError:
            pass

    def _read_frames(self, connection):
        with connection:
            data = b""
            while piece := connection.recv(65536):
                data += piece
            while data:
                count, data = data.split(b" ", 1)
                self.messages.append(data[:int(count)].decode())
                data = data[int(count):]

    def stop(self):
        if self.socket:
            with contextlib.suppress(OSError):  # of UDP, which wakes the reader all the same
                self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            self.thread.join()
        if self.kind == "unix":
            pathlib.Path(self.address).unlink(missing_ok=True)
        self.socket = None


SYSLOG = re.compile(r"<(\d+)>1 (\S+) (\S+) simpletuner-cloud (\d+) (\S+) - (.*)", re.S)


def parse_syslog(message):
    """(priority, message id, text); fails unless it is RFC 5424."""
    priority, time, _, _, message_id, text = SYSLOG.fullmatch(message).groups()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    return int(priority), message_id, text
