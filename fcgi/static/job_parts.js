// What several views show of a job, and what people do with one.

import { pathOf, post, remove } from "./api.js";
import { badge, confirm, element, perform, toast } from "./dom.js";
import { t, tOr } from "./i18n.js";

export const JOBS = "/api/cloud/jobs";
export const STATUSES = ["blocked", "pending", "uploading", "queued", "running", "completed", "failed",
  "cancelled"];

const TONES = { completed: "good", failed: "bad", cancelled: "", blocked: "warn", running: "info" };

/** The status of a job in words and colour. */
export const statusBadge = (status) => badge(tOr(`status.${status}`, status), TONES[status] ?? "");

/** Stage, bar and last line of a running job; null when it says nothing. */
export function progressOf(progress) {
  if (!progress || (!progress.stage && progress.progress === null)) {
    return null;
  }
  const percent = progress.progress;
  const stage = tOr(`stage.${progress.stage}`, progress.stage ?? "");
  return element("div", { class: "progress" },
    element("span", { class: "muted" }, percent === null ? stage : `${stage} ${percent} %`),
    percent === null ? null : element("progress", { max: 100, value: percent,
      "aria-label": t("job.progress") }),
    progress.last_log ? element("span", { class: "mono muted cut" }, progress.last_log) : null);
}

/** Show at once what an event tells of a job's progress. Returns whether there was a place for it. */
export function takeProgress(place, name, data) {
  const at = name === "job_progress" ? place?.querySelector(".progress") : null;
  const news = at && progressOf({ stage: null, last_log: null, progress: null, ...data });
  if (news) {
    at.replaceWith(news);
  }
  return Boolean(news);
}

/** Ask, then cancel a job. Resolves with whether it was done. */
export async function cancelJob(jobId, button) {
  if (!await confirm(t("job.cancel_question"), { title: t("job.cancel_label", { job: jobId }),
    yes: t("job.cancel_yes"), danger: true })) {
    return false;
  }
  return perform(button, async () => {
    await post(pathOf(JOBS, jobId, "cancel"));
    toast(t("job.cancelled", { job: jobId }));
    return true;
  });
}

/** Ask, then remove a job that has ended. Resolves with whether it was done. */
export async function deleteJob(jobId, button) {
  if (!await confirm(t("job.delete_question"), { title: t("job.delete_title", { job: jobId }),
    yes: t("job.delete"), danger: true })) {
    return false;
  }
  return perform(button, async () => {
    await remove(pathOf(JOBS, jobId));
    toast(t("job.deleted", { job: jobId }));
    return true;
  });
}

/** A key under which a request that is repeated stays one job. */
export function newKey() {
  const parts = window.crypto.getRandomValues(new Uint32Array(4));
  return [...parts].map((part) => part.toString(16).padStart(8, "0")).join("");
}

/** Submit a job once more; goes to the new one. */
export function retryJob(jobId, button, key = newKey()) {
  return perform(button, async () => {
    const answer = await post(pathOf(JOBS, jobId, "retry"), {}, { "Idempotency-Key": key });
    toast(t("submit.done", { job: answer.job_id }));
    window.location.hash = `#/jobs/${answer.job_id}`;
  });
}
