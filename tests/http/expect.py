"""What every answer and every error answer owes to its reader."""

import re

CODES = {400: "invalid", 401: "unauthenticated", 403: "permission_denied", 404: "not_found",
         405: "method_not_allowed", 409: "conflict", 413: "too_large",
         415: "unsupported_media_type", 507: "insufficient_storage"}
HEADERS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
           "Referrer-Policy": "strict-origin-when-cross-origin"}
JOB_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")


def error(answer, status, mention=None, code=None):
    """answer is our error of this status; its detail contains mention. Returns the body."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    body = answer.json()
    assert isinstance(body["detail"], str) and body["detail"], body
    wanted = code or CODES.get(status, body["error"])
    assert body["error"] and body["error"] == wanted, body
    if mention:
        assert mention.lower() in body["detail"].lower(), body
    if status == 401:
        assert answer.headers.get("WWW-Authenticate"), answer.headers
    if status == 503:
        assert int(answer.headers["Retry-After"]) >= 1
    return body


def ok(answer):
    """answer is 200 with JSON; returns the body."""
    assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()
