// The audit log: searched, looked into, written out, and proved to be what was written.

import { get, post } from "./api.js";
import { dialog, pager, perform } from "./dom.js";
import { count, moment } from "./format.js";
import { may } from "./session.js";
import { action, askForm, askingForm, badge, element, facts, list, live, section, t, tOr }
  from "./view_admin_kit.js";

const AUDIT = "/api/audit";
const PAGE = 25;
const FORMATS = ["json", "csv", "cef"];

const typeNames = new Map(); // what the service calls them, in English
const typeName = (type) => tOr(`audit_type.${type}`, typeNames.get(type) ?? type);
const iso = (local) => (local ? new Date(local).toISOString() : null);

function showEntry(entry) {
  return dialog({
    title: t("audit.entry", { id: entry.id }), wide: true,
    body: [facts([
      [t("audit.time"), moment(entry.timestamp)],
      [t("audit.type"), [typeName(entry.event_type), " ", element("code", {}, entry.event_type)]],
      [t("audit.actor"), entry.actor],
      [t("audit.address"), entry.actor_ip || "–"],
      [t("audit.target"), [entry.target_type, entry.target_id].filter(Boolean).join(" ") || "–"],
      [t("audit.what"), entry.action],
      [t("audit.correlation"), element("code", {}, entry.correlation_id || "–")],
    ]), element("h3", {}, t("audit.details")),
    element("pre", { tabindex: "0" }, typeof entry.details === "string" ? entry.details
      : JSON.stringify(entry.details ?? {}, null, 2))],
    buttons: [{ label: t("close"), value: true }],
  });
}

// ---- is it what was written? ----

function verdict(report) {
  const range = t("audit.checked", { count: count(report.entries_checked), first: report.first_id,
    last: report.last_id });
  if (report.valid) {
    return element("div", { class: "note admin-valid", role: "status" },
      element("p", {}, badge(t("audit.valid"), "good"), " ", t("audit.valid_text")),
      element("p", { class: "hint" }, range),
      report.unchained ? element("p", { class: "hint" },
        t("audit.unchained", { count: count(report.unchained) })) : null);
  }
  return element("div", { class: "note bad", role: "alert" },
    element("p", {}, badge(t("audit.broken"), "bad"), " ",
      t("audit.broken_text", { count: count(report.broken_total) })),
    element("p", { class: "hint" }, range),
    list({
      label: t("audit.broken"), rows: report.broken_links,
      columns: [[t("audit.number"), (row) => String(row.id)],
        [t("audit.fault"), (row) => tOr(`audit_fault.${row.error}`, row.error)],
        [t("audit.count"), (row) => count(row.count), "number"]],
    }));
}

function verifying() {
  const result = element("div");
  const verify = action(t("audit.verify"), "", async () => {
    result.replaceChildren(element("p", { class: "hint", role: "status" }, t("audit.verifying")));
    try {
      result.replaceChildren(verdict(await get(`${AUDIT}/verify`)));
    } catch (error) {
      result.replaceChildren();
      throw error;
    }
  }, "primary");
  return { verify, result };
}

// ---- entries ----

function tableOf(entries) {
  return list({
    label: t("audit.entries"), rows: entries, empty: t("audit.none"),
    columns: [
      [t("audit.time"), (row) => element("time", { datetime: row.timestamp }, moment(row.timestamp)),
        "nowrap"],
      [t("audit.type"), (row) => [typeName(row.event_type),
        element("small", {}, element("code", {}, row.event_type))]],
      [t("audit.actor"), (row) => [row.actor, row.actor_ip && element("small", {}, row.actor_ip)]],
      [t("audit.target"), (row) => [row.target_type, " ", row.target_id
        && element("code", {}, row.target_id)]],
      [t("audit.what"), (row) => row.action],
    ],
    actions: (row) => action(t("audit.details"), t("audit.entry", { id: row.id }),
      () => showEntry(row)),
  });
}

function filterForm(asked, types, change) {
  const select = [["", t("audit.all_types")],
    ...types.map(({ value }) => [value, typeName(value)])];
  return element("div", { class: "admin-filters", role: "search" }, askingForm({
    fields: [
      { name: "event_type", label: t("audit.type"), choices: select, value: asked.event_type ?? "" },
      { name: "actor", label: t("audit.actor"), value: asked.actor ?? "", spellcheck: "false" },
      { name: "since", label: t("audit.since"), type: "datetime-local", value: asked.local_since ?? "" },
      { name: "until", label: t("audit.until"), type: "datetime-local", value: asked.local_until ?? "" },
      { name: "security", label: t("audit.security"), type: "checkbox", value: asked.security },
    ],
    submit: t("audit.filter"), send: change,
  }));
}

