"""A FastCGI client of one request, as small as the protocol allows.

It talks to the responder without a front server, so that a test decides about REMOTE_ADDR, about
the pace of a body and about the moment the connection breaks.
"""

import contextlib
import socket
import struct

HEAD = struct.Struct("!BBHHBx")
BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RESPONDER = 1
RECORD_MAX = 32768


def _length(size):
    return bytes([size]) if size < 128 else struct.pack("!I", size | 0x80000000)


def encode_params(params):
    pairs = [(name.encode(), value.encode("utf-8", "surrogateescape"))
             for name, value in params.items()]
    return b"".join(_length(len(name)) + _length(len(value)) + name + value
                    for name, value in pairs)


class FcgiRequest:
    """One request on its own connection: send(...) parts of the body, then finish()."""

    def __init__(self, socket_path, method, uri, headers=None, remote_addr="127.0.0.1",
                 content_length=None, timeout_s=20, variables=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s)
        self.socket.connect(str(socket_path))
        path, _, query = uri.partition("?")
        params = {"REQUEST_METHOD": method, "REQUEST_URI": uri, "SCRIPT_NAME": path,
                  "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "http",
                  "REMOTE_ADDR": remote_addr, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
                  "GATEWAY_INTERFACE": "CGI/1.1"}
        params |= variables or {}
        if content_length is not None:
            params["CONTENT_LENGTH"] = str(content_length)
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            params[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        self._record(BEGIN, struct.pack("!HB5x", RESPONDER, 0))
        self._stream(PARAMS, encode_params(params))
        self._record(PARAMS, b"")

    def _record(self, kind, data):
        self.socket.sendall(HEAD.pack(1, kind, 1, len(data), 0) + data)

    def _stream(self, kind, data):
        for start in range(0, len(data), RECORD_MAX):
            self._record(kind, data[start:start + RECORD_MAX])

    def send(self, data):
        self._stream(STDIN, data)
        return self

    def finish(self):
        """End the body and return (status, headers, body)."""
        return self._parse(b"".join(self.stream()))

    def stream(self):
        """End the body and yield what is answered, as it comes."""
        self._record(STDIN, b"")
        while True:
            head = self._exactly(HEAD.size)
            _, kind, _, size, padding = HEAD.unpack(head)
            data = self._exactly(size + padding)[:size]
            if kind == STDOUT and data:
                yield data
            if kind == END:
                self.socket.close()
                return

    def head(self, chunks):
        """Read chunks up to the end of the head: (status, headers, what came after it)."""
        output = b""
        for chunk in chunks:
            output += chunk
            if b"\r\n\r\n" in output:
                break
        return self._parse(output)

    def break_off(self):
        """Close the connection, also under a thread that reads from it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the responder closed the connection early")
            data += part
        return data

    @staticmethod
    def _parse(output):
        head, _, body = output.partition(b"\r\n\r\n")
        headers = {}
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(headers.get("status", "200").split()[0]), headers, body


def ask(socket_path, method, uri, body=b"", headers=None, remote_addr="127.0.0.1",
        variables=None):
    """A whole request at once: (status, headers, body). variables: more of CGI's."""
    length = len(body) if body or method in ("PUT", "POST") else None
    request = FcgiRequest(socket_path, method, uri, headers, remote_addr, length,
                          variables=variables)
    return request.send(body).finish()
