"""AWS Secrets Manager over TLS, and the places next door that give credentials: a container's
endpoint and an instance's metadata (IMDSv2). Signatures are recomputed by botocore."""

import base64
import json
import re
import threading
from http.client import HTTPMessage

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tls_server import TlsServer

NAME = "simpletuner/cloud"
REGION = "eu-central-1"
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
                           r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$")


class FixedTimeAuth(SigV4Auth):
    """botocore's, but it keeps the time that the request says."""

    def __init__(self, credentials, service, region, date):
        super().__init__(credentials, service, region)
        self.date = date

    def signature_of(self, request, names):
        request.context["timestamp"] = self.date
        signed = HTTPMessage()
        for name in names:
            signed[name] = request.headers[name]
        self.headers_to_sign = lambda _: signed
        canonical = self.canonical_request(request)
        return self.signature(self.string_to_sign(request, canonical), request)


class AwsSim:
    def __init__(self, directory):
        self.values = {"REPLICATE_API_TOKEN": "r8_from_aws_secrets_manager"}
        self.binary = None  # instead of a text
        self.text = None  # instead of values
        self.exists = True
        self.fault = None  # (status, type)
        self.keys = {"AKIDSTATIC": ("static-secret-key-0001", None)}  # id: (secret, token)
        self.expires = "2099-01-01T00:00:00Z"
        self.requests = []
        self.neighbours = []  # requests to the container's endpoint and the instance's metadata
        self.container_token = "container-token-0001"
        self._lock = threading.Lock()
        self._manager = TlsServer(self._secret, directory)
        self._next_door = TlsServer(self._neighbour)
        self.url, self.ca_path = self._manager.url, self._manager.ca_path
        self.next_door_url = self._next_door.url

    def stop(self):
        self._manager.stop()
        self._next_door.stop()

    # Secrets Manager

    def _secret(self, method, path, headers, body):
        with self._lock:
            self.requests.append((method, path, dict(headers), body))
        if self.fault:
            return self._error(*self.fault)
        wrong = self._check(method, path, headers, body)
        if wrong:
            return self._error(400, wrong)
        if json.loads(body) != {"SecretId": NAME} or not self.exists:
            return self._error(400, "ResourceNotFoundException")
        answer = {"ARN": "arn:aws:secretsmanager:x", "Name": NAME, "VersionStages": ["AWSCURRENT"]}
        if self.binary is not None:
            answer["SecretBinary"] = base64.b64encode(self.binary).decode()
        else:
            answer["SecretString"] = self.text or json.dumps(self.values)
        return 200, json.dumps(answer).encode()

    @staticmethod
    def _error(status, kind):
        return status, json.dumps({"__type": f"com.amazonaws.secretsmanager#{kind}"}).encode()

    def _check(self, method, path, headers, body):
        found = AUTHORIZATION.match(headers.get("Authorization", ""))
        if method != "POST" or headers.get("X-Amz-Target") != "secretsmanager.GetSecretValue" \
                or headers.get("Content-Type") != "application/x-amz-json-1.1":
            return "UnknownOperationException"
        if not found:
            return "IncompleteSignatureException"
        key_id, day, region, service, names, signature = found.groups()
        if key_id not in self.keys:
            return "UnrecognizedClientException"
        secret, token = self.keys[key_id]
        if headers.get("X-Amz-Security-Token") != token or (region, service) != (
                REGION, "secretsmanager") or not headers["X-Amz-Date"].startswith(day):
            return "InvalidSignatureException"
        names = names.split(";")
        missing = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set())
        if not missing <= set(names):
            return "InvalidSignatureException"
        request = AWSRequest(method, f"https://{headers['Host']}{path}", data=body,
                             headers={name: headers[name] for name in names})
        auth = FixedTimeAuth(Credentials(key_id, secret, token), service, region,
                             headers["X-Amz-Date"])
        return None if auth.signature_of(request, names) == signature else "InvalidSignatureException"

    # next door

    def give(self, key_id, secret, token):
        """Credentials that the neighbours give from now on."""
        self.keys[key_id] = (secret, token)
        self.given = json.dumps({"Code": "Success", "AccessKeyId": key_id, "SecretAccessKey": secret,
                                 "Token": token, "Expiration": self.expires}).encode()

    def _neighbour(self, method, path, headers, _body):
        self.neighbours.append((method, path))
        if path == "/container":
            good = headers.get("Authorization") == self.container_token
            return (200, self.given) if good else (401, b"")
        if (method, path) == ("PUT", "/latest/api/token"):
            good = headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            return (200, b"metadata-token") if good else (400, b"")
        if headers.get("X-aws-ec2-metadata-token") != "metadata-token":
            return 401, b""
        if path == "/latest/meta-data/iam/security-credentials/":
            return 200, b"the-role\n"
        if path == "/latest/meta-data/iam/security-credentials/the-role":
            return 200, self.given
        return 404, b""
