"""S3 stores for the service to keep its objects in: a second instance of its own, and s3rver."""

import os
import shutil
import signal
import socket
import subprocess

import boto3
import botocore.config

import sim_tls
from stack import BUILD, Stack, base_environment, scratch_directory
from waiting import free_port, until

BUCKET = "training-outputs"
S3RVER = "s3rver@3.7.1"
NODE_MODULES = BUILD / "tests" / "npm"
STORAGE = "/api/cloud/storage"


def s3_client(endpoint, key_id, secret, ca=None):
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key_id, aws_secret_access_key=secret,
        region_name="us-east-1", verify=str(ca) if ca else None, config=botocore.config.Config(
            retries={"max_attempts": 0}, proxies={}, read_timeout=60, connect_timeout=10,
            s3={"addressing_style": "path"}))


def s3_client_of(stack, name="test"):
    """boto3 with a new credential of a stack."""
    answer = stack.post("/api/auth/s3-credentials", json={"name": name})
    assert answer.status_code == 201, answer.text
    pair = answer.json()
    return s3_client(stack.url + STORAGE, pair["access_key_id"], pair["secret_access_key"])


class Store:
    """What both have: where it is, a bucket, and a look at what is in it."""

    def settings(self):
        return {"SIMPLETUNER_STORAGE_URL": f"s3://{BUCKET}/a/prefix",
                "SIMPLETUNER_STORAGE_ENDPOINT": self.endpoint,
                "SIMPLETUNER_STORAGE_ACCESS_KEY_ID": self.key_id,
                "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY": self.secret}

    def names(self, bucket):
        """Of the objects there that belong to a bucket of ours."""
        self.revive()
        rows = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"a/prefix/{bucket}/")
        return sorted(row["Key"] for row in rows.get("Contents", []))


class OwnStore(Store):
    """SimpleTuner Cloud as the store of SimpleTuner Cloud."""

    def __init__(self):
        self.stack = Stack("lighttpd", None).start()
        answer = self.stack.post("/api/auth/s3-credentials", json={"name": "store"}).json()
        self.key_id, self.secret = answer["access_key_id"], answer["secret_access_key"]
        self.endpoint = self.stack.url + STORAGE
        self.s3 = s3_client(self.endpoint, self.key_id, self.secret)
        self.s3.create_bucket(Bucket=BUCKET)

    def revive(self):
        """It does not die."""

    def pause(self):
        os.kill(self.stack.process.pid, signal.SIGTERM)
        self.stack.process.wait(30)

    def go_on(self):
        self.stack.restart()

    def stop(self):
        self.stack.stop()


def install(package, binary):
    """The program of an npm package, installed below the build directory."""
    program = NODE_MODULES / "node_modules" / ".bin" / binary
    if not program.exists():
        NODE_MODULES.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", NODE_MODULES, package],
            capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"npm install {package} failed:\n{done.stderr[-2000:]}"
    return program


class S3rver(Store):
    """A server that has nothing in common with ours. It dies when a connection is cut."""

    key_id = secret = "S3RVER"
    scheme, tls, ca = "http", [], None

    def __init__(self):
        self.program = install(S3RVER, "s3rver")
        self.directory = scratch_directory("s3rver")
        self.port = free_port()
        self.endpoint = f"{self.scheme}://127.0.0.1:{self.port}"
        self.process = None
        self.go_on()
        self.s3 = s3_client(self.endpoint, self.key_id, self.secret, self.ca)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def go_on(self):
        environment = base_environment(self.directory) | {"NODE_NO_WARNINGS": "1"}
        node = shutil.which("node")
        assert node, "node is not installed"
        self.process = subprocess.Popen(
            [node, self.program, "--directory", self.directory, "--address", "127.0.0.1",
             "--port", str(self.port), "--silent", "--configure-bucket", BUCKET, *self.tls],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.directory)
        until(self.answers, 30, "s3rver does not answer")

    def revive(self):
        if self.process.poll() is not None or not self.answers():
            self.pause()
            self.go_on()

    def pause(self):
        self.process.terminate()
        self.process.wait(15)

    def stop(self):
        self.pause()


class TlsS3rver(S3rver):
    """With a certificate that only ca knows."""

    scheme = "https"

    def __init__(self):
        self.ca, certificate, key = sim_tls.ensure_certificates(scratch_directory("tls"))
        self.tls = ["--cert", certificate, "--key", key]
        super().__init__()
