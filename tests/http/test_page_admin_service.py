"""The page: the audit log, metrics, and the switches of the service."""

import expect
from page_admin import DIALOG, answer, boss, go, row, staff

FIXTURES = (boss, staff)
METRICS = "/api/cloud/metrics/config"
REGISTRATION = "/api/cloud/settings/registration"


def test_verify_says_valid_and_broken_after_a_row_is_changed(staff, boss):
    go(boss, "admin/audit", "Audit")
    boss.click("button", "Verify chain")
    boss.see(".note", "Every entry is what was written, and none is missing.")
    [[number, action]] = staff.query(
        "SELECT audit_id, action FROM audit_log ORDER BY audit_id DESC LIMIT 1 OFFSET 3")
    staff.change("UPDATE audit_log SET action = 'nothing' WHERE audit_id = %s", number)
    try:
        boss.click("button", "Verify chain")
        boss.see(".note.bad", "The log is not what was written")
        assert "Changed after it was written" in row(boss, str(number))
    finally:
        staff.change("UPDATE audit_log SET action = %s WHERE audit_id = %s", action, number)
    boss.click("button", "Verify chain")
    boss.see(".note", "Every entry is what was written")


def test_the_log_is_filtered_looked_into_and_downloaded(staff, boss):
    staff.put("/api/cloud/polling/setting", json={"enabled": False})
    staff.put("/api/cloud/polling/setting", json={"enabled": True})
    go(boss, "admin/audit", "Audit")
    boss.run("await page.getByLabel('Type', { exact: true })"
             ".selectOption('config.polling_changed')")
    boss.fill("Actor", "boss")
    boss.click("button", "Filter")
    boss.see("tbody tr", "config.polling_changed")
    boss.gone("tbody tr", "auth.login.success")
    boss.run("await page.getByRole('button', { name: /^Details/ }).first().click()")
    boss.see(f"{DIALOG} pre", "enabled")
    answer(boss, "Close")
    text = boss.run("""const [file] = await Promise.all([page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download' }).click()]);
      const { readFileSync } = await import('node:fs');
      return readFileSync(await file.path(), 'utf8');""")
    assert '"config.polling_changed"' in text and text.count("\n") > 3


def test_where_the_log_is_forwarded_is_said_at_the_field(staff, boss):
    go(boss, "admin/audit", "Audit")
    boss.click("button", "Edit: Forwarding")
    boss.fill("Syslog", "gopher://nowhere", DIALOG)
    boss.click("button", "Save", DIALOG)
    boss.see(f"{DIALOG} .field .error", "syslog_url must be")
    boss.press("Escape")
    boss.gone(DIALOG)
    assert expect.ok(staff.get("/api/audit/export-config"))["syslog_url"] is None


def test_a_template_is_applied_and_the_preview_shows_its_categories(staff, boss):
    staff.put(METRICS, json={"prometheus_enabled": False, "prometheus_categories": ["jobs"],
                             "prometheus_legacy_names": True})
    go(boss, "admin/metrics", "Metrics")
    boss.see("pre", "simpletuner_jobs")
    assert "simpletuner_http" not in boss.text("pre[aria-label=Preview]")
    boss.click("button", "Apply: standard")
    boss.see(".admin-template:has-text('Standard')", "in use")
    boss.see("pre[aria-label=Preview]", "simpletuner_http_requests_total")
    assert expect.ok(staff.get(METRICS))["prometheus_enabled"] is True
    boss.run("await page.getByRole('checkbox', { name: /^Rate Limiting/ }).check()")
    boss.see("pre[aria-label=Preview]", "simpletuner_rate_limit")  # before it is saved
    assert "rate_limits" not in expect.ok(staff.get(METRICS))["prometheus_categories"]
    boss.click("button", "Save categories")
    boss.see(".toast", "Saved.")
    assert "rate_limits" in expect.ok(staff.get(METRICS))["prometheus_categories"]
    boss.run("await page.getByRole('switch').uncheck()")
    boss.see(".facts", "Off")
    assert expect.ok(staff.get(METRICS))["prometheus_enabled"] is False
    assert staff.url.removeprefix("http://") in boss.text("pre[aria-label='Scrape configuration']")


def test_registration_breakers_and_limits_are_shown_and_switched(staff, boss):
    go(boss, "admin/service", "Registration")
    boss.run("await page.getByLabel('Allow registration').check()")
    boss.run("await page.getByLabel('Level of new users').selectOption('viewer')")
    boss.click("button", "Save")
    boss.see(".note", "E-mail is not set up")
    assert expect.ok(staff.get(REGISTRATION))["enabled"] is True
    staff.put(REGISTRATION, json={"enabled": False, "default_level": "researcher"})
    assert "Closed" in row(boss, "replicate")
    boss.click("button", "Reset: replicate")
    answer(boss, "Reset")
    boss.see(".toast", "The breaker is closed.")
    boss.see(".badge", "Healthy")
    boss.see("code", "/api/auth/login")
