"""A client of server-sent events: WHATWG HTML, section 9.2, as far as tests need it."""

import contextlib
import dataclasses
import json
import queue
import socket
import threading

import requests

from fcgi_client import FcgiRequest
from waiting import until

TIMEOUT_S = 20
SEAT_S = 5


@dataclasses.dataclass
class Event:
    name: str
    id: str
    data: object


class Parser:
    """Lines of text become events; comments are kept apart."""

    def __init__(self):
        self.comments = []
        self.retry_ms = None
        self._rest = b""
        self._fields = {}

    def feed(self, chunk):
        """The events that this chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for line in lines if (event := self._take(line.decode()))]

    def _take(self, line):
        if not line:
            fields, self._fields = self._fields, {}
            if "data" not in fields:
                return None
            return Event(fields.get("event", "message"), fields.get("id"),
                         json.loads(fields["data"]))
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            self.comments.append(value)
        elif name == "retry":
            self.retry_ms = int(value)
        else:
            assert name in ("id", "event", "data"), line
            self._fields[name] = value
        return None


class Stream:
    """Reads chunks in a thread of its own; events() is what has come so far."""

    def __init__(self, chunks, close):
        self.parser = Parser()
        self.ended = threading.Event()
        self._events = []
        self._news = queue.Queue()
        self._close = close
        self._thread = threading.Thread(target=self._read, args=(chunks,), daemon=True)
        self._thread.start()

    def _read(self, chunks):
        try:
            for chunk in chunks:
                for event in self.parser.feed(chunk):
                    self._news.put(event)
        except (OSError, requests.RequestException, ValueError, AttributeError):
            pass  # closed at either end
        self.ended.set()

    def events(self):
        while not self._news.empty():
            self._events.append(self._news.get())
        return list(self._events)

    def named(self, *names):
        return [event for event in self.events() if event.name in names]

    def ids(self):
        """Of what happened: not of greetings and heartbeats."""
        return [int(event.id) for event in self.events()
                if event.name not in ("connection", "heartbeat", "reset")]

    def until(self, condition, message="the event does not come", timeout_s=TIMEOUT_S):
        return until(lambda: condition(self), timeout_s, message)

    def wait_for(self, name, count=1, timeout_s=TIMEOUT_S):
        """The first count events of this name."""
        return self.until(lambda stream: stream.named(name)[:count]
                          if len(stream.named(name)) >= count else None,
                          f"no {count} of {name}", timeout_s)

    def close(self):
        self._close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_stream(cloud, path="/api/events/stream", headers=None):
    """Through the front server. The greeting has come when this returns."""
    session = requests.Session()
    session.trust_env = False
    answer = _seated(lambda: _granted(
        session.get(cloud.url + path, headers=headers, stream=True, timeout=60)))
    connection = answer.raw._connection.sock

    def close():
        """End the thread that reads, which then closes the connection."""
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        stream.ended.wait(TIMEOUT_S)
        answer.close()
        session.close()

    stream = Stream(answer.iter_content(None), close)
    stream.headers = answer.headers
    stream.wait_for("connection")
    return stream


def open_local(responder, path="/api/events/stream", headers=None):
    """The same without a front server."""
    request, output, head, rest = _seated(lambda: _granted_local(responder, path, headers))
    stream = Stream(_chain(rest, output), request.break_off)
    stream.headers = head
    stream.wait_for("connection")
    return stream


def _seated(attempt):
    """A seat whose client has just gone may take a moment to be free again: 503 until then."""
    return until(attempt, SEAT_S, "no seat is given back")


def _granted(answer):
    if answer.status_code == 503:
        answer.close()
        return None
    assert answer.status_code == 200, answer.text
    return answer


def _granted_local(responder, path, headers):
    request = FcgiRequest(responder.bulk_socket, "GET", path, headers, timeout_s=60)
    output = request.stream()
    status, head, rest = request.head(output)
    if status == 503:
        request.break_off()
        return None
    assert status == 200, rest
    return request, output, head, rest


def _chain(first, chunks):
    yield first
    yield from chunks
