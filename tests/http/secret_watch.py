"""Secrets never show: every secret that a test hands to a service, or gets from it, is remembered,
and when the service has ended none of them may be in its log, its answers, its database or its
files. Secrets are learned from requests and answers by the names of their members and headers."""

import contextlib
import json
import pathlib
import re
import subprocess
import threading
import urllib.parse

LENGTH_MIN = 10
LETTERS_MIN = 4  # what has fewer stands for a secret where any will do
MEMBERS = {"password", "current_password", "new_password", "old_password", "api_token",
           "auth_token", "csrf_token", "secret", "webhook_secret", "secret_access_key",
           "upload_token", "key"}
HEADERS = {"x-api-key", "x-upload-token", "x-simpletuner-secret", "x-csrf-token"}
VARIABLES = re.compile(r"(TOKEN|SECRET|PASSWORD|_KEY)$|SECRET_ACCESS_KEY$")
URL_PASSWORD = re.compile(r"[a-z0-9+]+://[^/\s:@]*:([^/\s@]+)@")
COOKIE = re.compile(r"simpletuner_session=([^;\s]+)")
# Files whose purpose is to hold secrets, and directories of what others wrote.
KEEPERS = {"credential.key", "secrets.json", "secrets.yaml", "secrets.yml", "cloud.env",
           "audit.key"}
# Who makes a secret is shown it, once; and whoever has a session its token against forgery.
SHOWN = re.compile(r"(POST /api/auth/(setup/first-admin|register|login|api-keys|s3-credentials)"
                   r"|GET /api/auth/check)$")


def walk(value):
    """Every (name, text) of a decoded JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, str):
                yield name, member
            else:
                yield from walk(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member)


def forms(secret):
    """As it stands in text, in JSON and in a URL."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield urllib.parse.quote(secret, safe="")


class SecretWatch:
    """Belongs to one service; directory is a place for what it said, outside of its home."""

    def __init__(self, directory):
        self.said = pathlib.Path(directory) / "said.txt"
        self.patterns = pathlib.Path(directory) / "secrets.txt"
        self._secrets = {}  # secret: what it is
        self.open = set()  # texts that are none, though they are sent as one
        self._lock = threading.Lock()
        self.said.touch()

    # learning

    def learn(self, secret, what):
        if isinstance(secret, bytes):
            secret = secret.decode("latin-1")
        if isinstance(secret, str) and len(secret) >= LENGTH_MIN and "\n" not in secret \
                and len(set(secret)) >= LETTERS_MIN and secret not in self.open:
            with self._lock:
                self._secrets.setdefault(secret, what)

    def learn_value(self, value, what):
        for name, text in walk(value):
            if name in MEMBERS:
                self.learn(text, f"{name} of {what}")
            self.learn_urls(text, f"{name} of {what}")

    def learn_urls(self, text, what):
        for password in URL_PASSWORD.findall(text):
            self.learn(urllib.parse.unquote(password), f"the password in {what}")

    def learn_environment(self, environment):
        for name, value in environment.items():
            if VARIABLES.search(name):
                self.learn(value, name)
            self.learn_urls(value, name)

    def learn_headers(self, headers, what):
        for name, value in headers.items():
            value = value.decode("latin-1") if isinstance(value, bytes) else value or ""
            if name.lower() in HEADERS:
                self.learn(value, f"{name} of {what}")
            if name.lower() == "authorization" and value.startswith("Bearer "):
                self.learn(value.removeprefix("Bearer "), f"Authorization of {what}")
            if name.lower() in ("cookie", "set-cookie"):
                for session in COOKIE.findall(value):
                    self.learn(session, f"the session of {what}")

    # what the service said

    def say(self, text):
        with self._lock, open(self.said, "a", errors="replace") as file:
            file.write(text + "\n")

    def take(self, answer, body):
        """A requests.Response and the JSON that was sent for it."""
        path = urllib.parse.urlsplit(answer.request.url).path
        what = f"{answer.request.method} {path}"
        self.learn_headers(answer.request.headers, what)
        self.learn_headers(answer.headers, what)
        self.learn_value(body, what)
        decoded = None
        if "json" in answer.headers.get("Content-Type", ""):
            with contextlib.suppress(ValueError):
                decoded = answer.json()
        if SHOWN.match(what):
            self.learn_value(decoded, what)
        else:
            headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()
                                if name.lower() != "set-cookie")
            text = answer.text if len(answer.content) < 1 << 20 else ""
            self.say(f"{what}\n{headers}\n{text}")

    # looking

    def look(self, home, *texts):
        """Fail if a secret is in what was said, in the texts (files), or below home."""
        for secret in filter(None, secrets_of(home)):
            self.learn(secret, "a file of secrets")
        if not self._secrets:
            return
        self.patterns.write_text("".join(f"{form}\n" for secret in self._secrets
                                         for form in set(forms(secret))))
        files = [self.said, *texts, *files_below(home)]
        found = subprocess.run(
            ["grep", "--fixed-strings", "--text", "--only-matching", "--with-filename", "-f",
             self.patterns, "--", *files], capture_output=True, text=True, errors="replace")
        if found.returncode > 1:
            raise RuntimeError(found.stderr)
        names = {form: f"{what} ({secret[:4]}...)" for secret, what in self._secrets.items()
                 for form in forms(secret)}
        leaks = {f"{names.get(form, form)} is in {file}"
                 for file, _, form in (line.partition(":") for line in found.stdout.splitlines())}
        assert not leaks, "secrets show: " + "; ".join(sorted(leaks)[:20])


def secrets_of(home):
    """Those that the service itself keeps in files."""
    with contextlib.suppress(OSError, ValueError):
        for value in json.loads((home / "secrets.json").read_text()).values():
            yield value
    for name in ("credential.key", "audit.key"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (home / name).read_text().strip()
            yield from re.findall(r"\b[0-9a-f]{64}$", text, re.M) if "\n" in text else [text]


def files_below(home):
    """But for what jobs have sent: of that only what we wrote ourselves."""
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in KEEPERS and (
                "outputs" not in path.parts or path.name == "manifest.json"):
            yield path
