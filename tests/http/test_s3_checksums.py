"""Checksums of objects and of their parts: verified as they arrive, kept, and given when asked."""

import base64
import hashlib
import zlib

import pytest

from s3_clients import body_of, headers, refused

MiB = 1 << 20
BODY = b"123456789"
# The check values of the catalogue of CRCs, and the hashes, of "123456789"
SUMS = {
    "crc32": base64.b64encode((0xCBF43926).to_bytes(4, "big")).decode(),
    "crc32c": base64.b64encode((0xE3069283).to_bytes(4, "big")).decode(),
    "crc64nvme": base64.b64encode((0xAE8B14860A799888).to_bytes(8, "big")).decode(),
    "sha1": base64.b64encode(hashlib.sha1(BODY).digest()).decode(),
    "sha256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
}
KINDS = list(SUMS)


def named(kind):
    return f"x_amz_checksum_{kind}"


def answered(answer):
    """Headers that tell of checksums."""
    return {name.removeprefix("x-amz-checksum-"): value
            for name, value in answer["ResponseMetadata"]["HTTPHeaders"].items()
            if name.startswith("x-amz-checksum-")}


def put(s3, bucket, **changes):
    with headers(s3, "PutObject", **changes):
        return s3.put_object(Bucket=bucket, Key="foo", Body=BODY)


def head(s3, bucket, **arguments):
    return answered(s3.head_object(Bucket=bucket, Key="foo", **arguments))


@pytest.mark.parametrize("kind", KINDS)
def test_a_checksum_is_kept_and_given_when_asked(s3, bucket, kind):
    expected = {kind: SUMS[kind], "type": "FULL_OBJECT"}
    assert answered(put(s3, bucket, **{named(kind): SUMS[kind]})) == expected
    assert head(s3, bucket, ChecksumMode="ENABLED") == expected
    answer = s3.get_object(Bucket=bucket, Key="foo", ChecksumMode="ENABLED")
    assert answer["Body"].read() == BODY and answered(answer) == expected
    assert head(s3, bucket) == {}
    [item] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert item["ChecksumAlgorithm"] == [kind.upper()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_checksum_is_refused(s3, bucket, kind):
    wrong = base64.b64encode(bytes(len(base64.b64decode(SUMS[kind])))).decode()
    with headers(s3, "PutObject", **{named(kind): wrong}):
        refused(400, "BadDigest", s3.put_object, Bucket=bucket, Key="foo", Body=BODY)
    for malformed in ("bad", "%%%%", SUMS["crc32" if kind != "crc32" else "sha256"]):
        if kind == "crc32c" and malformed == SUMS["crc32"]:
            continue
        with headers(s3, "PutObject", **{named(kind): malformed}):
            refused(400, "InvalidRequest", s3.put_object, Bucket=bucket, Key="foo", Body=BODY)
    assert "Contents" not in s3.list_objects(Bucket=bucket)


def test_two_checksums_at_once_are_refused(s3, bucket):
    with headers(s3, "PutObject", **{named(kind): SUMS[kind] for kind in ("crc32", "sha1")}):
        refused(400, "InvalidRequest", s3.put_object, Bucket=bucket, Key="foo", Body=BODY)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_boto3s_own_checksums(s3, bucket, algorithm):
    answer = s3.put_object(Bucket=bucket, Key="foo", Body=BODY, ChecksumAlgorithm=algorithm)
    assert answer[f"Checksum{algorithm}"] == SUMS[algorithm.lower()]
    answer = s3.get_object(Bucket=bucket, Key="foo", ChecksumMode="ENABLED")
    assert answer["Body"].read() == BODY  # verified by boto3
    assert answer[f"Checksum{algorithm}"] == SUMS[algorithm.lower()]


def test_a_range_has_not_the_checksum_of_the_whole(s3, bucket):
    put(s3, bucket, **{named("sha256"): SUMS["sha256"]})
    answer = s3.get_object(Bucket=bucket, Key="foo", ChecksumMode="ENABLED", Range="bytes=1-3")
    assert answer["Body"].read() == BODY[1:4] and answered(answer) == {}


def test_a_copy_has_the_checksum(s3, bucket):
    put(s3, bucket, **{named("sha256"): SUMS["sha256"]})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "foo"})
    answer = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert answered(answer) == {"sha256": SUMS["sha256"], "type": "FULL_OBJECT"}


# Uploads in parts


def raw_sum(kind, body):
    if kind == "crc32":
        return zlib.crc32(body).to_bytes(4, "big")
    return hashlib.new(kind, body).digest()


def text_sum(kind, body):
    return base64.b64encode(raw_sum(kind, body)).decode()


def begin(s3, target, **changes):
    with headers(s3, "CreateMultipartUpload", **changes):
        return s3.create_multipart_upload(**target)


def complete(s3, upload, parts, **changes):
    with headers(s3, "CompleteMultipartUpload", **changes):
        return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


BODIES = [b"A" * 5 * MiB, b"B" * 5 * MiB, b"C" * 5 * MiB]


def send_all(s3, upload, kind):
    parts = []
    for number, body in enumerate(BODIES, 1):
        with headers(s3, "UploadPart", **{named(kind): text_sum(kind, body)}):
            answer = s3.upload_part(**upload, PartNumber=number, Body=body)
        assert answered(answer)[kind] == text_sum(kind, body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"],
                      f"Checksum{kind.upper()}": text_sum(kind, body)})
    return parts


