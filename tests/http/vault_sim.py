"""HashiCorp Vault over TLS, as far as a reader of secrets sees it: the KV engine in both versions,
token lookup and renewal, AppRole, namespaces, being sealed."""

import json
import threading
import time

from tls_server import TlsServer

ROOT = "hvs.root-token-0001"
ROLE, SECRET = "role-id-0001", "secret-id-0001"


class VaultSim:
    def __init__(self, directory):
        self.values = {"REPLICATE_API_TOKEN": "r8_from_vault_kv_engine"}
        self.version = 2
        self.is_deleted = False
        self.is_there = True
        self.namespace = None
        self.fault = None  # a status for everything
        self.deny = set()  # paths that are 403
        self.lease_s = 3600
        self.is_renewable = True
        self.refuses_renewal = False
        self.delay = None  # an event that answers wait for
        self.tokens = {ROOT: None}  # token: when it ends, None never
        self.requests = []
        self._logins = 0
        self._lock = threading.Lock()
        self._server = TlsServer(self._answer, directory)
        self.url, self.ca_path = self._server.url, self._server.ca_path

    def stop(self):
        self._server.stop()

    def paths(self):
        return [path for _, path in self.requests]

    def _answer(self, method, path, headers, body):
        with self._lock:
            self.requests.append((method, path))
            delay = self.delay
        if delay:
            delay.wait(20)
        status, answer = self._route(method, path, headers, body)
        return status, json.dumps(answer).encode()

    def _route(self, method, path, headers, body):
        if self.fault:
            return self.fault, {"errors": ["Vault is sealed" if self.fault == 503 else "error"]}
        if headers.get("X-Vault-Namespace") != self.namespace:
            return 404, {"errors": ["no handler for route"]}
        if (method, path) == ("POST", "/v1/auth/approle/login"):
            return self._login(json.loads(body))
        token = headers.get("X-Vault-Token")
        ends = self.tokens.get(token, 0)
        if ends is not None and ends <= time.monotonic():
            return 403, {"errors": ["permission denied"]}
        if path in self.deny:
            return 403, {"errors": ["1 error occurred: permission denied"]}
        if (method, path) == ("GET", "/v1/auth/token/lookup-self"):
            ttl = 0 if ends is None else int(ends - time.monotonic())
            return 200, {"data": {"ttl": ttl, "renewable": ends is not None and self.is_renewable}}
        if (method, path) == ("POST", "/v1/auth/token/renew-self"):
            if self.refuses_renewal:
                return 400, {"errors": ["lease is not renewable"]}
            return 200, self._auth(token)
        return self._read(path) if method == "GET" else (405, {"errors": []})

    def _auth(self, token):
        self.tokens[token] = time.monotonic() + self.lease_s
        return {"auth": {"client_token": token, "lease_duration": self.lease_s,
                         "renewable": self.is_renewable}}

    def _login(self, body):
        if body != {"role_id": ROLE, "secret_id": SECRET}:
            return 400, {"errors": ["invalid role or secret ID"]}
        self._logins += 1
        return 200, self._auth(f"hvs.approle-token-{self._logins:04}")

    def _read(self, path):
        if self.version == 2:
            if path != "/v1/secret/data/simpletuner" or not self.is_there:
                return 404, {"errors": []}
            metadata = {"version": 3, "destroyed": False,
                        "deletion_time": "2024-01-15T10:30:00Z" if self.is_deleted else ""}
            data = {"data": None if self.is_deleted else self.values, "metadata": metadata}
            return (404 if self.is_deleted else 200), {"data": data}
        if path != "/v1/secret/simpletuner" or not self.is_there:
            return 404, {"errors": []}
        return 200, {"lease_duration": 2764800, "data": self.values}
