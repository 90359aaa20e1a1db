"""Those who are known: jobs, users and providers have limits of their own, whatever address they
come from; what strangers do from that address does not touch them."""

import pytest

import expect
from people import Person
from rate_limits import (DETAIL, LIMITS, USAGE, all_at_once, ask_until_refused, has_no_limit,
                         is_limited, new_client, rate_rows, standing, wait_for_window)
from stack import WEBHOOK, Stack
from waiting import until

NOBODY = {"X-API-Key": None}


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def limited(request, fleet):
    url = fleet.database_url(request.param)
    with Stack("lighttpd", url, LIMITS | {"SIMPLETUNER_JOB_REQUESTS_PER_MINUTE": "80",
                                          "SIMPLETUNER_WEBHOOKS_PER_MINUTE": "150"}) as stack:
        stack.hire()
        yield stack


@pytest.fixture
def cloud(limited):
    """Every limit of a provider as at first: what is set cannot be taken away again."""
    limited.reset()
    return limited


@pytest.fixture(scope="module")
def settings_stack(fleet):
    """For tests that give a provider limits of its own."""
    with Stack("lighttpd", None, LIMITS) as stack:
        stack.reset()
        yield stack


def upload(stack, job, client, **headers):
    return stack.put(job.storage("a"), data=b"x",
                     headers=NOBODY | {"X-Upload-Token": job.token} | client | headers)


# storage


def test_a_job_has_more_than_an_address(cloud):
    job, client = cloud.new_job(), new_client()
    answer = ask_until_refused(lambda: upload(cloud, job, client), 80)
    assert answer.json() == {"detail": DETAIL, "error": "rate_limited",
                             "details": {"job_id": job.job_id}}
    assert int(answer.headers["Retry-After"]) >= 1
    assert is_limited(upload(cloud, job, new_client())), "from wherever it comes"
    assert standing(upload(cloud, cloud.new_job(), client)) == (80, 79), "another job may"


def test_an_s3_client_is_told_to_slow_down(cloud):
    job = cloud.new_job()
    all_at_once(lambda: upload(cloud, job, new_client()), 80)
    answer = upload(cloud, job, new_client(), **{"User-Agent": "Boto3/1.34"})
    assert answer.status_code == 503
    assert b"<Code>SlowDown</Code>" in answer.content
    assert int(answer.headers["Retry-After"]) >= 1
    assert standing(answer) == (80, 0)


def test_bad_tokens_count_for_their_address_and_hurt_nobody_else(cloud):
    job, client = cloud.new_job(), new_client()

    def guess():
        return cloud.get(job.storage("a"), headers=NOBODY | client | {"X-Upload-Token": "guess"})
    ask_until_refused(guess, 50)
    assert is_limited(cloud.get(job.storage("a"), headers=NOBODY | client)), "nor without any"
    answer = upload(cloud, job, client)
    assert answer.status_code == 200 and standing(answer) == (80, 79)
    [(target, details)] = until(lambda: rate_rows(cloud, client["X-Forwarded-For"]), 10, "no row")
    assert details["rule"] == "storage" and "{bucket}" in target


def test_a_bad_signature_is_a_bad_token(cloud):
    client = new_client() | {
        "X-Amz-Date": "20240115T103000Z", "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDNOBODY/20240115/us-east-1/s3/"
                         "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
                         "Signature=" + "0" * 64}
    statuses = [cloud.get("/api/cloud/storage", headers=NOBODY | client).status_code
                for _ in range(52)]
    assert statuses == [403] * 50 + [503] * 2


def test_a_job_that_may_not_is_still_the_job(cloud):
    """A token for another bucket is known: it counts for its job, and not for the address."""
    job, other, client = cloud.new_job(), cloud.new_job(), new_client()
    answer = cloud.get(other.storage("a"), headers=NOBODY | client | {"X-Upload-Token": job.token})
    assert answer.status_code in (403, 404) and standing(answer) == (80, 79)


def test_users_are_counted_one_by_one(cloud):
    first, second = (Person(cloud, f"user-{new_client()['X-Forwarded-For']}", "researcher")
                     for _ in range(2))

    def ask(person, client):
        return cloud.get("/api/cloud/storage", headers=client | {"X-API-Key": person.key})
    ask_until_refused(lambda: ask(first, new_client()), 80)
    assert standing(ask(second, new_client())) == (80, 79)


