"""ListObjects and ListObjectsV2: what is listed, in which order, and how a list goes on."""

import concurrent.futures
import dataclasses

import pytest

from s3_clients import new_bucket, new_name, query, refused

WORDS = ["bar", "baz", "foo", "quxx"]


def put_all(s3, bucket, keys):
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


@dataclasses.dataclass
class Page:
    keys: list
    prefixes: list
    answer: dict

    @property
    def truncated(self):
        return self.answer["IsTruncated"]


def page(answer):
    return Page([item["Key"] for item in answer.get("Contents", [])],
                [item["Prefix"] for item in answer.get("CommonPrefixes", [])], answer)


class Version1:
    operation, after = "ListObjects", "Marker"

    def __init__(self, s3, bucket):
        self.call = lambda **arguments: s3.list_objects(Bucket=bucket, **arguments)

    def __call__(self, **arguments):
        return page(self.call(**arguments))

    def pages(self, **arguments):
        """Follow NextMarker, or the last key where there is no delimiter."""
        result = [self(**arguments)]
        while result[-1].truncated:
            after = result[-1].answer.get("NextMarker") or result[-1].keys[-1]
            result.append(self(**arguments, Marker=after))
        return result


class Version2(Version1):
    operation, after = "ListObjectsV2", "StartAfter"

    def __init__(self, s3, bucket):
        self.call = lambda **arguments: s3.list_objects_v2(Bucket=bucket, **arguments)

    def pages(self, **arguments):
        result = [self(**arguments)]
        while result[-1].truncated:
            token = result[-1].answer["NextContinuationToken"]
            result.append(self(**arguments, ContinuationToken=token))
        assert "NextContinuationToken" not in result[-1].answer
        return result


@pytest.fixture(params=[Version1, Version2], ids=["v1", "v2"])
def listing(request, s3, bucket):
    """Lists the bucket, with each version of the protocol."""
    return request.param(s3, bucket)


def test_an_empty_bucket_has_no_contents(listing):
    assert "Contents" not in listing().answer and not listing().truncated


def test_each_bucket_has_its_own_objects(s3, bucket, listing):
    s3.put_object(Bucket=new_bucket(s3), Key="elsewhere", Body=b"x")
    assert listing().keys == []


def test_a_bucket_that_is_not_there_is_not_listed(s3):
    for call in (s3.list_objects, s3.list_objects_v2):
        refused(404, "NoSuchBucket", call, Bucket=new_name("missing"))


def test_keys_are_sorted_by_their_bytes(s3, bucket, listing):
    keys = [" ", '"', "$", "%", "&", "'", "<", ">", "A", "_", "_ ", "_ _", "__", "a", "é", "模", "😀"]
    put_all(s3, bucket, reversed(keys))
    assert listing().keys == keys


def test_a_list_tells_what_head_tells(s3, bucket, listing):
    put_all(s3, bucket, ["one", "another"])
    for item in listing().answer["Contents"]:
        head = s3.head_object(Bucket=bucket, Key=item["Key"])
        assert item["ETag"] == head["ETag"]
        assert item["Size"] == head["ContentLength"] == len(item["Key"])
        assert item["LastModified"].replace(microsecond=0) == head["LastModified"]
        assert item["StorageClass"] == "STANDARD"


def test_version_2_counts_keys_and_prefixes(s3, bucket):
    put_all(s3, bucket, ["a/1", "a/2", "b", "c"])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 4
    assert s3.list_objects_v2(Bucket=bucket, Delimiter="/")["KeyCount"] == 3


# Delimiters and prefixes


@pytest.mark.parametrize("delimiter, keys, own, prefixes", [
    ("/", ["foo/bar", "foo/baz/xyzzy", "quux/thud", "asdf"], ["asdf"], ["foo/", "quux/"]),
    ("a", ["bar", "baz", "cab", "foo"], ["foo"], ["ba", "ca"]),
    ("%", ["b%ar", "b%az", "c%ab", "foo"], ["foo"], ["b%", "c%"]),
    (" ", ["b ar", "b az", "c ab", "foo"], ["foo"], ["b ", "c "]),
    (".", ["b.ar", "b.az", "c.ab", "foo"], ["foo"], ["b.", "c."]),
    ("ab", ["xaby", "xabz", "aab", "xa"], ["xa"], ["aab", "xab"]),
    ("\n", WORDS, WORDS, []),
    ("/", WORDS, WORDS, []),
])
def test_keys_are_rolled_up_at_the_delimiter(s3, bucket, listing, delimiter, keys, own, prefixes):
    put_all(s3, bucket, keys)
    found = listing(Delimiter=delimiter)
    assert (found.keys, found.prefixes) == (own, prefixes)
    assert found.answer["Delimiter"] == delimiter


