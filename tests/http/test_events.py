"""Event streams: what happens reaches those who listen, once, in order, and soon."""

import concurrent.futures
import signal

import pytest

import expect
from event_stream import open_local, open_stream
from responder import Responder
from waiting import until

STREAM = "/api/events/stream"
WRITERS = 8
SOON_S = 6  # an event comes in a fraction of a second; this machine may be busy
FAST = {"SIMPLETUNER_EVENT_HEARTBEAT": "1"}
HAPPENED = ("job_status_changed", "notification")


@pytest.fixture
def local(tmp_path):
    """The responder alone, with a heartbeat each second and six threads for transfers."""
    program = Responder(tmp_path, FAST, ("--bulk-threads", "6")).start()
    yield program
    program.stop()


@pytest.fixture
def neighbour(cloud, tmp_path):
    """Another responder with a home of its own on the database of cloud, as on another host."""
    url = cloud.env["SIMPLETUNER_DATABASE_URL"]
    program = Responder(tmp_path, FAST | {"SIMPLETUNER_DATABASE_URL": url}).start()
    yield program
    program.stop()


def last_id(cloud):
    return expect.ok(cloud.get("/api/events/recent?limit=1"))["last_event_id"]


def finish(cloud, job):
    assert cloud.sim.advance(job.prediction_id, "succeeded").status == 200


def statuses(stream, job):
    return [event.data["status"] for event in stream.named("job_status_changed")
            if event.data["job_id"] == job.job_id]


def refused(program, path=STREAM):
    """The answer to a stream that is asked for and not given: (status, headers, body)."""
    return program.open_bulk("GET", path, {}).finish()


# what a stream tells


@pytest.mark.parametrize("path", [STREAM, "/api/events"])
def test_a_stream_greets_and_says_how_to_go_on(cloud, path):
    with open_stream(cloud, path) as stream:
        [greeting] = stream.named("connection")
        assert greeting.data == {"type": "connected", "message": "Connected to SimpleTuner"}
        assert int(greeting.id) == last_id(cloud)
        assert stream.parser.retry_ms == 3000
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert stream.headers["Cache-Control"] == "no-cache"
        assert stream.headers["X-Accel-Buffering"] == "no"
        assert "Content-Length" not in stream.headers
        assert {name: stream.headers.get(name) for name in expect.HEADERS} == expect.HEADERS


def test_a_head_request_is_answered_and_holds_no_stream(cloud):
    for _ in range(8):
        answer = cloud.request("HEAD", STREAM)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream"


def test_the_life_of_a_job_is_told(cloud):
    with open_stream(cloud) as stream:
        job = cloud.new_job(config_name="told")
        cloud.sim.advance(job.prediction_id, "processing")
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job) == ["queued", "running", "completed"],
                     timeout_s=SOON_S)
        notices = [event.data for event in stream.wait_for("notification", 2)]
        assert [notice["message_type"] for notice in notices] == [
            "cloud.job.submitted", "cloud.job.completed"]
        assert notices[1] == {
            "type": "notification", "message_type": "cloud.job.completed", "severity": "success",
            "message": "Job told has completed", "job_id": job.job_id, "source": "cloud",
            "config_name": "told", "provider": "replicate",
            "correlation_id": notices[1]["correlation_id"]}
        secrets = (job.token, cloud.sim.token, cloud.sim.webhook_secret)
        assert not [word for word in secrets if word in str(stream.events())]


def test_progress_is_told_by_stage_and_whole_percent(cloud, job):
    logs = ["loading\n", "step 1/1000\n", "step 2/1000, loss 1\n", "step 3/1000\n",
            "step 10/1000\n", "step 500/1000\n"]
    with open_stream(cloud) as stream:
        for said in logs:
            cloud.sim.advance(job.prediction_id, "processing", logs=said)
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job)[-1:] == ["completed"], timeout_s=SOON_S)
        told = [(event.data["stage"], event.data["progress"])
                for event in stream.named("job_progress")]
    assert told == [("Preprocessing", None), ("Training", 0.1), ("Training", 1.0),
                    ("Training", 50.0)]


def test_a_stream_without_an_id_begins_now(cloud, job):
    with open_stream(cloud) as stream:
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job) == ["completed"])


def test_a_stream_may_be_about_one_job(cloud, job):
    other = cloud.new_job()
    with open_stream(cloud, f"{STREAM}?job_id={job.job_id}") as stream:
        finish(cloud, other)
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job) == ["completed"])
        assert {event.data["job_id"] for event in stream.named(*HAPPENED)} == {job.job_id}


