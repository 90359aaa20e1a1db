"""The administration of the page as people see it: where to go, whom to be, what to find."""

import contextlib

import pytest

DIALOG = "dialog[open]"
PASSWORD = "a long password"


@pytest.fixture(scope="module")
def staff(fleet):
    """A service with an administrator, and at the end without what a module has set."""
    stack = fleet.get("lighttpd", "sqlite", staffed=True)
    stack.reset()
    yield stack
    for table in ("quotas", "approval_rules", "quota_excesses"):
        stack.change(f"DELETE FROM {table}")


@pytest.fixture
def boss(staff, browser):
    """A browser in which the administrator is signed in, and a check that no page complained."""
    with watched(browser):
        if getattr(browser, "boss_at", None) != staff.url:
            browser.sign_in(staff)
        browser.boss_at = staff.url
        yield browser


@contextlib.contextmanager
def watched(browser, allowed=()):
    """No exception, no violation of the policy; no refusal but those of `allowed` statuses."""
    browser.complaints()
    yield
    bad = [one for one in browser.complaints()
           if one["kind"] in ("exception", "policy")
           or (one["kind"] == "status" and one["status"] not in (400, 409, *allowed))]
    assert not bad, bad


def sign_in(browser, stack, name, path=""):
    """Somebody else than the administrator sits down."""
    browser.boss_at = None
    browser.sign_in(stack, name, PASSWORD, path)


def new_user(stack, name, *levels):
    answer = stack.post("/api/users", json={
        "username": name, "email": f"{name}@example.org", "password": PASSWORD,
        "level_names": list(levels)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def go(browser, path, heading):
    """Go to a view and wait until its content is there."""
    browser.go(f"#/{path}")
    browser.see("h2", heading)
    browser.gone("[aria-busy]")


def needs(stack, path):
    """Skip where the service has been built without these routes."""
    if stack.get(path).status_code == 404:
        pytest.skip(f"this service has no {path}")


def answer(browser, button):
    """Press a button of the dialog that is open, and wait until it has closed."""
    browser.click("button", button, DIALOG)
    browser.gone(DIALOG)


def dismiss(browser):
    """Close what says how things went: it stands before what is to be pressed next."""
    browser.run("await page.evaluate(() => document.querySelectorAll('.toast button')"
                ".forEach((one) => one.click()))")


def tick(browser, label, within=DIALOG):
    browser.run("await page.locator(args[1]).getByRole('checkbox', { name: args[0] }).first()"
                ".check()", [label, within])


def row(browser, text):
    """The words of the row of a table that holds a text."""
    return browser.text(f"tbody tr:has-text('{text}')")