@pytest.mark.parametrize("kind", ["sha256", "sha1", "crc32"])
def test_the_checksum_of_parts_is_that_of_their_checksums(s3, bucket, kind):
    target = {"Bucket": bucket, "Key": "foo"}
    answer = begin(s3, target, x_amz_checksum_algorithm=kind.upper())
    assert answered(answer)["algorithm"] == kind.upper()
    upload = target | {"UploadId": answer["UploadId"]}
    parts = send_all(s3, upload, kind)
    listed = s3.list_parts(**upload)
    assert [part[f"Checksum{kind.upper()}"] for part in listed["Parts"]] == [
        text_sum(kind, body) for body in BODIES]
    whole = text_sum(kind, b"".join(raw_sum(kind, body) for body in BODIES))
    assert complete(s3, upload, parts)[f"Checksum{kind.upper()}"] == f"{whole}-3"
    assert head(s3, bucket, ChecksumMode="ENABLED") == {kind: f"{whole}-3", "type": "COMPOSITE"}
    assert body_of(s3, bucket, "foo") == b"".join(BODIES)


def test_the_crc_of_parts_can_be_that_of_the_whole(s3, bucket):
    target = {"Bucket": bucket, "Key": "foo"}
    answer = begin(s3, target, x_amz_checksum_algorithm="CRC32",
                   x_amz_checksum_type="FULL_OBJECT")
    assert answered(answer)["type"] == "FULL_OBJECT"
    upload = target | {"UploadId": answer["UploadId"]}
    parts = send_all(s3, upload, "crc32")
    whole = text_sum("crc32", b"".join(BODIES))
    with headers(s3, "CompleteMultipartUpload", x_amz_checksum_crc32=text_sum("crc32", b"x")):
        refused(400, "BadDigest", s3.complete_multipart_upload, **upload,
                MultipartUpload={"Parts": parts})
    assert complete(s3, upload, parts,
                    x_amz_checksum_crc32=whole)["ChecksumCRC32"] == whole
    assert head(s3, bucket, ChecksumMode="ENABLED") == {"crc32": whole, "type": "FULL_OBJECT"}


def test_a_part_has_its_own_checksum(s3, bucket):
    target = {"Bucket": bucket, "Key": "foo"}
    upload = target | {"UploadId": begin(
        s3, target, x_amz_checksum_algorithm="SHA256")["UploadId"]}
    with headers(s3, "UploadPart", **{named("sha256"): text_sum("sha256", b"other")}):
        refused(400, "BadDigest", s3.upload_part, **upload, PartNumber=1, Body=BODY)
    part = s3.upload_part(**upload, PartNumber=1, Body=BODY, ChecksumAlgorithm="SHA256")
    refused(400, "InvalidPart", s3.complete_multipart_upload, **upload, MultipartUpload={
        "Parts": [{"PartNumber": 1, "ETag": part["ETag"],
                   "ChecksumSHA256": text_sum("sha256", b"other")}]})
    complete(s3, upload, [{"PartNumber": 1, "ETag": part["ETag"],
                           "ChecksumSHA256": SUMS["sha256"]}])


def test_a_completion_names_the_checksums_of_parts_that_make_up_its_own(s3, bucket):
    target = {"Bucket": bucket, "Key": "foo"}
    upload = target | {"UploadId": begin(
        s3, target, x_amz_checksum_algorithm="SHA256")["UploadId"]}
    etag = s3.upload_part(**upload, PartNumber=1, Body=BODY, ChecksumAlgorithm="SHA256")["ETag"]
    bare, good = {"PartNumber": 1, "ETag": etag}, {"PartNumber": 1, "ETag": etag,
                                                   "ChecksumSHA256": SUMS["sha256"]}
    refused(400, "InvalidRequest", s3.complete_multipart_upload, **upload,
            MultipartUpload={"Parts": [bare]})
    with headers(s3, "CompleteMultipartUpload", x_amz_checksum_sha256="bad"):
        refused(400, "InvalidRequest", s3.complete_multipart_upload, **upload,
                MultipartUpload={"Parts": [good]})
    whole = text_sum("sha256", raw_sum("sha256", BODY)) + "-1"
    assert complete(s3, upload, [good], x_amz_checksum_sha256=whole)["ChecksumSHA256"] == whole
    assert head(s3, bucket) == {}
    assert head(s3, bucket, ChecksumMode="ENABLED") == {"sha256": whole, "type": "COMPOSITE"}


@pytest.mark.parametrize("changes", [
    {"x_amz_checksum_algorithm": "MD4"}, {"x_amz_checksum_type": "FULL_OBJECT"},
    {"x_amz_checksum_algorithm": "SHA256", "x_amz_checksum_type": "FULL_OBJECT"},
    {"x_amz_checksum_algorithm": "CRC64NVME", "x_amz_checksum_type": "COMPOSITE"}])
def test_what_cannot_be_summed_is_refused(s3, bucket, changes):
    with headers(s3, "CreateMultipartUpload", **changes):
        refused(400, "InvalidRequest", s3.create_multipart_upload, Bucket=bucket, Key="foo")


def test_a_crc64_of_parts_is_that_of_the_whole(s3, bucket):
    """Of "123456789" cut in two, where the first is filled up to what a part has at least."""
    target = {"Bucket": bucket, "Key": "foo"}
    upload = target | {"UploadId": begin(
        s3, target, x_amz_checksum_algorithm="CRC64NVME")["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=BODY)
    complete(s3, upload, [{"PartNumber": 1, "ETag": part["ETag"]}])
    assert head(s3, bucket, ChecksumMode="ENABLED") == {"crc64nvme": SUMS["crc64nvme"],
                                                        "type": "FULL_OBJECT"}
