// The stream of events: tells the page at once when something has happened. EventSource goes on by
// itself after a break; where the service refuses a stream, as when there are too many, we ask again
// later. A page that nobody sees holds no stream, for the service has few of them. Without a stream
// the views are told to ask again every 30 seconds.

const STREAM = "/api/events/stream";
const NEWS = ["job_status_changed", "job_progress", "job_file_received", "notification", "reset"];
const RETRY_MS = 5000;
const POLL_MS = 30000;
const GATHER_MS = 200; // events that come together are one reason to ask
const PAUSE_MS = 3000; // however much happens, nobody asks more often than this

const listeners = new Set();
let source = null;
let retry = null;
let poll = null;
let wanted = false;
let live = false;
let hasBeenLive = false;
let onLive = () => {};

function tell(name, data) {
  for (const listener of [...listeners]) {
    listener(name, data);
  }
}

/** Call listener(name, data) for each event, and ("poll", {}) when it is time to ask. Returns how to end it. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Call load() whenever wants(name, data) says that an event concerns it, and when it is time to ask;
 * never twice at once, and not sooner than `pause` ms after the last time. Returns how to end it.
 */
export function follow(load, wants = () => true, pause = PAUSE_MS) {
  let timer = null;
  let running = false;
  let again = false;
  let earliest = 0;

  async function run() {
    timer = null;
    running = true;
    try {
      await load();
    } finally {
      running = false;
      earliest = Date.now() + pause;
      if (again) {
        again = false;
        schedule();
      }
    }
  }

  function schedule() {
    if (running) {
      again = true;
    } else {
      timer ??= window.setTimeout(run, Math.max(GATHER_MS, earliest - Date.now()));
    }
  }

  const end = subscribe((name, data) => {
    if (name === "poll" || name === "reset" || (name !== "notification" && wants(name, data))) {
      schedule();
    }
  });
  return () => {
    end();
    window.clearTimeout(timer);
    again = false;
  };
}

/** Whether the stream of events runs. */
export const isLive = () => live;

function setLive(value) {
  const isBack = value && !live && hasBeenLive;
  live = value;
  hasBeenLive ||= value;
  onLive(value);
  if (isBack) {
    tell("poll", {}); // what went wrong meanwhile is asked for again
  }
}

function stop() {
  window.clearTimeout(retry);
  window.clearInterval(poll);
  source?.close();
  source = null;
  setLive(false);
}

function open() {
  source = new EventSource(STREAM);
  source.addEventListener("connection", () => setLive(true));
  for (const name of NEWS) {
    source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
  }
  source.addEventListener("error", () => {
    setLive(false);
    if (source?.readyState === EventSource.CLOSED) {
      retry = window.setTimeout(open, RETRY_MS);
    }
  });
}

function restart() {
  stop();
  if (wanted && !document.hidden) {
    open();
    poll = window.setInterval(() => {
      if (!live) {
        tell("poll", {});
      }
    }, POLL_MS);
  }
}

document.addEventListener("visibilitychange", () => {
  restart();
  if (wanted && !document.hidden) {
    tell("poll", {});
  }
});

/** Begin to listen; whenLive(true or false) says when the stream begins and breaks. */
export function startLive(whenLive) {
  onLive = whenLive;
  wanted = true;
  restart();
}

/** End the stream: nobody is signed in. */
export function stopLive() {
  wanted = false;
  stop();
}
