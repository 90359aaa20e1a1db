"""What tests of the page have in common: its sources, its views, and what a page may complain of."""

import re

from stack import REPO

STATIC = REPO / "fcgi" / "static"
VIEWS = {"jobs": "#/cloud", "submit": "#/cloud/submit", "statistics": "#/cloud/stats",
         "system": "#/cloud/system", "settings": "#/cloud/settings",
         "deliveries": "#/deliveries", "account": "#/account"}


def scripts():
    """{name: source} of every script that is not a map of words."""
    return {path.name: path.read_text() for path in STATIC.glob("*.js")
            if not path.name.startswith("lang_")}


def words(language):
    """{key: words} of one language, all maps together."""
    found = {}
    for path in STATIC.glob(f"lang_*{language}.js"):
        found |= dict(re.findall(r'^\s*"([^"]+)": "(.*)",$', path.read_text(), re.MULTILINE))
    return found


def _calls(source):
    """What stands between the brackets of each t(...) and tOr(...)."""
    for match in re.finditer(r"(?<![\w.])t(?:Or)?\(", source):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(source[end], 0)
            end += 1
        yield source[match.end():end - 1]


def used_words():
    """(keys, beginnings of keys that are made from data) that the scripts ask for."""
    keys, beginnings = set(), set()
    for source in scripts().values():
        for call in _calls(source):
            keys |= set(re.findall(r'"([a-z0-9_]+\.[A-Za-z0-9_]+)"', call))
            beginnings |= set(re.findall(r"`([a-z0-9_]+\.)\$\{", call))
        keys |= set(re.findall(r'titleKey: "([^"]+)"', source))
        keys |= set(re.findall(r'"(nav\.[a-z]+)"', source))
    return keys, beginnings


def unexpected(complaints, *allowed):
    """Complaints without those of answers that a test has asked for: (status, "METHOD /path")."""
    statuses = {status for status, _ in allowed}
    return [one for one in complaints
            if (one.get("status"), one["text"]) not in allowed
            and not (one["kind"] == "console" and "Failed to load resource" in one["text"]
                     and any(f"status of {status} " in one["text"] for status in statuses))]
