"""The audit log is forwarded: at least once, in order, and through whatever goes down meanwhile."""

import json
import re

import pytest

import expect
from audit_receivers import SyslogReceiver, WebhookReceiver, parse_syslog
from waiting import until

CONFIG = "/api/audit/export-config"
SOON_S = 20

pytestmark = pytest.mark.usefixtures("nothing_forwarded")


def change(cloud):
    """Write an entry; returns its number."""
    enabled = cloud.query("SELECT COUNT(*) FROM audit_log")[0][0] % 2 == 0
    expect.ok(cloud.put("/api/cloud/polling/setting", json={"enabled": enabled}))
    return cloud.query("SELECT MAX(audit_id) FROM audit_log")[0][0]


@pytest.fixture
def nothing_forwarded(cloud):
    """Nothing is forwarded before, nor after."""
    nothing = {"webhook_url": "", "syslog_url": "", "security_only": False, "format": "json"}
    expect.ok(cloud.post(CONFIG, json=nothing))
    yield
    expect.ok(cloud.post(CONFIG, json=nothing))


@pytest.fixture
def webhook():
    receiver = WebhookReceiver().start()
    yield receiver
    receiver.stop()


@pytest.fixture(params=["udp", "tcp", "unix"])
def syslog(request):
    receiver = SyslogReceiver(request.param).start()
    yield receiver
    receiver.stop()


def test_entries_reach_a_webhook_in_order(cloud, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url, "auth_token": "t0k3n"}))
    last = [change(cloud) for _ in range(5)][-1]
    until(lambda: last in webhook.ids, SOON_S, "the entries do not arrive")
    assert webhook.ids == list(range(webhook.ids[0], last + 1))
    headers, document = webhook.posts[-1]
    assert headers["Authorization"] == "ApiKey t0k3n"
    assert headers["Content-Type"] == "application/json"
    assert document["event"] == {"kind": "event", "category": ["audit"], "type": ["config"],
                                 "action": "Polling was switched on, off or to its default"}
    assert document["simpletuner"]["event_type"] == "config.polling_changed"
    assert document["simpletuner"]["actor_username"] == "local"
    assert "enabled" in document["simpletuner"]["details"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", document["@timestamp"])
    first = webhook.posts[0][1]["simpletuner"]
    assert first["event_type"] == "config.changed"


@pytest.mark.parametrize("token, sent", [
    ("Bearer abc", "Bearer abc"), ("ApiKey abc", "ApiKey abc"), ("abc", "ApiKey abc")])
def test_the_token_is_sent_as_it_is_when_it_names_its_scheme(cloud, webhook, token, sent):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url, "auth_token": token}))
    until(lambda: webhook.posts, SOON_S, "nothing arrives")
    assert webhook.posts[0][0]["Authorization"] == sent


