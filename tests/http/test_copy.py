"""A database is moved to another one: whole, verified, and usable only when it is."""

import contextlib

import pytest

import copies
import expect
from conftest import DATABASES
from copies import CONFIG, DIFFERENT, MISSING, NOT_READY, OK, Copier
from stack import Stack

ICU = ("CREATE DATABASE other_order TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' "
       "LOCALE 'C.UTF-8'")


def other(database):
    return DATABASES[1 - DATABASES.index(database)]


@pytest.fixture
def new_url(fleet):
    """new_url("postgresql"): the URL of a database that holds nothing, or does not exist yet."""
    return lambda database: fleet.database_url(database) or copies.new_file()


@pytest.fixture(params=DATABASES)
def pair(request, new_url):
    """A filled database of one kind, and the URL of an empty one of the other."""
    return Copier(new_url(request.param)).made(), new_url(other(request.param))


@pytest.fixture
def source():
    return Copier().made()


@pytest.fixture
def target(new_url):
    return new_url("postgresql")


def test_every_value_survives_there_and_back(pair, new_url):
    there, url = pair
    status, answer = there.copy(url)
    assert (status, answer["state"]) == (OK, "finished")
    before = copies.contents(there.url)
    assert copies.contents(url) == before
    assert answer["rows"] == sum(map(len, before.values())) - len(before["schema_migrations"])
    back = new_url("sqlite" if there.url.startswith("sqlite") else "postgresql")
    assert Copier(url).copy(back)[0] == OK
    assert copies.contents(back) == before


def test_a_database_that_sorts_by_language_is_no_other(fleet, source):
    base = fleet.database_url("postgresql")
    with contextlib.closing(fleet._cluster.connect()) as connection:
        connection.cursor().execute(ICU)
    url = base.rpartition("/")[0] + "/other_order"
    assert source.copy(url)[1]["state"] == "finished"
    assert copies.contents(url) == copies.contents(source.url)
    back = copies.new_file()
    assert Copier(url).copy(back)[1]["state"] == "finished"
    assert copies.contents(back) == copies.contents(source.url)


def use(stack):
    """A bit of everything that people do."""
    jobs = [stack.new_job(config_name=f"copied {number}") for number in range(3)]
    assert stack.upload(jobs[0], "a/model.bin", b"weights").status_code in (200, 201)
    answer = stack.webhook({"id": jobs[1].prediction_id, "status": "processing"})
    assert answer.status_code == 200, answer.text
    expect.ok(stack.post(f"/api/cloud/jobs/{jobs[2].job_id}/cancel"))
    answer = stack.post("/api/users", json={"username": "carol", "email": "c@example.org",
                                            "password": "correct horse battery"})
    assert answer.status_code in (200, 201), answer.text
    return jobs


@pytest.mark.parametrize("database", DATABASES)
def test_the_service_goes_on_with_the_copy(fleet, new_url, database):
    with Stack("lighttpd", fleet.database_url(database)) as stack:
        stack.reset()
        stack.hire()
        jobs = use(stack)
        url = new_url(other(database))
        result = stack.companion("copy", "--to", url)
        assert result.returncode == DIFFERENT and "is in use" in result.stderr
        stack._end()
        result = stack.companion("copy", "--to", url)
        assert result.returncode == OK, result.stderr
        assert "Copied" in result.stdout
        source = stack.env["SIMPLETUNER_DATABASE_URL"]
        assert copies.contents(url) == copies.contents(source)
        stack.database_url = url if url.startswith("postgresql") else None
        stack.restart(SIMPLETUNER_DATABASE_URL=url)
        verified = stack.companion("audit", "verify", "--json")
        assert verified.returncode == OK, verified.stdout
        listed = {job["job_id"] for job in expect.ok(stack.get("/api/cloud/jobs"))["jobs"]}
        assert {job.job_id for job in jobs} <= listed
        assert stack.get(jobs[0].storage("a/model.bin")).content == b"weights"
        assert stack.new_job().job_id not in listed


def test_a_copy_begun_while_the_service_works_is_for_nobody_until_it_is_finished(fleet, new_url):
    url = new_url("postgresql")
    with Stack("lighttpd", None) as stack:
        stack.reset()
        stack.new_job(config_name="before")
        result = stack.companion("copy", "--to", url, "--online")
        assert result.returncode == OK and "without --online" in result.stdout
        for command in ("info", "migrate", "cron"):
            refusal = Copier(url).run(command)
            assert refusal.returncode == NOT_READY, refusal.stdout
            assert "not finished" in refusal.stderr
        # What is new, changed and gone meanwhile reaches the copy as well.
        stack.new_job(config_name="after")
        stack.change("UPDATE jobs SET error_message = 'later' WHERE config_name = 'before'")
        stack.change("DELETE FROM events")
        stack._end()
        result = stack.companion("copy", "--to", url)
        assert result.returncode == OK, result.stderr
        assert copies.contents(url) == copies.contents(stack.env["SIMPLETUNER_DATABASE_URL"])
    assert Copier(url).run("info").returncode == OK


