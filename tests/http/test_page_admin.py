"""The page: users, levels, keys, quotas and organisations, as an administrator handles them."""

import requests

import expect
from page_admin import (DIALOG, PASSWORD, answer, boss, dismiss, go, new_user, row, sign_in, staff,
                        tick, watched)

FIXTURES = (boss, staff)
USERS = "/api/users"


def user_named(stack, name):
    users = expect.ok(stack.get(f"{USERS}?limit=500&include_inactive=true"))["users"]
    return next((user for user in users if user["username"] == name), None)


def test_a_user_who_is_made_in_the_page_signs_in_and_sees_less(staff, boss, browser):
    go(boss, "admin/users", "Users")
    boss.click("button", "New user")
    boss.fill("User name", "hopper", DIALOG)
    boss.fill("Password", "short", DIALOG)
    boss.click("button", "Create", DIALOG)
    boss.see(f"{DIALOG} .field:has(input[type=password]) .error", "password")
    boss.fill("Password", PASSWORD, DIALOG)
    answer(boss, "Create")
    boss.fill("Search name, address or level", "hopp")
    boss.see("tbody tr", "hopper")
    assert "researcher" in row(boss, "hopper")
    with watched(browser, allowed=(403,)):
        sign_in(browser, staff, "hopper")
        browser.see("#tabs a", "Admin")
        browser.click("link", "Admin")
        browser.see("h2", "API keys")
        browser.gone("#subtabs a", "Users")
        browser.go("#/admin/users")
        browser.see("[role=alert]", "You may not see this page.")
        assert "Pending approvals" not in browser.text("body")


def test_a_level_is_made_of_permissions_and_taken_away_again(staff, boss):
    go(boss, "admin/levels", "Levels")
    boss.click("button", "New level")
    boss.fill("Name", "not a name", DIALOG)
    boss.click("button", "Save", DIALOG)
    boss.see(f"{DIALOG} .field .error", "name must be")
    boss.fill("Name", "guests", DIALOG)
    tick(boss, "See own jobs job.view.own")
    answer(boss, "Save")
    boss.see("tbody tr", "guests")
    level = next(level for level in expect.ok(staff.get(f"{USERS}/levels"))["levels"]
                 if level["name"] == "guests")
    assert level["permissions"] == ["job.view.own"]
    boss.click("button", "Delete: guests")
    boss.see(DIALOG, "Users with only this level will lose access.")
    answer(boss, "Delete")
    boss.gone("tbody tr", "guests")


def test_permissions_are_granted_and_denied_with_what_comes_of_it(staff, boss):
    user_id = new_user(staff, "turing", "researcher")
    go(boss, f"admin/users/{user_id}", "turing")
    boss.run("await page.locator('summary').filter({ hasText: 'Jobs' }).first().click()")
    boss.click("button", "Deny: Submit jobs")
    boss.see("tr:has-text('job.submit')", "denied")
    boss.click("button", "Grant: See all jobs")
    boss.see("tr:has-text('job.view.all')", "granted")
    rights = expect.ok(staff.get(f"{USERS}/{user_id}"))["permissions"]
    assert "job.submit" not in rights and "job.view.all" in rights
    boss.click("button", "As the levels say: Submit jobs")
    boss.gone("tr:has-text('job.submit') .badge", "denied")
    assert "job.submit" in expect.ok(staff.get(f"{USERS}/{user_id}"))["permissions"]


def test_a_user_is_deactivated_and_deleted_only_after_the_name_is_typed(staff, boss):
    user_id = new_user(staff, "curie", "viewer")
    go(boss, f"admin/users/{user_id}", "curie")
    boss.click("button", "Deactivate")
    answer(boss, "Deactivate")
    boss.see(".facts", "Inactive")
    assert user_named(staff, "curie")["is_active"] is False
    boss.click("button", "Delete")
    boss.fill("Type “curie” to confirm", "curi", DIALOG)
    boss.click("button", "Delete", DIALOG)
    boss.see(f"{DIALOG} .field .error", "exactly")
    assert user_named(staff, "curie")
    boss.fill("Type “curie” to confirm", "curie", DIALOG)
    answer(boss, "Delete")
    boss.see("h2", "Users")
    assert user_named(staff, "curie") is None


