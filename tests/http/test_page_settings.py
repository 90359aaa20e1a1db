"""The page: Advanced Configuration and the other settings, webhook deliveries, one's own keys."""

import pytest

from page_parts import VIEWS, unexpected
from stack import PROVIDER

SETTINGS = "#/cloud/settings"
ADVANCED = f"{PROVIDER}/advanced"
QUESTION = ("Disabling SSL verification is a security risk. Only do this if you have a self-signed "
            "certificate or are behind a corporate proxy. Continue?")


@pytest.fixture
def settings(page_stack, browser):
    """The stack, with the settings to be seen in the browser."""
    page_stack.reset()
    browser.sign_in(page_stack, path=SETTINGS)
    browser.see("#advanced")
    return page_stack


def stored(stack):
    """All settings of the provider, as the service has them."""
    return stack.get(PROVIDER).json()["config"] | stack.get(ADVANCED).json()


def enter(browser, label, text):
    browser.fill(label, text)
    browser.press("Tab")


def saved(browser):
    browser.see(".toast", "Setting saved")
    browser.run("await page.locator('.toast button').evaluateAll((all) => all.forEach((one) => one.click()))")


def error_of(browser, label):
    return browser.run(
        "const at = page.getByLabel(args, { exact: true }).first();"
        "const id = (await at.getAttribute('aria-describedby')).split(' ').pop();"
        "const error = page.locator('#' + id); await error.waitFor(); return error.innerText()", label)


GOOD = [("Proxy URL", "proxy_url", "http://proxy.corp.example:8080", "http://proxy.corp.example:8080"),
        ("HTTP Timeout", "http_timeout", "45", 45),
        ("Public URL", "webhook_url", "https://train.example.org", "https://train.example.org"),
        ("S3 public URL", "s3_public_url", "https://files.example.org", "https://files.example.org"),
        ("Output path", "s3_output_path", "/srv/outputs", "/srv/outputs")]


def test_each_field_is_saved_as_soon_as_it_is_changed(settings, browser):
    for label, name, text, value in GOOD:
        enter(browser, label, text)
        saved(browser)
        assert stored(settings)[name] == value, label
    enter(browser, "Proxy URL", "")
    saved(browser)
    assert not stored(settings)["proxy_url"]
    browser.run("await page.reload()")
    assert browser.value("HTTP Timeout") == "45"
    settings.configure(s3_public_url="", s3_output_path="")
    assert unexpected(browser.complaints()) == []


BAD = [("CA Bundle Path", "/no/such/file.pem", "does not exist"),
       ("Proxy URL", "proxy.corp.example", "must be an http, https, socks5"),
       ("HTTP Timeout", "601", "600"),
       ("Public URL", "example.org", "http or https URL"),
       ("S3 public URL", "ftp://example.org", "http or https URL"),
       ("Output path", "relative/path", "absolute path")]


def test_what_is_wrong_is_told_at_the_field_and_the_old_value_is_back(settings, browser):
    before = stored(settings)
    for label, text, part in BAD:
        old = browser.value(label)
        enter(browser, label, text)
        assert part in error_of(browser, label)
        assert browser.value(label) == old, label
    assert stored(settings) == before


def test_a_stored_proxy_password_is_never_shown(settings, browser):
    enter(browser, "Proxy URL", "http://user:hunter2@proxy.corp.example:8080")
    saved(browser)
    assert "hunter2" not in browser.value("Proxy URL")
    browser.run("await page.reload()")
    browser.see("#advanced")
    assert "hunter2" not in browser.run("return page.content()")
    assert browser.value("Proxy URL").startswith("http://user:")
    settings.configure(proxy_url="")


def test_no_ssl_verification_is_asked_for_once_per_page(settings, browser):
    switch = "switch", "SSL Verification"
    browser.click(*switch)
    assert browser.text("dialog p") == QUESTION
    browser.press("Escape")
    browser.gone("dialog")
    assert stored(settings)["ssl_verify"] is True
    browser.run("await page.getByRole('switch', "
                "{ name: 'SSL Verification', checked: true }).waitFor()")
    browser.click(*switch)
    browser.click("button", "OK", within="dialog")
    saved(browser)
    assert stored(settings)["ssl_verify"] is False
    browser.see(".note.bad", "Certificates of this provider are not checked")
    browser.click(*switch)
    saved(browser)
    assert stored(settings)["ssl_verify"] is True
    browser.click(*switch)  # not asked again
    saved(browser)
    assert stored(settings)["ssl_verify"] is False
    browser.run("await page.reload()")
    browser.click(*switch)
    saved(browser)
    browser.click(*switch)
    assert browser.text("dialog p") == QUESTION


def test_webhook_ranges_are_checked_added_and_removed(settings, browser):
    for bad, part in (("10.0.0.0/33", "at most 32"), ("300.1.1.1", "Not an address"),
                      ("fe80::/129", "at most 128"), ("example.org", "Not an address")):
        browser.fill("IP range", bad)
        browser.press("Enter")
        assert part in error_of(browser, "IP range")
        assert stored(settings)["webhook_allowed_ips"] == []
    assert unexpected(browser.complaints()) == []  # nothing was sent
    for good in ("10.0.0.0/8", "1.2.3.4/32", "2001:db8::/32"):
        browser.fill("IP range", good)
        browser.press("Enter")
        browser.see("#webhook-ips code", good)
    saved(browser)
    assert stored(settings)["webhook_allowed_ips"] == ["10.0.0.0/8", "1.2.3.4/32", "2001:db8::/32"]
    browser.fill("IP range", "010.0.0.0/8")  # looks right, and the service knows better
    browser.press("Enter")
    assert "Invalid IP address or CIDR" in error_of(browser, "IP range")
    browser.click("button", "Remove 1.2.3.4/32")
    browser.gone("#webhook-ips code", "1.2.3.4/32")
    assert "1.2.3.4/32" not in stored(settings)["webhook_allowed_ips"]


