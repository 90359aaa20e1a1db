"""The storage endpoint with the clients that people have, through each front server."""

import hashlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import s3_tools
from s3_tools import CLIENTS, MiB, STORAGE, STRANGER
from waiting import until

ODD_NAMES = [
    "plain.txt", "with space.txt", "plus+plus", "100% sure", "already%20encoded", "%2F", "a&b=c",
    "what?", "hash#tag", "semi;colon", "it's", 'say "hi"', "tilde~", "(round) [square] {curly}",
    "comma,at@dollar$", "caret^pipe|grave`", "less<more>", "star*", "ümlaut.bin", "模型/权重.bin",
    "emoji 😀", "-dash", "--delete", ".hidden", "..two", "-dir/-file", ".dir/.file",
    "deep/er/and/deeper still/leaf", "a..b", "back\\slash", "=equals", "colon:colon"]
MANY = 10_000
PART = 64 * MiB


@pytest.fixture(scope="module")
def account(front_stack):
    front_stack.reset()
    account = s3_tools.Account(front_stack)
    yield account
    account.revoke()


@pytest.fixture(scope="module")
def lighttpd(fleet):
    """Keys of the service behind lighttpd, for what need not be seen three times."""
    stack = fleet.get("lighttpd", "sqlite")
    stack.reset()
    account = s3_tools.Account(stack)
    yield account
    account.revoke()


def open_bucket(account, name):
    s3 = account.boto3()
    s3.create_bucket(Bucket=name)
    return s3


def close_bucket(s3, name):
    for key in s3_tools.all_keys(s3, name):
        s3.delete_object(Bucket=name, Key=key)
    s3.delete_bucket(Bucket=name)


@pytest.fixture(params=CLIENTS)
def client(request, account, tmp_path):
    """Each client with a bucket of its own and a small object in it, behind each front server."""
    bucket = f"clients-{request.param}"
    home = tmp_path / "home"
    home.mkdir()
    s3 = open_bucket(account, bucket)
    yield CLIENTS[request.param](account, bucket, home)
    close_bucket(s3, bucket)


def head(client, key):
    return client.account.boto3().head_object(Bucket=client.bucket, Key=key)


