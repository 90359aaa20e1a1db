"""The page: the ways in and out, and what is the same on all its views."""

import re

import pytest

from browser import PHONE, BrowserError
from page_parts import STATIC, VIEWS, scripts, unexpected, used_words, words
from stack import ADMIN_PASSWORD

WEIGHT_MAX = 300 * 1024
LOGIN = "/api/auth/login"


# what is sent


@pytest.mark.parametrize("other", ["en", "zh"])
def test_the_page_is_light(other):
    """All that there is, but for the words of the other language: nobody loads both."""
    assert sum(path.stat().st_size for path in STATIC.iterdir()
               if not path.name.endswith(f"_{other}.js")) < WEIGHT_MAX


def test_no_script_makes_markup_or_code_from_text():
    for name, source in scripts().items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|"
                             r"new Function", source), name
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|<script>|\son\w+=|\sstyle=", page)


def test_both_languages_have_the_same_words_and_all_that_are_used():
    english, chinese = words("en"), words("zh")
    keys, beginnings = used_words()
    assert english.keys() == chinese.keys()
    assert sorted(keys - english.keys()) == []
    every = words("zh", everything=True)
    assert [one for one in beginnings if not any(key.startswith(one) for key in every)] == []
    for key, text in english.items():
        values = [set(re.findall(r"\{(\w+)", one)) for one in (text, chinese[key])]
        assert values[0] == values[1], key


def test_the_front_server_sends_a_strict_policy(any_front):
    for path in ("/", "/static/app.js", "/static/style.css"):
        answer = any_front.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# in and out


def test_first_run_makes_the_administrator_and_connects_a_provider(new_stack, browser):
    stack = new_stack()
    stack.delete("/api/cloud/providers/replicate/token")
    browser.visit(stack)
    browser.see("h1", "First administrator")
    browser.click("button", "Make the administrator")
    browser.see("form .error")
    browser.fill("Name", "chief")
    browser.fill("E-mail address", "chief@example.org")
    browser.fill("Password", ADMIN_PASSWORD)
    browser.fill("Password again", "something else")
    browser.click("button", "Make the administrator")
    browser.see(".error", "The passwords are not the same.")
    browser.fill("Password again", ADMIN_PASSWORD)
    browser.click("button", "Make the administrator")
    browser.see("#who", "chief")
    browser.see("h2", "Connect a provider")
    browser.fill("Replicate API token", "r8_wrong")
    browser.click("button", "Save & Connect")
    browser.see(".hero .error:visible")
    browser.fill("Replicate API token", stack.sim.token)
    browser.click("button", "Save & Connect")
    browser.see("#providers .strip", "Ready")
    browser.gone(".hero")
    assert unexpected(browser.complaints()) == []
    assert stack.get("/api/cloud/jobs").status_code == 401


def test_a_wrong_password_is_told_and_a_right_one_opens(page_stack, browser):
    browser.visit(page_stack)
    browser.fill("Name or e-mail address", "boss")
    browser.fill("Password", "not this one")
    browser.press("Enter")
    browser.see("form .error", "password")
    assert unexpected(browser.complaints(), (401, f"POST {LOGIN}")) == []
    browser.fill("Password", ADMIN_PASSWORD)
    browser.press("Enter")
    browser.see("#who", "boss")
    browser.see("#jobs")
    browser.forget()
    browser.click("button", "Sign out")
    browser.see("h1", "Sign in")
    assert page_stack.url in browser.run("return page.url()")
    assert unexpected(browser.complaints()) == []


def test_a_session_that_ends_elsewhere_asks_for_the_password(page_stack, browser):
    browser.sign_in(page_stack)
    browser.see("#jobs table, #jobs .empty")
    page_stack.change("DELETE FROM sessions")
    browser.forget()
    browser.click("button", "Refresh")
    browser.see("h1", "Sign in")


def test_a_stranger_makes_an_account_where_that_is_allowed(page_stack, browser):
    browser.visit(page_stack)
    browser.see("#sign-in")
    assert browser.run("return page.getByRole('button', { name: 'Create an account' }).count()") == 0
    path = "/api/cloud/settings/registration"
    assert page_stack.put(path, json={"enabled": True}).status_code == 200
    browser.run("await page.reload()")
    browser.click("button", "Create an account")
    browser.fill("Name", "newcomer")
    browser.fill("E-mail address", "newcomer@example.org")
    browser.fill("Password", ADMIN_PASSWORD)
    browser.click("button", "Create the account")
    browser.see("#who", "newcomer")
    assert page_stack.put(path, json={"enabled": False}).status_code == 200
    assert unexpected(browser.complaints()) == []


def new_user(stack, name, level):
    answer = stack.post("/api/users", json={
        "username": name, "email": f"{name}@example.org", "password": ADMIN_PASSWORD,
        "level_names": [level]})
    assert answer.status_code == 201, answer.text


def test_who_submits_jobs_meets_no_closed_door(page_stack, browser):
    new_user(page_stack, "worker", "researcher")
    browser.sign_in(page_stack, username="worker", path="#/cloud/submit")
    browser.fill("Name", "of a worker")
    browser.click("button", "Submit")
    browser.see("h1", "of a worker")
    browser.settled()
    for path in ("#/cloud", "#/cloud/stats", "#/cloud/system", "#/account"):
        browser.go(path)
        browser.settled()
    assert unexpected(browser.complaints()) == []


