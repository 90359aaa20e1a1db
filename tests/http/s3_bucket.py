"""A bucket that hostile and racing requests are sent to, and a look at what they leave behind."""

import concurrent.futures
import contextlib
import threading

import s3_signer
import s3_tools
from s3_signer import UNSIGNED
from s3_tools import STORAGE
from waiting import until

BUCKET = "hostile"
ROOT = f"{STORAGE}/{BUCKET}"


def open_bucket(stack):
    """A signer of the administrator with an empty bucket."""
    account = s3_tools.Account(stack, BUCKET)
    account.make_bucket(BUCKET)
    signer = s3_signer.Signer(stack, account.key_id, account.secret)
    signer.account, signer.s3 = account, account.boto3()
    return signer


def close_bucket(signer):
    empty(signer)
    signer.s3.delete_bucket(Bucket=BUCKET)
    signer.account.revoke()


def empty(signer):
    for key in s3_tools.all_keys(signer.s3, BUCKET):
        signer.s3.delete_object(Bucket=BUCKET, Key=key)
    for upload in signer.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        signer.s3.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"],
                                         UploadId=upload["UploadId"])


def files(cloud, outputs=None):
    """Every file below the outputs that belongs to an upload or to our bucket, and to no other."""
    outputs = outputs or cloud.home / "outputs"
    others = {name for (name,) in cloud.query(
        "SELECT upload_id FROM multiparts WHERE bucket <> %s", BUCKET)}
    return [path for part in (BUCKET, ".incoming", ".multipart")
            for path in (outputs / part).rglob("*")
            if path.is_file() and path.parent.name not in others]


def rows(cloud):
    """How many rows of uploads there are, and of parts that are of our bucket or of none."""
    [(uploads,)] = cloud.query("SELECT COUNT(*) FROM uploads WHERE bucket = %s", BUCKET)
    [(parts,)] = cloud.query("SELECT COUNT(*) FROM parts WHERE upload_id NOT IN "
                             "(SELECT upload_id FROM multiparts WHERE bucket <> %s)", BUCKET)
    return [uploads, parts]


def nothing_is_left(cloud, outputs=None):
    """No object, no file, no row: what was given up is given up soon."""
    until(lambda: files(cloud, outputs) == [], 20, "files are left")
    until(lambda: rows(cloud) == [0, 0], 20, "rows are left")
    assert cloud.query("SELECT object_key FROM objects WHERE bucket = %s", BUCKET) == []


def begin(signer, key="big"):
    """The target of an upload in parts."""
    answer = signer.request("POST", f"{ROOT}/{key}?uploads")
    assert answer.status == 200, answer.body
    return f"{ROOT}/{key}?uploadId=" + answer.body.decode().partition(
        "<UploadId>")[2].partition("<")[0]


def put_part(signer, upload, number, body, **signing):
    path, _, query = upload.partition("?")
    return signer.request("PUT", f"{path}?partNumber={number}&{query}", body, **signing)


def complete(signer, upload, parts):
    listing = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
                      for number, etag in parts)
    return signer.request("POST", upload,
                          f"<CompleteMultipartUpload>{listing}</CompleteMultipartUpload>".encode())


def connect(signer, target, length, body, cut=None):
    """Send a request whose body is said to have a length, or only its first cut bytes."""
    headers = signer.headers("PUT", target, UNSIGNED) | {"content-length": str(length)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection = signer.cloud.connect()
    data = f"PUT {target} HTTP/1.1\r\n{head}\r\n".encode() + body
    with contextlib.suppress(ConnectionError):
        connection.sendall(data[:cut])
    return connection


def at_once(*calls):
    """What each call returns, all begun at the same time."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait()
        return call()

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]
