"""Users of a running service, put into its database: tests of rights need many, and at once."""

import hashlib
import itertools
import secrets
import string

NUMBERS = itertools.count(900_000)
LETTERS = string.ascii_letters + string.digits
LONG_AGO_US = 1_700_000_000_000_000
FAR_AHEAD_US = 4_000_000_000_000_000


class Person:
    """A user with an API key: person.get(path) asks as this user."""

    def __init__(self, stack, name, level=None, granted="", denied="", is_admin=False):
        self.stack, self.name, self.user_id = stack, name, next(NUMBERS)
        stack.change(
            "INSERT INTO users (user_id, username, username_key, auth_provider, is_admin, granted, "
            "denied, created_at_us) VALUES (%s, %s, %s, 'local', %s, %s, %s, %s)", self.user_id,
            name, name.lower(), int(is_admin), granted, denied, LONG_AGO_US)
        if level:
            self.join(level)
        self.key = self.new_key()

    def join(self, level):
        self.stack.change(
            "INSERT INTO user_levels (user_id, level_id, granted_by, granted_at_us) "
            "SELECT %s, level_id, 'tests', %s FROM levels WHERE name = %s", self.user_id,
            LONG_AGO_US, level)

    def new_key(self, scopes=None, expires_at_us=None):
        """A key that may what its user may, or what the scopes say ("job.view.own job.submit")."""
        key = "st_" + "".join(secrets.choice(LETTERS) for _ in range(32))
        self.stack.change(
            "INSERT INTO api_keys (key_id, user_id, name, prefix, key_sha256, scopes, "
            "created_at_us, expires_at_us) VALUES (%s, %s, 'tests', %s, %s, %s, %s, %s)",
            next(NUMBERS), self.user_id, key[:11], hashlib.sha256(key.encode()).hexdigest(),
            scopes, LONG_AGO_US, expires_at_us)
        return key

    def key_id(self, key):
        """What the key is called in paths."""
        [[key_id]] = self.stack.query("SELECT key_id FROM api_keys WHERE key_sha256 = %s",
                                      hashlib.sha256(key.encode()).hexdigest())
        return str(key_id)

    def new_session(self):
        """The id of a session that nobody holds the cookie of."""
        session_id = secrets.token_hex(8)
        self.stack.change(
            "INSERT INTO sessions (token_sha256, session_id, user_id, created_at_us, seen_at_us, "
            "expires_at_us, lifetime_s, client, user_agent) "
            "VALUES (%s, %s, %s, %s, %s, %s, 3600, '', '')", secrets.token_hex(32), session_id,
            self.user_id, LONG_AGO_US, LONG_AGO_US, FAR_AHEAD_US)
        return session_id

    def deactivate(self):
        self.stack.change("UPDATE users SET deactivated_at_us = %s WHERE user_id = %s",
                          LONG_AGO_US, self.user_id)

    # HTTP

    @property
    def headers(self):
        return {"X-API-Key": self.key}

    def request(self, method, path, **options):
        options["headers"] = self.headers | options.get("headers", {})
        return self.stack.request(method, path, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    # jobs

    def new_job(self, **body):
        """Submit a job that the provider accepts."""
        body.setdefault("config", {"model_type": "lora", "max_train_steps": 10})
        answer = self.post("/api/cloud/jobs/submit", json=body)
        assert answer.status_code == 200, answer.text
        return self.stack.known_job(answer.json()["job_id"])

    def ended_job(self):
        job = self.new_job()
        answer = self.post(f"/api/cloud/jobs/{job.job_id}/cancel")
        assert answer.status_code == 200, answer.text
        return job


class Anonymous(Person):
    """Nobody: no credential is shown."""

    def __init__(self, stack):
        self.stack = stack

    @property
    def headers(self):
        return {"X-API-Key": None}


class Bearer(Anonymous):
    """Whoever shows these headers."""

    def __init__(self, stack, **headers):
        super().__init__(stack)
        self._headers = super().headers | {name.replace("_", "-"): value
                                           for name, value in headers.items()}

    @property
    def headers(self):
        return self._headers