def test_what_happens_while_the_webhook_is_away_arrives_later(cloud, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
    first = change(cloud)
    until(lambda: first in webhook.ids, SOON_S, "the first entry does not arrive")
    webhook.stop()
    missed = [change(cloud) for _ in range(3)]

    def forwarding():
        return expect.ok(cloud.get(CONFIG))["forwarding"]["webhook"]
    until(lambda: forwarding()["failures"] > 0, SOON_S, "nobody notices")
    assert forwarding()["pending"] >= 3 and "127.0.0.1" in forwarding()["last_error"]
    webhook.start()
    until(lambda: missed[-1] in webhook.ids, SOON_S, "the entries do not arrive later")
    assert webhook.ids == list(range(webhook.ids[0], missed[-1] + 1))
    until(lambda: forwarding()["failures"] == 0, SOON_S, "the failure is not forgotten")


def test_an_entry_that_is_refused_is_sent_again(cloud, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
    until(lambda: webhook.posts, SOON_S, "nothing arrives")
    webhook.status = 503
    entry = change(cloud)
    until(lambda: expect.ok(cloud.get(CONFIG))["forwarding"]["webhook"]["failures"] > 0, SOON_S,
          "nobody notices")
    webhook.status = 200
    until(lambda: entry in webhook.ids, SOON_S, "the entry does not arrive later")


def test_what_was_not_forwarded_survives_a_kill(cloud, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
    webhook.stop()
    missed = [change(cloud) for _ in range(3)]
    cloud.kill_responder()
    webhook.start()
    until(lambda: missed[-1] in webhook.ids, SOON_S, "the entries do not arrive after the restart")
    distinct = sorted(set(webhook.ids))
    assert distinct == list(range(distinct[0], missed[-1] + 1))


def test_the_companion_forwards_what_is_left(new_stack, webhook):
    cloud = new_stack()
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
    until(lambda: webhook.posts, SOON_S, "nothing arrives")
    cloud.process.terminate()
    cloud.process.wait()
    cloud.change("UPDATE audit_forward SET last_id = last_id - 1, claimed_until_us = 0")
    before = len(webhook.posts)
    done = cloud.companion("cron", "--task", "forward_audit")
    assert done.returncode == 0, done.stderr
    assert len(webhook.posts) > before


def test_only_what_concerns_security_is_forwarded_on_demand(cloud, job, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url, "security_only": True}))
    change(cloud)
    source = {"X-Forwarded-For": "2001:db8:feed:1::1", "webhook-id": None}
    expect.error(cloud.webhook({"event_type": "logs"}, headers=source), 401)
    until(lambda: webhook.posts, SOON_S, "the refusal does not arrive")
    assert {document["simpletuner"]["event_type"] for _, document in webhook.posts} == {
        "security.webhook_rejected"}


def test_entries_reach_syslog_in_order(cloud, syslog):
    expect.ok(cloud.post(CONFIG, json={"syslog_url": syslog.url}))
    last = [change(cloud) for _ in range(5)][-1]

    def ids():
        return [json.loads(parse_syslog(message)[2])["id"] for message in syslog.messages]
    until(lambda: last in ids(), SOON_S, "the entries do not arrive")
    assert ids() == list(range(ids()[0], last + 1))
    assert parse_syslog(syslog.messages[-1])[:2] == (13 * 8 + 5, "config.polling_changed")


def test_syslog_messages_have_the_format_that_was_chosen(cloud, syslog):
    expect.ok(cloud.post(CONFIG, json={"syslog_url": syslog.url, "format": "cef"}))
    until(lambda: syslog.messages, SOON_S, "nothing arrives")
    text = parse_syslog(syslog.messages[0])[2]
    assert re.match(r"CEF:0\|SimpleTuner\|Cloud\|[^|]+\|config\.changed\|", text)


def test_what_happens_while_syslog_is_away_arrives_later(cloud, syslog):
    expect.ok(cloud.post(CONFIG, json={"syslog_url": syslog.url}))
    until(lambda: syslog.messages, SOON_S, "nothing arrives")
    syslog.stop()
    missed = [change(cloud) for _ in range(3)]
    until(lambda: expect.ok(cloud.get(CONFIG))["forwarding"]["syslog"]["failures"] > 0, SOON_S,
          "nobody notices")
    syslog.start()

    def ids():
        return [json.loads(parse_syslog(message)[2])["id"] for message in syslog.messages]
    until(lambda: missed[-1] in ids(), SOON_S, "the entries do not arrive later")
    if syslog.kind == "tcp":  # a datagram to nobody may be known as lost only by the next
        assert set(missed) <= set(ids())


def test_the_token_is_kept_sealed_and_never_given_out(cloud, webhook):
    answer = cloud.post(CONFIG, json={"webhook_url": webhook.url, "auth_token": "s3cr3t-t0k3n"})
    assert expect.ok(answer)["has_token"] is True
    assert "s3cr3t-t0k3n" not in answer.text + cloud.get(CONFIG).text
    assert "s3cr3t-t0k3n" not in cloud.database_text()
    # to leave it out keeps it, another URL forgets it
    assert expect.ok(cloud.post(CONFIG, json={"security_only": True}))["has_token"] is True
    other = expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url + "/other"}))
    assert other["has_token"] is False


def test_the_change_is_audited_by_names_alone(cloud, webhook):
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url, "auth_token": "t"}))
    [entry] = expect.ok(cloud.get("/api/audit?event_type=config.changed&limit=1"))["entries"]
    assert entry["target_id"] == "audit.export"
    assert entry["details"] == {"changed": ["webhook_url", "auth_token"]}
    total = expect.ok(cloud.get("/api/audit"))["total"]
    expect.ok(cloud.post(CONFIG, json={"webhook_url": webhook.url}))
    assert expect.ok(cloud.get("/api/audit"))["total"] == total


@pytest.mark.parametrize("body, name", [
    ({"format": "xml"}, "format"), ({"webhook_url": "ftp://x.example"}, "webhook_url"),
    ({"webhook_url": "http://user:pw@x.example"}, "webhook_url"),
    ({"syslog_url": "udp://host"}, "syslog_url"), ({"syslog_url": "tcp://h:0"}, "syslog_url"),
    ({"syslog_url": "unix://etc"}, "syslog_url"), ({"auth_token": "a\r\nb: c"}, "auth_token"),
    ({"security_only": 1}, "security_only"), ({"other": 1}, "other")])
def test_a_bad_setting_is_named_and_nothing_is_changed(cloud, body, name):
    before = expect.ok(cloud.get(CONFIG))
    expect.error(cloud.post(CONFIG, json={"format": "csv"} | body), 400, name)
    assert expect.ok(cloud.get(CONFIG)) == before


def test_the_settings_are_the_administrators(cloud, job):
    stranger, holder = {"X-Forwarded-For": "203.0.113.9"}, {"X-Upload-Token": job.token}
    for headers, status in ((stranger, 401), (holder, 403)):
        expect.error(cloud.get(CONFIG, headers=headers), status)
        expect.error(cloud.post(CONFIG, json={}, headers=headers), status)