def test_an_api_key_is_shown_once_works_and_ends(staff, boss):
    go(boss, "admin/keys", "API keys")
    boss.click("button", "New API key")
    boss.fill("Name", "build robot", DIALOG)
    tick(boss, "See own jobs job.view.own")
    boss.click("button", "Create", DIALOG)
    boss.see(DIALOG, "cannot be read again")
    key = boss.text(f"{DIALOG} code")
    asked = {"headers": {"X-API-Key": key}, "timeout": 10}
    assert requests.get(f"{staff.url}/api/cloud/jobs", **asked).status_code == 200
    assert requests.get(f"{staff.url}{USERS}", **asked).status_code == 403
    answer(boss, "I have kept it")
    boss.see("tr", "build robot")
    assert key not in boss.run("return page.content()")
    boss.click("button", "Revoke: build robot")
    answer(boss, "Revoke")
    boss.gone("tbody tr", "ci")
    assert requests.get(f"{staff.url}/api/cloud/jobs", **asked).status_code == 401


def test_a_quota_that_is_set_is_hit_and_looked_up(staff, boss):
    new_user(staff, "noether", "researcher")
    go(boss, "admin/quotas", "Quotas")
    boss.click("button", "Set a quota")
    boss.choose("For", "user")
    boss.run("await page.locator('dialog').getByLabel('User', { exact: true })"
             ".selectOption({ label: 'noether' })")
    boss.run("await page.locator('dialog').getByLabel('Type', { exact: true })"
             ".selectOption('jobs_per_day')")
    boss.fill("Limit", "0", DIALOG)
    boss.click("button", "Save", DIALOG)
    boss.see(f"{DIALOG} .field .error", "limit_value")
    boss.fill("Limit", "1", DIALOG)
    answer(boss, "Save")
    assert "noether" in row(boss, "Jobs in 24 hours")
    login = requests.Session()
    csrf = login.post(f"{staff.url}/api/auth/login", json={
        "username": "noether", "password": PASSWORD}, timeout=10).json()["csrf_token"]
    codes = [login.post(f"{staff.url}/api/cloud/jobs/submit", timeout=20, headers={
        "X-CSRF-Token": csrf}, json={"config": {"model_type": "lora"}}).status_code
        for _ in range(2)]
    assert codes == [200, 403]
    boss.run("await page.locator('.admin-filters').getByLabel('User', { exact: true })"
             ".selectOption({ label: 'noether' })")
    boss.click("button", "Look up")
    boss.see(".badge", "May not submit jobs")
    assert "1 / 1" in row(boss, "100 %")
    boss.click("button", "Delete: Jobs in 24 hours User")
    answer(boss, "Delete")
    boss.gone("tbody tr", "noether")


def test_an_organisation_has_members_teams_and_ceilings(staff, boss):
    new_user(staff, "lovelace", "researcher")
    go(boss, "admin/orgs", "Organisations")
    boss.click("button", "New organisation")
    boss.fill("Name", "Engines", DIALOG)
    answer(boss, "Save")
    boss.click("link", "Engines")
    boss.see("h2", "Members")
    boss.click("button", "Add a member")
    boss.run("await page.locator('dialog select').selectOption({ label: 'lovelace' })")
    answer(boss, "Add")
    boss.see("tr", "lovelace")
    dismiss(boss)
    boss.click("button", "New team")
    boss.fill("Name", "Weavers", DIALOG)
    answer(boss, "Save")
    dismiss(boss)
    boss.click("button", "Set a ceiling")
    boss.fill("Limit", "12.5", DIALOG)
    answer(boss, "Save")
    assert "$12.50" in row(boss, "Cost in 30 days")
    dismiss(boss)
    boss.click("link", "Weavers")
    boss.see("h2", "Weavers")
    boss.click("button", "Add a member")
    answer(boss, "Add")
    boss.see("tr", "lovelace")


def test_a_resource_rule_is_tied_to_a_level(staff, boss):
    go(boss, "admin/rules", "Resource rules")
    boss.click("button", "New rule")
    boss.fill("Name", "Small ones", DIALOG)
    boss.fill("Pattern", "small-*", DIALOG)
    answer(boss, "Save")
    assert "small-*" in row(boss, "Small ones")
    go(boss, "admin/levels", "Levels")
    boss.click("button", "Rules: viewer")
    tick(boss, "Small ones Allow · Configuration · small-*")
    answer(boss, "Save")
    level = next(level for level in expect.ok(staff.get(f"{USERS}/levels"))["levels"]
                 if level["name"] == "viewer")
    [rule] = expect.ok(staff.get(f"{USERS}/levels/{level['id']}/rules"))["rules"]
    assert rule["pattern"] == "small-*"
    go(boss, "admin/rules", "Resource rules")
    boss.click("button", "Delete: Small ones")
    boss.see(DIALOG, "This cannot be undone.")
    answer(boss, "Delete")
    boss.gone("tbody tr", "Small ones")
