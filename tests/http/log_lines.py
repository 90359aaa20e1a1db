"""The service's log as a reader of JSON lines sees it."""

import json


def lines_of(text):
    """Every JSON line, parsed; what front servers and launchers write is left out."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def access_lines(text, **extra):
    """The access lines whose extra has these values."""
    return [line for line in lines_of(text)
            if line["logger"] == "simpletuner.cloud.http" and line["message"] == "Request"
            and extra.items() <= line["extra"].items()]


def lines_with_id(text, correlation_id):
    return [line for line in lines_of(text) if line.get("correlation_id") == correlation_id]
