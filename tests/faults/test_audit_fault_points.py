"""kill -9 while the audit log is written, forwarded and shortened: the chain stays whole, what was
not acknowledged is not in it, and no entry is lost on its way out."""

import expect
import faults
from audit_receivers import WebhookReceiver
from waiting import until

POINTS = ("audit.appended", "audit.sent", "audit.pruned")
CONFIG = "/api/audit/export-config"
SOON_S = 20


def polling(cloud, enabled):
    return cloud.put("/api/cloud/polling/setting", json={"enabled": enabled})


def entries(cloud):
    return [row for (row,) in cloud.query("SELECT audit_id FROM audit_log ORDER BY audit_id")]


def assert_valid(cloud):
    report = expect.ok(cloud.get("/api/audit/verify"))
    assert report["valid"], report["broken_links"]
    done = cloud.companion("audit", "verify")
    assert done.returncode == 0, done.stdout


def test_a_change_and_its_entry_die_together(cloud):
    expect.ok(polling(cloud, True))
    before = entries(cloud)
    with faults.armed(cloud, "audit.appended"):
        answer = polling(cloud, False)
        assert answer.status_code >= 500
    assert entries(cloud) == before
    assert expect.ok(cloud.get("/api/cloud/polling/status"))["preference"] is True
    assert_valid(cloud)
    expect.ok(polling(cloud, None))
    assert entries(cloud) == before + [before[-1] + 1]
    assert_valid(cloud)


def test_what_was_sent_and_not_noted_is_sent_again(cloud):
    webhook = WebhookReceiver().start()
    try:
        with faults.armed(cloud, "audit.sent"):
            expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
            until(lambda: webhook.posts, SOON_S, "nothing arrives")
        [first] = webhook.ids
        cloud.change("UPDATE audit_forward SET claimed_until_us = 0")
        expect.ok(polling(cloud, True))
        last = entries(cloud)[-1]
        until(lambda: last in webhook.ids, SOON_S, "the entries do not arrive")
        assert webhook.ids[1] == first
        assert sorted(set(webhook.ids)) == list(range(first, last + 1))
    finally:
        expect.ok(cloud.post(CONFIG, json={"webhook_url": ""}))
        webhook.stop()


def test_entries_and_anchor_go_together(cloud):
    for enabled in (True, False, None):
        expect.ok(polling(cloud, enabled))
    before = entries(cloud)
    cloud.env = cloud.env | {"SIMPLETUNER_AUDIT_RETENTION_DAYS": "1"}
    try:
        faults.companion_dies(cloud, "audit.pruned", "cron", "--task", "prune_audit")
        faults.let_leases_end(cloud)
        assert entries(cloud) == before
        assert_valid(cloud)
        assert cloud.companion("cron", "--task", "prune_audit").returncode == 0
        assert_valid(cloud)
    finally:
        del cloud.env["SIMPLETUNER_AUDIT_RETENTION_DAYS"]
