"""The simulator's predictions: shapes, states and validation as Replicate has them."""

import contextlib
import copy
import datetime
import hashlib
import re
import secrets
import threading
import urllib.parse

TERMINAL = ("succeeded", "failed", "canceled", "aborted")
STATUSES = ("starting", "processing", *TERMINAL)
EVENTS = ("start", "output", "logs", "completed")
DEFAULT_EVENTS = ["output", "completed"]
ALPHABET = "abcdefghjkmnpqrstvwxyz0123456789"
PROFILES = ("h100", "h100-x2", "h100-x4", "h100-x8", "l40s", "l40s-x2", "l40s-x4", "l40s-x8")
CHECK_MODEL = "simpletuner/webhook-check"
DIGEST = re.compile(r"[0-9a-f]{64}")
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def now_text():
    return datetime.datetime.utcnow().isoformat(timespec="milliseconds") + "Z"


def version_id(model, number):
    """The stable 64 hex digits of a model's n-th version."""
    return hashlib.sha256(f"{model}#{number}".encode()).hexdigest()


def model_names():
    return [CHECK_MODEL,
            *(f"simpletuner/advanced-trainer-{profile}" for profile in PROFILES)]


def versions_of(model):
    """Two versions, newest first, or None for a model that does not exist."""
    if model not in model_names():
        return None
    return [{"id": version_id(model, number), "created_at": f"2026-0{number}-15T10:00:00.000000Z",
             "cog_version": "0.16.8", "openapi_schema": {"openapi": "3.0.2"}}
            for number in (2, 1)]


class Invalid(Exception):
    """A 422 answer: title and {field: description}."""

    def __init__(self, title, fields):
        super().__init__(title)
        self.title = title
        self.fields = fields

    def body(self):
        lines = "".join(f"- {name}: {text}\n" for name, text in self.fields.items())
        return {"title": self.title, "status": 422, "detail": lines,
                "invalid_fields": [{"type": "invalid", "field": name, "description": text}
                                   for name, text in self.fields.items()]}


def find_version(text):
    """(model, version id) that `version` names; Invalid when there is none."""
    model, _, digest = text.rpartition(":")
    if not digest or not (model or "/" in digest or DIGEST.fullmatch(digest)):
        raise Invalid("Input validation failed", {"version": "version has a wrong form"})
    if "/" in digest:
        model, digest = digest, ""
    for name in model_names():
        for version in versions_of(name):
            if name == model and digest in ("", version["id"]):
                return name, version["id"]
            if not model and digest == version["id"]:
                return name, version["id"]
    if not model and DIGEST.fullmatch(digest):
        return "someone/else", digest
    raise Invalid("Invalid version or not permitted", {
        "version": "The specified version does not exist (or perhaps you don't have permission "
                   "to use it?)"})


def check_body(body):
    """Raise Invalid unless body is a good request for a prediction."""
    if not isinstance(body, dict):
        raise Invalid("Input validation failed", {"body": "an object is required"})
    wrong = {}
    known = {"version", "input", "webhook", "webhook_events_filter", "stream"}
    for name in sorted(set(body) - known):
        wrong[name] = "Additional property is not allowed"
    if not isinstance(body.get("version"), str):
        wrong["version"] = "version is required"
    if not isinstance(body.get("input"), dict):
        wrong["input"] = "input is required"
    webhook = body.get("webhook")
    if webhook is not None:
        url = urllib.parse.urlsplit(webhook) if isinstance(webhook, str) else None
        if not url or url.scheme not in ("http", "https") or not url.hostname:
            wrong["webhook"] = "webhook must be an absolute URL"
    events = body.get("webhook_events_filter")
    if events is not None and (not isinstance(events, list) or set(events) - set(EVENTS)):
        wrong["webhook_events_filter"] = f"must be a list out of {', '.join(EVENTS)}"
    if wrong:
        raise Invalid("Input validation failed", wrong)


