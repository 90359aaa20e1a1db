"""The routes of the simulated API: one table, and one small function for each row."""

import base64
import email.parser
import email.policy
import hashlib
import json
import re
import secrets
import socket
import struct
import urllib.parse
from http.server import BaseHTTPRequestHandler

import sim_delivery
import sim_predictions

THROTTLED = "Request was throttled. Your rate limit resets in ~30s."
FAULT_BODIES = {"429": {"detail": THROTTLED},
                "500": {"detail": "Internal server error"},
                "503": {"detail": "Service unavailable"}}
STATUS_PAGE = {
    "page": {"id": "x", "name": "Replicate", "url": "https://www.replicatestatus.com"},
    "status": {"indicator": "none", "description": "All Systems Operational"},
    "components": [], "incidents": [], "scheduled_maintenances": []}
GARBAGE = b"<html>\xff\xfe\x00 not what you asked for"
DEEP = b'{"output":' * 1000 + b"1" + b"}" * 1000
HUGE_CHUNK = b'"' + b"x" * (1 << 20) + b'",'
HUGE_CHUNKS = 96
BODY_MAX = 64 << 20
NO_BODY = object()
RST_ON_CLOSE = struct.pack("ii", 1, 0)


class Answer(Exception):
    """An answer that ends the request early."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status = status
        self.body = body


def not_found():
    return Answer(404, {"detail": "Not found."})


def account(call):
    return 200, {"type": "user", "username": "simulated", "name": "Simulated Account",
                 "github_url": "https://github.com/simulated"}


def hardware(call):
    return 200, [{"name": "CPU", "sku": "cpu"}, {"name": "Nvidia L40S GPU", "sku": "gpu-l40s"},
                 {"name": "Nvidia H100 GPU", "sku": "gpu-h100"}]


def webhook_secret(call):
    return 200, {"key": call.sim.secret_of(call.account)}


def status_page(call):
    return 200, call.sim.status_page


def model(call, owner, name):
    path = f"{owner}/{name}"
    versions = sim_predictions.versions_of(path)
    if versions is None:
        raise not_found()
    return 200, {"url": f"https://replicate.com/{path}", "owner": owner, "name": name,
                 "description": "A trainer", "visibility": "public", "run_count": 1,
                 "default_example": None, "latest_version": versions[0]}


def page_of(call, items, size):
    """The items of the page that the query's cursor names, as Replicate's lists are."""
    try:
        first = int(base64.urlsafe_b64decode(call.query("cursor", "MA==")))
    except ValueError:
        raise Answer(400, {"detail": "Invalid cursor"}) from None
    last = first + size

    def page(start):
        cursor = base64.urlsafe_b64encode(str(start).encode()).decode()
        here = call.sim.url + call.path_only.removeprefix("/v1")
        return f"{here}?cursor={urllib.parse.quote(cursor)}"

    return 200, {"previous": page(max(0, first - size)) if first else None,
                 "next": page(last) if last < len(items) else None, "results": items[first:last]}


def model_versions(call, owner, name):
    versions = sim_predictions.versions_of(f"{owner}/{name}")
    if versions is None:
        raise not_found()
    return page_of(call, versions, call.sim.version_page_size)


def predictions_create(call):
    try:
        return 201, call.sim.create(call.json(), call.headers.get("Cancel-After"), call.account)
    except sim_predictions.Invalid as error:
        raise Answer(422, error.body()) from None


def predictions_list(call):
    return page_of(call, call.sim.store.all(call.account), call.sim.page_size)


def predictions_get(call, prediction_id):
    view = call.sim.store.get(prediction_id, call.account)
    if view is None:
        raise not_found()
    return 200, view


def predictions_cancel(call, prediction_id):
    predictions_get(call, prediction_id)
    return 200, call.sim.cancel(prediction_id)


def files_create(call):
    content_type = call.headers.get("Content-Type", "")
    if not content_type.startswith("multipart/form-data"):
        raise Answer(415, {"detail": f'Unsupported media type "{content_type}" in request.'})
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    parts = {part.get_param("name", header="content-disposition"): part
             for part in parser.parsebytes(head + call.body).iter_parts()}
    if "content" not in parts:
        raise Answer(400, {"detail": "Missing content"})
    part = parts["content"]
    content = part.get_payload(decode=True) or b""
    file_id = secrets.token_hex(16)
    view = {"id": file_id, "name": part.get_filename() or "file",
            "content_type": part.get_content_type(), "size": len(content),
            "checksums": {"sha256": hashlib.sha256(content).hexdigest()}, "metadata": {},
            "created_at": sim_predictions.now_text(), "expires_at": None,
            "urls": {"get": f"{call.sim.url}/files/{file_id}"}}
    if "metadata" in parts:
        view["metadata"] = json.loads(parts["metadata"].get_payload(decode=True) or b"{}")
    call.sim.files[file_id] = view
    call.sim.file_contents[file_id] = content
    return 201, view


def files_list(call):
    return 200, {"next": None, "previous": None,
                 "results": list(reversed(call.sim.files.values()))}


def files_get(call, file_id):
    if file_id not in call.sim.files:
        raise not_found()
    return 200, call.sim.files[file_id]


def files_delete(call, file_id):
    if call.sim.files.pop(file_id, None) is None:
        raise not_found()
    del call.sim.file_contents[file_id]
    return 204, NO_BODY


def control_predictions(call):
    return 200, call.sim.predictions()


def control_deliveries(call):
    return 200, [delivery.view() for delivery in call.sim.deliveries]


def control_requests(call):
    hidden = {"body", "authorization"}
    return 200, [{name: value for name, value in record.items() if name not in hidden}
                 for record in list(call.sim.requests)]


def control_advance(call, prediction_id):
    predictions_get(call, prediction_id)
    wanted = dict(call.json())
    try:
        delivery = call.sim.advance(prediction_id, wanted.pop("status", ""), **wanted)
    except (ValueError, TypeError) as error:
        raise Answer(409, {"detail": str(error)}) from None
    return 200, {"prediction": call.sim.store.get(prediction_id),
                 "delivery": delivery.view() if delivery else None}


def control_faults(call):
    try:
        call.sim.fault(**call.json())
    except (ValueError, TypeError) as error:
        raise Answer(400, {"detail": str(error)}) from None
    return 201, {"success": True}


def control_faults_clear(call):
    call.sim.clear_faults()
    return 204, NO_BODY


ROUTES = [(method, re.compile(path), handler) for method, path, handler in (
    ("GET", r"/v1/account", account),
    ("GET", r"/v1/hardware", hardware),
    ("GET", r"/v1/webhooks/default/secret", webhook_secret),
    ("GET", r"/v1/models/([^/]+)/([^/]+)", model),
    ("GET", r"/v1/models/([^/]+)/([^/]+)/versions", model_versions),
    ("POST", r"/v1/predictions", predictions_create),
    ("GET", r"/v1/predictions", predictions_list),
    ("GET", r"/v1/predictions/([^/]+)", predictions_get),
    ("POST", r"/v1/predictions/([^/]+)/cancel", predictions_cancel),
    ("POST", r"/v1/files", files_create),
    ("GET", r"/v1/files", files_list),
    ("GET", r"/v1/files/([^/]+)", files_get),
    ("DELETE", r"/v1/files/([^/]+)", files_delete),
    ("GET", r"/status/api/v2/summary.json", status_page),
    ("GET", r"/control/predictions", control_predictions),
    ("GET", r"/control/deliveries", control_deliveries),
    ("GET", r"/control/requests", control_requests),
    ("POST", r"/control/predictions/([^/]+)/advance", control_advance),
    ("POST", r"/control/faults", control_faults),
    ("DELETE", r"/control/faults", control_faults_clear),
)]


class Handler(BaseHTTPRequestHandler):
    """One connection. `sim` is set by the server that makes the class."""

    protocol_version = "HTTP/1.1"
    server_version = "replicate-simulator"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    sim = None

    def do_GET(self):
        self.path_only, _, self.query_text = self.path.partition("?")
        self.path_only = urllib.parse.unquote(self.path_only)
        self.body = self._read_body()
        record = {"method": self.command, "path": self.path_only, "query": self.query_text,
                  "headers": dict(self.headers.items()), "body": self.body, "status": None,
                  "authorization": self.headers.get("Authorization"), "fault": None}
        self.sim.requests.append(record)
        output = self.sim.outputs.get(self.path_only)
        if output and self.command == "GET":
            record["status"] = sim_delivery.serve(self, output)
            return
        control = self.path_only.startswith(("/control/", "/status/"))
        fault = None if control else self.sim.take_fault(self.command, self.path_only)
        record["fault"] = fault.mode if fault else None
        if self.sim.latency_s and not control:
            self.sim.take_time()
        if not fault or fault.mode in ("slow", "drop-after-commit"):
            record["status"], body = self._answer(control)
        if fault:
            if not self._fail(fault):
                return
        self._reply(record["status"], body)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def json(self):
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            raise Answer(400, {"detail": "JSON parse error"}) from None

    def query(self, name, default):
        return urllib.parse.parse_qs(self.query_text).get(name, [default])[0]

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_MAX))

    def _answer(self, control):
        """(status, body) of the request, without sending anything."""
        try:
            self.account = None if control else self._account()
            if not control and not self.account:
                raise Answer(401, {"title": "Unauthenticated", "status": 401, "detail":
                                   "You did not pass a valid authentication token"})
            allowed = False
            for method, path, handler in ROUTES:
                match = path.fullmatch(self.path_only)
                if match and method == self.command:
                    return handler(self, *match.groups())
                allowed = allowed or bool(match)
            if allowed:
                raise Answer(405, {"detail": f'Method "{self.command}" not allowed.'})
            raise not_found()
        except Answer as answer:
            return answer.status, answer.body

    def _account(self):
        """The token that names the account, or None."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token if token == self.sim.token or token in self.sim.other_accounts else None

    def _fail(self, fault):
        """Act out a fault. True: go on and answer as usual."""
        self.close_connection = True
        if fault.mode in FAULT_BODIES:
            self._reply(int(fault.mode), FAULT_BODIES[fault.mode])
        elif fault.mode == "slow":
            return not self.sim.stopping.wait(fault.seconds)
        elif fault.mode == "garbage":
            self._send(200, GARBAGE)
        elif fault.mode == "deep":
            self._send(200, DEEP)
        elif fault.mode == "huge":
            self._send_huge()
        else:
            if fault.mode == "hang":
                self.sim.stopping.wait(fault.seconds)
            self._break()
        return False

    def _break(self):
        """Close with a reset instead of a farewell."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        socket.close(self.connection.detach())

    def _send_huge(self):
        size = len(b'{"results":[') + HUGE_CHUNKS * len(HUGE_CHUNK) + len(b'""]}')
        self._head(200, size)
        self.wfile.write(b'{"results":[')
        for _ in range(HUGE_CHUNKS):
            self.wfile.write(HUGE_CHUNK)
        self.wfile.write(b'""]}')

    def _reply(self, status, body):
        self._send(status, b"" if body is NO_BODY else json.dumps(body).encode())

    def _send(self, status, data):
        self._head(status, len(data))
        self.wfile.write(data)

    def _head(self, status, size):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(size))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, *_):
        """Silence: everything is in sim.requests."""