def test_who_may_little_sees_little(page_stack, browser):
    new_user(page_stack, "looker", "viewer")
    browser.sign_in(page_stack, username="looker")
    browser.see("#jobs")
    assert browser.text("#subtabs").split("\n") == ["Jobs", "Statistics", "System"]
    browser.go("#/cloud/settings")
    browser.see("[role=alert]", "You may not see this page.")
    browser.go("#/cloud/system")
    browser.see("h1", "Health")
    assert unexpected(browser.complaints()) == []


# languages, colours, keys


def test_the_language_follows_the_browser_and_the_switch(page_stack, browser):
    browser.visit(page_stack, locale="zh-CN")
    browser.see("h1", "登录")
    browser.choose("语言", "en")
    browser.see("h1", "Sign in")
    assert browser.run("return page.evaluate(() => document.documentElement.lang)") == "en"
    browser.run("await page.reload()")
    browser.see("h1", "Sign in")
    browser.choose("Language", "zh")
    browser.see("h1", "登录")
    assert browser.run("return page.evaluate(() => document.documentElement.lang)") == "zh-Hans"


def test_colours_follow_the_system_and_the_switch(page_stack, browser):
    def background():
        return browser.run("return page.evaluate(() => getComputedStyle(document.body).backgroundColor)")

    browser.visit(page_stack, colorScheme="dark")
    browser.see("h1")
    dark = background()
    browser.click("button", "Colours of the system")
    browser.see("#theme[aria-label='Light colours']")
    light = background()
    assert light != dark
    browser.run("await page.reload()")
    browser.see("h1")
    assert background() == light


def test_everything_is_reached_by_keys(page_stack, browser):
    browser.sign_in(page_stack)
    browser.see("#jobs")
    browser.go("#/cloud/stats")
    browser.see("h1", "Statistics")
    browser.run("await page.evaluate(() => { document.activeElement.blur(); })")
    browser.run("await page.reload(); await page.locator('h1').waitFor()")
    browser.press("Tab")
    assert browser.focused()[1] == "skip"
    browser.press("Enter")
    assert browser.focused()[1] == "view"
    browser.run("await page.reload(); await page.locator('h1').waitFor()")
    names = []
    for _ in range(30):
        browser.press("Tab")
        names.append(browser.focused()[2].strip() or browser.focused()[1])
        if names[-1] == "90 days":
            break
    wanted = ["Skip to the content", "SimpleTuner Cloud", "Cloud", "Sign out", "Jobs", "New job",
              "Statistics", "7 days", "30 days", "90 days"]
    assert [name for name in names if name in wanted] == wanted
    browser.press("Enter")
    browser.see("[aria-pressed=true]", "90 days")
    assert browser.focused()[2] == "90 days"


def test_a_dialog_holds_the_focus_and_gives_it_back(page_stack, browser):
    page_stack.reset()
    page_stack.new_job(config_name="held")
    browser.sign_in(page_stack)
    browser.run("await page.getByRole('button', { name: /^Cancel job/ }).first().focus()")
    browser.press("Enter")
    browser.see("dialog[open]")
    assert browser.focused()[2] == "Go back"
    for _ in range(6):
        browser.press("Tab")
        assert browser.run("return page.evaluate(() => document.activeElement === document.body"
                           " || Boolean(document.activeElement.closest('dialog')))")
    browser.press("Escape")
    browser.gone("dialog")
    assert browser.focused()[2] == "Cancel"


# how it looks


def test_axe_finds_nothing_serious(page_stack, browser):
    """In light colours everything, in dark ones what depends on colours."""
    job = page_stack.new_job(config_name="looked at")
    page_stack.sim.advance(job.prediction_id, "processing", logs="step 3/9\nERROR none\n")
    browser.visit(page_stack, colorScheme="light")
    browser.see("#sign-in")
    assert browser.axe() == []
    browser.enter()
    for name, path in VIEWS.items() | {("job", f"#/jobs/{job.job_id}")}:
        browser.go(path)
        browser.settled()
        assert browser.axe() == [], name
        assert browser.axe("dark", ["color-contrast"]) == [], name
    assert unexpected(browser.complaints()) == []


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_phone_needs_no_scrolling_to_the_side(page_stack, browser, locale):
    job = page_stack.new_job(config_name="a-name-without-any-blank-that-is-longer-than-a-phone-is-wide")
    browser.visit(page_stack, locale=locale, **PHONE)
    browser.enter()
    for name, path in VIEWS.items() | {("job", f"#/jobs/{job.job_id}")}:
        browser.go(path)
        browser.settled()
        assert not browser.is_too_wide(), name


def test_a_page_that_is_not_there_says_so(page_stack, browser):
    browser.sign_in(page_stack, path="#/nowhere/at/all")
    browser.see("[role=alert]", "There is no such page.")
    with pytest.raises(BrowserError):
        browser.run("return page.evaluate(() => { throw new Error('seen') })")