def deadline_after(header, created_at):
    """The `deadline` for a Cancel-After header such as 90s, 5m or 1h30m45s; None without one."""
    match = DURATION.fullmatch(header or "")
    if not header or not match or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    start = datetime.datetime.fromisoformat(created_at[:-1])
    end = start + datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return end.isoformat(timespec="milliseconds") + "Z"


class PredictionStore:
    """All predictions of the account, oldest first. Thread safe; callers get copies."""

    def __init__(self):
        self._lock = threading.Lock()
        self._items = {}

    def create(self, body, base_url, cancel_after=None, account=None):
        check_body(body)
        model, version = find_version(body["version"])
        prediction_id = "".join(secrets.choice(ALPHABET) for _ in range(26))
        created_at = now_text()
        here = f"{base_url}/predictions/{prediction_id}"
        view = {"id": prediction_id, "model": model, "version": version,
                "input": body["input"], "logs": "", "output": None, "data_removed": False,
                "error": None, "source": "api", "status": "starting", "created_at": created_at,
                "started_at": None, "completed_at": None, "deadline":
                deadline_after(cancel_after, created_at), "deployment": None, "metrics": {},
                "urls": {"cancel": f"{here}/cancel", "get": here,
                         "web": f"https://replicate.com/p/{prediction_id}"}}
        item = {"view": view, "webhook": body.get("webhook"), "account": account,
                "events": body.get("webhook_events_filter") or DEFAULT_EVENTS}
        with self._lock:
            self._items[prediction_id] = item
        return copy.deepcopy(view)

    def get(self, prediction_id, account=None):
        """The view, or None when there is none, or none in the account that is named."""
        with self._lock:
            item = self._items.get(prediction_id)
            if not item or account not in (None, item["account"]):
                return None
            return copy.deepcopy(item["view"])

    def account_of(self, prediction_id):
        with self._lock:
            item = self._items.get(prediction_id)
            return item["account"] if item else None

    def webhook_of(self, prediction_id):
        """(url or None, events that are wanted)"""
        with self._lock:
            item = self._items[prediction_id]
            return item["webhook"], item["events"]

    def all(self, account=None):
        """Every prediction, or those of one account, newest first, as Replicate lists them."""
        with self._lock:
            return [copy.deepcopy(item["view"]) for item in reversed(self._items.values())
                    if account in (None, item["account"])]

    def calls(self, prediction_id, url):
        """Does the webhook of a prediction go to this service?"""
        webhook, _ = self.webhook_of(prediction_id)
        return bool(webhook) and webhook.startswith(url)

    def active(self):
        """The ids of all predictions that have not ended."""
        with self._lock:
            return [prediction_id for prediction_id, item in self._items.items()
                    if item["view"]["status"] not in TERMINAL]

    def forget(self, prediction_id):
        """Make a prediction unknown: what a caller sees for a foreign or mistyped id."""
        with self._lock:
            del self._items[prediction_id]

    @contextlib.contextmanager
    def hidden(self, prediction_id):
        """A prediction that nobody sees yet: with hidden(id): ..."""
        with self._lock:
            item = self._items.pop(prediction_id)
        yield
        with self._lock:
            self._items[prediction_id] = item

    def move(self, prediction_id, status, changes, force=False):
        """Enter status; returns the new view, or None when the prediction has ended already."""
        with self._lock:
            view = self._items[prediction_id]["view"]
            if view["status"] in TERMINAL and not force:
                return None
            view["status"] = status
            if status == "processing":
                view["started_at"] = view["started_at"] or now_text()
            if status in TERMINAL:
                self._end(view, status)
            view.update(changes)
            return copy.deepcopy(view)

    @staticmethod
    def _end(view, status):
        view["completed_at"] = now_text()
        view["metrics"] = {"total_time": 2.5}
        if view["started_at"]:
            view["metrics"]["predict_time"] = 2.0
        if status == "succeeded":
            origin = view["urls"]["get"].partition("/v1/")[0]
            view["output"] = f"{origin}/delivery/{view['id']}/weights.safetensors"
            view["logs"] = "step 1/2\nstep 2/2\n"
        if status == "failed":
            view["error"] = "CUDA out of memory"