def anonymous(method, url, **options):
    """A request of somebody who has nothing but the address."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=60, headers=STRANGER, **options)


def test_objects_go_and_come_back(client, tmp_path):
    """Small and in parts, a range, a list, a deletion."""
    for key, size in (("dir/small one.bin", 5000), ("big.bin", 20 * MiB)):
        sent = s3_tools.random_file(tmp_path / "sent", size)
        client.put(sent, key)
        client.get(key, tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == sent.read_bytes()
        assert head(client, key)["ContentLength"] == size
    assert head(client, "big.bin")["ETag"].strip('"').partition("-")[2] in ("3", "4")
    assert client.read_from("big.bin", 20 * MiB - 1000) == sent.read_bytes()[-1000:]
    assert client.list() == ["big.bin", "dir/small one.bin"]
    assert client.list("dir/") == ["dir/small one.bin"]
    client.remove("big.bin")
    assert client.list() == ["dir/small one.bin"]


def make_odd_directory(directory):
    for name in ODD_NAMES:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    assert len(s3_tools.tree(directory)) == len(ODD_NAMES)


def test_a_directory_with_odd_names_is_synced_both_ways(client, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    make_odd_directory(here)
    there.mkdir()
    client.sync_up(here, "odd dir+/")
    keys = s3_tools.all_keys(client.account.boto3(), client.bucket)
    assert sorted(keys) == sorted("odd dir+/" + name for name in ODD_NAMES)
    client.sync_down("odd dir+/", there)
    assert s3_tools.tree(there) == s3_tools.tree(here)
    client.remove_all("odd dir+/")
    assert client.list() == []


def test_a_presigned_address_is_all_that_a_reader_needs(client):
    key, body = "dir/a b+c é.bin", os.urandom(5000)
    client.account.boto3().put_object(Bucket=client.bucket, Key=key, Body=body)
    answer = anonymous("GET", client.presign("GET", key))
    if isinstance(client, s3_tools.S3cmd):  # it makes addresses of version 2 only
        assert answer.status_code == 400 and "s3v4" in answer.text
        return
    assert answer.status_code == 200, answer.text
    assert answer.content == body
    assert anonymous("GET", client.presign("GET", key).replace("b%2Bc", "b%2Bd")).status_code == 403


@pytest.mark.parametrize("client", ["boto3", "javascript"], indirect=True)
def test_a_presigned_address_is_all_that_a_writer_needs(client):
    key, body = "dir/a b+c é.bin", os.urandom(5000)
    url = client.presign("PUT", key)
    answer = anonymous("PUT", url, data=body)
    assert answer.status_code == 200, answer.text
    assert head(client, key)["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert anonymous("GET", url).status_code == 403
    assert anonymous("PUT", url.replace("a%20b", "a%20c"), data=b"x").status_code == 403


@pytest.mark.parametrize("client", ["javascript"], indirect=True)
@pytest.mark.parametrize("size", [5, 3 * MiB + 7])
def test_the_sdk_streams_in_chunks_with_a_trailer(client, tmp_path, size):
    sent = s3_tools.random_file(tmp_path / "sent", size)
    client.put_stream(sent, "streamed")
    s3 = client.account.boto3()
    answer = s3.get_object(Bucket=client.bucket, Key="streamed")
    assert answer["Body"].read() == sent.read_bytes()
    assert "ContentEncoding" not in answer


# curl, which signs nothing: as the job that has the token


def curl(job, key, *options, body):
    """(status of the answer, what it said) of an upload."""
    done = subprocess.run(
        ["/usr/bin/curl", "-sS", "--noproxy", "*", "-v", "-H", f"X-Upload-Token: {job.token}",
         "--max-time", "60", *options, job.cloud.url + job.storage(key)],
        input=body, capture_output=True, check=True, timeout=90)
    return done.stderr.decode(errors="replace"), done.stdout


@pytest.fixture
def curl_job(any_front):
    job = any_front.new_job()
    job.cloud = any_front
    return job


@pytest.mark.parametrize("size", [0, 10, 3 * MiB])
def test_a_body_of_unknown_length_is_taken(curl_job, size):
    body = os.urandom(size)
    trace, said = curl(curl_job, "piped", "-T", "-", body=body)
    assert "Transfer-Encoding: chunked" in trace
    assert hashlib.md5(body).hexdigest() in said.decode(), said
    assert curl_job.cloud.get(curl_job.storage("piped")).content == body


def test_a_client_that_waits_for_100_continue_gets_it(curl_job, tmp_path):
    sent = s3_tools.random_file(tmp_path / "sent", 2 * MiB)
    trace, said = curl(curl_job, "waited", "-T", str(sent), "-H", "Expect: 100-continue",
                       "--expect100-timeout", "50", body=None)
    assert "HTTP/1.1 100 Continue" in trace
    assert hashlib.md5(sent.read_bytes()).hexdigest() in said.decode(), said


# Many


@pytest.fixture(scope="module")
def many(lighttpd):
    """A bucket with 10,000 objects."""
    s3 = open_bucket(lighttpd, "many")
    keys = [f"dir-{number % 100:02}/{number:05}" for number in range(MANY)]

    def put(share):
        connection = http.client.HTTPConnection("127.0.0.1", lighttpd.cloud.port, timeout=30)
        for key in share:
            connection.request("PUT", f"{STORAGE}/many/{key}", body=b"x")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, [keys[start::16] for start in range(16)]))
    yield sorted(keys)
    for start in range(0, MANY, 1000):
        s3.delete_objects(Bucket="many", Delete={
            "Quiet": True, "Objects": [{"Key": key} for key in keys[start:start + 1000]]})
    s3.delete_bucket(Bucket="many")


@pytest.mark.parametrize("name", CLIENTS)
def test_ten_thousand_objects_are_listed(many, lighttpd, tmp_path, name):
    client = CLIENTS[name](lighttpd, "many", tmp_path)
    assert sorted(client.list()) == many
    assert sorted(client.list("dir-42/")) == [key for key in many if key.startswith("dir-42/")]


# Large


def part_body(number):
    """64 MiB that no other part and no other place in them has, and that cost little to make."""
    block = bytes(range(256)) * 2048
    return b"".join((number * 128 + index).to_bytes(8, "big") + block[8:] for index in range(128))


def upload_parts(endpoint, key_id, secret, bucket, upload_id, numbers):
    """What the killed process does: one part after the other; says when one is acknowledged."""
    s3 = s3_tools.boto3_client(endpoint, key_id, secret)
    for number in numbers:
        body = part_body(number)
        print("begins", number, flush=True)
        s3.upload_part(Bucket=bucket, Key="large", UploadId=upload_id, PartNumber=number, Body=body)
        print("done", number, flush=True)


UPLOADER = "import sys, json, test_s3_clients as t; t.upload_parts(**json.load(sys.stdin))"


def incoming(account):
    """Sizes of the bodies that are arriving."""
    directory = account.cloud.home / "outputs" / ".incoming"
    return [path.stat().st_size for path in directory.iterdir()]


def kill_in_part(account, upload_id, number):
    """Upload the parts up to number in a process that is killed while it sends that one."""
    program = subprocess.Popen(
        [sys.executable, "-B", "-c", UPLOADER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=pathlib.Path(__file__).parent)
    arguments = {"endpoint": account.endpoint, "key_id": account.key_id, "secret": account.secret,
                 "bucket": "large", "upload_id": upload_id, "numbers": list(range(1, number + 1))}
    program.stdin.write(json.dumps(arguments).encode())
    program.stdin.close()
    for line in program.stdout:
        if line.split() == [b"begins", str(number).encode()]:
            break
    until(lambda: sum(incoming(account)) > MiB, 30, "the part does not arrive")
    program.send_signal(signal.SIGKILL)
    program.wait()
    program.stdout.close()


def test_a_gibibyte_in_parts_goes_on_where_it_was_killed(lighttpd):
    s3 = open_bucket(lighttpd, "large")
    upload = {"Bucket": "large", "Key": "large"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    kill_in_part(lighttpd, upload["UploadId"], 5)
    until(lambda: incoming(lighttpd) == [], 30, "the killed part is still there")
    parts = {part["PartNumber"]: part["ETag"] for part in s3.list_parts(**upload)["Parts"]}
    assert sorted(parts) == [1, 2, 3, 4]
    sums = [hashlib.md5(part_body(number)).digest() for number in range(1, 17)]
    for number in range(5, 17):
        answer = s3.upload_part(**upload, PartNumber=number, Body=part_body(number))
        parts[number] = answer["ETag"]
    answer = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [
        {"PartNumber": number, "ETag": etag} for number, etag in sorted(parts.items())]})
    assert answer["ETag"] == f'"{hashlib.md5(b"".join(sums)).hexdigest()}-16"'
    body = s3.get_object(Bucket="large", Key="large")
    assert body["ContentLength"] == 1 << 30
    for number in range(1, 17):
        assert hashlib.md5(body["Body"].read(PART)).digest() == sums[number - 1]
    close_bucket(s3, "large")


def test_many_large_uploads_at_once_need_little_memory(new_stack):
    account = s3_tools.Account(new_stack())
    s3 = open_bucket(account, "heavy")
    body = part_body(1)
    urls = [s3.generate_presigned_url("put_object", Params={"Bucket": "heavy", "Key": str(number)})
            for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda url: anonymous("PUT", url, data=body), urls))
    assert [answer.status_code for answer in answers] == [200] * 16
    assert {answer.headers["ETag"] for answer in answers} == {f'"{hashlib.md5(body).hexdigest()}"'}
    assert s3_tools.peak_memory(account.cloud.responder_pid()) < 64 * MiB
