"""A provider that fails: what is tried again, what never is, and when it is left alone."""

import json

import pytest

import expect
from stack import BREAKERS, PROVIDER
from waiting import free_port

VALIDATE = f"{PROVIDER}/validate"
UNAVAILABLE = "Provider 'replicate' is temporarily unavailable. Please try again in "


def breaker(cloud):
    [view] = [view for view in expect.ok(cloud.get(BREAKERS))["circuit_breakers"]
              if view["provider"] == "replicate"]
    assert view["provider"] == "replicate"
    return view


def validate(cloud):
    return expect.ok(cloud.get(VALIDATE))


def open_breaker(cloud):
    """Five failures in a row, without retries: the time-out leaves no time for them."""
    cloud.configure(http_timeout=0.1, api_base_url=f"https://127.0.0.1:{free_port()}/v1")
    for _ in range(5):
        assert validate(cloud)["valid"] is False
    cloud.configure(http_timeout=30, api_base_url=cloud.sim.url)
    assert breaker(cloud)["state"] == "open"


# Trying again


@pytest.mark.parametrize("mode", ["500", "503", "reset"])
def test_a_failure_that_passes_is_not_seen(cloud, mode):
    # libcurl itself repeats a request whose kept connection was reset.
    cloud.sim.fault(mode, "GET", "/v1/account", count=2)
    assert validate(cloud)["valid"] is True


def test_after_three_attempts_it_is_a_failure(cloud):
    asked = len(cloud.sim.requests_to("GET", "/v1/account"))
    cloud.sim.fault("503", "GET", "/v1/account", count=10)
    body = validate(cloud)
    assert body["valid"] is False and "503" in body["error"]
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == asked + 3


def test_a_throttled_call_is_not_repeated_before_its_time(cloud):
    """The provider asks for 30 s, which the time-out of 30 s does not leave."""
    asked = len(cloud.sim.requests_to("GET", "/v1/account"))
    cloud.sim.fault("429", "GET", "/v1/account", count=10)
    assert validate(cloud)["valid"] is False
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == asked + 1


def test_a_cancel_is_tried_again(cloud, job):
    path = f"/v1/predictions/{job.prediction_id}/cancel"
    cloud.sim.fault("503", "POST", path)
    expect.ok(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"))
    assert len(cloud.sim.requests_to("POST", path)) == 2
    assert cloud.status(job.job_id) == "cancelled"


@pytest.mark.parametrize("mode", ["500", "503", "429", "reset"])
def test_a_paid_submission_is_never_tried_again(cloud, mode):
    sent = len(cloud.sim.requests_to("POST", "/v1/predictions"))
    cloud.sim.fault(mode, "POST", "/v1/predictions")
    assert cloud.submit().status_code in (502, 503)
    assert len(cloud.sim.requests_to("POST", "/v1/predictions")) == sent + 1


# Answers that are none


@pytest.mark.parametrize("mode, words", [
    ("garbage", "something that is not JSON"), ("deep", "JSON that is nested too deeply"),
    ("huge", "the answer is larger than 8 MiB")])
def test_an_answer_beyond_all_bounds_is_a_clear_error(cloud, mode, words):
    asked = len(cloud.sim.requests_to("GET", "/v1/account"))
    cloud.sim.fault(mode, "GET", "/v1/account", count=10)
    body = validate(cloud)
    assert body["valid"] is False and words in body["error"]
    assert len(cloud.sim.requests_to("GET", "/v1/account")) == asked + 1
    assert cloud.is_ready()


# The circuit breaker


def test_a_provider_that_works_has_a_closed_breaker(cloud):
    validate(cloud)
    view = breaker(cloud)
    assert (view["state"], view["failure_count"], view["retry_after_seconds"]) == ("closed", 0, 0)


def test_a_provider_that_fails_five_times_is_left_alone(cloud):
    open_breaker(cloud)
    asked = len(cloud.sim.requests)
    body = validate(cloud)
    assert body["valid"] is False and UNAVAILABLE in body["error"]
    assert len(cloud.sim.requests) == asked
    view = breaker(cloud)
    assert view["failure_count"] == 5 and view["opened_at"].endswith("Z")
    assert 0 < view["retry_after_seconds"] <= 30


def test_nothing_is_stored_of_a_submission_while_it_is_left_alone(cloud):
    jobs = expect.ok(cloud.get("/api/cloud/jobs"))["total"]
    open_breaker(cloud)
    answer = cloud.submit()
    body = expect.error(answer, 503, UNAVAILABLE)
    assert f"in {answer.headers['Retry-After']} s" in body["detail"]
    assert expect.ok(cloud.get("/api/cloud/jobs"))["total"] == jobs


def test_a_cancel_waits_while_it_is_left_alone(cloud, job):
    open_breaker(cloud)
    expect.error(cloud.post(f"/api/cloud/jobs/{job.job_id}/cancel"), 503, UNAVAILABLE)
    assert cloud.status(job.job_id) == "queued"


def test_the_companion_leaves_it_alone_too(cloud, job):
    open_breaker(cloud)
    asked = len(cloud.sim.requests)
    polled = cloud.companion("poll", "--json")
    assert json.loads(polled.stdout)["left"] >= 1
    assert len(cloud.sim.requests) == asked


def test_all_is_well_after_a_reset(cloud):
    open_breaker(cloud)
    view = expect.ok(cloud.post(f"{BREAKERS}/replicate/reset"))
    assert (view["state"], view["failure_count"]) == ("closed", 0)
    assert view["total_failures"] >= 5
    assert validate(cloud)["valid"] is True


def test_it_survives_a_restart(new_stack):
    cloud = new_stack()
    open_breaker(cloud)
    cloud.kill_responder()
    assert breaker(cloud)["state"] == "open"


def test_refusals_do_not_count(cloud):
    cloud.put(f"{PROVIDER}/token", json={"api_token": "r8_" + "0" * 37})
    for _ in range(8):
        assert "401" in validate(cloud)["error"]
    assert breaker(cloud)["failure_count"] == 0


def test_our_own_settings_do_not_count(cloud):
    cloud.configure(ssl_ca_bundle="")
    for _ in range(8):
        assert "not trusted" in validate(cloud)["error"]
    assert breaker(cloud)["failure_count"] == 0


def test_a_breaker_of_no_provider_is_not_found(cloud):
    expect.error(cloud.post(f"{BREAKERS}/nobody/reset"), 404)


@pytest.mark.parametrize("method, path", [("GET", BREAKERS),
                                          ("POST", f"{BREAKERS}/replicate/reset")])
def test_strangers_have_no_say(cloud, method, path):
    expect.error(cloud.request(method, path, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