def test_the_last_events_can_be_asked_for(cloud, job):
    finish(cloud, job)
    cloud.settle()
    body = expect.ok(cloud.get("/api/events/recent?limit=2"))
    assert [event["id"] for event in body["events"]] == [body["last_event_id"],
                                                         body["last_event_id"] - 1]
    notice, move = body["events"]
    assert (notice["event"], move["event"]) == ("notification", "job_status_changed")
    assert move["data"]["status"] == "completed" and move["job_id"] == job.job_id
    assert move["created_at"].endswith("Z")
    expect.error(cloud.get("/api/events/recent?limit=0"), 400, "limit")


def test_strangers_hear_nothing(cloud):
    stranger = {"X-Forwarded-For": "203.0.113.9"}
    expect.error(cloud.get(STREAM, headers=stranger), 401)
    expect.error(cloud.get("/api/events/recent", headers=stranger), 401)


def test_a_jobs_token_is_not_for_listening(cloud, job):
    expect.error(cloud.get(STREAM, headers={"X-Upload-Token": job.token}), 403)


# going on after a break


@pytest.mark.parametrize("how", ["header", "parameter"])
def test_a_stream_goes_on_after_the_last_event_heard(cloud, job, how):
    before = last_id(cloud)
    finish(cloud, job)
    path, headers = STREAM, {"Last-Event-ID": str(before)}
    if how == "parameter":
        path, headers = f"{STREAM}?last_event_id={before}", None
    with open_stream(cloud, path, headers) as stream:
        stream.until(lambda _: stream.ids() == [before + 1, before + 2])


@pytest.mark.parametrize("bad", ["x", "-1", "1x", "99999999999999999999"])
def test_a_bad_id_is_400(cloud, bad):
    expect.error(cloud.get(STREAM, headers={"Last-Event-ID": bad}), 400, "Last-Event-ID")
    expect.error(cloud.get(f"{STREAM}?last_event_id={bad}"), 400, "last_event_id")


def test_a_listener_who_cannot_go_on_is_told_to_start_over(cloud):
    """An id that never was is treated as one that was forgotten: there is a gap."""
    newest = last_id(cloud)
    with open_stream(cloud, STREAM, {"Last-Event-ID": str(newest + 1000)}) as stream:
        [reset] = stream.wait_for("reset")
        assert reset.data["type"] == "reset" and int(reset.id) == newest
        job = cloud.new_job()
        stream.until(lambda _: statuses(stream, job) == ["queued"])


def test_a_kill_loses_no_event_and_repeats_none(cloud):
    jobs = [cloud.new_job() for _ in range(10)]
    begin = last_id(cloud)
    with open_stream(cloud) as stream:
        for job in jobs[:5]:
            finish(cloud, job)
        stream.until(lambda _: stream.ids())
        cloud.kill_responder()
        assert stream.ended.wait(10)
        heard = stream.ids()
    for job in jobs[5:]:
        finish(cloud, job)
    with open_stream(cloud, STREAM, {"Last-Event-ID": str(heard[-1])}) as stream:
        stream.until(lambda _: len(heard) + len(stream.ids()) == 20)
        assert heard + stream.ids() == list(range(begin + 1, begin + 21))


def test_events_of_many_writers_come_in_order_without_gaps(cloud):
    jobs = [cloud.new_job() for _ in range(3 * WRITERS)]
    begin = last_id(cloud)
    with open_stream(cloud) as stream:
        with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
            answers = pool.map(lambda job: cloud.webhook(
                {"event_type": "completed", "job_id": job.job_id}).status_code, jobs)
            assert set(answers) == {200}
        stream.until(lambda _: len(stream.ids()) == 2 * len(jobs))
        assert stream.ids() == list(range(begin + 1, begin + 1 + 2 * len(jobs)))


# several processes


def test_events_of_one_process_reach_the_streams_of_another(cloud, neighbour, job):
    with open_local(neighbour) as there, open_stream(cloud) as here:
        finish(cloud, job)
        for stream in (here, there):
            stream.until(lambda _, stream=stream: statuses(stream, job) == ["completed"],
                         timeout_s=SOON_S)
        status, answer = neighbour.ask_json("GET", "/api/events/recent?limit=1")
        assert status == 200 and answer["events"][0]["job_id"] == job.job_id


def test_a_listener_may_go_on_at_another_process(cloud, neighbour, job):
    with open_stream(cloud) as stream:
        [greeting] = stream.named("connection")
    finish(cloud, job)
    with open_local(neighbour, headers={"Last-Event-ID": greeting.id}) as stream:
        stream.until(lambda _: statuses(stream, job) == ["completed"])


