// Approvals: jobs that wait for somebody's word, what has been decided, the rules that say which jobs
// must wait, and one's own requests. Loaded by view_admin.js.

import { get, patch, pathOf, post, remove } from "./api.js";
import { dialog, pager, perform as withToast, toast } from "./dom.js";
import { ago, moment, money } from "./format.js";
import { subscribe } from "./live.js";
import { may } from "./session.js";
import { action, askConfirm, askForm, badge, element, list, live, section, t, tOr }
  from "./view_admin_kit.js";

const REQUESTS = "/api/approvals/requests";
const RULES = "/api/approvals/rules";
const PAGE = 50; // a bulk decision may have 100
const GATHER_MS = 400;
const STATUSES = ["approved", "rejected", "expired", "cancelled"];
const TONES = { pending: "warn", approved: "good", rejected: "bad", expired: "", cancelled: "" };

const statusBadge = (status) => badge(t(`approval.${status}`), TONES[status]);
const when = (value) => element("time", { datetime: value, title: moment(value) }, ago(value));

function what(request) {
  return [element("strong", {}, request.config_name || t("approvals.job")),
    element("small", {}, [request.provider, request.hardware_type].filter(Boolean).join(" · "), " ",
      element("code", {}, request.job_id))];
}

// ---- deciding ----

/** Say how a decision about many went; what failed is told one by one. */
async function tellOutcome(answer, key) {
  if (answer.succeeded) {
    toast(t(key, { count: answer.succeeded }));
  }
  const failed = answer.results.filter((result) => !result.success);
  if (failed.length) {
    await dialog({
      title: t("approvals.some_failed", { count: failed.length }),
      body: element("ul", {}, failed.map((result) => element("li", {},
        `#${result.request_id}: ${result.error}`))),
      buttons: [{ label: t("close"), value: true, kind: "primary" }],
    });
  }
}

/** Approve or reject one or many, after the dialog that asks for notes or the reason. */
async function decide(requests, rejects, then) {
  const name = rejects ? "reject" : "approve";
  const [one] = requests;
  let answer = null;
  const sent = await askForm({
    title: requests.length === 1
      ? t(`approvals.${name}_one`, { name: one.config_name || one.job_id, owner: one.owner })
      : t(`approvals.${name}_many`, { count: requests.length }),
    text: rejects ? t("approvals.reject_text") : t("approvals.approve_text", {
      cost: money(requests.reduce((sum, request) => sum + request.estimated_cost, 0)) }),
    fields: [{ name: rejects ? "reason" : "notes", type: "textarea", rows: 3, required: rejects,
      label: t(rejects ? "approvals.reason" : "approvals.notes"), maxlength: 1000 }],
    submit: t(`approvals.${name}`), danger: rejects,
    send: async (values) => {
      if (requests.length === 1) {
        await post(pathOf(REQUESTS, one.id, name), values);
      } else {
        answer = await post(`${REQUESTS}/bulk-${name}`, {
          ...values, request_ids: requests.map(({ id }) => id) });
      }
    },
    done: requests.length === 1 ? t(`approvals.${name}d`) : "",
  });
  if (sent) {
    await then();
    if (answer) {
      await tellOutcome(answer, `approvals.${name}d_count`);
    }
  }
}

/** The head of a list in which rows can be chosen; chosen is a set of ids. */
function choosing(rows, chosen, update) {
  const all = element("input", { type: "checkbox", "aria-label": t("approvals.select_all"),
    onchange: () => {
      rows.forEach(({ id }) => (all.checked ? chosen.add(id) : chosen.delete(id)));
      update();
    } });
  const boxes = new Map(rows.map((row) => [row.id, element("input", { type: "checkbox",
    "aria-label": t("approvals.select", { id: row.id, owner: row.owner }),
    onchange: (event) => {
      if (event.target.checked) {
        chosen.add(row.id);
      } else {
        chosen.delete(row.id);
      }
      update();
    } })]));
  return { all, box: (row) => boxes.get(row.id), show: () => {
    boxes.forEach((box, id) => {
      box.checked = chosen.has(id);
    });
    all.checked = rows.length > 0 && rows.every(({ id }) => chosen.has(id));
    all.indeterminate = !all.checked && rows.some(({ id }) => chosen.has(id));
  } };
}

function pendingTable(rows, boxes, reload) {
  return list({
    label: t("approvals.title"), rows, empty: t("approvals.none"),
    columns: [
      [t("approvals.selection"), boxes.box],
      [t("approvals.job"), what],
      [t("approvals.who"), (row) => row.owner],
      [t("approvals.cost"), (row) => money(row.estimated_cost), "number"],
      [t("approvals.why"), (row) => [row.reason, row.rule_name && element("small", {},
        t("approvals.rule_and_level", { rule: row.rule_name, level: row.required_approver_level }))]],
      [t("approvals.expires"), (row) => [when(row.expires_at), element("small", {},
        t("approvals.asked", { when: ago(row.created_at) }))], "nowrap"],
    ],
    actions: (row) => [
      action(t("approvals.approve"), `#${row.id} ${row.owner}`, () => decide([row], false, reload)),
      action(t("approvals.reject"), `#${row.id} ${row.owner}`, () => decide([row], true, reload),
        "danger"),
    ],
  });
}