function download(asked) {
  const select = element("select", { "aria-label": t("audit.format") },
    FORMATS.map((format) => element("option", { value: format }, format === "json" ? "JSON lines"
      : format.toUpperCase())));
  const link = element("a", { class: "button", download: "" }, t("audit.export"));
  const update = () => {
    const query = new URLSearchParams({ format: select.value });
    for (const [name, value] of [["since", asked.since], ["until", asked.until],
      ["security_only", asked.security || null]]) {
      if (value) {
        query.set(name, value);
      }
    }
    link.href = `${AUDIT}/export?${query}`;
  };
  select.addEventListener("change", update);
  update();
  return [select, link];
}

/** One page of entries: security events have a route of their own that takes no filters. */
function load(asked, before) {
  const page = { limit: PAGE, before };
  return asked.security ? get(`${AUDIT}/security`, page) : get(AUDIT, { ...page,
    event_type: asked.event_type, actor: asked.actor, since: asked.since, until: asked.until });
}

// ---- forwarding ----

async function editForwarding(target, reload) {
  const done = await askForm({
    title: t("audit.forward_edit"), text: t("audit.forward_text"),
    fields: [
      { name: "format", label: t("audit.format"), value: target.format, choices: FORMATS },
      { name: "webhook_url", label: t("audit.webhook_url"), value: target.webhook_url, keepEmpty: true,
        spellcheck: "false" },
      { name: "auth_token", label: t("audit.auth_token"), type: "password", autocomplete: "off",
        hint: target.has_token ? t("audit.token_kept") : t("audit.token_hint") },
      { name: "syslog_url", label: t("audit.syslog_url"), value: target.syslog_url, keepEmpty: true,
        hint: "udp://HOST:PORT, tcp://HOST:PORT, unix:///PATH", spellcheck: "false" },
      { name: "security_only", label: t("audit.security"), type: "checkbox",
        value: target.security_only },
    ],
    submit: t("save"),
    send: (values) => post(`${AUDIT}/export-config`, values),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

function cursor(name, url, state) {
  if (!url) {
    return [name, badge(t("audit.not_set"))];
  }
  const tone = state?.failures ? "bad" : "good";
  return [name, [element("code", {}, url), " ", badge(state?.failures
    ? t("audit.failing", { count: state.failures }) : t("audit.pending",
      { count: count(state?.pending ?? 0) }), tone),
  state?.last_error && element("small", {}, state.last_error)]];
}

const forwarding = (target, reload) => section(t("audit.forward"), t("audit.forward_about"),
  may("admin.config") ? action(t("edit"), t("audit.forward"), () => editForwarding(target, reload)) : [],
  facts([
    cursor(t("audit.webhook_url"), target.webhook_url, target.forwarding.webhook),
    cursor(t("audit.syslog_url"), target.syslog_url, target.forwarding.syslog),
    [t("audit.format"), target.format],
    [t("audit.security"), target.security_only ? t("yes") : t("no")],
  ]));

export function mount(root) {
  let asked = {};
  let pages = [null]; // where each page begins: the number of the entry before it
  const { verify, result } = verifying();
  const change = async (reload, values) => {
    asked = { ...values, local_since: values.since, local_until: values.until,
      since: iso(values.since), until: iso(values.until) };
    await load(asked, null); // so that a wrong value is told at its field
    pages = [null];
    await reload();
  };
  const go = (answer, reload) => (step) => {
    pages = step > 0 ? [...pages, answer.next_before] : pages.slice(0, -1);
    perform(null, reload);
  };
  return live(root, async (reload) => {
    const [{ event_types: types }, answer, stats, target] = await Promise.all([get(`${AUDIT}/types`),
      load(asked, pages.at(-1)), get(`${AUDIT}/stats`), get(`${AUDIT}/export-config`)]);
    types.forEach(({ value, name }) => typeNames.set(value, name));
    return [section(t("audit.title"), t("audit.about"), verify,
      facts([[t("audit.total"), count(stats.total_entries)], [t("audit.day"), count(stats.last_24h)],
        [t("audit.first"), moment(stats.first_entry)], [t("audit.last"), moment(stats.last_entry)]]),
      result),
    section(t("audit.entries"), "", download(asked),
      filterForm(asked, types, (values) => change(reload, values)),
      asked.security && element("p", { class: "hint" }, t("audit.security_hint")),
      tableOf(answer.entries),
      pager({ text: t("audit.page_of", { page: pages.length, total: count(answer.total) }),
        hasBefore: pages.length > 1, hasAfter: answer.has_more, onGo: go(answer, reload) })),
    forwarding(target, reload)];
  });
}
