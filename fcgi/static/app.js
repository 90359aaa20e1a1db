// The page: shows health, provider and jobs, and sends what the forms hold. It asks again when the
// stream of events says that something has happened, and without a stream every few seconds.
// Everything it shows goes through textContent, never through markup.

import { call } from "./api.js";
import { listen } from "./live.js";
import { checkSession, startSession } from "./session.js";

const REFRESH_MS = 3000; // without a stream
const LIVE_REFRESH_MS = 30000; // with one: health and uploads are no events
const GATHER_MS = 200; // events that come together are one reason to ask
const PAGE_SIZE = 50;
const DETAILS_MAX = 10; // running jobs that are asked for their uploads each time
const API = "/api/cloud";
const PROVIDER = `${API}/providers/replicate`;
const STATUS_CLASS = {
  completed: "good", healthy: "good", failed: "bad", unhealthy: "bad",
  cancelled: "warn", degraded: "warn", blocked: "warn",
};
const NEWS_CLASS = { success: "good", error: "bad", warning: "warn" };

const byId = (id) => document.getElementById(id);
let shownFiles = null; // job id whose files are listed
let shownJobs = ""; // what the table was made from
let pages = 1;
let isKnown = false; // somebody is signed in, or need not be

/** An element with text or children. */
function element(name, content, attributes = {}) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    node.setAttribute(key, value);
  }
  node.append(...(Array.isArray(content) ? content : [content ?? ""]));
  return node;
}

function show(node, text, className = "") {
  node.textContent = text;
  node.className = className;
  node.hidden = text === "";
}

/** Run an action of the user and say in `output` how it went. */
async function perform(output, action) {
  try {
    show(output, "…");
    show(output, await action(), "good");
  } catch (error) {
    show(output, error.message, "bad");
  }
  await refresh();
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? count : count.toFixed(1)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) {
    return "";
  }
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function moment(value) {
  const date = new Date(value ?? "");
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleString();
}

function statusText(status) {
  return element("span", status, { class: STATUS_CLASS[status] ?? "" });
}

async function refreshHealth() {
  const health = await call("GET", `${API}/health`);
  const sick = (health.components ?? []).filter((part) => part.status !== "healthy");
  byId("health").replaceChildren(
    statusText(health.status),
    sick.map((part) => ` · ${part.name}: ${part.message ?? part.status}`).join(""),
    health.version ? ` · version ${health.version}` : "");
}

async function refreshProviders() {
  const { providers } = await call("GET", `${API}/providers`);
  byId("providers").replaceChildren(...providers.map((provider) => element("li", [
    `${provider.name ?? provider.id}: `,
    element("span", provider.configured ? "ready" : "needs a token",
      { class: provider.configured ? "good" : "warn" }),
  ])));
}

function uploadsOf(job) {
  const progress = job.upload_progress;
  if (!progress || (!progress.files && !progress.in_flight)) {
    return "";
  }
  const running = progress.in_flight ? `, ${progress.in_flight} arriving` : "";
  return `${progress.files} files, ${bytes(progress.bytes)}${running}`;
}

function actionButton(text, label) {
  return element("button", text, { type: "button", "aria-label": label });
}

function actionsOf(job) {
  const files = actionButton("Files", `Files of job ${job.job_id}`);
  files.addEventListener("click", () => openFiles(job.job_id));
  if (job.is_terminal) {
    return [files];
  }
  const cancel = actionButton("Cancel", `Cancel job ${job.job_id}`);
  cancel.addEventListener("click", async () => {
    if (window.confirm(`Cancel job ${job.job_id}?`)) {
      cancel.disabled = true;
      await perform(byId("job-result"), async () => {
        await call("POST", `${API}/jobs/${encodeURIComponent(job.job_id)}/cancel`);
        return `Job ${job.job_id} is cancelled.`;
      });
    }
  });
  return [files, cancel];
}

function jobRow(job) {
  const about = job.error_message ? [element("small", job.error_message)] : [];
  return element("tr", [
    element("td", [job.config_name || "Job", element("small", element("code", job.job_id))]),
    element("td", [statusText(job.status), ...about]),
    element("td", moment(job.created_at)),
    element("td", duration(job.duration_seconds)),
    element("td", job.is_terminal ? "" : uploadsOf(job)),
    element("td", actionsOf(job)),
  ]);
}

/** Replace the rows if they differ, and give the focus back to the button that had it. */
function showJobs(jobs) {
  const news = JSON.stringify(jobs);
  if (news === shownJobs) {
    return;
  }
  shownJobs = news;
  const label = document.activeElement?.getAttribute("aria-label");
  byId("jobs").replaceChildren(...jobs.map(jobRow));
  byId("no-jobs").hidden = jobs.length > 0;
  if (label) {
    document.querySelector(`#jobs [aria-label="${CSS.escape(label)}"]`)?.focus();
  }
}