def test_a_row_that_is_not_the_same_is_named(pair):
    there, url = pair
    there.copy(url)
    assert there.copy(url, "--verify-only") == (OK, there.copy(url, "--verify-only")[1])
    copies.run(url, "UPDATE preferences SET value = 'other' WHERE name = 'Z'")
    copies.run(url, "DELETE FROM objects WHERE bucket = 'b3'")
    copies.run(url, "INSERT INTO team_members (team_id, user_id) SELECT 7, user_id FROM users"
               if url.startswith("sqlite") else
               "INSERT INTO metric_totals (name, provider, label, value) VALUES ('n', 'p', 'l', 1)")
    status, answer = there.copy(url, "--verify-only")
    assert (status, answer["state"], answer["differences"]) == (DIFFERENT, "different", 3)
    found = {(row["table"], row["difference"]) for row in answer["different_rows"]}
    assert ("preferences", "changed") in found and ("objects", "missing") in found
    assert {kind for _, kind in found} == {"changed", "missing", "extra"}
    [key] = [row["key"] for row in answer["different_rows"] if row["table"] == "preferences"]
    assert key == "name=Z"


def test_a_dry_run_writes_nothing(source, target):
    file = copies.new_file()
    for url in (target, file):
        status, answer = source.copy(url, "--dry-run")
        assert (status, answer["state"], answer["written"]) == (OK, "dry_run", 0)
        assert answer["rows"] > 0
    assert copies.tables(target) == []
    assert source.refused("--from", file, "--to", target)[0] == MISSING


def test_a_database_with_rows_of_its_own_is_left_alone(source, target):
    other_service = Copier(target).made()
    before = copies.contents(target)
    status, said = source.refused("--to", target)
    assert status == DIFFERENT and "rows of its own" in said
    assert copies.contents(target) == before
    assert other_service.run("info").returncode == OK


def test_a_database_of_something_else_is_left_alone(source, target):
    copies.run(target, "CREATE TABLE theirs (id BIGINT PRIMARY KEY)")
    status, said = source.refused("--to", target)
    assert status == DIFFERENT and "theirs" in said
    assert copies.tables(target) == ["theirs"]


def test_a_fresh_database_of_the_service_will_do(source, target):
    assert Copier(target).run("migrate").returncode == OK
    assert source.copy(target)[1]["state"] == "finished"
    assert copies.contents(target) == copies.contents(source.url)


def begin(source, target):
    """Leave a copy unfinished."""
    assert source.copy(target, "--online")[1]["state"] == "unfinished"


def test_an_unfinished_copy_goes_on_from_its_own_source_only(source, target):
    begin(source, target)
    status, said = Copier().made().refused("--to", target)
    assert status == DIFFERENT and "another database" in said
    status, said = source.refused("--from", target, "--to", copies.new_file())
    assert status == NOT_READY and "not finished" in said
    status, answer = source.copy(target)
    assert (status, answer["state"], answer["resumed"]) == (OK, "finished", True)
    assert answer["written"] == 0, "nothing is written twice"


def test_an_older_schema_is_to_be_migrated_first(source, target):
    copies.run(source.url, "DELETE FROM schema_migrations WHERE version = "
                           "(SELECT MAX(version) FROM schema_migrations)")
    status, said = source.refused("--to", target)
    assert status == NOT_READY and "simpletuner-cloud migrate" in said
    assert copies.tables(target) == []


@pytest.mark.parametrize("value", ["CAST(x'610062' AS TEXT)", "CAST(x'ff41' AS TEXT)", "x'6162'"],
                         ids=["nul", "no-utf8", "blob"])
def test_what_not_every_database_can_hold_is_found_before_anything_is_written(source, target,
                                                                              value):
    copies.run(source.url, f"UPDATE preferences SET value = {value} WHERE name = 'Z'")
    status, said = source.refused("--to", target)
    assert status == CONFIG and "preferences, name=Z" in said and "value" in said
    assert copies.tables(target) == []


@pytest.mark.parametrize("value", ["'abc'", "1.5", "x'01'"])
def test_a_number_that_is_none_is_found_too(source, target, value):
    copies.run(source.url, f"UPDATE buckets SET files = {value} WHERE bucket = 'b1'")
    status, said = source.refused("--to", target)
    assert status == CONFIG and "buckets, bucket=b1" in said and "number" in said
    assert copies.tables(target) == []


@pytest.mark.parametrize("arguments, mention", [
    ([], "--to"),
    (["--to", "mongodb://somewhere"], "sqlite:///"),
    (["--to", "sqlite:relative.db"], "sqlite:///"),
    (["--to", "sqlite:///tmp/x.db", "--to-env", "PATH"], "not both"),
    (["--to-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
    (["--to", "sqlite:///tmp/x.db", "--online", "--dry-run"], "one of"),
])
def test_wrong_input_is_refused_with_what_is_right(source, arguments, mention):
    status, said = source.refused(*arguments)
    assert status == CONFIG and mention in said


def test_a_database_is_not_copied_onto_itself(source):
    status, said = source.refused("--to", source.url)
    assert status == CONFIG and "the same database" in said


def test_passwords_are_given_where_nobody_sees_them(source, target):
    secret = "tr0ub4dor"
    url = target.replace("postgres@", f"postgres:{secret}@")
    for given in (url, f"{target}?password={secret}"):
        status, said = source.refused("--to", given)
        assert status == CONFIG and "--to-env" in said and secret not in said
    result = source.run("copy", "--to-env", "COPY_URL", COPY_URL=url)
    assert result.returncode == OK and secret not in result.stdout + result.stderr
    assert secret not in repr(copies.contents(target))
