"""The audit log is verified, written out and verified again without the service, and counted."""

import csv
import io
import json
import re

import pytest

import expect

AUDIT = "/api/audit"
VERIFY = f"{AUDIT}/verify"
BROKEN = 65


def change(cloud, times=1):
    """Write entries; returns the number of the last."""
    for _ in range(times):
        even = cloud.query("SELECT COUNT(*) FROM audit_log")[0][0] % 2 == 0
        expect.ok(cloud.put("/api/cloud/polling/setting", json={"enabled": even}))
    return newest(cloud)


def newest(cloud):
    return cloud.query("SELECT MAX(audit_id) FROM audit_log")[0][0]


@pytest.fixture(params=["sqlite", "postgresql"])
def own(request, new_stack):
    """A service whose log may be broken."""
    stack = new_stack(database=request.param)
    change(stack, 8)
    return stack


def broken(stack, query=""):
    report = expect.ok(stack.get(VERIFY + query))
    assert report["valid"] is (report["broken_links"] == [])
    return [(link["id"], link["error"]) for link in report["broken_links"]]


def test_a_log_that_was_left_alone_is_valid(cloud):
    last = change(cloud, 3)
    report = expect.ok(cloud.get(VERIFY))
    assert report["valid"] is True and report["broken_links"] == []
    assert report["last_id"] == last
    assert report["entries_checked"] == last - report["first_id"] + 1
    some = expect.ok(cloud.get(f"{VERIFY}?start_id={last - 1}&end_id={last}"))
    assert (some["valid"], some["entries_checked"], some["first_id"]) == (True, 2, last - 1)


@pytest.mark.parametrize("sql, first", [
    ("UPDATE audit_log SET actor = 'mallory' WHERE audit_id = 4", (4, "hash_mismatch")),
    ("UPDATE audit_log SET actor_ip = '192.0.2.1' WHERE audit_id = 4", (4, "hash_mismatch")),
    ("DELETE FROM audit_log WHERE audit_id = 4", (4, "missing")),
    ("DELETE FROM audit_log WHERE audit_id > 4", (5, "missing")),
    ("DELETE FROM audit_log WHERE audit_id = 1", (1, "missing")),
    ("UPDATE audit_head SET mac = 'x'", (None, "head_mismatch")),
    ("UPDATE audit_anchor SET pruned = 1", (1, "anchor_mismatch"))])
def test_what_sql_does_is_seen_by_both_programs(own, sql, first):
    last = newest(own)
    own.change(sql)
    first = (first[0] or last, first[1])
    assert broken(own)[0] == first
    done = own.companion("audit", "verify", "--json")
    assert done.returncode == BROKEN
    report = json.loads(done.stdout)
    assert report["valid"] is False
    assert (report["broken_links"][0]["id"], report["broken_links"][0]["error"]) == first
    done = own.companion("audit", "verify")
    assert done.returncode == BROKEN and "NOT VALID" in done.stdout
    assert f"entry {first[0]}: {first[1]}" in done.stdout


def test_no_hash_that_should_have_been_is_told(own):
    own.change("UPDATE audit_log SET actor = 'mallory' WHERE audit_id = 4")
    text = own.get(VERIFY).text + own.companion("audit", "verify", "--json").stdout
    assert not re.search(r"[0-9a-f]{64}", text)


def test_a_range_starts_from_the_entry_before_it(own):
    own.change("UPDATE audit_log SET actor = 'mallory' WHERE audit_id = 4")
    assert broken(own, "?start_id=5") == []
    assert broken(own, "?end_id=3") == []
    assert broken(own, "?start_id=4&end_id=6") == [(4, "hash_mismatch")]
    assert own.companion("audit", "verify", "--start", "5").returncode == 0
    assert own.companion("audit", "verify", "--start", "4", "--end", "4").returncode == BROKEN


def test_an_older_state_put_back_is_seen_by_the_note_outside(own):
    own.companion("audit", "verify")
    head = own.query("SELECT audit_id, entries, entry_hash, mac FROM audit_head")[0]
    last = change(own, 2)
    done = own.companion("cron", "--task", "note_audit")
    assert done.returncode == 0, done.stderr
    own.change("DELETE FROM audit_log WHERE audit_id > %s", head[0])
    own.change("UPDATE audit_head SET audit_id = %s, entries = %s, entry_hash = %s, mac = %s",
               *head)
    assert broken(own) == [(last, "head_behind")]
    assert own.companion("audit", "verify").returncode == BROKEN
    note = json.loads((own.home / "audit.head").read_text())
    assert note["audit_id"] == last
    assert own.companion("cron", "--task", "note_audit").returncode != 0


@pytest.mark.parametrize("query", ["?start_id=0", "?start_id=x", "?end_id=-1",
                                   "?start_id=5&end_id=4"])
def test_a_range_that_is_none_is_refused(cloud, query):
    expect.error(cloud.get(VERIFY + query), 400, "_id")


# written out