@pytest.mark.parametrize("arguments", [{"Delimiter": ""}, {}])
def test_no_delimiter_rolls_nothing_up(s3, bucket, listing, arguments):
    put_all(s3, bucket, ["a/b", "c"])
    found = listing(**arguments)
    assert found.keys == ["a/b", "c"] and "Delimiter" not in found.answer


@pytest.mark.parametrize("prefix, keys", [
    ("foo/", ["foo/bar", "foo/baz"]), ("fo", ["foo/bar", "foo/baz"]), ("q", ["quux"]),
    ("", ["foo/bar", "foo/baz", "quux"]), ("d", []), ("\n", []), ("foo/bar/", [])])
def test_a_prefix_selects(s3, bucket, listing, prefix, keys):
    put_all(s3, bucket, ["foo/bar", "foo/baz", "quux"])
    found = listing(Prefix=prefix)
    assert found.keys == keys and found.prefixes == []
    assert found.answer["Prefix"] == prefix


@pytest.mark.parametrize("prefix, delimiter, keys, own, prefixes", [
    ("foo/", "/", ["foo/bar", "foo/baz/xyzzy", "quux/thud", "asdf"], ["foo/bar"], ["foo/baz/"]),
    ("ba", "a", ["bar", "bazar", "cab", "foo"], ["bar"], ["baza"]),
    ("/", "d", ["b/a/r", "b/a/c", "b/a/g", "g"], [], []),
    ("b", "z", ["b/a/c", "b/a/g", "b/a/r", "g"], ["b/a/c", "b/a/g", "b/a/r"], []),
    ("y", "z", ["b/a/c", "b/a/g", "b/a/r", "g"], [], []),
    ("asdf/", "/", ["asdf/"], ["asdf/"], []),
    ("_bla/", "/", ["_bla/1", "_bla/2", "abcd"], ["_bla/1", "_bla/2"], []),
])
def test_a_prefix_and_a_delimiter_together(s3, bucket, listing, prefix, delimiter, keys, own,
                                           prefixes):
    put_all(s3, bucket, keys)
    found = listing(Prefix=prefix, Delimiter=delimiter)
    assert (found.keys, found.prefixes) == (own, prefixes)


def test_many_keys_of_one_prefix_do_not_end_the_list(s3, bucket, listing):
    last = ["1999", "1999#", "1999+", "2000"]
    keys = ["0/"] + [f"0/{number}" for number in range(1000, 1999)] + last
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key), keys))
    found = listing(Delimiter="/")
    assert (found.keys, found.prefixes) == (last, ["0/"])
    assert not found.truncated


def test_url_encoding_is_that_of_urls(s3, bucket, listing):
    put_all(s3, bucket, ["foo+1/bar", "foo/bar/xyzzy", "quux ab/thud", "asdf+b"])
    found = listing(Delimiter="/", EncodingType="url")
    assert found.keys == ["asdf%2Bb"]
    assert found.prefixes == ["foo%2B1/", "foo/", "quux%20ab/"]
    assert found.answer["Delimiter"] == "/" and found.answer["EncodingType"] == "url"


# Pages


@pytest.mark.parametrize("prefix", ["", "_"])
@pytest.mark.parametrize("size, pages", [
    (1, [(["asdf"], []), ([], ["boo/"]), ([], ["cquux/"])]),
    (2, [(["asdf"], ["boo/"]), ([], ["cquux/"])]),
    (3, [(["asdf"], ["boo/", "cquux/"])])])
def test_pages_count_keys_and_prefixes_alike(s3, bucket, listing, prefix, size, pages):
    put_all(s3, bucket, [prefix + key for key in ("asdf", "boo/bar", "boo/baz/xyzzy",
                                                  "cquux/thud", "cquux/bla")])
    found = listing.pages(Delimiter="/", MaxKeys=size)
    assert [(each.keys, each.prefixes) for each in found] == [
        ([prefix + key for key in keys], [prefix + one for one in rolled])
        for keys, rolled in pages]


@pytest.mark.parametrize("size, pages", [
    (1, [(["boo/bar"], []), ([], ["boo/baz/"])]), (2, [(["boo/bar"], ["boo/baz/"])])])