def test_webhooks_are_tested_with_their_latency(settings, browser):
    browser.see("#endpoint", f"{settings.url}/api/webhooks/replicate")
    browser.click("button", "Test from here")
    browser.see(".result.good", "ms)")
    assert unexpected(browser.complaints()) == []


def test_a_spending_limit_is_set_and_shown(settings, browser):
    enter(browser, "Amount, USD", "0")
    assert error_of(browser, "Amount, USD")
    enter(browser, "Amount, USD", "50")
    saved(browser)
    browser.click("switch", "Limit what may be spent")
    saved(browser)
    browser.see("#limit .meter", "of $50.00")
    browser.choose("At the limit", "block")
    saved(browser)
    config = stored(settings)
    assert (config["cost_limit_enabled"], config["cost_limit_amount"], config["cost_limit_action"]) \
        == (True, 50, "block")
    settings.configure(cost_limit_enabled=False, cost_limit_action="warn")
    assert unexpected(browser.complaints()) == []


def test_the_token_is_tested_replaced_and_removed(settings, browser):
    browser.click("button", "Test")
    browser.see(".account", "Connected as")
    browser.click("button", "Disconnect")
    browser.click("button", "Disconnect", within="dialog")
    browser.see(".badge", "Setup")
    browser.fill("Replicate API token", settings.sim.token)
    browser.click("button", "Save & Connect")
    browser.see(".badge", "Ready")
    assert unexpected(browser.complaints()) == []


# deliveries and keys


def test_deliveries_are_shown_as_text_and_replayed(page_stack, browser):
    page_stack.reset()
    job = page_stack.new_job(config_name="delivered")
    page_stack.sim.advance(job.prediction_id, "processing", logs="<script>alert(1)</script>\n")
    page_stack.settle()
    browser.sign_in(page_stack, path=f"#/deliveries?job={job.job_id}")
    browser.see("#deliveries .badge", "applied")
    browser.run("await page.getByRole('button', { name: /^Show delivery/ }).first().click()")
    browser.see("dialog pre", "<script>alert(1)</script>")
    browser.click("button", "Close", within="dialog .actions:last-child")
    browser.gone("dialog")
    browser.run("await page.getByRole('button', { name: /^Replay delivery/ }).first().click()")
    browser.click("button", "Replay", within="dialog")
    browser.see(".toast", "Replayed: no change")
    browser.choose("Outcome", "failed")
    browser.see("#deliveries .empty", "No deliveries.")
    assert unexpected(browser.complaints()) == []


def test_own_keys_are_made_shown_once_and_revoked(page_stack, browser):
    browser.sign_in(page_stack, path="#/account")
    browser.fill("Name", "laptop", within="#add-key")
    browser.click("button", "Create the key")
    key = browser.text("dialog code")
    assert page_stack.get("/api/users/me", headers={"X-API-Key": key}).status_code == 200
    browser.click("button", "I have noted it", within="dialog")
    browser.see("td", "laptop")
    assert key not in browser.run("return page.content()")
    browser.run("await page.locator('tr', { hasText: 'laptop' }).getByRole('button').click()")
    browser.click("button", "Revoke", within="dialog")
    browser.gone("td", "laptop")
    assert page_stack.get("/api/users/me", headers={"X-API-Key": key}).status_code == 401
    browser.fill("Name", "rclone", within="#add-s3")
    browser.click("button", "Create S3 keys")
    browser.see("dialog", "Secret access key")
    browser.press("Escape")
    browser.fill("Name that is shown", "The Boss")
    browser.click("button", "Save", within="#profile")
    browser.see(".toast", "Setting saved")
    assert page_stack.get("/api/users/me").json()["display_name"] == "The Boss"
    assert unexpected(browser.complaints()) == []


# what the page asks for is what the service answers


SAFE = "button:not([aria-haspopup]):not(:disabled)"
LEAVING = ("Sign out", "Download", "Disconnect", "Submit", "Use this host", "Test from outside")


def test_every_button_of_every_view_speaks_the_language_of_the_service(page_stack, browser):
    """Presses one of each there is to press; a question is answered with the way back."""
    page_stack.reset()
    job = page_stack.new_job(config_name="pressed")
    page_stack.sim.advance(job.prediction_id, "processing", logs="step 1/2\n")
    browser.sign_in(page_stack)
    for name, path in VIEWS.items() | {("job", f"#/jobs/{job.job_id}")}:
        browser.go("#/cloud")
        browser.go(path)
        browser.settled()
        pressed = browser.run(
            "const names = await page.locator(`main ${args[0]}`).evaluateAll((all) =>"
            " all.map((one) => one.innerText.trim()));"
            "let pressed = 0;"
            "for (let n = 0; n < names.length; n += 1) {"
            "  const at = page.locator(`main ${args[0]}`).nth(n);"
            "  if (args[1].includes(names[n]) || names.indexOf(names[n]) < n) continue;"
            "  if (!await at.isVisible().catch(() => false)) continue;"
            "  await at.click({ timeout: 2000 }).catch(() => {});"
            "  pressed += 1;"
            "  await tools.quiet();"
            "  if (await page.locator('dialog').count()) await page.keyboard.press('Escape');"
            "}"
            "await tools.quiet(); return pressed", [SAFE, LEAVING])
        assert pressed, name
        assert unexpected(browser.complaints()) == [], name