def exported(stack, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text(stack.get(f"{AUDIT}/export?format=json").text)
    return path


def offline(stack, path):
    """(exit status, id and error of what is wrong), without the database."""
    stack.env = stack.env | {"SIMPLETUNER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    done = stack.companion("audit", "verify", "--offline", str(path), "--json")
    report = json.loads(done.stdout or '{"broken_links": []}')
    return done.returncode, [(link["id"], link["error"]) for link in report["broken_links"]]


def test_an_export_is_verified_without_the_database(own, tmp_path):
    path = exported(own, tmp_path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines[:-1]] == list(range(1, newest(own) + 1))
    assert lines[-1]["export_end"]["entries"] == newest(own)
    written = own.companion("audit", "export")
    assert written.returncode == 0 and written.stdout == path.read_text()
    assert offline(own, path) == (0, [])


def edit(lines, number, **fields):
    lines[number] = json.dumps(json.loads(lines[number]) | fields)


@pytest.mark.parametrize("tamper, first", [
    (lambda lines: edit(lines, 3, actor="mallory"), (4, "hash_mismatch")),
    (lambda lines: edit(lines, 3, details={}), (4, "hash_mismatch")),
    (lambda lines: edit(lines, 3, actor_ip=None), (4, "hash_mismatch")),
    (lambda lines: lines.pop(3), (4, "missing")),
    (lambda lines: lines.insert(3, lines[2]), (3, "inserted")),
    (lambda lines: lines.pop(-2), (None, "missing")),
    (lambda lines: lines.pop(), (None, "head_mismatch")),
    (lambda lines: lines.__setitem__(-1, lines[-1].replace('"filtered":false',
                                                           '"filtered":true')),
     (None, "head_mismatch"))])
def test_an_export_that_was_changed_is_seen(own, tmp_path, tamper, first):
    path = exported(own, tmp_path)
    lines = path.read_text().splitlines()
    tamper(lines)
    path.write_text("\n".join(lines) + "\n")
    status, wrong = offline(own, path)
    assert status == BROKEN
    assert wrong[0] == (first[0] or newest_in(path), first[1])


def newest_in(path):
    """The last number that the file has or should have."""
    last = json.loads(path.read_text().splitlines()[-1])
    return last["export_end"]["last_id"] if "export_end" in last else last["id"]


def test_a_file_that_is_no_export_is_named(own, tmp_path):
    path = tmp_path / "other"
    path.write_text("hello\n")
    done = own.companion("audit", "verify", "--offline", str(path))
    assert done.returncode != 0 and "line 1" in done.stderr
    done = own.companion("audit", "verify", "--offline", str(tmp_path / "none"))
    assert done.returncode != 0 and "none" in done.stderr


def test_a_part_of_the_log_is_exported_by_time(own, tmp_path):
    entries = expect.ok(own.get(f"{AUDIT}?limit=500"))["entries"]
    since, until = entries[5]["timestamp"], entries[2]["timestamp"]
    text = own.get(f"{AUDIT}/export?since={since}&until={until}").text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["id"] for line in lines[:-1]] == [
        entry["id"] for entry in reversed(entries) if since <= entry["timestamp"] <= until]
    path = tmp_path / "part"
    path.write_text(text)
    assert offline(own, path) == (0, [])


def test_csv_cells_are_no_formulas(own):
    own.change("UPDATE audit_log SET actor = '=cmd|'' /C calc''!A0', action = 'a \"b\", c' "
               "WHERE audit_id = 2")
    own.change("UPDATE audit_log SET actor = '+1', action = '@x', target_id = '-1' "
               "WHERE audit_id = 3")
    answer = own.get(f"{AUDIT}/export?format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [int(row["id"]) for row in rows] == list(range(1, newest(own) + 1))
    assert rows[1]["actor"] == "'=cmd|' /C calc'!A0" and rows[1]["action"] == 'a "b", c'
    assert (rows[2]["actor"], rows[2]["action"], rows[2]["target_id"]) == ("'+1", "'@x", "'-1")
    assert json.loads(rows[3]["details"])
    assert answer.text.count("\r\n") == newest(own) + 1


def test_cef_fields_are_escaped(own):
    own.change("UPDATE audit_log SET action = 'a|b\\c', actor = 'x=y\\z' WHERE audit_id = 2")
    answer = own.get(f"{AUDIT}/export?format=cef")
    lines = answer.text.splitlines()
    assert len(lines) == newest(own)
    assert re.fullmatch(r"CEF:0\|SimpleTuner\|Cloud\|[\d.]+\|[a-z_.]+\|a\\\|b\\\\c\|3\|"
                        r"rt=\d+ externalId=2 suser=x\\=y\\\\z .*", lines[1]), lines[1]


@pytest.mark.parametrize("details", ["no json", '{"b":1,"a":2}', '{ }', "5", '{"a":1,"a":2}', '{"a":\n1}', '{"a":1}, {"b":2}'])
def test_details_that_are_none_break_nothing_around_them(own, tmp_path, details):
    own.change("UPDATE audit_log SET details = %s WHERE audit_id = 3", details)
    entries = expect.ok(own.get(f"{AUDIT}?limit=500"))["entries"]
    assert [entry["details"] for entry in entries if entry["id"] == 3] == [details]
    path = exported(own, tmp_path)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["details"] for line in lines[2:3]] == [details]
    assert len(lines) == len(entries) + 1
    assert offline(own, path) == (BROKEN, [(3, "hash_mismatch")])


@pytest.mark.parametrize("query, name", [
    ("?format=xml", "format"), ("?since=yesterday", "since"), ("?until=now", "until")])
def test_a_bad_export_is_refused(cloud, query, name):
    expect.error(cloud.get(f"{AUDIT}/export{query}"), 400, name)


# figures

def test_the_figures_are_true(own):
    entries = expect.ok(own.get(f"{AUDIT}?limit=500"))["entries"]
    stats = expect.ok(own.get(f"{AUDIT}/stats"))
    types = [entry["event_type"] for entry in entries]
    assert stats["by_type"] == {name: types.count(name) for name in types}
    assert stats["total_entries"] == stats["last_24h"] == len(entries)
    assert (stats["first_entry"], stats["last_entry"]) == (entries[-1]["timestamp"],
                                                           entries[0]["timestamp"])
    own.change("UPDATE audit_log SET created_at_us = created_at_us - 90000000000 "
               "WHERE audit_id <= 3")
    assert expect.ok(own.get(f"{AUDIT}/stats"))["last_24h"] == len(entries) - 3


def test_the_types_have_names(cloud):
    types = {item["value"]: item["name"]
             for item in expect.ok(cloud.get(f"{AUDIT}/types"))["event_types"]}
    assert types["security.rate_limited"] == "Rate limited"
    assert {"job.submitted", "auth.login.failed", "security.webhook_rejected"} <= set(types)


def test_what_concerns_security_is_listed_apart(cloud, job):
    source = {"X-Forwarded-For": "2001:db8:feed:2::1", "webhook-id": None}
    expect.error(cloud.webhook({"event_type": "logs"}, headers=source), 401)
    change(cloud)
    page = expect.ok(cloud.get(f"{AUDIT}/security?limit=1"))
    assert page["entries"][0]["event_type"] == "security.webhook_rejected"
    everything = expect.ok(cloud.get(f"{AUDIT}/security?limit=500"))
    assert everything["total"] == len(everything["entries"]) >= 1
    assert all(re.match(r"security\.|auth\.login\.failed$", entry["event_type"])
               for entry in everything["entries"])


def test_a_user_has_what_was_done_by_and_to_that_user(own):
    own.change("UPDATE audit_log SET actor_id = 5 WHERE audit_id IN (1, 4)")
    own.change("UPDATE audit_log SET target_type = 'user', target_id = '5' "
               "WHERE audit_id IN (2, 4)")
    own.change("UPDATE audit_log SET target_id = '5' WHERE audit_id = 6")
    page = expect.ok(own.get(f"{AUDIT}/user/5"))
    assert [entry["id"] for entry in page["entries"]] == [4, 2, 1]
    assert (page["total"], page["has_more"]) == (3, False)
    page = expect.ok(own.get(f"{AUDIT}/user/5?limit=1&offset=1"))
    assert ([entry["id"] for entry in page["entries"]], page["has_more"]) == ([2], True)
    [entry] = expect.ok(own.get(f"{AUDIT}?actor_id=5&limit=1"))["entries"]
    assert entry["id"] == 4 and entry["actor_id"] == 5
    expect.error(own.get(f"{AUDIT}/user/ann"), 400, "user id")


def test_types_are_asked_for_as_a_list(own):
    own.change("UPDATE audit_log SET event_type = 'security.rate_limited' WHERE audit_id = 2")
    own.change("UPDATE audit_log SET event_type = 'security.suspicious' WHERE audit_id = 3")
    own.change("UPDATE audit_log SET event_type = 'quota.changed' WHERE audit_id = 5")

    def ids(query):
        return [entry["id"] for entry in expect.ok(own.get(AUDIT + query))["entries"]]
    assert ids("?event_type=rate_limited") == [2]
    assert ids("?event_type=rate_limited,suspicious,quota.changed") == [5, 3, 2]
    assert ids("?event_type=rate_limited,suspicious,quota.changed&limit=1&offset=1") == [3]
    expect.error(own.get(f"{AUDIT}?event_type=,"), 400, "event_type")


def test_times_are_compared_as_times(own):
    entry = expect.ok(own.get(f"{AUDIT}?limit=500"))["entries"][3]
    own.change("UPDATE audit_log SET created_at_us = 1705314600000000 WHERE audit_id = %s",
               entry["id"])
    for since, until in (("2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z"),
                         ("2024-01-15T12:30:00%2B02:00", "2024-01-15T05:30:00-05:00")):
        page = expect.ok(own.get(f"{AUDIT}?since={since}&until={until}"))
        assert [item["id"] for item in page["entries"]] == [entry["id"]]
        assert page["total"] == 1


@pytest.mark.parametrize("path", ["", "/stats", "/types", "/verify", "/security", "/user/1",
                                  "/export", "/export-config"])
def test_everything_is_the_administrators(cloud, job, path):
    expect.error(cloud.get(AUDIT + path, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
    expect.error(cloud.get(AUDIT + path, headers={"X-Upload-Token": job.token}), 403)
