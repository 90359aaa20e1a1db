"""kill -9 at every step of storing: what was acknowledged is there, what was not can be sent again,
nothing half is to be seen, and gc and fsck leave nothing wrong behind."""

import botocore.exceptions
import pytest

import buckets
import faults

MiB = 1 << 20
PARTS = [b"1" * (5 * MiB), b"2" * 7]
WHOLE = b"".join(PARTS)
SCENARIOS = {}


def strikes_at(*points):
    """Register a scenario: it makes the responder die at the point and checks what is left."""
    def register(scenario):
        for point in points:
            SCENARIOS[f"{point}:{scenario.__name__}"] = (point, scenario)
        return scenario
    return register


class Storage:
    """A bucket with one object in it that was acknowledged."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.s3 = buckets.client(cloud)
        self.bucket = buckets.new_bucket(self.s3)
        self.put("kept/before", b"acknowledged")

    def put(self, key, body):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key):
        """(bytes, ETag), or None."""
        try:
            answer = self.s3.get_object(Bucket=self.bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return answer["Body"].read(), answer["ETag"]

    def listed(self):
        """{key: (size, ETag)}"""
        page = self.s3.list_objects_v2(Bucket=self.bucket)
        return {row["Key"]: (row["Size"], row["ETag"]) for row in page.get("Contents", [])}

    def dies(self, point, operation, **arguments):
        """The responder dies in an operation, which is not acknowledged."""
        with faults.armed(self.cloud, point):
            with pytest.raises((botocore.exceptions.BotoCoreError,
                                botocore.exceptions.ClientError)) as refusal:
                getattr(self.s3, operation)(Bucket=self.bucket, **arguments)
            answer = getattr(refusal.value, "response", None)
            assert not answer or answer["ResponseMetadata"]["HTTPStatusCode"] >= 500

    def begin(self, key, parts):
        """(upload id, the parts as a completion names them)"""
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        return upload, [self.part(key, upload, number, part)
                        for number, part in enumerate(parts, 1)]

    def part(self, key, upload, number, body):
        answer = self.s3.upload_part(Bucket=self.bucket, Key=key, UploadId=upload,
                                     PartNumber=number, Body=body)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def parts(self, key, upload):
        page = self.s3.list_parts(Bucket=self.bucket, Key=key, UploadId=upload)
        return [{"PartNumber": row["PartNumber"], "ETag": row["ETag"]}
                for row in page.get("Parts", [])]

    def complete(self, key, upload, parts):
        return self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})

    def assert_agreement(self):
        """Whatever is listed can be read and is as the list says, and the other way round."""
        on_disk = [path.relative_to(buckets.root(self.cloud) / self.bucket).as_posix()
                   for path in (buckets.root(self.cloud) / self.bucket).rglob("*")
                   if path.is_file()]
        seen = {key: self.get(key) for key in on_disk}
        listed = self.listed()
        assert listed == {key: (len(found[0]), found[1]) for key, found in seen.items() if found}
        assert self.get("kept/before")[0] == b"acknowledged"

    def assert_clean(self):
        """An hour later gc finds the rest, and then there is nothing to find."""
        for fault, bucket, key in buckets.fsck(self.cloud)[1]:
            assert fault == "no_row", (fault, bucket, key)
            buckets.age(buckets.file_of(self.cloud, bucket, key))
        for path in (buckets.root(self.cloud) / ".multipart").rglob("*"):
            buckets.age(path)
        assert buckets.command(self.cloud, "gc")[0] == 0
        assert buckets.fsck(self.cloud, "--hashes") == (0, set())
        assert not list((buckets.root(self.cloud) / ".incoming").iterdir())
        self.assert_agreement()


@strikes_at("storage.named")
def a_new_object(storage, point):
    storage.dies(point, "put_object", Key="dir/new", Body=b"new")
    assert storage.get("dir/new") is None
    storage.assert_agreement()
    storage.put("dir/new", b"new again")
    assert storage.get("dir/new")[0] == b"new again"


@strikes_at("storage.named")
def a_new_object_that_is_not_sent_again(storage, point):
    storage.dies(point, "put_object", Key="dir/new", Body=b"new")
    storage.assert_clean()
    assert storage.get("dir/new") is None
    assert not buckets.file_of(storage.cloud, storage.bucket, "dir").exists()


@strikes_at("storage.named")
def a_large_object(storage, point):
    """One that has a row while it is on its way."""
    storage.dies(point, "put_object", Key="large", Body=WHOLE)
    storage.assert_agreement()
    storage.put("large", WHOLE)
    assert storage.get("large")[0] == WHOLE


@strikes_at("storage.named", "storage.placed")
def an_object_that_replaces_another(storage, point):
    """Not acknowledged: the old one or the new one, and the same for everybody."""
    storage.put("old", b"old")
    storage.dies(point, "put_object", Key="old", Body=b"new and longer")
    assert storage.get("old")[0] in (b"old", b"new and longer")
    storage.assert_agreement()
    storage.put("old", b"newest")
    assert storage.get("old")[0] == b"newest"


@strikes_at("storage.named")
def a_copy(storage, point):
    source = {"Bucket": storage.bucket, "Key": "kept/before"}
    storage.dies(point, "copy_object", Key="copy", CopySource=source)
    storage.assert_agreement()
    storage.s3.copy_object(Bucket=storage.bucket, Key="copy", CopySource=source)
    assert storage.get("copy")[0] == b"acknowledged"


@strikes_at("storage.part_placed")
def a_part(storage, point):
    upload, sent = storage.begin("whole", PARTS[:1])
    storage.dies(point, "upload_part", Key="whole", UploadId=upload, PartNumber=2, Body=PARTS[1])
    assert storage.parts("whole", upload) == sent
    sent.append(storage.part("whole", upload, 2, PARTS[1]))
    storage.complete("whole", upload, sent)
    assert storage.get("whole")[0] == WHOLE


@strikes_at("storage.part_placed")
def a_part_that_replaces_another(storage, point):
    upload, sent = storage.begin("whole", PARTS)
    storage.dies(point, "upload_part", Key="whole", UploadId=upload, PartNumber=2, Body=b"other")
    assert storage.parts("whole", upload) == sent
    storage.assert_clean()
    storage.complete("whole", upload, sent)
    assert storage.get("whole")[0] == WHOLE


@strikes_at("storage.assembled", "storage.named")
def a_completion(storage, point):
    """No part is lost, and the same call does it again."""
    upload, sent = storage.begin("dir/whole", PARTS)
    storage.dies(point, "complete_multipart_upload", Key="dir/whole", UploadId=upload,
                 MultipartUpload={"Parts": sent})
    assert storage.get("dir/whole") is None
    assert storage.parts("dir/whole", upload) == sent
    storage.assert_agreement()
    done = storage.complete("dir/whole", upload, sent)
    assert storage.get("dir/whole") == (WHOLE, done["ETag"]) and done["ETag"].endswith('-2"')


@strikes_at("storage.assembled", "storage.named", "storage.placed")
def a_completion_over_another_object(storage, point):
    storage.put("old", b"old")
    upload, sent = storage.begin("old", PARTS)
    storage.dies(point, "complete_multipart_upload", Key="old", UploadId=upload,
                 MultipartUpload={"Parts": sent})
    assert storage.get("old")[0] in (b"old", WHOLE)
    storage.assert_agreement()
    assert storage.parts("old", upload) == sent
    done = storage.complete("old", upload, sent)
    assert storage.get("old") == (WHOLE, done["ETag"])


@strikes_at("storage.forgotten")
def a_removal(storage, point):
    """Once the row is gone the object is, whether its file is or not."""
    storage.put("dir/old", b"old")
    storage.dies(point, "delete_object", Key="dir/old")
    assert storage.get("dir/old") is None and set(storage.listed()) == {"kept/before"}
    storage.s3.delete_object(Bucket=storage.bucket, Key="dir/old")
    storage.put("dir/old", b"new")
    assert storage.get("dir/old")[0] == b"new"


@strikes_at("storage.forgotten")
def a_removal_that_is_not_repeated(storage, point):
    storage.put("dir/old", b"old")
    storage.dies(point, "delete_object", Key="dir/old")
    storage.assert_clean()
    assert not buckets.file_of(storage.cloud, storage.bucket, "dir").exists()


POINTS = {point for point, _ in SCENARIOS.values()}


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_storage_survives(cloud, name):
    point, scenario = SCENARIOS[name]
    storage = Storage(cloud)
    scenario(storage, point)
    storage.assert_clean()
