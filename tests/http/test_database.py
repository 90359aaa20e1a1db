"""The database itself, for its operators: figures, checks, the vacuum and the migrations."""

import json

import pytest

import expect
from s3_bucket import at_once

DATABASE = "/api/database"
READERS = 16
ROUTES = [("GET", f"{DATABASE}/verify/"), ("POST", f"{DATABASE}/vacuum/"),
          ("GET", f"{DATABASE}/migrations?database="), ("POST", f"{DATABASE}/migrations/run?database=")]


def companion(cloud, *arguments):
    result = cloud.companion("db", *arguments, "--json")
    return result.returncode, json.loads(result.stdout)


@pytest.mark.parametrize("method, path", ROUTES)
@pytest.mark.parametrize("name", ["auth", "webui", "Jobs", "..%2Fjobs"])
def test_there_is_one_database_and_it_is_named(cloud, method, path, name):
    expect.error(cloud.request(method, path + name), 404, 'Available: ["jobs"]', "not_found")


def test_health_tells_of_the_real_database(cloud):
    answer = expect.ok(cloud.get(f"{DATABASE}/health"))
    [database] = answer["databases"]
    assert answer["healthy"] is True and answer["issues"] == []
    assert database["name"] == "jobs" and database["exists"] is True
    assert {"jobs", "users", "audit_log"} <= set(database["tables"])
    assert database["table_count"] == len(database["tables"])
    assert answer["total_size_bytes"] == database["size_bytes"] > 100_000
    assert (database["path"] is None) == (database["kind"] == "postgresql")


def test_stats_count_rows(cloud):
    cloud.new_job()
    [(jobs,)] = cloud.query("SELECT COUNT(*) FROM jobs")
    stats = expect.ok(cloud.get(f"{DATABASE}/stats"))["jobs"]
    assert stats["exists"] is True and stats["tables"]["jobs"]["row_count"] == jobs > 0
    if stats["kind"] == "sqlite":
        assert stats["size_bytes"] == stats["page_count"] * stats["page_size"]
        assert stats["freelist_count"] >= 0
    code, same = companion(cloud, "stats")
    assert code == 0 and same["tables"].keys() == stats["tables"].keys()


@pytest.mark.parametrize("path", ["stats", "health"])
def test_all_who_ask_for_figures_at_once_are_answered(cloud, path):
    answers = at_once(*[lambda: cloud.get(f"{DATABASE}/{path}")] * READERS)
    assert [answer.status_code for answer in answers] == [200] * READERS


def test_a_sound_database_is_valid(cloud):
    answer = expect.ok(cloud.get(f"{DATABASE}/verify/jobs"))
    assert (answer["database"], answer["valid"], answer["integrity_check"]) == ("jobs", True, "ok")
    assert answer["foreign_key_check"] == answer["issues"] == [] and answer["checked"]
    code, same = companion(cloud, "check")
    assert (code, same) == (0, answer)


def test_a_reference_to_nothing_is_named(new_stack):
    stack = new_stack()
    stack.change("INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
                 "VALUES (77, 1, 'tests', 1)")
    answer = expect.ok(stack.get(f"{DATABASE}/verify/jobs"))
    assert answer["valid"] is False and answer["integrity_check"] == "ok"
    [text] = answer["foreign_key_check"]
    assert text.startswith("Table user_levels: row ") and text.endswith("missing users.user_id")
    assert answer["issues"] == [text]
    code, same = companion(stack, "check")
    assert (code, same) == (65, answer)


def test_a_constraint_that_was_never_checked_is_named(new_stack):
    stack = new_stack(database="postgresql")
    stack.change("ALTER TABLE jobs ADD CONSTRAINT odd CHECK (job_id <> 'odd') NOT VALID")
    answer = expect.ok(stack.get(f"{DATABASE}/verify/jobs"))
    assert answer["valid"] is False
    assert answer["foreign_key_check"] == ["Table jobs: constraint odd is not validated"]


def entries(cloud):
    return expect.ok(cloud.get("/api/audit?event_type=database.vacuumed"))["entries"]


def test_a_vacuum_gives_back_what_was_deleted_and_is_noted(cloud):
    before = len(entries(cloud))
    for number in range(400):
        cloud.change("INSERT INTO preferences (name, value) VALUES (%s, %s)", f"gap {number}",
                     "x" * 4000)
    cloud.change("DELETE FROM preferences WHERE name LIKE 'gap %%'")
    answer = expect.ok(cloud.post(f"{DATABASE}/vacuum/jobs"))
    assert answer["success"] is True and answer["database"] == "jobs"
    assert answer["freed_bytes"] == answer["size_before"] - answer["size_after"]
    if not cloud.database_url:  # PostgreSQL may keep the gaps for what comes
        assert answer["freed_bytes"] > 500_000
    [newest, *_] = entries(cloud)
    assert len(entries(cloud)) == before + 1
    assert newest["details"] == {"size_before": answer["size_before"],
                                 "size_after": answer["size_after"]}
    assert cloud.new_job().job_id
    code, again = companion(cloud, "vacuum")
    assert code == 0 and again["success"] is True


def test_migrations_are_listed_and_none_is_left(cloud):
    answer = expect.ok(cloud.get(f"{DATABASE}/migrations?database=jobs"))
    applied = answer["applied_migrations"]
    assert answer["pending_migrations"] == []
    assert [row["version"] for row in applied] == sorted(row["version"] for row in applied)
    assert int(applied[-1]["version"]) == answer["current_version"]
    assert all(row["status"] == "applied" and row["applied_at"] for row in applied)
    assert applied[0]["name"] == "0001_jobs"
    answer = expect.ok(cloud.post(f"{DATABASE}/migrations/run"))
    assert answer == {"success": True, "message": "No pending migrations", "migrations_run": []}
    answer = expect.ok(cloud.post(f"{DATABASE}/migrations/run?dry_run=true"))
    assert answer == {"success": True, "message": "No pending migrations", "migrations_run": [],
                      "pending": []}
    expect.error(cloud.post(f"{DATABASE}/migrations/run?dry_run=perhaps"), 400, "dry_run")
