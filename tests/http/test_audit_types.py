"""Whatever the sources write to the audit log is in the table of types."""

import re

from stack import REPO

TABLE = REPO / "core" / "cloud" / "audit" / "audit_types.c"
TYPE = re.compile(r'"([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)"')
# Words of this form that are none: names of loggers, fault points, permissions, preferences, files.
OTHERS = re.compile(r"simpletuner\.|secrets\.json$|polling\.enabled$|audit\.(export|key|head)$")
FAULT_POINT = re.compile(r'FAULT_POINT\("[^"]*"\)')
ENTRY = re.compile(r"struct audit_(entry|row)\b|struct identity_event\b|cloud/(preference|auth/identity_audit)\.h")


def values():
    """Those of the table, in its order."""
    found = re.findall(r'^\s*\{ ("[a-z0-9_.]+"|LOGIN_FAILED),', TABLE.read_text(), re.M)
    return [value.strip('"').replace("LOGIN_FAILED", "auth.login.failed") for value in found]


def writers():
    """The sources that write entries."""
    for path in sorted((REPO / "core").rglob("*.c")) + sorted((REPO / "fcgi").rglob("*.c")):
        text = path.read_text()
        if path != TABLE and ENTRY.search(text):
            yield path, FAULT_POINT.sub("", text)


def test_every_type_that_is_written_is_in_the_table():
    unknown = {f"{path.name}: {word}" for path, text in writers() for word in TYPE.findall(text)
               if not OTHERS.match(word) and word not in values()}
    assert not unknown


def test_the_search_finds_what_is_written():
    """Or else the test above could not fail."""
    found = {word for _, text in writers() for word in TYPE.findall(text)}
    assert {"job.submitted", "provider.configured", "security.webhook_rejected",
            "s3_credential.created", "config.changed", "storage.bucket_created"} <= found


def test_no_type_is_named_twice():
    assert len(values()) == len(set(values()))
