"""A real browser for tests of the page: Chromium, driven by js/page.mjs."""

import json
import os
import subprocess

from js_packages import JS_HOME, install_js
from stack import ADMIN_PASSWORD, BUILD

SHOTS = BUILD / "page-shots"
PHONE = {"viewport": {"width": 390, "height": 844}, "isMobile": True, "hasTouch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}}


class BrowserError(AssertionError):
    """What the browser could not do."""


class Browser:
    """One browser. visit() begins as a new visitor; run() is JavaScript with `page` and `args`."""

    def __init__(self):
        install_js()
        environment = {"PATH": os.environ["PATH"], "HOME": str(JS_HOME), "LANG": "C.UTF-8"}
        self.process = subprocess.Popen(
            ["node", "page.mjs"], cwd=JS_HOME, env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.url = None
        self.cookies = {}  # of those who have signed in: {(url, name): cookies}

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)

    def _ask(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BrowserError("the browser has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer["value"]

    def run(self, source, args=None):
        return self._ask({"run": source, "args": args})

    def complaints(self):
        """What the pages have complained of since the last time: [{kind, text, status?}]."""
        return self._ask({"complaints": True})

    # a visitor

    def visit(self, stack, path="", headers=None, **options):
        """A new visitor at a path behind the '#'. options are those of a browser context."""
        self.url = stack.url
        self.run("await tools.visit(args)", DESKTOP | options | {"headers": headers or {}})
        self.complaints()
        self.go(path)

    def go(self, path):
        self.run("await page.goto(args)", f"{self.url}/{path}")

    def sign_in(self, stack, username="boss", password=ADMIN_PASSWORD, path="", **options):
        """A new visitor who signs in, or has done so before, and then goes to a path."""
        who = stack.url, username
        if who in self.cookies:
            self.visit(stack, path, cookies=self.cookies[who], **options)
            self.see("#who")
            return
        self.visit(stack, **options)
        self.enter(username, password)
        self.cookies[who] = self.run("return page.context().cookies()")
        if path:
            self.go(path)

    def forget(self):
        """Sessions of before are not good any more."""
        self.cookies.clear()

    def enter(self, username="boss", password=ADMIN_PASSWORD):
        """Sign in, in any language."""
        self.see("#sign-in")
        self.run("const at = page.locator('#sign-in input'); await at.nth(0).fill(args[0]);"
                 "await at.nth(1).fill(args[1]); await page.keyboard.press('Enter')",
                 [username, password])
        self.see("#who")

    def settled(self):
        """Wait until the view is there and nothing is asked for any more, but for events."""
        self.run("await page.locator('.view').first().waitFor();"
                 "await page.locator('.view .panel').first().waitFor(); await tools.quiet()")

    # what people do: roles and labels, as they and screen readers find things

    def click(self, role, name, within="body"):
        self.run("await page.locator(args[2]).getByRole(args[0], { name: args[1], exact: true })"
                 ".first().click()", [role, name, within])

    def fill(self, label, text, within="body"):
        self.run("await page.locator(args[2]).getByLabel(args[0], { exact: true }).first()"
                 ".fill(args[1])", [label, text, within])

    def choose(self, label, value):
        self.run("await page.getByLabel(args[0], { exact: true }).first().selectOption(args[1])",
                 [label, value])

    def press(self, key):
        self.run("await page.keyboard.press(args)", key)

    def see(self, selector, text=None):
        """Wait until a part with the text is to be seen."""
        self.run("let at = page.locator(args[0]); if (args[1]) at = at.filter({ hasText: args[1] });"
                 "await at.first().waitFor()", [selector, text])

    def gone(self, selector, text=None):
        self.run("let at = page.locator(args[0]); if (args[1]) at = at.filter({ hasText: args[1] });"
                 "await at.first().waitFor({ state: 'hidden' })", [selector, text])

    def text(self, selector):
        return self.run("return page.locator(args).first().innerText()", selector)

    def value(self, label):
        return self.run("return page.getByLabel(args, { exact: true }).first().inputValue()", label)

    def focused(self):
        """The tag, id and name of what has the focus."""
        return self.run("return page.evaluate(() => { const at = document.activeElement;"
                        "return [at.tagName, at.id, at.innerText?.slice(0, 60) ?? ''] })")

    def shot(self, name):
        SHOTS.mkdir(exist_ok=True)
        self.run("await page.screenshot({ path: args, fullPage: true })", str(SHOTS / f"{name}.png"))

    def axe(self, colours="light", rules=None):
        """What axe has against the page from serious on; rules: of these only."""
        return self.run("await page.emulateMedia({ colorScheme: args[0] });"
                        "return tools.axe(args[1])", [colours, rules])

    def is_too_wide(self):
        """Whether one has to scroll to the side."""
        return self.run("return page.evaluate(() => document.documentElement.scrollWidth >"
                        " document.documentElement.clientWidth)")
