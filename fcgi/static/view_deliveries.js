// What providers have sent us: the list, the body of each delivery, and applying it once more.

import { get, pathOf, post } from "./api.js";
import { badge, button, confirm, dialog, element, facts, field, fill, pager, panel, perform, refill, show, table, toast } from "./dom.js";
import { moment } from "./format.js";
import { t, tOr } from "./i18n.js";
import { follow } from "./live.js";

const DELIVERIES = "/api/webhooks/deliveries";
const PAGE = 25;
const OUTCOMES = ["received", "applied", "unchanged", "ignored", "failed"];
const TONES = { applied: "good", failed: "bad", received: "info" };

const outcomeBadge = (name) => badge(tOr(`outcome.${name}`, name ?? "–"), TONES[name] ?? "");

async function showDelivery(id, reload) {
  const { delivery } = await get(pathOf(DELIVERIES, id));
  await dialog({ title: t("deliveries.one"), wide: true, body: () => [
    facts([
      [t("deliveries.id"), element("code", {}, delivery.delivery_id)],
      [t("job.provider"), delivery.provider],
      [t("deliveries.received"), moment(delivery.received_at)],
      [t("deliveries.client"), delivery.client],
      [t("deliveries.verdict"), delivery.verdict],
      [t("deliveries.outcome"), [outcomeBadge(delivery.outcome), delivery.reason && ` ${delivery.reason}`]],
      [t("deliveries.attempts"), delivery.attempts],
      delivery.job_id && [t("job.title"), element("code", {}, delivery.job_id)],
    ]),
    element("h3", {}, t("deliveries.body")),
    element("pre", { tabindex: "0", "aria-label": t("deliveries.body") }, JSON.stringify(delivery.body, null, 2)),
    element("h3", {}, t("deliveries.headers")),
    element("pre", { tabindex: "0", "aria-label": t("deliveries.headers") }, JSON.stringify(delivery.headers, null, 2)),
  ], buttons: [{ label: t("dialog.close"), value: null, autofocus: true }] });
  reload();
}

async function replay(id, node, reload) {
  if (!await confirm(t("deliveries.replay_question"), { yes: t("deliveries.replay") })) {
    return;
  }
  await perform(node, async () => {
    const answer = await post(pathOf(DELIVERIES, id, "replay"));
    toast(t("deliveries.replayed", { outcome: tOr(`outcome.${answer.outcome}`, answer.outcome),
      reason: answer.reason ?? "" }), answer.outcome === "applied" ? "good" : "warn");
    await reload();
  });
}

function columns(reload) {
  return [
    { title: t("deliveries.received"), cell: (one) => moment(one.received_at) },
    { title: t("job.provider"), cell: (one) => one.provider },
    { title: t("job.title"), cell: (one) => (one.job_id
      ? element("a", { href: `#/jobs/${one.job_id}`, class: "mono" }, one.job_id) : "–") },
    { title: t("deliveries.outcome"), cell: (one) => [outcomeBadge(one.outcome),
      one.reason ? element("div", { class: "muted" }, one.reason) : null] },
    { title: t("deliveries.client"), cell: (one) => element("span", { class: "mono" }, one.client) },
    { title: t("job.actions"), class: "act", cell: (one) => [
      button(t("deliveries.show"), (event) => perform(event.target, () => showDelivery(one.delivery_id, reload)),
        { "data-key": `show-${one.delivery_id}`, "aria-label": t("deliveries.show_label", { id: one.delivery_id }) }),
      button(t("deliveries.replay"), (event) => replay(one.delivery_id, event.target, reload),
        { "data-key": `replay-${one.delivery_id}`, "aria-label": t("deliveries.replay_label", { id: one.delivery_id }) }),
    ] },
  ];
}

function mount(root, route) {
  const cursors = [];
  let before = null;
  let shown = "";
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const list = element("div", { id: "deliveries" });
  const outcome = field({ label: t("deliveries.outcome"), choices: [["", t("jobs.all")],
    ...OUTCOMES.map((name) => [name, tOr(`outcome.${name}`, name)])], onchange: () => first() });
  const job = field({ label: t("job.id"), type: "search", value: route.query.get("job") ?? "", onchange: () => first() });

  function first() {
    cursors.length = 0;
    before = null;
    return load();
  }

  async function load() {
    try {
      const answer = await get(DELIVERIES, { limit: PAGE, outcome: outcome.value, job_id: job.value.trim(), before });
      const news = JSON.stringify([answer, before]);
      show(problem, "");
      if (news === shown) {
        return;
      }
      shown = news;
      refill(list, table({ caption: t("deliveries.title"), rows: answer.deliveries, columns: columns(load),
        empty: t("deliveries.none") }),
      (answer.has_more || cursors.length > 0) && pager({ hasBefore: cursors.length > 0, hasAfter: answer.has_more,
        text: t("pager.page", { n: cursors.length + 1 }), onGo: (step) => {
          if (step > 0) {
            cursors.push(before);
            before = answer.next_before;
          } else {
            before = cursors.pop() ?? null;
          }
          return load();
        } }));
    } catch (error) {
      show(problem, error.message);
    }
  }

  fill(root, panel(t("deliveries.title"), { level: 1, actions: [button(t("shell.refresh"), load)] },
    element("p", { class: "muted" }, t("deliveries.text")),
    element("div", { class: "toolbar fields" }, outcome.root, job.root), problem, list));
  load();
  return follow(load);
}

export default { id: "deliveries", group: "cloud", titleKey: "deliveries.title", permission: "admin.config", mount };
