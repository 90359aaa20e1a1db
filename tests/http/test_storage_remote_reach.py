"""How another S3 store is reached: whose keys, which certificates, which proxy, how long; and what
was stored before it was named."""

import hashlib
import json
import os
import time

import pytest

from proxies import Tinyproxy
from remote_stores import BUCKET, OwnStore, S3rver, TlsS3rver, s3_client_of
from responder import HangingServer
from stack import Stack
from test_storage_remote import MINE, MiB, code, keys, read, sweep
from waiting import until


@pytest.fixture(scope="module")
def own():
    store = OwnStore()
    yield store
    store.stop()


def begin(new_stack, environment):
    """The service with a bucket, and a client of it."""
    stack = new_stack(environment)
    client = s3_client_of(stack)
    client.create_bucket(Bucket=MINE)
    return stack, client


def put(client, key="k", body=b"x"):
    return client.put_object(Bucket=MINE, Key=key, Body=body)


def refused(stack, client, reason, body=b"x"):
    assert code(client.put_object, Bucket=MINE, Key="k", Body=body)[1] == 503
    assert reason in stack.log()
    assert keys(client) == []


def secrets_of(store):
    return {name: value for name, value in store.settings().items() if "KEY" in name}


def without_secrets(store):
    return {name: value for name, value in store.settings().items() if "KEY" not in name}


def test_keys_of_aws_tools_are_taken_too(own, new_stack):
    _, client = begin(new_stack, without_secrets(own) | {
        "AWS_ACCESS_KEY_ID": own.key_id, "AWS_SECRET_ACCESS_KEY": own.secret})
    put(client)
    assert read(client, "k") == b"x"


def test_keys_may_be_in_the_file_of_secrets_and_come_later(own, new_stack):
    stack, client = begin(new_stack, without_secrets(own))
    refused(stack, client, "the secret SIMPLETUNER_STORAGE_ACCESS_KEY_ID is not set")
    path = stack.home / "secrets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.touch(mode=0o600)
    path.write_text(json.dumps(known | secrets_of(own)))
    put(client)
    assert read(client, "k") == b"x"


@pytest.mark.parametrize("size", [10, 8 * MiB])
def test_a_wrong_key_is_in_the_log_and_not_the_clients_business(own, new_stack, size):
    stack, client = begin(new_stack, own.settings() | {
        "SIMPLETUNER_STORAGE_SECRET_ACCESS_KEY": "wrong"})
    refused(stack, client, "SignatureDoesNotMatch", os.urandom(size))


def test_a_bucket_that_is_missing_there_is_not_a_missing_object(own, new_stack):
    stack, client = begin(new_stack, own.settings() | {
        "SIMPLETUNER_STORAGE_URL": "s3://no-such-bucket/x"})
    refused(stack, client, "the bucket is missing")
    assert code(client.create_multipart_upload, Bucket=MINE, Key="k")[1] == 503


def test_certificates_are_checked_against_the_ca_bundle():
    store = TlsS3rver()
    settings = store.settings()
    stack = Stack("lighttpd", None, settings)
    try:
        stack.start().reset()
        client = s3_client_of(stack)
        client.create_bucket(Bucket=MINE)
        refused(stack, client, "certificate")
        stack.restart(SIMPLETUNER_CA_BUNDLE=str(store.ca))
        body = os.urandom(MiB)
        put(client, "k", body)
        assert read(client, "k") == body
    finally:
        stack.stop()
        store.stop()


@pytest.mark.parametrize("kind", [S3rver, TlsS3rver])
def test_a_proxy_is_used_unless_no_proxy_says_otherwise(new_stack, kind):
    store = kind()
    variable = "HTTPS_PROXY" if kind is TlsS3rver else "HTTP_PROXY"
    try:
        with Tinyproxy("user", "secret") as proxy:
            through = store.settings() | {variable: f"http://user:secret@{proxy.name}",
                                          "SIMPLETUNER_CA_BUNDLE": str(store.ca or "")}
            stack, client = begin(new_stack, through)
            body = os.urandom(MiB)
            put(client, "k", body)
            assert read(client, "k") == body
            assert f"127.0.0.1:{store.port}" in proxy.log()
            before = proxy.log().count("Request (")
            stack.restart(NO_PROXY="127.0.0.1")
            assert read(client, "k") == body
            assert proxy.log().count("Request (") == before > 0
    finally:
        store.stop()


def test_a_store_that_does_not_answer_is_waited_for_no_longer_than_said(own, new_stack):
    with HangingServer() as hanging:
        stack, client = begin(new_stack, own.settings() | {
            "SIMPLETUNER_STORAGE_ENDPOINT": hanging.url, "SIMPLETUNER_HTTP_TIMEOUT": "1"})
        began = time.monotonic()
        refused(stack, client, "Timeout was reached")
        assert time.monotonic() - began < 10  # of 30 that it would be


def test_buckets_stay_where_they_are(own, new_stack):
    stack = new_stack()
    client = s3_client_of(stack)
    client.create_bucket(Bucket="older")
    body = os.urandom(2 * MiB)
    client.put_object(Bucket="older", Key="k", Body=body)
    stack.restart(**own.settings())
    client.put_object(Bucket="older", Key="later", Body=b"in a file, too")
    assert own.names("older") == []
    client.create_bucket(Bucket="the-other")
    client.copy_object(Bucket="the-other", Key="copy", CopySource={"Bucket": "older", "Key": "k"})
    [name] = own.names("the-other")
    assert client.get_object(Bucket="the-other", Key="copy")["Body"].read() == body
    client.copy_object(Bucket="older", Key="back", CopySource={"Bucket": "the-other", "Key": "copy"})
    assert (stack.home / "outputs" / "older" / "back").read_bytes() == body
    assert own.s3.head_object(Bucket=BUCKET, Key=name)["ETag"] == (
        f'"{hashlib.md5(body).hexdigest()}"')

    stack.restart(SIMPLETUNER_STORAGE_URL=None)
    assert client.get_object(Bucket="the-other", Key="copy")["Body"].read() == body


def test_what_a_killed_responder_left_is_swept(own, new_stack):
    stack, client = begin(new_stack, own.settings())
    job = stack.new_job()
    with stack.connect() as connection:
        connection.sendall((f"PUT {job.storage('cut')} HTTP/1.1\r\nHost: x\r\nX-Upload-Token: "
                            f"{job.token}\r\nContent-Length: {8 * MiB}\r\n\r\n").encode() +
                           bytes(5 * MiB))
        until(lambda: stack.job(job.job_id)["upload_progress"]["in_flight"] == 1, 10, "none begins")
        stack.kill_responder()
    assert stack.get(job.storage("cut")).status_code == 404
    [(url,)] = stack.query("SELECT url FROM remote_leftovers")
    assert f"/{job.job_id}/cut." in url
    sweep(stack)
    assert own.names(job.job_id) == []
    put(client)
    assert read(client, "k") == b"x"