/** Ask again soon after something has happened. Returns how to end that. */
function follow(reload) {
  let soon = null;
  const end = subscribe((name) => {
    if (name !== "notification") {
      window.clearTimeout(soon);
      soon = window.setTimeout(reload, GATHER_MS);
    }
  });
  return () => {
    window.clearTimeout(soon);
    end();
  };
}

/** What waits: chosen one by one or all at once, approved or rejected. */
export async function mountPending(root) {
  const chosen = new Set();
  let page = 0;
  let again = () => {};
  await live(root, async (reload) => {
    again = reload;
    const { requests, pending_count: total } = await get(REQUESTS, { pending_only: true,
      limit: PAGE, offset: page * PAGE });
    const here = () => requests.filter(({ id }) => chosen.has(id));
    [...chosen].filter((id) => !requests.some((row) => row.id === id))
      .forEach((id) => chosen.delete(id));
    const approve = action(t("approvals.approve_selected"), "",
      () => decide(here(), false, reload), "primary");
    const reject = action(t("approvals.reject_selected"), "",
      () => decide(here(), true, reload), "danger");
    const boxes = choosing(requests, chosen, () => update());
    const number = element("span", { class: "muted", role: "status" });
    const update = () => {
      boxes.show();
      approve.disabled = reject.disabled = chosen.size === 0;
      number.textContent = t("approvals.selected", { count: chosen.size });
    };
    update();
    return section(t("approvals.title"), t("approvals.about"), action(t("refresh"), "", reload),
      requests.length > 0 && element("div", { class: "toolbar" },
        element("label", { class: "check" }, boxes.all, t("approvals.select_all")), approve, reject,
        number),
      pendingTable(requests, boxes, reload),
      total > PAGE && pager({ text: t("approvals.page", { page: page + 1, total }),
        hasBefore: page > 0, hasAfter: (page + 1) * PAGE < total, onGo: (step) => {
          page += step;
          withToast(null, reload);
        } }));
  });
  return follow(() => again());
}

// ---- what was ----

const pastColumns = () => [
  [t("approvals.job"), what],
  [t("approvals.who"), (row) => row.owner],
  [t("status"), (row) => statusBadge(row.status)],
  [t("approvals.cost"), (row) => money(row.estimated_cost), "number"],
  [t("approvals.why"), (row) => row.reason],
  [t("approvals.decided"), (row) => (row.reviewed_at
    ? [row.reviewed_by, element("small", {}, when(row.reviewed_at)), row.review_notes
      && element("small", {}, "“", row.review_notes, "”")] : "–")],
];

/** Decisions of the past, by their outcome. */
export function mountHistory(root) {
  const asked = { status: "approved", page: 0 };
  return live(root, async (reload) => {
    const { requests } = await get(REQUESTS, { status: asked.status, limit: PAGE,
      offset: asked.page * PAGE });
    const which = element("select", { "aria-label": t("status"), value: asked.status,
      onchange: (event) => {
        Object.assign(asked, { status: event.target.value, page: 0 });
        reload();
      } }, STATUSES.map((status) => element("option", { value: status }, t(`approval.${status}`))));
    return section(t("approvals.history"), "", which,
      list({ label: t("approvals.history"), rows: requests, columns: pastColumns(),
        empty: t("approvals.no_history") }),
      (asked.page > 0 || requests.length === PAGE) && pager({
        text: t("approvals.page_only", { page: asked.page + 1 }), hasBefore: asked.page > 0,
        hasAfter: requests.length === PAGE, onGo: (step) => {
          asked.page += step;
          withToast(null, reload);
        } }));
  });
}

/** One's own requests, which can be taken back while they wait. */
export async function mountMine(root) {
  let again = () => {};
  await live(root, async (reload) => {
    again = reload;
    const { requests } = await get("/api/approvals/me", { limit: PAGE });
    return section(t("approvals.mine"), t("approvals.mine_about"), [], list({
      label: t("approvals.mine"), rows: requests, empty: t("approvals.none_mine"),
      columns: pastColumns().filter((_, at) => at !== 1),
      actions: (row) => row.status === "pending" && may("job.cancel.own") && action(
        t("approvals.take_back"), `#${row.id}`, () => askConfirm({
          title: t("approvals.take_back_q"), text: t("approvals.take_back_text"),
          label: t("approvals.take_back"), danger: true, done: t("approvals.taken_back"),
          run: () => post(pathOf(REQUESTS, row.id, "cancel")) }, reload), "danger"),
    }));
  });
  return follow(() => again());
}

// ---- rules ----

