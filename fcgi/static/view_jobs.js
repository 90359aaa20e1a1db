// The list of jobs: search, states with their numbers, order, pages, and how far each one is.

import { get, post } from "./api.js";
import { button, element, fill, pager, panel, perform, refill, show, table, toast } from "./dom.js";
import { ago, count, duration, moment, money } from "./format.js";
import { t } from "./i18n.js";
import { JOBS, STATUSES, cancelJob, progressOf, statusBadge, takeProgress } from "./job_parts.js";
import { follow } from "./live.js";
import { providerStrip } from "./provider_strip.js";
import { may } from "./session.js";

const PAGE = 25;
const TYPING_MS = 250;

function nameCell(job) {
  return [element("a", { href: `#/jobs/${job.job_id}`, "data-key": `job-${job.job_id}`, class: "name" },
    job.config_name || t("job.title")), element("div", { class: "mono muted" }, job.job_id)];
}

function statusCell(job) {
  return element("div", {}, statusBadge(job.status),
    job.queue_position ? element("span", { class: "muted" }, ` ${t("job.position", { n: job.queue_position })}`) : null,
    progressOf(job.progress),
    job.error_message ? element("div", { class: "bad cut" }, job.error_message) : null);
}

function actionsCell(job, reload) {
  if (job.is_terminal || !(may("job.cancel.own") || may("job.cancel.all"))) {
    return "";
  }
  return button(t("job.cancel"), async (event) => {
    if (await cancelJob(job.job_id, event.target)) {
      reload();
    }
  }, { "data-key": `cancel-${job.job_id}`, "aria-label": t("job.cancel_label", { job: job.job_id }) });
}

function columns(reload, withOwner) {
  return [
    { title: t("job.name"), cell: nameCell },
    { title: t("job.status"), cell: statusCell, class: "wide" },
    withOwner && { title: t("job.owner"), cell: (job) => job.owner ?? "–" },
    { title: t("job.hardware"), cell: (job) => job.hardware_type ?? "–" },
    { title: t("job.created"), cell: (job) =>
      element("time", { datetime: job.created_at, title: moment(job.created_at) }, ago(job.created_at)) },
    { title: t("job.duration"), cell: (job) => duration(job.duration_seconds), class: "number" },
    { title: t("job.cost"), class: "number", cell: (job) => (job.cost_usd === null && job.estimated_cost_usd
      ? element("span", { class: "muted", title: t("job.estimated") }, `≈ ${money(job.estimated_cost_usd)}`)
      : money(job.cost_usd)) },
    { title: t("job.actions"), cell: (job) => actionsCell(job, reload), class: "act" },
  ].filter(Boolean);
}

/** What the list is asked for; it stays in the address. */
function queryOf(route) {
  return {
    search: route.query.get("search") ?? "",
    status: STATUSES.includes(route.query.get("status")) ? route.query.get("status") : "",
    order: route.query.get("order") === "asc" ? "asc" : "desc",
  };
}

function keepInAddress(query) {
  const kept = Object.entries(query).filter(([name, value]) => value && !(name === "order" && value === "desc"));
  const text = new URLSearchParams(kept).toString();
  window.history.replaceState(null, "", `#/cloud${text ? `?${text}` : ""}`);
}

function filters(query, counts, choose) {
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const one = (status, label, number) => button([label, " ", element("span", { class: "count" }, count(number))],
    () => choose(status), { "aria-pressed": String(query.status === status), "data-key": `filter-${status}`,
      kind: "chip" });
  return [one("", t("jobs.all"), all), STATUSES.filter((status) => counts[status] > 0
    || status === query.status || ["running", "failed"].includes(status))
    .map((status) => one(status, t(`status.${status}`), counts[status]))];
}

function toolbar(query, change) {
  let typing = null;
  return element("div", { class: "toolbar", role: "search" },
    element("input", { type: "search", id: "job-search", "aria-label": t("jobs.search"),
      placeholder: t("jobs.search"), value: query.search, oninput: (event) => {
        window.clearTimeout(typing);
        typing = window.setTimeout(() => change({ search: event.target.value.trim() }), TYPING_MS);
      } }),
    element("select", { "aria-label": t("jobs.order"), value: query.order,
      onchange: (event) => change({ order: event.target.value }) },
    element("option", { value: "desc" }, t("jobs.newest")),
    element("option", { value: "asc" }, t("jobs.oldest"))));
}

async function sync(event) {
  await perform(event.target, async () => {
    const { message } = await post(`${JOBS}/sync`);
    toast(message);
  });
}

function mount(root, route) {
  const query = queryOf(route);
  const cursors = []; // the way back
  let cursor = null;
  let shown = "";
  let asked = 0;
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const chips = element("div", { class: "chips", role: "group", "aria-label": t("job.status") });
  const list = element("div", { id: "jobs", "aria-busy": "true" },
    element("p", { class: "empty" }, t("shell.loading")));

  function change(values) {
    Object.assign(query, values);
    cursors.length = 0;
    cursor = null;
    keepInAddress(query);
    return load();
  }

  function go(step, answer) {
    if (step > 0) {
      cursors.push(cursor);
      cursor = answer.next_before ?? answer.next_after;
    } else {
      cursor = cursors.pop() ?? null;
    }
    return load();
  }

  function showPage(answer) {
    const { jobs, total } = answer;
    const first = cursors.length * PAGE + 1;
    const more = Boolean(answer.next_before ?? answer.next_after);
    const range = { first: count(first), last: count(first + jobs.length - 1), total: count(total) };
    fill(problem);
    problem.hidden = true;
    refill(chips, filters(query, answer.counts, (status) => change({ status })));
    refill(list,
      table({ caption: t("cloud.jobs"), rows: jobs, columns: columns(load, may("job.view.all")),
        empty: query.search || query.status ? t("jobs.none_found") : t("jobs.none"),
        rowAttributes: (job) => ({ "data-job": job.job_id }) }),
      (more || cursors.length > 0) && pager({ hasBefore: cursors.length > 0, hasAfter: more,
        text: t(total === null ? "pager.range" : "pager.range_of", range), onGo: (step) => go(step, answer) }));
    list.setAttribute("aria-busy", "false");
  }

  async function load() {
    const turn = asked += 1;
    try {
      const bound = { [query.order === "asc" ? "after" : "before"]: cursor };
      const answer = await get(JOBS, { ...query, limit: PAGE, counts: true, ...bound });
      const news = JSON.stringify([answer, query]);
      if (turn === asked && news !== shown) {
        shown = news;
        showPage(answer);
      }
    } catch (error) {
      show(problem, error.message);
    }
  }

  root.append(providerStrip(),
    panel(t("cloud.jobs"), { level: 1, actions: [
      may("admin.config") && button(t("jobs.sync"), sync, { title: t("jobs.sync_hint") }),
      button(t("shell.refresh"), () => load(), { id: "refresh" }),
      may("job.submit") && element("a", { href: "#/cloud/submit", class: "button primary" }, t("submit.title")),
    ] }, toolbar(query, change), chips, problem, list));
  load();
  return follow(load, (name, data) => name !== "job_file_received"
    && !takeProgress(list.querySelector(`[data-job="${CSS.escape(data.job_id ?? "")}"]`), name, data));
}

export default { id: "cloud", group: "cloud", titleKey: "cloud.jobs", permission: "job.view.own", mount };
