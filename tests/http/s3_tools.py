"""S3 clients as people use them: the SDKs of Python and JavaScript, and three programs.

Each is a class with the same methods, so that one test asks all of them. Nothing of this machine's
own settings reaches them.
"""

import hashlib
import json
import os
import pathlib
import subprocess

import boto3
import botocore.config

from js_packages import JS_HOME, install_js

MiB = 1 << 20
STORAGE = "/api/cloud/storage"
CREDENTIALS = "/api/auth/s3-credentials"
STRANGER = {"X-Forwarded-For": "203.0.113.9"}
TIMEOUT_S = 120


class Account:
    """A pair of S3 keys of the administrator of one running service."""

    def __init__(self, cloud, name="clients"):
        answer = cloud.post(CREDENTIALS, json={"name": name})
        assert answer.status_code == 201, answer.text
        self.cloud = cloud
        self.endpoint = cloud.url + STORAGE
        self.key_id = answer.json()["access_key_id"]
        self.secret = answer.json()["secret_access_key"]

    def revoke(self):
        assert self.cloud.delete(f"{CREDENTIALS}/{self.key_id}").status_code == 200

    def boto3(self, **config):
        return boto3_client(self.endpoint, self.key_id, self.secret, **config)

    def make_bucket(self, name):
        self.boto3().create_bucket(Bucket=name)
        return name


def boto3_client(endpoint, key_id, secret, **config):
    """One try for each request, no proxy, and signatures of version 4 in URLs too."""
    config = {"retries": {"max_attempts": 0}, "signature_version": "s3v4", "proxies": {},
              "max_pool_connections": 20} | config
    return boto3.session.Session().client(
        "s3", endpoint_url=endpoint, aws_access_key_id=key_id, aws_secret_access_key=secret,
        region_name="us-east-1", config=botocore.config.Config(**config))


def random_file(path, size):
    path.write_bytes(os.urandom(size))
    return path


def part_etag(bodies):
    """The ETag of an object that was uploaded in these parts."""
    sums = b"".join(hashlib.md5(body).digest() for body in bodies)
    return f'"{hashlib.md5(sums).hexdigest()}-{len(bodies)}"'


def tree(directory):
    """{path below: content} of every file of a directory."""
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in directory.rglob("*") if path.is_file()}


def all_keys(client, bucket, prefix=""):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


class Client:
    """What the programs have in common: a home of their own and a clean environment."""

    presigns_puts = False

    def __init__(self, account, bucket, home):
        self.account = account
        self.bucket = bucket
        self.home = home
        self.env = {
            "PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC",
            "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "BUCKET": bucket,
            "AWS_ACCESS_KEY_ID": account.key_id, "AWS_SECRET_ACCESS_KEY": account.secret,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": account.endpoint}
        self.set_up()

    def set_up(self):
        pass

    def run(self, *command):
        """Standard output of a program that must end well."""
        done = subprocess.run([str(word) for word in command], env=self.env, cwd=self.home,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S)
        said = (done.stdout[-2000:] + done.stderr[-4000:]).decode(errors="replace")
        assert done.returncode == 0, f"{command}: {done.returncode}: {said}"
        return done.stdout

    def url(self, key=""):
        return f"s3://{self.bucket}/{key}"


class Boto3(Client):
    """Debian's boto3, as the trainer uses it."""

    presigns_puts = True

    def set_up(self):
        self.s3 = self.account.boto3()

    def put(self, path, key):
        self.s3.upload_file(str(path), self.bucket, key)

    def get(self, key, path):
        self.s3.download_file(self.bucket, key, str(path))

    def read_from(self, key, first):
        return self.s3.get_object(Bucket=self.bucket, Key=key,
                                  Range=f"bytes={first}-")["Body"].read()

    def list(self, prefix=""):
        return all_keys(self.s3, self.bucket, prefix)

    def sync_up(self, directory, prefix):
        for name in tree(directory):
            self.put(directory / name, prefix + name)

    def sync_down(self, prefix, directory):
        for key in self.list(prefix):
            path = directory / key.removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.get(key, path)

    def remove(self, key):
        self.s3.delete_object(Bucket=self.bucket, Key=key)

    def remove_all(self, prefix):
        keys = [{"Key": key} for key in self.list(prefix)]
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys})
        assert not answer.get("Errors"), answer

    def presign(self, method, key):
        return self.s3.generate_presigned_url(
            "put_object" if method == "PUT" else "get_object",
            Params={"Bucket": self.bucket, "Key": key}, ExpiresIn=600)


class Aws(Client):
    """Debian's aws."""

    def aws(self, *command):
        return self.run("/usr/bin/aws", "--endpoint-url", self.account.endpoint, *command)

    def put(self, path, key):
        self.aws("s3", "cp", "--quiet", path, self.url(key))

    def get(self, key, path):
        self.aws("s3", "cp", "--quiet", self.url(key), path)

    def read_from(self, key, first):
        path = self.home / "range"
        self.aws("s3api", "get-object", "--bucket", self.bucket, "--key", key, "--range",
                 f"bytes={first}-", path)
        return path.read_bytes()

    def list(self, prefix=""):
        said = self.aws("s3api", "list-objects-v2", "--bucket", self.bucket, "--prefix", prefix,
                        "--query", "Contents[].Key", "--output", "json")
        return json.loads(said) or []

    def sync_up(self, directory, prefix):
        self.aws("s3", "sync", "--quiet", directory, self.url(prefix))

    def sync_down(self, prefix, directory):
        self.aws("s3", "sync", "--quiet", self.url(prefix), directory)

    def remove(self, key):
        self.aws("s3", "rm", "--quiet", self.url(key))

    def remove_all(self, prefix):
        self.aws("s3", "rm", "--quiet", "--recursive", self.url(prefix))

    def presign(self, _, key):
        return self.aws("s3", "presign", "--expires-in", "600", self.url(key)).decode().strip()


