"""A login as a browser keeps it: the cookie, and the token that our pages send beside it."""

import dataclasses

from stack import ADMIN_PASSWORD

COOKIE = "simpletuner_session"
NOBODY = {"X-API-Key": None}


@dataclasses.dataclass
class Login:
    """What a browser holds after a login."""

    token: str
    csrf: str
    answer: dict

    @property
    def cookie(self):
        """Headers of a request that only looks."""
        return NOBODY | {"Cookie": f"{COOKIE}={self.token}"}

    @property
    def headers(self):
        """Headers of a request that changes something."""
        return self.cookie | {"X-CSRF-Token": self.csrf}


def login_of(answer):
    return Login(answer.cookies[COOKIE], answer.json()["csrf_token"], answer.json())


def try_login(stack, username="boss", password=ADMIN_PASSWORD, headers=None, **fields):
    return stack.post("/api/auth/login", json={"username": username, "password": password} | fields,
                      headers=NOBODY | (headers or {}))


def login(stack, username="boss", password=ADMIN_PASSWORD, **fields):
    answer = try_login(stack, username, password, **fields)
    assert answer.status_code == 200, answer.text
    return login_of(answer)