const toList = (value) => (Array.isArray(value) ? value : value.split(/[\s,]+/).filter(Boolean));

const exemptField = (value, levels) => ({
  name: "exempt_levels", label: t("approvals.exempt"), keepEmpty: true,
  ...(levels.length ? { value, groups: [{ options: levels.map(({ name }) => (
    { value: name, label: name })) }] } : { value: value.join(", "), hint: t("approvals.exempt_hint") }),
});

async function editRule(rule, { conditions, levels }, reload) {
  const level = levels.length ? { choices: levels.map(({ name }) => name) } : {};
  const orAny = levels.length ? { choices: [["", t("approvals.any")],
    ...levels.map(({ name }) => [name, name])] } : { hint: t("approvals.any_hint") };
  const done = await askForm({
    title: rule ? t("approvals.rule_edit", { name: rule.name }) : t("approvals.rule_new"),
    wide: true,
    fields: [
      { name: "name", label: t("name"), value: rule?.name, required: true },
      { name: "description", label: t("description"), value: rule?.description, keepEmpty: true },
      { name: "condition", label: t("approvals.condition"), value: rule?.condition ?? "cost_exceeds",
        choices: conditions.map(({ value, description }) => [value,
          tOr(`condition.${value}`, description)]) },
      { name: "threshold", label: t("approvals.threshold"), value: rule?.threshold, keepEmpty: true,
        hint: t("approvals.threshold_hint"), spellcheck: "false" },
      { name: "required_approver_level", label: t("approvals.approver"),
        value: rule?.required_approver_level ?? "lead", required: true, ...level },
      { name: "applies_to_provider", label: t("approvals.provider"), keepEmpty: true,
        value: rule?.applies_to_provider, hint: t("approvals.any_hint") },
      { name: "applies_to_level", label: t("approvals.level"), keepEmpty: true,
        value: rule?.applies_to_level ?? "", ...orAny },
      { name: "priority", label: t("priority"), type: "number", value: rule?.priority ?? 0,
        hint: t("approvals.priority_hint") },
      exemptField(rule?.exempt_levels ?? [], levels),
      { name: "is_active", label: t("approvals.enabled"), type: "checkbox",
        value: rule?.is_active ?? true },
    ],
    submit: t("save"),
    send: (values) => {
      const body = { ...values, exempt_levels: toList(values.exempt_levels) };
      return rule ? patch(pathOf(RULES, rule.id), body) : post(RULES, body);
    },
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

const bounds = (rule) => [
  rule.applies_to_provider && t("approvals.only_provider", { name: rule.applies_to_provider }),
  rule.applies_to_level && t("approvals.only_level", { name: rule.applies_to_level }),
  rule.exempt_levels?.length && t("approvals.not_levels", { names: rule.exempt_levels.join(", ") }),
].filter(Boolean).join(" · ");

function ruleActions(rule, known, reload) {
  const toggle = async () => {
    await patch(pathOf(RULES, rule.id), { is_active: !rule.is_active });
    toast(t("saved"));
    await reload();
  };
  return [
    action(rule.is_active ? t("approvals.disable") : t("approvals.enable"), rule.name, toggle, "",
      `toggle ${rule.id}`),
    action(t("edit"), rule.name, () => editRule(rule, known, reload)),
    action(t("delete"), rule.name, () => askConfirm({
      title: t("approvals.rule_delete_q", { name: rule.name }), text: t("cannot_be_undone"),
      label: t("delete"), danger: true, done: t("deleted"), run: () => remove(pathOf(RULES, rule.id)),
    }, reload), "danger"),
  ];
}

/** The rules that say which jobs must wait. The first that holds, by priority, counts. */
export const mountRules = (root) => live(root, async (reload) => {
  const [{ rules }, { conditions }, { levels }] = await Promise.all([get(RULES),
    get("/api/approvals/conditions"), may("admin.users") ? get("/api/users/meta/levels")
      : { levels: [] }]);
  const known = { conditions, levels };
  return section(t("approvals.rules"), t("approvals.rules_about"),
    action(t("approvals.rule_new"), "", () => editRule(null, known, reload), "primary"), list({
      label: t("approvals.rules"), rows: rules, empty: t("approvals.no_rules"),
      columns: [
        [t("name"), (rule) => [element("strong", {}, rule.name),
          element("small", {}, [rule.description, bounds(rule)].filter(Boolean).join(" · "))]],
        [t("approvals.condition"), (rule) => tOr(`condition.${rule.condition}`, rule.condition)],
        [t("approvals.threshold"), (rule) => element("code", {}, rule.threshold || "–")],
        [t("approvals.approver"), (rule) => rule.required_approver_level],
        [t("priority"), (rule) => String(rule.priority), "number"],
        [t("approvals.enabled"), (rule) => (rule.is_active ? badge(t("yes"), "good")
          : badge(t("no")))],
      ],
      actions: (rule) => ruleActions(rule, known, reload),
    }));
});
