"""What was refused to somebody who is known is in the audit log, and cannot fill it."""

from browser_session import NOBODY, login
from test_login import new_account

DENIED, SUSPICIOUS = "security.permission_denied", "security.suspicious"


def rows(stack, event_type, ip):
    return stack.query("SELECT actor, target_type, target_id, details FROM audit_log "
                       "WHERE event_type = %s AND actor_ip = %s ORDER BY audit_id", event_type, ip)


def test_a_denied_permission_is_in_the_audit_log(staffed):
    name, session = new_account(staffed)
    far = {"X-Forwarded-For": "203.0.113.41"}
    answer = staffed.get("/api/audit", headers=session.cookie | far)
    assert answer.status_code == 403
    [(actor, kind, target, details)] = rows(staffed, DENIED, "203.0.113.41")
    assert (actor, kind, target) == (name, "endpoint", "/api/audit")
    assert '"method":"GET"' in details and "admin.audit" in details


def test_one_source_cannot_fill_the_log(staffed):
    _, session = new_account(staffed)
    far = {"X-Forwarded-For": "203.0.113.42"}
    for _ in range(12):
        assert staffed.get("/api/audit", headers=session.cookie | far).status_code == 403
    assert len(rows(staffed, DENIED, "203.0.113.42")) == 5


def test_a_request_that_looks_forged_is_suspicious(staffed):
    session = login(staffed)
    far = {"X-Forwarded-For": "203.0.113.43", "Origin": "http://evil.example"}
    answer = staffed.post("/api/auth/api-keys", json={"name": "x"}, headers=session.headers | far)
    assert answer.status_code == 403
    [(actor, _, target, details)] = rows(staffed, SUSPICIOUS, "203.0.113.43")
    assert (actor, target) == ("boss", "/api/auth/api-keys") and "another site" in details


def test_strangers_leave_no_rows(staffed):
    far = NOBODY | {"X-Forwarded-For": "203.0.113.44"}
    for path in ("/api/audit", "/api/nothing"):
        staffed.get(path, headers=far)
    assert rows(staffed, DENIED, "203.0.113.44") == rows(staffed, SUSPICIOUS, "203.0.113.44") == []


def test_refusals_are_listed_with_what_else_concerns_security(staffed):
    _, session = new_account(staffed)
    staffed.get("/api/audit", headers=session.cookie | {"X-Forwarded-For": "203.0.113.45"})
    kinds = [entry["event_type"] for entry in staffed.get("/api/audit/security").json()["entries"]]
    assert DENIED in kinds
