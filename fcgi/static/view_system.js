// How the service is: its parts, the providers, the queue and the polling.

import { get, post, put } from "./api.js";
import { badge, button, element, facts, fill, panel, perform, refill, show, table, toast } from "./dom.js";
import { count, duration, moment } from "./format.js";
import { t, tOr } from "./i18n.js";
import { PROVIDERS } from "./provider_strip.js";
import { follow } from "./live.js";
import { may } from "./session.js";

const TONES = { healthy: "good", degraded: "warn", unhealthy: "bad", closed: "good", open: "bad", half_open: "warn" };
const state = (name) => badge(tOr(`health.${name}`, name), TONES[name] ?? "");

function healthPanel(health, deep) {
  return panel(t("system.health"), { level: 1, actions: [state(health.status),
    button(t("system.deep"), (event) => perform(event.target, deep), { id: "deep", title: t("system.deep_hint") })] },
  health.version && facts([[t("system.version"), health.version], [t("system.uptime"), duration(health.uptime_seconds)],
    [t("system.checked"), moment(health.timestamp)]]),
  health.components && table({
    caption: t("system.components"), rows: health.components,
    columns: [
      { title: t("system.component"), cell: (part) => part.name },
      { title: t("job.status"), cell: (part) => state(part.status) },
      { title: t("system.latency"), cell: (part) => (part.latency_ms === undefined ? "–" : `${part.latency_ms} ms`), class: "number" },
      { title: t("system.message"), cell: (part) => part.message ?? "" },
    ],
  }));
}

function queuePanel(stats) {
  return panel(t("system.queue"), {}, facts([[t("system.depth"), count(stats.queue_depth)],
    ...Object.entries(stats.by_status).map(([name, value]) => [t(`status.${name}`), count(value)])], "tight"));
}

function pollingPanel(polling, reload) {
  const set = (enabled) => (event) => perform(event.target, async () => {
    await put("/api/cloud/polling/setting", { enabled });
    toast(t("settings.saved"));
    await reload();
  });
  const choices = [[null, t("system.polling_auto")], [true, t("system.on")], [false, t("system.off")]];
  return panel(t("system.polling"), { actions: [badge(t(polling.is_active ? "system.on" : "system.off"), polling.is_active ? "good" : "")] },
    facts([[t("system.last_run"), moment(polling.last_run_at)]]),
    may("admin.config") && element("div", { class: "chips", role: "group", "aria-label": t("system.polling") },
      choices.map(([value, label]) => button(label, set(value),
        { kind: "chip", "aria-pressed": String(polling.preference === value), "data-key": `polling-${value}` }))));
}

function breakersPanel(breakers, reload) {
  return panel(t("system.breakers"), {}, table({
    caption: t("system.breakers"), rows: breakers, columns: [
      { title: t("job.provider"), cell: (one) => one.provider },
      { title: t("job.status"), cell: (one) => state(one.state) },
      { title: t("system.failures"), cell: (one) => count(one.failure_count), class: "number" },
      { title: t("system.last_error"), cell: (one) => one.last_error ?? "–" },
      { title: t("job.actions"), cell: (one) => (one.state === "closed" ? "" : button(t("system.reset"),
        (event) => perform(event.target, async () => {
          await post(`/api/cloud/circuit-breakers/${one.provider}/reset`);
          await reload();
        }))) },
    ],
  }));
}

function incidents(status) {
  const tone = status.operational === null ? "" : status.operational ? "good" : "warn";
  const current = [...status.ongoing_incidents ?? [], ...status.in_progress_maintenances ?? []];
  return element("li", {}, element("strong", {}, status.provider),
    badge(status.description ?? status.error ?? t("system.unknown"), tone),
    current.map((one) => element("div", {}, one.name ?? JSON.stringify(one))));
}

async function providersPanel() {
  const { providers } = await get(PROVIDERS);
  const states = await Promise.all(providers.map(({ id }) => get(`${PROVIDERS}/${id}/status`)));
  return panel(t("system.providers"), {}, element("ul", { class: "strip" }, states.map(incidents)));
}

async function mount(root) {
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const health = element("div");
  const rest = element("div", { class: "columns" });

  const deep = async () => showHealth({ include_providers: true });
  async function showHealth(query = {}) {
    fill(health, healthPanel(await get("/api/cloud/health", query).catch((error) => {
      if (error.status === 503) { // that is an answer as well
        return error.value;
      }
      throw error;
    }), deep));
  }
  async function load() {
    try {
      const [stats, polling, breakers] = await Promise.all([
        may("queue.view") ? get("/api/queue/stats") : null,
        may("config.view") ? get("/api/cloud/polling/status") : null,
        may("admin.config") ? get("/api/cloud/circuit-breakers") : null]);
      refill(rest, element("div", { class: "view" }, stats && queuePanel(stats), polling && pollingPanel(polling, load)),
        breakers && breakersPanel(breakers.circuit_breakers, load));
      show(problem, "");
    } catch (error) {
      show(problem, error.message);
    }
  }

  root.append(problem, health, rest);
  await Promise.all([showHealth(), load()]);
  if (may("config.view")) {
    providersPanel().then((node) => root.append(node), (error) => show(problem, error.message));
  }
  return follow(load, (name) => name === "job_status_changed");
}

export default { id: "cloud/system", group: "cloud", titleKey: "system.title", permission: "job.view.own", mount };
