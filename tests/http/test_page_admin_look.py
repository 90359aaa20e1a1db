"""The page's administration for everybody: themes, narrow screens, screen readers, languages."""

import re

import expect
from page_admin import boss, staff
from stack import REPO

FIXTURES = (boss, staff)
STATIC = REPO / "fcgi" / "static"
PATHS = ("approvals", "approvals/history", "approvals/mine", "approvals/rules", "admin/users",
         "admin/users/1", "admin/levels", "admin/rules", "admin/orgs", "admin/quotas",
         "admin/keys", "admin/service", "admin/audit", "admin/metrics",
         "admin/backups", "admin/database")

SERVED = {"admin/backups": "/api/backup", "admin/database": "/api/database/stats"}


def resize(browser, width):
    browser.run("await page.setViewportSize({ width: args, height: 844 })", width)


def test_every_view_can_be_used_in_both_themes_and_on_a_phone(staff, boss):
    faults = {}
    paths = [path for path in PATHS if path not in SERVED
             or staff.get(SERVED[path]).status_code == 200]
    try:
        for path in paths:
            boss.go(f"#/{path}")
            boss.see(f".view[data-view='{'/'.join(path.split('/')[:2])}'] .panel")
            boss.gone("[aria-busy]")
            resize(boss, 390)
            faults[path] = [boss.is_too_wide() and "too wide for a phone",
                            *boss.axe("dark", ["color-contrast", "target-size", "label"])]
            resize(boss, 1280)
            faults[path] += [boss.is_too_wide() and "too wide", *boss.axe()]
    finally:
        resize(boss, 1280)
        boss.axe("light", ["label"])
    assert not [(path, fault) for path, found in faults.items() for fault in found if fault]


def test_both_languages_have_all_words_that_can_be_asked_for(staff, boss):
    maps = boss.run("""return page.evaluate(async () => {
      const load = async (name) => (await import(`/static/${name}.js`)).default;
      return { en: await load('lang_admin_en'), zh: await load('lang_admin_zh'),
        api: await load('lang_admin_api_zh') };
    })""")
    service = {f"{group}.{key}" for group, words in maps["api"].items() for key in words}
    assert maps["en"].keys() == maps["zh"].keys() - service  # what is in English at the service
    for key, text in maps["en"].items():
        assert text and maps["zh"][key], key
        names = [sorted(re.findall(r"\{\w+\}", maps[name][key])) for name in ("en", "zh")]
        assert names[0] == names[1], key
    asked = {f"admin.audit_type.{one['value']}"
             for one in expect.ok(staff.get("/api/audit/types"))["event_types"]}
    asked |= {f"perm.{one['name']}"
              for one in expect.ok(staff.get("/api/users/meta/permissions"))["permissions"]}
    asked |= {f"admin.metrics_category.{one['id']}" for one in
              expect.ok(staff.get("/api/cloud/metrics/config/categories"))["categories"]}
    asked |= {f"admin.metrics_template.{one['id']}" for one in
              expect.ok(staff.get("/api/cloud/metrics/config/templates"))["templates"]}
    asked |= {f"admin.condition.{one['value']}" for one in
              expect.ok(staff.get("/api/approvals/conditions"))["conditions"]}
    quotas = expect.ok(staff.get("/api/quotas/types"))
    asked |= {f"admin.quota_type.{one['value']}" for one in quotas["quota_types"]}
    asked |= {f"admin.quota_action.{one}" for one in quotas["actions"]}
    assert asked - maps["zh"].keys() == set()


def test_every_word_that_a_view_asks_for_is_there(boss):
    words = boss.run("return page.evaluate(async () =>"
                     " Object.keys((await import('/static/lang_admin_en.js')).default))")
    files = [*STATIC.glob("view_admin*.js"), STATIC / "view_approvals.js"]
    text = "".join(path.read_text() for path in files)
    asked = set(re.findall(r'\bt\(\s*"([a-z_.0-9]+)"', text))
    asked |= set(re.findall(r'\bview\("[^"]+", "([^"]+)"', text))
    assert len(asked) > 300
    assert {f"admin.{key}" for key in asked} <= set(words)


def test_the_reader_chooses_chinese(boss):
    boss.go("#/admin/users")
    boss.run("await page.locator('#language').selectOption('zh')")
    try:
        boss.see("h2", "用户")
        boss.see("button", "新建用户")
        boss.go("#/approvals")
        boss.see("h2", "待审批")
    finally:
        boss.run("await page.locator('#language').selectOption('en')")