/** The list does not tell about uploads; the jobs themselves do. */
async function withUploads(jobs) {
  const running = jobs.filter((job) => !job.is_terminal).slice(0, DETAILS_MAX);
  await Promise.all(running.map(async (job) => {
    Object.assign(job, (await call("GET", `${API}/jobs/${encodeURIComponent(job.job_id)}`)).job);
  }));
  return jobs;
}

async function refreshJobs() {
  const jobs = [];
  let before = null;
  for (let page = 0; page < pages && (page === 0 || before); page += 1) {
    const from = before ? `&before=${encodeURIComponent(before)}` : "";
    const answer = await call("GET", `${API}/jobs?limit=${PAGE_SIZE}${from}`);
    jobs.push(...answer.jobs);
    before = answer.next_before;
  }
  byId("older").hidden = !before;
  showJobs(await withUploads(jobs));
}

async function refreshFiles() {
  if (!shownFiles) {
    return;
  }
  const bucket = `${API}/storage/${encodeURIComponent(shownFiles)}`;
  const { Contents: objects } = await call("GET", bucket);
  byId("files-title").textContent = `Files of job ${shownFiles}`;
  byId("files").replaceChildren(...objects.map((object) => {
    const path = object.Key.split("/").map(encodeURIComponent).join("/");
    const name = object.Key.split("/").pop();
    const link = element("a", object.Key, { href: `${bucket}/${path}`, download: name });
    return element("li", [link, ` ${bytes(object.Size)}`]);
  }));
  if (objects.length === 0) {
    byId("files").append(element("li", "Nothing has been uploaded."));
  }
}

async function openFiles(jobId) {
  shownFiles = jobId;
  byId("files-section").hidden = false;
  await refresh();
  byId("files-section").focus();
}

/** Ask for everything that is shown; one failure does not hide the rest. */
async function refresh() {
  const parts = isKnown ? [refreshHealth(), refreshProviders(), refreshJobs(), refreshFiles()]
    : [refreshHealth()];
  const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
  show(byId("notice"), failed ? failed.reason.message : "");
  if (failed?.reason.status === 401) {
    await identify();
  }
}

/** Strangers see who may sign in, and nothing else. */
async function identify() {
  try {
    isKnown = await checkSession();
  } catch (error) {
    show(byId("notice"), error.message);
  }
  byId("work").hidden = !isKnown;
}

function parsed(id, what) {
  try {
    return JSON.parse(byId(id).value || "null");
  } catch (error) {
    throw new Error(`${what} is not JSON: ${error.message}`);
  }
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  perform(byId("token-result"), async () => {
    await call("PUT", `${PROVIDER}/token`, { api_token: byId("token").value.trim() });
    byId("token").value = "";
    return "Saved.";
  });
});

byId("validate").addEventListener("click", () => perform(byId("token-result"), async () => {
  const result = await call("GET", `${PROVIDER}/validate`);
  if (!result.valid) {
    throw new Error(result.error ?? "The provider does not accept the token.");
  }
  return "The provider accepts the token.";
}));

byId("submit-form").addEventListener("submit", (event) => {
  event.preventDefault();
  perform(byId("submit-result"), async () => {
    const body = {
      config: parsed("config", "The configuration"),
      dataloader_config: parsed("dataloader", "The data sets") ?? [],
    };
    const name = byId("config-name").value.trim();
    if (name) {
      body.config_name = name;
    }
    const job = await call("POST", `${API}/jobs/submit?provider=replicate`, body);
    return `Submitted as ${job.job_id}.`;
  });
});

byId("older").addEventListener("click", () => {
  pages += 1;
  refresh();
});

let isLive = false;
let stopListening = null;
let nextRefresh = null;
let gathering = false;

async function keepFresh() {
  gathering = false;
  if (!document.hidden) {
    await refresh();
  }
  refreshIn(isLive ? LIVE_REFRESH_MS : REFRESH_MS);
}

function refreshIn(delayMs) {
  if (!gathering) {
    window.clearTimeout(nextRefresh);
    nextRefresh = window.setTimeout(keepFresh, delayMs);
  }
}

function takeNews(name, data) {
  if (name === "notification") {
    show(byId("news"), data.message, NEWS_CLASS[data.severity] ?? "");
  }
  refreshIn(GATHER_MS);
  gathering = true;
}

function setLive(live) {
  isLive = live;
  byId("live").textContent = live ? " · live" : "";
  refreshIn(live ? LIVE_REFRESH_MS : REFRESH_MS);
}

/** Begin anew as whoever is signed in now. */
async function begin() {
  await identify();
  stopListening?.();
  stopListening = isKnown ? listen(takeNews, setLive) : null;
  await keepFresh();
}

startSession(begin);
begin();
