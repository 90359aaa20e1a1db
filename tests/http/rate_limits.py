"""What tests of rate limits share: clients that nobody else is, and asking until it is refused."""

import concurrent.futures
import itertools
import json
import time

from waiting import until

DETAIL = "Rate limit exceeded. Please try again later."
LIMITS = {"RATE_LIMIT_CALLS": "100"}  # the default, which other tests have turned off
USAGE = "/api/rate-limits/usage"
MARGIN_S = 0.02
CLIENTS = (f"198.18.{number // 250}.{number % 250 + 1}" for number in itertools.count())


def new_client():
    """Headers of a request from an address (RFC 2544) that no other test has."""
    return {"X-Forwarded-For": next(CLIENTS)}


def standing(answer):
    """(limit, remaining) as the answer says."""
    return (int(answer.headers["X-RateLimit-Limit"]),
            int(answer.headers["X-RateLimit-Remaining"]))


def is_limited(answer):
    """By a rate limit: names that logins fail for are slowed down in their own way."""
    return answer.status_code == 429 and answer.json()["detail"] == DETAIL


def has_no_limit(answer):
    return not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


def ask_until_refused(ask, limit):
    """limit answers that are not refused, which count down, and then one that is: that one."""
    for number in range(limit):
        answer = ask()
        assert not is_limited(answer), f"refused after {number} of {limit}: {answer.text}"
        seen = standing(answer)
        assert seen == (limit, limit - number - 1), f"{seen} at {number}: {answer.text}"
    answer = ask()
    assert is_limited(answer), f"{answer.status_code}: {answer.text}"
    assert standing(answer) == (limit, 0)
    return answer


def all_at_once(ask, count, threads=16):
    """The answers of so many requests, several at a time."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(count)]]


def wait_for_window(period_s):
    """Return when everything that has been asked up to now has left a window of this length."""
    asked = time.monotonic()
    until(lambda: time.monotonic() > asked + period_s + MARGIN_S, period_s + 5, "the clock stands")


def rate_rows(stack, client):
    """Details of what the audit log has of refusals of this address, oldest first."""
    rows = stack.query("SELECT target_id, details FROM audit_log WHERE event_type = "
                       "'security.rate_limited' AND actor_ip = %s ORDER BY audit_id", client)
    return [(target, json.loads(details)) for target, details in rows]