class S3cmd(Client):
    def set_up(self):
        host = self.account.endpoint.removeprefix("http://")
        (self.home / "s3cfg").write_text(
            f"[default]\naccess_key = {self.account.key_id}\nsecret_key = {self.account.secret}\n"
            f"host_base = {host}\nhost_bucket = {host}\nuse_https = False\nmax_retries = 0\n"
            "multipart_chunk_size_mb = 5\nbucket_location = us-east-1\n")

    def s3cmd(self, *command):
        return self.run("/usr/bin/s3cmd", "-c", self.home / "s3cfg", "--no-progress", *command)

    def put(self, path, key):
        self.s3cmd("put", "--quiet", path, self.url(key))

    def get(self, key, path):
        self.s3cmd("get", "--quiet", "--force", self.url(key), path)

    def read_from(self, key, first):
        """It resumes a file that has as many bytes."""
        path = self.home / "resumed"
        path.write_bytes(bytes(first))
        self.s3cmd("get", "--quiet", "--continue", self.url(key), path)
        return path.read_bytes()[first:]

    def list(self, prefix=""):
        start = len(self.url())
        lines = self.s3cmd("ls", "--recursive", self.url(prefix)).decode().splitlines()
        return [line.split(None, 3)[3][start:] for line in lines]

    def sync_up(self, directory, prefix):
        self.s3cmd("sync", "--quiet", f"{directory}/", self.url(prefix))

    def sync_down(self, prefix, directory):
        self.s3cmd("sync", "--quiet", self.url(prefix), f"{directory}/")

    def remove(self, key):
        self.s3cmd("rm", "--quiet", self.url(key))

    def remove_all(self, prefix):
        self.s3cmd("rm", "--quiet", "--recursive", "--force", self.url(prefix))

    def presign(self, _, key):
        """Of version 2: it knows no other."""
        return self.s3cmd("signurl", self.url(key), "+600").decode().strip()


class Rclone(Client):
    def set_up(self):
        (self.home / "rclone.conf").write_text(
            "[s]\ntype = s3\nprovider = Other\nregion = us-east-1\n"
            f"access_key_id = {self.account.key_id}\nsecret_access_key = {self.account.secret}\n"
            f"endpoint = {self.account.endpoint}\nchunk_size = 5Mi\nupload_cutoff = 5Mi\n")

    def rclone(self, *command):
        return self.run("/usr/bin/rclone", "--config", self.home / "rclone.conf", "--retries", "1",
                        "--low-level-retries", "1", *command)

    def url(self, key=""):
        return f"s:{self.bucket}/{key}"

    def put(self, path, key):
        self.rclone("copyto", path, self.url(key))

    def get(self, key, path):
        self.rclone("copyto", self.url(key), path)

    def read_from(self, key, first):
        return self.rclone("cat", "--offset", first, self.url(key))

    def list(self, prefix=""):
        said = self.rclone("lsf", "--recursive", "--files-only", self.url(prefix))
        return [prefix + line for line in said.decode().splitlines()]

    def sync_up(self, directory, prefix):
        self.rclone("sync", directory, self.url(prefix))

    def sync_down(self, prefix, directory):
        self.rclone("sync", self.url(prefix), directory)

    def remove(self, key):
        self.rclone("deletefile", self.url(key))

    def remove_all(self, prefix):
        self.rclone("delete", self.url(prefix))

    def presign(self, _, key):
        return self.rclone("link", "--expire", "10m", self.url(key)).decode().strip()


class JavaScript(Client):
    """@aws-sdk/client-s3 with @aws-sdk/lib-storage and the presigner."""

    presigns_puts = True

    def set_up(self):
        install_js()

    def node(self, *command):
        return self.run("node", JS_HOME / "s3.mjs", *command)

    def put(self, path, key):
        self.node("put", path, key)

    def put_stream(self, path, key):
        self.node("putStream", path, key)

    def get(self, key, path):
        self.node("get", key, path)

    def read_from(self, key, first):
        return self.node("range", key, first, "")

    def list(self, prefix=""):
        return json.loads(self.node("list", prefix))

    def sync_up(self, directory, prefix):
        self.node("syncUp", directory, prefix)

    def sync_down(self, prefix, directory):
        self.node("syncDown", prefix, directory)

    def remove(self, key):
        self.node("remove", key)

    def remove_all(self, prefix):
        self.node("removeAll", prefix)

    def presign(self, method, key):
        return self.node("presign", method, key).decode().strip()


CLIENTS = {"boto3": Boto3, "aws": Aws, "s3cmd": S3cmd, "rclone": Rclone, "javascript": JavaScript}


def peak_memory(pid):
    """The most bytes that a process has had in memory at once."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")
