"""The simulator keeps to what Replicate documents, so that tests against it mean something."""

import hashlib
import http.server
import threading

import pytest
import requests

import sim_webhooks
from replicate_sim import ReplicateSim
from waiting import until


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    with ReplicateSim(tmp_path_factory.mktemp("sim")) as sim:
        yield sim


def call(sim, method, path, token=None, **options):
    headers = {"Authorization": f"Bearer {token or sim.token}"}
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, sim.url + path, verify=str(sim.ca_path), headers=headers,
                               timeout=10, **options)


def create(sim, **body):
    version = call(sim, "GET", "/models/simpletuner/advanced-trainer-h100/versions").json()[
        "results"][0]["id"]
    body = {"version": version, "input": {"a": "b"}} | body
    return call(sim, "POST", "/predictions", json=body)


class Receiver:
    """An HTTP server that answers webhooks with the statuses it was given, then 200."""

    def __init__(self, statuses=()):
        self.statuses = list(statuses)
        self.headers = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                receiver.headers.append(dict(self.headers))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.mark.parametrize("secret, webhook_id, timestamp, body, signature", [
    ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
     b'{"test": 2432232314}', "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
     b'{"email":"test@example.com","username":"test_user"}',
     "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")])
def test_signatures_match_the_published_vectors(secret, webhook_id, timestamp, body, signature):
    assert sim_webhooks.sign(secret, webhook_id, timestamp, body) == signature


def test_a_wrong_token_is_401(sim):
    answer = call(sim, "GET", "/account", token="r8_wrong")
    assert answer.status_code == 401 and answer.json()["detail"]


def test_a_prediction_is_created_and_read_back(sim):
    answer = create(sim)
    assert answer.status_code == 201
    view = answer.json()
    assert view["status"] == "starting" and view["input"] == {"a": "b"}
    assert call(sim, "GET", f"/predictions/{view['id']}").json() == view


@pytest.mark.parametrize("body", [{"version": 1}, {"input": []}, {"webhook": "here"},
                                  {"webhook_events_filter": ["birth"]}, {"colour": 1},
                                  {"version": "a/b:" + "0" * 64}])
def test_a_wrong_body_is_422(sim, body):
    answer = create(sim, **body)
    assert answer.status_code == 422 and answer.json()["invalid_fields"]


def test_pages_follow_each_other(sim):
    made = [create(sim).json()["id"] for _ in range(5)]
    sim.page_size = 2
    seen, path = [], "/predictions"
    while path:
        page = call(sim, "GET", path).json()
        seen += [view["id"] for view in page["results"]]
        path = page["next"] and page["next"].removeprefix(sim.url)
    sim.page_size = 100
    assert seen[:5] == made[::-1] and len(seen) == len(set(seen)) == len(sim.predictions())


def test_a_canceled_prediction_stays_canceled(sim):
    view = create(sim).json()
    assert call(sim, "POST", f"/predictions/{view['id']}/cancel").json()["status"] == "canceled"
    with pytest.raises(ValueError):
        sim.advance(view["id"], "succeeded")


def test_files_are_stored_with_their_checksum(sim):
    view = call(sim, "POST", "/files", files={"content": ("a.zip", b"zip", "application/zip")})
    assert view.status_code == 201
    assert view.json()["checksums"]["sha256"] == hashlib.sha256(b"zip").hexdigest()
    assert call(sim, "GET", "/files").json()["results"][0]["name"] == "a.zip"


def test_the_final_event_is_sent_again_after_5xx_under_the_same_id(sim):
    receiver = Receiver([500, 429])
    view = create(sim, webhook=receiver.url, webhook_events_filter=["completed"]).json()
    assert sim.advance(view["id"], "processing") is None
    delivery = sim.advance(view["id"], "succeeded")
    assert [attempt["status"] for attempt in delivery.attempts] == [500, 429, 200]
    assert {headers["webhook-id"] for headers in receiver.headers} == {delivery.webhook_id}


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404])
def test_any_other_answer_is_final_and_redirects_are_not_followed(sim, status):
    receiver = Receiver([status])
    view = create(sim, webhook=receiver.url).json()
    delivery = sim.advance(view["id"], "failed")
    assert [attempt["status"] for attempt in delivery.attempts] == [status]
    assert len(receiver.headers) == 1


def test_a_dropped_answer_has_made_the_prediction(sim):
    before = len(sim.predictions())
    sim.fault("drop-after-commit", "POST", "/v1/predictions")
    with pytest.raises(requests.ConnectionError):
        create(sim)
    assert len(sim.predictions()) == before + 1


@pytest.mark.parametrize("mode, status", [("429", 429), ("500", 500), ("503", 503)])
def test_a_fault_lasts_as_long_as_it_was_told(sim, mode, status):
    sim.fault(mode, "GET", "/v1/account", count=2)
    assert [call(sim, "GET", "/account").status_code for _ in range(3)] == [status, status, 200]


def test_in_auto_mode_a_prediction_runs_by_itself(tmp_path):
    with ReplicateSim(tmp_path, mode="auto") as sim:
        prediction_id = create(sim).json()["id"]
        until(lambda: sim.store.get(prediction_id)["status"] == "succeeded", 10,
              "the prediction does not end")
        assert sim.store.get(prediction_id)["metrics"]["predict_time"] > 0