def test_a_provider_may_say_how_much_its_jobs_may(settings_stack):
    cloud = settings_stack
    job = cloud.new_job()
    assert standing(upload(cloud, job, new_client())) == (6000, 5999)
    cloud.configure(s3_rate_limit_max=3, s3_rate_limit_window=2)
    job = cloud.new_job()
    for _ in range(2):
        ask_until_refused(lambda: upload(cloud, job, new_client()), 3)
        wait_for_window(2)
    cloud.configure(s3_rate_limit_max=10000)
    assert standing(upload(cloud, job, new_client()))[0] == 10000


# webhooks


def deliver(stack, job, client, **signing):
    payload = {"event_type": "job.progress", "job_id": job.job_id, "progress": 0.5}
    signed = stack.sign(payload, **signing)
    signed["headers"] |= NOBODY | client
    return stack.post(WEBHOOK, **signed)


def test_forged_webhooks_count_for_their_address_and_hurt_no_provider(settings_stack):
    cloud, client = settings_stack, new_client()
    job = cloud.new_job()
    wrong = "whsec_" + "A" * 32
    ask_until_refused(lambda: deliver(cloud, job, client, secret=wrong), 100)
    answer = deliver(cloud, job, client)
    assert answer.status_code == 200, answer.text
    assert standing(answer)[0] == 6000


def test_who_is_not_on_the_allowlist_is_counted(settings_stack):
    cloud, client = settings_stack, new_client()
    job = cloud.new_job()
    cloud.configure(webhook_allowed_ips=["203.0.113.0/24"])
    try:
        statuses = [deliver(cloud, job, client).status_code for _ in range(102)]
        assert statuses == [403] * 100 + [429] * 2
        assert deliver(cloud, job, {"X-Forwarded-For": "203.0.113.5"}).status_code == 200
    finally:
        cloud.configure(webhook_allowed_ips=[])


def test_a_provider_may_say_how_many_webhooks_it_sends(settings_stack):
    cloud = settings_stack
    job = cloud.new_job()
    cloud.configure(webhook_rate_limit_max=3, webhook_rate_limit_window=2)
    try:
        wait_for_window(2)
        for _ in range(2):
            ask_until_refused(lambda: deliver(cloud, job, new_client()), 3)
            [(before,)] = cloud.query("SELECT COUNT(*) FROM webhook_deliveries")
            assert is_limited(deliver(cloud, job, new_client()))
            assert cloud.query("SELECT COUNT(*) FROM webhook_deliveries") == [(before,)]
            wait_for_window(2)
    finally:
        cloud.configure(webhook_rate_limit_max=10000)


def test_what_is_not_signed_counts_for_its_address(settings_stack):
    """With webhook_require_signature off: strangers must not use up what is the provider's."""
    cloud, client = settings_stack, new_client()
    job = cloud.new_job()
    cloud.configure(webhook_require_signature=False)
    try:
        answer = cloud.post(WEBHOOK, headers=client,
                            json={"event_type": "job.progress", "job_id": job.job_id})
        assert answer.status_code == 200 and standing(answer) == (100, 99)
    finally:
        cloud.configure(webhook_require_signature=True)


def test_the_machine_itself_has_the_limits_of_those_who_are_known(cloud):
    job = cloud.new_job()
    answer = cloud.put(job.storage("a"), data=b"x",
                       headers=NOBODY | {"X-Upload-Token": job.token})
    assert standing(answer) == (80, 79)
    answer = cloud.get(job.storage("a"), headers=NOBODY | {"X-Upload-Token": "guess"})
    assert answer.status_code == 401 and has_no_limit(answer)


# Last: it uses up what tests after it would wait for.
def test_genuine_webhooks_count_for_their_provider(cloud):
    job = cloud.new_job()
    answers = all_at_once(lambda: deliver(cloud, job, new_client()), 160, threads=4)
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) <= 150 and statuses.count(200) + statuses.count(429) == 160
    refused = next(answer for answer in answers if is_limited(answer))
    assert refused.json()["detail"] == DETAIL
    assert standing(refused) == (150, 0) and int(refused.headers["Retry-After"]) >= 1
    [row] = expect.ok(cloud.get(f"{USAGE}?rule=webhook_provider"))["standings"]
    assert row == {"rule": "webhook_provider", "client": "replicate", "count": 150}
