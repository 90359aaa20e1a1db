// The stream of events: tells the page at once when something has happened. EventSource goes on by
// itself after a break; where the service refuses a stream, as when there are too many, we ask again
// later. A page that nobody sees holds no stream, for the service has few of them.

const STREAM = "/api/events/stream";
const NEWS = ["job_status_changed", "cloud_job_update", "notification", "reset"];
const RETRY_MS = 5000;

/**
 * Call onNews(name, data) for each event, and onLive(true or false) when the stream begins or
 * breaks. Returns a function that ends it.
 */
export function listen(onNews, onLive) {
  let source = null;
  let retry = null;

  function stop() {
    window.clearTimeout(retry);
    source?.close();
    source = null;
    onLive(false);
  }

  function start() {
    source = new EventSource(STREAM);
    source.addEventListener("connection", () => onLive(true));
    for (const name of NEWS) {
      source.addEventListener(name, (event) => onNews(name, JSON.parse(event.data)));
    }
    source.addEventListener("error", () => {
      onLive(false);
      if (source?.readyState === EventSource.CLOSED) {
        retry = window.setTimeout(start, RETRY_MS);
      }
    });
  }

  function restart() {
    stop();
    if (!document.hidden) {
      start();
    }
  }

  document.addEventListener("visibilitychange", restart);
  restart();
  return () => {
    document.removeEventListener("visibilitychange", restart);
    stop();
  };
}