def test_pages_below_a_prefix(s3, bucket, listing, size, pages):
    put_all(s3, bucket, ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud"])
    found = listing.pages(Prefix="boo/", Delimiter="/", MaxKeys=size)
    assert [(each.keys, each.prefixes) for each in found] == pages


def test_version_1_names_the_next_marker_where_there_is_a_delimiter(s3, bucket):
    put_all(s3, bucket, ["asdf", "boo/bar", "cquux"])
    assert s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=1)["NextMarker"] == "asdf"
    assert s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=2)["NextMarker"] == "boo/"
    assert "NextMarker" not in s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=3)


def test_all_pages_together_are_the_list(s3, bucket, listing):
    keys = sorted(f"{letter}/{number}" for letter in "abc" for number in range(7))
    put_all(s3, bucket, keys)
    found = listing.pages(MaxKeys=4)
    assert sum((each.keys for each in found), []) == keys
    assert [len(each.keys) for each in found] == [4] * 5 + [1]


def test_the_number_of_keys_is_1000_unless_asked(s3, bucket, listing):
    put_all(s3, bucket, WORDS)
    assert listing().answer["MaxKeys"] == 1000 and listing().keys == WORDS
    assert listing(MaxKeys=1).answer["MaxKeys"] == 1


def test_no_keys_at_all_may_be_asked_for(s3, bucket, listing):
    put_all(s3, bucket, WORDS)
    found = listing(MaxKeys=0)
    assert found.keys == [] and not found.truncated


@pytest.mark.parametrize("text", ["blah", "-1", "1x", "99999999999999999999"])
def test_a_number_of_keys_that_is_none_is_refused(s3, bucket, listing, text):
    with query(s3, listing.operation, f"max-keys={text}"):
        refused(400, "InvalidArgument", listing.call)


@pytest.mark.parametrize("after, keys", [
    ("", WORDS), ("bar", WORDS[1:]), ("blah", WORDS[2:]), ("zzz", []), ("\n", WORDS)])
def test_a_list_begins_after_a_key_there_or_not(s3, bucket, listing, after, keys):
    put_all(s3, bucket, WORDS)
    found = listing(**{listing.after: after})
    assert found.keys == keys and not found.truncated
    assert found.answer.get(listing.after, "") == after


def test_version_1_always_names_its_marker(s3, bucket):
    assert s3.list_objects(Bucket=bucket)["Marker"] == ""


def test_a_continuation_token_is_named_again(s3, bucket):
    put_all(s3, bucket, WORDS)
    token = s3.list_objects_v2(Bucket=bucket, MaxKeys=1)["NextContinuationToken"]
    found = page(s3.list_objects_v2(Bucket=bucket, ContinuationToken=token))
    assert found.keys == WORDS[1:] and not found.truncated
    assert found.answer["ContinuationToken"] == token


def test_a_continuation_token_goes_before_start_after(s3, bucket):
    put_all(s3, bucket, WORDS)
    token = s3.list_objects_v2(Bucket=bucket, StartAfter="bar", MaxKeys=1)["NextContinuationToken"]
    found = page(s3.list_objects_v2(Bucket=bucket, StartAfter="bar", ContinuationToken=token))
    assert found.keys == WORDS[2:]
    assert found.answer["StartAfter"] == "bar" and found.answer["ContinuationToken"] == token


def test_an_empty_continuation_token_is_none(s3, bucket):
    put_all(s3, bucket, WORDS)
    found = page(s3.list_objects_v2(Bucket=bucket, ContinuationToken=""))
    assert found.keys == WORDS and not found.truncated
    assert found.answer["ContinuationToken"] == ""


def test_a_continuation_token_that_is_none_of_ours_is_refused(s3, bucket):
    refused(400, "InvalidArgument", s3.list_objects_v2, Bucket=bucket, ContinuationToken="%%%")


# Owners


@pytest.mark.parametrize("arguments, named", [({"FetchOwner": True}, True), ({}, False),
                                              ({"FetchOwner": False}, False)])
def test_version_2_names_owners_when_asked(s3, bucket, arguments, named):
    put_all(s3, bucket, WORDS)
    for item in s3.list_objects_v2(Bucket=bucket, **arguments)["Contents"]:
        assert ("Owner" in item) == named


def test_version_1_always_names_owners(s3, bucket):
    put_all(s3, bucket, WORDS)
    for item in s3.list_objects(Bucket=bucket)["Contents"]:
        assert item["Owner"]["ID"]
