// One job: all that is known of it, what can be done with it, its files and its logs.

import { get, pathOf, post } from "./api.js";
import { button, element, facts, panel, perform, refill, show, toast } from "./dom.js";
import { bytes, count, duration, moment, money } from "./format.js";
import { t, tOr } from "./i18n.js";
import { filesOf } from "./job_files.js";
import { logsOf } from "./job_logs.js";
import { JOBS, cancelJob, deleteJob, progressOf, retryJob, statusBadge, takeProgress } from "./job_parts.js";
import { follow } from "./live.js";
import { may } from "./session.js";

const LOGS_PAUSE_MS = 10000; // the provider is asked for them

function copy(text) {
  return [element("code", {}, text), " ", button(t("job.copy"), async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t("job.copied"));
    } catch {
      toast(t("job.not_copied"), "warn"); // the page does not come by HTTPS
    }
  }, { kind: "link", "data-key": `copy-${text}` })];
}

/** A link only where it leads to a page: what a job says is data. */
function output(url) {
  return /^https?:\/\//.test(url)
    ? element("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, url) : element("code", {}, url);
}

function times(job) {
  return [
    [t("job.created"), moment(job.created_at)],
    [t("job.started"), moment(job.started_at)],
    [t("job.completed"), moment(job.completed_at)],
    [t("job.duration"), duration(job.duration_seconds)],
  ];
}

function artefacts(job) {
  const { archive, upload_progress: sent } = job;
  const arriving = sent?.in_flight ? ` · ${t("job.arriving", { n: count(sent.in_flight), size: bytes(sent.in_flight_bytes) })}` : "";
  return [
    sent && [t("job.uploads"), `${t("files.sum", { n: count(sent.files), size: bytes(sent.bytes) })}${arriving}`],
    sent?.last_upload_at && [t("job.last_upload"), moment(sent.last_upload_at)],
    archive && [t("job.archive"), [tOr(`archive.${archive.state}`, archive.state),
      ` · ${t("files.sum", { n: count(archive.files), size: bytes(archive.bytes) })}`,
      archive.error && element("div", { class: "bad" }, archive.error)]],
  ];
}

function allFacts(job) {
  return facts([
    [t("job.id"), copy(job.job_id)],
    job.external_id && [t("job.external_id"), copy(job.external_id)],
    [t("job.provider"), job.provider],
    [t("job.hardware"), job.hardware_type ?? "–"],
    [t("job.owner"), job.owner ?? "–"],
    ...times(job),
    [t("job.cost"), money(job.cost_usd)],
    [t("job.estimated"), job.estimated_cost_usd ? money(job.estimated_cost_usd) : "–"],
    job.queue_position && [t("system.queue"), t("job.position", { n: job.queue_position })],
    [t("job.attempt"), job.attempt],
    job.retry_of && [t("job.retry_of"), element("a", { href: `#/jobs/${job.retry_of}` }, job.retry_of)],
    job.approval_id && [t("job.approval"), `#${job.approval_id}`],
    job.output_url && [t("job.output"), output(job.output_url)],
    ...artefacts(job),
  ]);
}

/** Local data on its way to the provider. */
function dataUpload(data) {
  if (!data || data.done) {
    return null;
  }
  return element("div", { class: data.error ? "note bad" : "note" },
    element("strong", {}, t("job.data_upload")), " ",
    data.error ?? `${tOr(`upload.${data.stage}`, data.stage)} · ${bytes(data.current)} / ${bytes(data.total)}`,
    data.message && !data.error ? element("div", { class: "muted" }, data.message) : null,
    data.error ? null : element("progress", { max: 100, value: data.percent, "aria-label": t("job.data_upload") }));
}

function metadata(job) {
  const known = Object.entries(job.metadata ?? {}).filter(([, value]) => value !== null);
  return known.length > 0 && element("details", { id: "metadata" }, element("summary", {}, t("job.metadata")),
    element("pre", {}, JSON.stringify(Object.fromEntries(known), null, 2)));
}

function actionsOf(job, reload) {
  const mayCancel = may("job.cancel.own") || may("job.cancel.all");
  const mayDelete = may("job.delete.own") || may("job.delete.all");
  return [
    !job.is_terminal && mayCancel && button(t("job.cancel"), async (event) => {
      if (await cancelJob(job.job_id, event.target)) {
        reload();
      }
    }, { kind: "danger", id: "cancel" }),
    job.is_terminal && may("job.submit") && button(t("job.retry"), (event) => retryJob(job.job_id, event.target),
      { id: "retry" }),
    job.is_terminal && job.external_id && mayCancel && button(t("job.fetch_again"), (event) => perform(event.target, async () => {
      await post(pathOf(JOBS, job.job_id, "archive"));
      toast(t("job.fetching"));
      await reload();
    }), { id: "fetch", title: t("job.fetch_hint") }),
    job.is_terminal && mayDelete && button(t("job.delete"), async (event) => {
      if (await deleteJob(job.job_id, event.target)) {
        window.location.hash = "#/cloud";
      }
    }, { kind: "danger", id: "delete" }),
  ];
}

async function mount(root, route) {
  const [jobId] = route.path;
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const place = element("div");
  const files = filesOf(jobId);
  const logs = logsOf(jobId);
  let shown = "";

  async function loadJob() {
    try {
      const { job } = await get(pathOf(JOBS, jobId));
      const news = JSON.stringify(job);
      show(problem, "");
      if (news !== shown) {
        shown = news;
        const isOpen = place.querySelector("#metadata")?.open;
        refill(place, panel(job.config_name || t("job.title"), { level: 1, actions: [
          statusBadge(job.status), actionsOf(job, load)] },
        progressOf(job.progress),
        job.error_message && element("p", { class: "note bad", role: "status" }, job.error_message),
        job.requires_approval && element("p", { class: "note warn" }, t("job.waits_for_approval")),
        dataUpload(job.data_upload), allFacts(job), metadata(job)));
        if (isOpen) {
          place.querySelector("#metadata").open = true;
        }
      }
    } catch (error) {
      show(problem, error.message);
    }
  }
  const load = () => Promise.all([loadJob(), files.load(), logs.load()]);

  root.append(element("a", { href: "#/cloud", class: "back" }, `← ${t("cloud.jobs")}`), problem, place,
    files.root, logs.root);
  load();
  const isOurs = (name, data) => data.job_id === jobId && !takeProgress(place, name, data);
  const ends = [follow(loadJob, isOurs), follow(files.load, (name, data) => name !== "job_progress"
    && data.job_id === jobId), follow(logs.load, (name, data) => data.job_id === jobId, LOGS_PAUSE_MS)];
  return () => ends.forEach((end) => end());
}

export default {
  id: "jobs", group: "cloud", parent: "cloud", hidden: true, titleKey: "job.title", permission: "job.view.own",
  mount,
};
