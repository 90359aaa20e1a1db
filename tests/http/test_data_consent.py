"""What would be sent to the provider, and whether it may."""

import pytest

import expect
import local_data
from local_data import CONSENT, PREVIEW, accepted, ended, entry, make, submit

FILES = {"a.png": b"x" * (1 << 20), "deeper/b.txt": b"y" * (1 << 19), ".hidden": b"z"}


@pytest.fixture(autouse=True)
def ask(cloud):
    """As nobody had chosen, and afterwards too."""
    expect.ok(cloud.put(CONSENT, json={"consent": "ask"}))
    yield
    expect.ok(cloud.put(CONSENT, json={"consent": "ask"}))


def preview(cloud, *entries):
    return cloud.post(PREVIEW, json=list(entries))


def test_a_new_service_asks(new_stack):
    assert expect.ok(new_stack().get(CONSENT))["consent"] == "ask"


def test_the_preview_tells_what_would_be_sent(cloud):
    directory = make(cloud, FILES)
    body = expect.ok(preview(cloud, entry(directory), {"id": "texts", "type": "aws"},
                             entry(directory, id="again", type="")))
    one = {"id": "pictures", "type": "local", "instance_data_dir": str(directory),
           "file_count": 2, "total_size_mb": 1.5}
    assert body == {"requires_upload": True, "consent_mode": "ask",
                    "datasets": [one, one | {"id": "again"}], "total_files": 2,
                    "total_size_mb": 1.5, "message": body["message"]}


def test_without_local_data_nothing_would_be_sent(cloud):
    for entries in ([], [{"id": "a"}], [entry("/etc", type="aws")]):
        body = expect.ok(preview(cloud, *entries))
        assert body["requires_upload"] is False and body["datasets"] == []
        assert (body["total_files"], body["total_size_mb"]) == (0, 0)


def test_the_preview_looks_below_the_roots_only(cloud):
    expect.error(preview(cloud, entry("/etc")), 403, "dataloader_config[0].instance_data_dir")
    expect.error(preview(cloud, {}, entry(cloud.data_root / "x")), 400, "dataloader_config[1]")


@pytest.mark.parametrize("body", [b"{}", b"7", b"null", b"", b"[", b"[" * 50])
def test_a_preview_wants_an_array(cloud, body):
    answer = cloud.post(PREVIEW, data=body, headers={"Content-Type": "application/json"})
    expect.error(answer, 400)


@pytest.mark.parametrize("item", [7, "x", None, []])
def test_an_entry_that_is_no_object_is_refused(cloud, item):
    expect.error(preview(cloud, {}, item), 400, "dataloader_config[1]")


@pytest.mark.parametrize("consent", ["ask", "allow", "deny"])
def test_the_answer_is_kept(cloud, consent):
    assert expect.ok(cloud.put(CONSENT, json={"consent": consent})) == {"success": True,
                                                                        "consent": consent}
    assert expect.ok(cloud.get(CONSENT))["consent"] == consent
    assert expect.ok(preview(cloud))["consent_mode"] == consent
    assert cloud.query("SELECT action FROM audit_log WHERE event_type = %s",
                       "config.data_consent_changed")


@pytest.mark.parametrize("body", [{}, {"consent": "maybe"}, {"consent": None}, {"consent": 1},
                                  {"consent": "Allow"}, {"consent": "deny", "more": 1}, []], ids=str)
def test_another_answer_is_refused(cloud, body):
    expect.error(cloud.put(CONSENT, json=body), 400)
    assert expect.ok(cloud.get(CONSENT))["consent"] == "ask"


def jobs_total(cloud):
    return expect.ok(cloud.get("/api/cloud/jobs?limit=1"))["total"]


def test_asked_a_submission_has_to_say_so(cloud):
    item = entry(make(cloud, FILES))
    before = jobs_total(cloud)
    for given in ({"data_consent": False}, {"data_consent": None}):
        expect.error(submit(cloud, item, **given), 409, '"data_consent": true')
    expect.error(submit(cloud, item, data_consent="yes"), 400, "data_consent")
    assert jobs_total(cloud) == before
    assert ended(cloud, accepted(cloud, item))["status"] == "queued"


def test_allowed_nobody_needs_to_say_so(cloud):
    expect.ok(cloud.put(CONSENT, json={"consent": "allow"}))
    job_id = accepted(cloud, entry(make(cloud, FILES)), data_consent=None)
    assert ended(cloud, job_id)["status"] == "queued"


def test_denied_nothing_is_sent(cloud):
    expect.ok(cloud.put(CONSENT, json={"consent": "deny"}))
    before = jobs_total(cloud)
    expect.error(submit(cloud, entry(make(cloud, FILES))), 403, "deny")
    assert jobs_total(cloud) == before
    assert expect.ok(cloud.submit(dataloader_config=[{"id": "a"}]))["status"] == "queued"


def test_a_denial_holds_for_what_waits(cloud):
    """Nothing is sent after a denial, also of jobs that were submitted before it."""
    cloud.sim.fault("slow", "POST", "/v1/files", seconds=1)
    first = accepted(cloud, entry(make(cloud, FILES)))
    local_data.hold(cloud, first)
    second = accepted(cloud, entry(make(cloud, FILES)))
    expect.ok(cloud.put(CONSENT, json={"consent": "deny"}))
    job = ended(cloud, second)
    assert job["status"] == "failed" and "deny" in job["error_message"]


def test_strangers_learn_and_change_nothing(cloud):
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    expect.error(cloud.get(CONSENT, headers=stranger), 401)
    expect.error(cloud.put(CONSENT, json={"consent": "allow"}, headers=stranger), 401)
    expect.error(cloud.post(PREVIEW, json=[], headers=stranger), 401)
