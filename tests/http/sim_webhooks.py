"""Standard Webhooks: signatures, and a sender that behaves like Replicate's.

A delivery keeps its webhook-id over all attempts and gets a new timestamp and signature for each.
Only the event of a final state is tried again, and only after a network error, 429 or 5xx; every
other answer is final. Redirects are not followed. Deliveries of one prediction keep their order.
"""

import base64
import hashlib
import hmac
import http.client
import secrets
import ssl
import threading
import time
import urllib.parse

RETRY_DELAYS_S = [0.1 * 2 ** n for n in range(9)]
ANSWER_TIMEOUT_S = 10


def new_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret, webhook_id, timestamp, body):
    """The `v1,...` item of webhook-signature for these raw body bytes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def headers(secret, body, webhook_id=None, timestamp=None):
    """The three headers of a signed delivery, plus its content type."""
    webhook_id = webhook_id or "msg_" + secrets.token_hex(12)
    timestamp = int(time.time()) if timestamp is None else timestamp
    return {"Content-Type": "application/json", "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secret, webhook_id, timestamp, body)}


class Delivery:
    """One event on its way: what was sent, and every answer or error that came back."""

    def __init__(self, prediction_id, url, event, body):
        self.prediction_id = prediction_id
        self.url = url
        self.event = event
        self.body = body
        self.webhook_id = "msg_" + secrets.token_hex(12)
        self.attempts = []
        self.done = threading.Event()

    @property
    def status(self):
        """HTTP status of the last attempt, or None."""
        return self.attempts[-1]["status"] if self.attempts else None

    def view(self):
        return {"prediction_id": self.prediction_id, "url": self.url, "event": self.event,
                "webhook_id": self.webhook_id, "done": self.done.is_set(),
                "attempts": list(self.attempts)}


class Sender:
    """Sends deliveries, those of one prediction one after the other, by a thread of their own."""

    def __init__(self, get_secret):
        self.get_secret = get_secret
        self.deliveries = []
        self.retry_delays_s = list(RETRY_DELAYS_S)
        self._waiting = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def send(self, prediction_id, url, event, body):
        delivery = Delivery(prediction_id, url, event, body)
        with self._lock:
            self.deliveries.append(delivery)
            waiting = self._waiting.get(prediction_id)
            if waiting is None:
                waiting = self._waiting[prediction_id] = []
                threading.Thread(target=self._work, args=(prediction_id,), daemon=True).start()
            waiting.append(delivery)
        return delivery

    def stop(self):
        """Give up what still waits."""
        self._stopping.set()

    def _work(self, prediction_id):
        while True:
            with self._lock:
                waiting = self._waiting[prediction_id]
                if not waiting:
                    del self._waiting[prediction_id]
                    return
                delivery = waiting.pop(0)
            self._deliver(delivery)
            delivery.done.set()

    def _deliver(self, delivery):
        delays = self.retry_delays_s if delivery.event == "completed" else []
        for delay in [*delays, None]:
            attempt = self._attempt(delivery)
            delivery.attempts.append(attempt)
            status = attempt["status"]
            again = status is None or status == 429 or status >= 500
            if not again or delay is None or self._stopping.wait(delay):
                return

    def _attempt(self, delivery):
        url = urllib.parse.urlsplit(delivery.url)
        sent = headers(self.get_secret(delivery), delivery.body, delivery.webhook_id)
        record = {"timestamp": sent["webhook-timestamp"], "status": None, "body": "", "error": ""}
        try:
            connection = connect(url)
            try:
                target = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
                connection.request("POST", target, delivery.body, sent)
                answer = connection.getresponse()
                record["status"] = answer.status
                record["body"] = answer.read(65536).decode("utf-8", "replace")
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            record["error"] = f"{type(error).__name__}: {error}"
        return record


def connect(url):
    if url.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False  # receivers under test have certificates of their own
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=ANSWER_TIMEOUT_S,
                                           context=context)
    return http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWER_TIMEOUT_S)
