"""The page: approvals, from the submission that must wait to the job that runs, or does not."""

import pytest

import expect
from page_admin import DIALOG, answer, boss, go, new_user, row, sign_in, staff, tick, watched
from people import Person
from waiting import until

FIXTURES = (boss, staff)
REQUESTS = "/api/approvals/requests"
RULES = "/api/approvals/rules"


@pytest.fixture(scope="module")
def owner(staff):
    """Somebody whose portraits must wait."""
    answer = staff.post(RULES, json={"name": "Portraits", "condition": "config_pattern",
                                     "threshold": "portrait-*"})
    assert answer.status_code == 200, answer.text
    return Person(staff, "vermeer", "researcher")


def submit(owner, name):
    """A job that waits: its id."""
    answer = owner.post("/api/cloud/jobs/submit", json={
        "config": {"model_type": "lora", "max_train_steps": 10}, "config_name": name})
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


def job(staff, job_id):
    return expect.ok(staff.get(f"/api/cloud/jobs/{job_id}"))["job"]


def request_of(staff, job_id):
    return expect.ok(staff.get(f"{REQUESTS}/job/{job_id}"))


def test_a_job_that_is_approved_in_the_page_runs(staff, owner, boss):
    go(boss, "approvals", "Pending approvals")
    job_id = submit(owner, "portrait-one")
    boss.see("tbody tr", "portrait-one")  # by the event, without a reload
    assert "vermeer" in row(boss, "portrait-one") and "$" in row(boss, "portrait-one")
    number = request_of(staff, job_id)["id"]
    boss.click("button", f"Approve: #{number} vermeer")
    boss.fill("Notes (optional)", "<b>fine</b>", DIALOG)
    answer(boss, "Approve")
    boss.gone("tbody tr", "portrait-one")
    until(lambda: staff.sim.find_job(job_id), 20, "the job does not reach the provider")
    assert job(staff, job_id)["status"] not in ("blocked", "failed", "cancelled")
    go(boss, "approvals/history", "History")
    assert "<b>fine</b>" in row(boss, "portrait-one")  # text stays text
    staff.post(f"/api/cloud/jobs/{job_id}/cancel")


def test_many_are_rejected_at_once_with_a_reason(staff, owner, boss):
    jobs = [submit(owner, f"portrait-many-{number}") for number in range(3)]
    go(boss, "approvals", "Pending approvals")
    assert boss.run("return page.getByRole('button', { name: 'Reject selected' }).isDisabled()")
    boss.run("await page.getByLabel('Select all', { exact: true }).first().check()")
    boss.see(".toolbar", "3 selected")
    boss.click("button", "Reject selected")
    boss.click("button", "Reject", DIALOG)
    boss.see(f"{DIALOG} .field .error")  # without a reason nothing happens
    assert request_of(staff, jobs[0])["status"] == "pending"
    boss.fill("Reason", "too dear this month", DIALOG)
    answer(boss, "Reject")
    boss.see(".empty", "Nothing waits for approval.")
    for job_id in jobs:
        assert request_of(staff, job_id)["status"] == "rejected"
        assert "too dear this month" in job(staff, job_id)["error_message"]


def test_what_somebody_else_has_decided_is_told_one_by_one(staff, owner, boss):
    jobs = [submit(owner, f"portrait-race-{number}") for number in range(2)]
    go(boss, "approvals", "Pending approvals")
    tick(boss, "Select all", ".toolbar")
    boss.click("button", "Approve selected")
    gone = request_of(staff, jobs[0])["id"]
    expect.ok(staff.post(f"{REQUESTS}/{gone}/reject", json={"reason": "first"}))
    boss.click("button", "Approve", DIALOG)
    boss.see(DIALOG, f"#{gone}: Request already processed")
    answer(boss, "Close")
    assert request_of(staff, jobs[1])["status"] == "approved"
    staff.post(f"/api/cloud/jobs/{jobs[1]}/cancel")


def test_a_rule_is_made_changed_and_deleted_by_the_keyboard_alone(staff, boss):
    go(boss, "approvals/rules", "Approval rules")
    boss.run("await page.getByRole('button', { name: 'New rule' }).focus()")
    boss.press("Enter")
    boss.see(DIALOG)
    assert boss.focused()[0] == "INPUT"
    boss.run("await page.keyboard.type('Dear jobs')")
    for _ in range(3):
        boss.press("Tab")
    boss.run("await page.keyboard.type('many')")
    boss.press("Enter")
    boss.see(f"{DIALOG} .field .error", "threshold must be")
    assert boss.focused()[0] == "INPUT"  # at the field that is wrong
    boss.press("Control+A")
    boss.run("await page.keyboard.type('75')")
    boss.press("Enter")
    boss.gone(DIALOG)
    boss.see("tbody tr", "Dear jobs")
    assert boss.focused()[2] == "New rule"  # and back where it began
    [rule] = [rule for rule in expect.ok(staff.get(RULES))["rules"] if rule["name"] == "Dear jobs"]
    assert (rule["condition"], rule["threshold"], rule["is_active"]) == ("cost_exceeds", "75", True)
    for _ in range(10):
        boss.press("Tab")
        if boss.run("return page.evaluate(() => document.activeElement.ariaLabel)") == \
                "Disable: Dear jobs":
            break
    boss.press("Enter")
    boss.see("tr:has-text('Dear jobs') button", "Enable")
    boss.press("Tab")
    boss.press("Tab")
    boss.press("Enter")
    boss.see(DIALOG, "This cannot be undone.")
    boss.press("Tab")
    boss.press("Enter")
    boss.gone("tbody tr", "Dear jobs")


def test_ones_own_request_is_withdrawn(staff, owner, browser):
    new_user(staff, "hals", "researcher")
    with watched(browser):
        sign_in(browser, staff, "hals")
        browser.run("""await page.evaluate(async () => {
          const { post } = await import('/static/api.js');
          await post('/api/cloud/jobs/submit', { config: { model_type: 'lora' },
            config_name: 'portrait-own' });
        })""")
        go(browser, "approvals/mine", "My requests")
        browser.gone("#subtabs a", "Approval rules")
        assert "Pending" in row(browser, "portrait-own")
        browser.run("await page.getByRole('button', { name: /^Withdraw/ }).first().click()")
        answer(browser, "Withdraw")
        browser.see("tr:has-text('portrait-own')", "Cancelled")