# limits


def test_the_sixth_stream_of_a_client_is_refused_until_one_ends(cloud):
    streams = [open_stream(cloud) for _ in range(5)]
    answer = cloud.get(STREAM)
    body = expect.error(answer, 503, "too many", "connection_limit")
    assert body["detail"] == "Too many concurrent connections. Please try again later."
    streams.pop().close()
    streams.append(open_stream(cloud))
    for stream in streams:
        stream.close()
    until(lambda: has_seat(cloud), SOON_S + 2, "the seats are not given back")


def has_seat(cloud):
    return cloud.request("HEAD", STREAM).status_code == 200


def test_strangers_are_refused_before_anybody_counts_them(cloud):
    streams = [open_stream(cloud) for _ in range(5)]
    expect.error(cloud.get(STREAM, headers={"X-Forwarded-For": "203.0.113.9"}), 401)
    for stream in streams:
        stream.close()


def test_streams_take_half_of_the_threads_at_most(local):
    """Six threads: three streams, and the rest still answers."""
    streams = [open_local(local) for _ in range(3)]
    status, headers, body = refused(local)
    assert (status, int(headers["retry-after"]) > 0) == (503, True)
    assert b'"connection_limit"' in body
    for _ in range(6):
        assert local.open_bulk("GET", "/api/cloud/health/live").finish()[0] == 200
    for stream in streams:
        stream.close()


def test_a_client_that_has_gone_gives_its_seat_back_soon(local):
    streams = [open_local(local) for _ in range(3)]
    for stream in streams:
        stream.close()
    open_local(local).close()


def test_without_streams_the_service_still_works(tmp_path):
    program = Responder(tmp_path, {"SIMPLETUNER_EVENT_STREAMS": "0"}).start()
    try:
        assert refused(program)[0] == 503
        assert program.ask_json("GET", "/api/events/recent") == (
            200, {"events": [], "last_event_id": 0})
    finally:
        program.stop()


# the end of a stream


def test_a_stream_shows_that_it_lives(local):
    with open_local(local) as stream:
        first, second = stream.wait_for("heartbeat", 2)
        assert first.data["type"] == "heartbeat"
        assert 0.5 < second.data["timestamp"] - first.data["timestamp"] < 15


def test_a_stream_ends_after_its_time_and_says_so(tmp_path):
    program = Responder(tmp_path, {"SIMPLETUNER_EVENT_STREAM_SECONDS": "1"}).start()
    try:
        with open_local(program) as stream:
            assert stream.ended.wait(10)
            assert "connect again" in stream.parser.comments[-1]
    finally:
        program.stop()


def test_streams_end_at_once_when_the_service_stops(responder):
    streams = [open_local(responder) for _ in range(5)]
    responder.signal(signal.SIGTERM)
    for stream in streams:
        assert stream.ended.wait(SOON_S)
        assert "connect again" in stream.parser.comments[-1], "it was cut, not ended"
    assert responder.process.wait(10) == 0


def test_a_stream_outlives_an_absence_of_the_database(new_stack, fleet):
    """PostgreSQL ends all connections: the stream stays and hears what comes after."""
    cloud = new_stack(FAST, database="postgresql")
    job = cloud.new_job()
    with open_stream(cloud) as stream:
        cloud.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job) == ["completed"])
        assert not stream.ended.is_set()


# front servers


@pytest.mark.parametrize("front", ["lighttpd", "apache", "apache-fcgid"])
def test_every_front_server_passes_events_on_at_once(new_stack, front):
    cloud = new_stack(FAST | {"SIMPLETUNER_EVENT_STREAM_SECONDS": "8"}, front=front)
    job = cloud.new_job()
    with open_stream(cloud) as stream:
        finish(cloud, job)
        stream.until(lambda _: statuses(stream, job) == ["completed"], timeout_s=SOON_S)
        stream.wait_for("heartbeat", 2)
        assert stream.ended.wait(20)
        assert "connect again" in stream.parser.comments[-1]
        last = stream.events()[-1].id
    with open_stream(cloud, STREAM, {"Last-Event-ID": last}) as stream:
        assert stream.named("connection")[0].id == last


def test_the_page_listens(cloud):
    page = cloud.get("/static/app.js").text
    assert 'from "./live.js"' in page
    answer = cloud.get("/static/live.js")
    assert answer.status_code == 200 and STREAM in answer.text
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]
