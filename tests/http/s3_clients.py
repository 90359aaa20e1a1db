"""boto3 clients of the service, and what tests ask of their answers."""

import contextlib
import io
import itertools
import os

import pytest

os.environ["BOTO_DISABLE_CRT"] = "true"  # the other signer refuses to make what we want refused

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

S3_PATH = "/api/cloud/storage"
NUMBERS = itertools.count(1)


def new_credentials(stack, name="tests"):
    """A user's own key pair, made as users make it."""
    answer = stack.post("/api/auth/s3-credentials", json={"name": name})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["access_key_id"], answer.json()["secret_access_key"]


def new_client(stack, credentials, **config):
    """A client that goes straight to the service. It asks again where a connection that it kept has
    been closed, as it is after an answer that did not wait for the body."""
    config = Config(signature_version="s3v4", retries={"total_max_attempts": 2}, proxies={},
                    **config)
    return boto3.session.Session().client(
        "s3", endpoint_url=stack.url + S3_PATH, region_name="us-east-1", config=config,
        aws_access_key_id=credentials[0], aws_secret_access_key=credentials[1])


def new_name(prefix="bucket"):
    return f"{prefix}-{next(NUMBERS)}"


def new_bucket(client):
    name = new_name()
    client.create_bucket(Bucket=name)
    return name


def refused(status, code, call, **arguments):
    """The call fails with this status and, unless None, this code; returns S3's answer."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    assert code is None or answer["Error"]["Code"] == code, answer
    return answer


def body_of(client, bucket, key, **arguments):
    return client.get_object(Bucket=bucket, Key=key, **arguments)["Body"].read()


@contextlib.contextmanager
def headers(client, operation, **changes):
    """Requests of the operation go out, signed, with these headers; None leaves one out."""
    def change(params, **_):
        for name, value in changes.items():
            name = name.replace("_", "-")
            params["headers"].pop(name, None)
            if value is not None:
                params["headers"][name] = value

    client.meta.events.register(f"before-call.s3.{operation}", change)
    yield
    client.meta.events.unregister(f"before-call.s3.{operation}", change)


@contextlib.contextmanager
def query(client, operation, text):
    """Requests of the operation go out, signed, with this added to the query."""
    def change(params, **_):
        params["url"] += ("&" if "?" in params["url"] else "?") + text

    client.meta.events.register(f"before-call.s3.{operation}", change)
    yield
    client.meta.events.unregister(f"before-call.s3.{operation}", change)


class Interrupted(io.BytesIO):
    """A body during whose sending, before its last byte goes out, something happens once."""

    def __init__(self, body, action):
        super().__init__(body)
        self.action, self.sending = action, False

    def seek(self, *arguments):
        self.sending = True  # what was read before was for the hash
        return super().seek(*arguments)

    def read(self, size=-1):
        data = super().read(size)
        if self.action and self.sending and data and self.tell() == len(self.getvalue()):
            action, self.action = self.action, None
            action()
        return data
