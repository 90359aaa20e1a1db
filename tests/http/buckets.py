"""An S3 client of the local administrator, and what lies below the storage's directory."""

import json
import os
import uuid

import boto3
from botocore.config import Config

CREDENTIALS = "/api/auth/s3-credentials"
OLD_S = 1_600_000_000


def client(cloud):
    """boto3, which tries everything once."""
    made = cloud.post(CREDENTIALS, json={"name": "test"}).json()
    return boto3.session.Session().client(
        "s3", endpoint_url=f"{cloud.url}/api/cloud/storage", region_name="us-east-1",
        aws_access_key_id=made["access_key_id"], aws_secret_access_key=made["secret_access_key"],
        config=Config(retries={"max_attempts": 0}, proxies={}, read_timeout=30))


def new_bucket(s3):
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def root(cloud):
    return cloud.home / "outputs"


def file_of(cloud, bucket, key):
    return root(cloud) / bucket / key


def age(path):
    """Let a file look as if it had been there for long."""
    os.utime(path, (OLD_S, OLD_S))


def orphan(cloud, bucket, key, content=b"orphan", old=True):
    """A file in a bucket that no row knows."""
    path = file_of(cloud, bucket, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if old:
        age(path)
    return path


def command(cloud, *arguments):
    """(exit code, what "storage ..." answers as JSON)."""
    done = cloud.companion("storage", *arguments, "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def fsck(cloud, *arguments):
    """The exit code, and {(fault, bucket, key)}."""
    code, answer = command(cloud, "fsck", *arguments)
    return code, {(found["fault"], found["bucket"], found["key"]) for found in answer["findings"]}
