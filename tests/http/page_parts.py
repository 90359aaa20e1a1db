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


# "key": "words", or a group of keys: "group": {
ENTRY = re.compile(r'(?:"([^"]+)"|\b(\w+)): (?:\{|"((?:[^"\\]|\\.)*)")')
IN_ENGLISH = "lang_admin_api_"  # words that the service itself has in English


def words(language, everything=False):
    """{key: words} of one language, all maps together; in groups they are "group.key". Without
    those that the service itself has in English, unless everything is wanted."""
    found = {}
    for path in STATIC.glob(f"lang_*{language}.js"):
        group = ""
        for quoted, plain, text in ENTRY.findall(path.read_text()):
            if not text:
                group = f"{quoted or plain}."
            elif everything or not path.name.startswith(IN_ENGLISH):
                found[group + (quoted or plain)] = text
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
    for name, source in scripts().items():
        is_of_admin = 'from "./view_admin_kit.js"' in source or name == "view_admin_kit.js"
        prefix = "admin." if is_of_admin else ""
        for call in _calls(source):
            keys |= {prefix + key for key in re.findall(r'"([a-z0-9_]+\.[A-Za-z0-9_]+)"', call)}
            beginnings |= {prefix + part for part in re.findall(r"`([a-z0-9_]+\.)\$\{", call)}
        keys |= set(re.findall(r'titleKey: "([^"]+)"', source))
        keys |= set(re.findall(r'"(nav\.[a-z]+)"', source))
    return keys, beginnings


# The service has so many streams for one client, and pages that were left hold theirs until the
# next heartbeat: a page without one asks every now and then.
NO_STREAM = (503, "GET /api/events/stream")


def unexpected(complaints, *allowed):
    """Complaints without those of answers that a test has asked for: (status, "METHOD /path")."""
    allowed = (*allowed, NO_STREAM)
    statuses = {status for status, _ in allowed}
    return [one for one in complaints
            if (one.get("status"), one["text"]) not in allowed
            and not (one["kind"] == "console" and "Failed to load resource" in one["text"]
                     and any(f"status of {status} " in one["text"] for status in statuses))]
