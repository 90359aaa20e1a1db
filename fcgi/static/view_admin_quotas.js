// Quotas: what everybody, a level or a user may use, and how somebody stands.

import { get, pathOf, post, remove } from "./api.js";
import { count, money } from "./format.js";
import { may } from "./session.js";
import { action, askConfirm, askForm, askingForm, badge, element, list, live, section, t, tOr }
  from "./view_admin_kit.js";
import { loadUsers, userChoices } from "./view_admin_users.js";

const QUOTAS = "/api/quotas";
const ACTION_TONES = { block: "bad", warn: "warn", require_approval: "info" };

/** An amount of a quota: dollars or a number. */
export const amount = (type, value) => (type.startsWith("cost_") ? money(value) : count(value));
/** What a type of quota counts. */
export const typeName = (type) => tOr(`quota_type.${type}`, type);
/** What happens beyond a quota. */
export const actionBadge = (name) => badge(tOr(`quota_action.${name}`, name), ACTION_TONES[name]);

function share(status) {
  const tone = status.is_exceeded ? "bad" : status.is_warning ? "warn" : "good";
  return element("span", { class: "actions" },
    element("meter", { min: 0, max: 100, low: 60, high: 80, optimum: 0,
      value: Math.min(100, status.percent_used), "aria-label": typeName(status.quota_type) }),
    badge(`${Math.round(status.percent_used)} %`, tone));
}

/** How somebody stands with each quota, and whether he may submit. */
export function standing(answer) {
  return element("div", {},
    element("p", {}, answer.can_submit ? badge(t("quotas.can_submit"), "good")
      : badge(t("quotas.cannot_submit"), "bad")),
    answer.blocking_reasons.map((reason) => element("p", { class: "error" }, reason)),
    list({
      label: t("quotas.standing"), rows: answer.statuses, empty: t("quotas.none_for_user"),
      columns: [
        [t("quotas.type"), (row) => typeName(row.quota_type)],
        [t("quotas.used"), (row) => `${amount(row.quota_type, row.current)} / ${amount(row.quota_type,
          row.limit)}`, "number"],
        [t("quotas.share"), share],
        [t("quotas.action"), (row) => actionBadge(row.action)],
        [t("quotas.source"), (row) => t(`scope.${row.source}`)],
      ],
    }));
}

/** The fields of a limit: type, amount and what happens beyond it. */
export const limitFields = (types) => [
  { name: "quota_type", label: t("quotas.type"),
    choices: types.quota_types.map(({ value }) => [value, typeName(value)]) },
  { name: "limit_value", label: t("quotas.limit"), type: "number", min: 0, step: "any",
    required: true, hint: t("quotas.limit_hint") },
  { name: "action", label: t("quotas.action"), value: "block",
    choices: types.actions.map((value) => [value, tOr(`quota_action.${value}`, value)]) },
];

const idField = (name, label, choices, when) => ({ name, label, when, required: true,
  ...(choices.length ? { choices } : { type: "number", min: 1, hint: t("by_number") }) });

async function set({ types, levels, users }, reload) {
  const done = await askForm({
    title: t("quotas.new"), text: t("quotas.new_text"),
    fields: [
      { name: "target", label: t("quotas.target"), value: "global",
        choices: ["global", "level", "user"].map((value) => [value, t(`scope.${value}`)]) },
      idField("level_id", t("levels.level"), levels.map(({ id, name }) => [String(id), name]),
        ["target", "level"]),
      idField("user_id", t("users.user"), userChoices(users), ["target", "user"]),
      ...limitFields(types),
    ],
    submit: t("save"),
    send: ({ target, level_id: level, user_id: user, ...limit }) => post(QUOTAS, {
      ...limit,
      ...(target === "level" ? { level_id: Number(level) } : {}),
      ...(target === "user" ? { user_id: Number(user) } : {}),
    }),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

function targetOf(quota, { levels, users, orgs }) {
  const id = quota[`${quota.scope}_id`];
  const known = { level: levels, user: users, org: orgs }[quota.scope]?.find((row) => row.id === id);
  return [badge(t(`scope.${quota.scope}`)), " ",
    known?.name ?? known?.username ?? (id ? t("number", { id }) : "")];
}

function lookUp(users) {
  const result = element("div", { "aria-live": "polite" });
  return section(t("quotas.look_up"), t("quotas.look_up_about"), [],
    element("div", { class: "admin-filters" }, askingForm({
      fields: [idField("user_id", t("users.user"), userChoices(users))],
      submit: t("quotas.look_up_do"),
      send: async (values) => {
        result.replaceChildren(standing(await get(pathOf(`${QUOTAS}/user`, values.user_id))));
      },
    })), result);
}

function deleteButton(quota, reload) {
  return action(t("delete"), `${typeName(quota.quota_type)} ${t(`scope.${quota.scope}`)}`,
    () => askConfirm({
      title: t("quotas.delete_q"), text: t("quotas.delete_text"), label: t("delete"), danger: true,
      done: t("deleted"), run: () => remove(pathOf(QUOTAS, quota.id)),
    }, reload), "danger");
}

export const mount = (root) => live(root, async (reload) => {
  const knowsUsers = may("admin.users");
  const [{ quotas }, types, users, { levels }, { organizations: orgs }] = await Promise.all([
    get(QUOTAS), get(`${QUOTAS}/types`), knowsUsers ? loadUsers() : [],
    knowsUsers ? get("/api/users/meta/levels") : { levels: [] },
    may("org.view") ? get("/api/orgs") : { organizations: [] }]);
  const known = { types, users, levels, orgs };
  return [section(t("quotas.title"), t("quotas.about"),
    may("quota.manage") && action(t("quotas.new"), "", () => set(known, reload), "primary"),
    list({
      label: t("quotas.title"), rows: quotas, empty: t("quotas.none"),
      columns: [
        [t("quotas.target"), (quota) => targetOf(quota, known)],
        [t("quotas.type"), (quota) => typeName(quota.quota_type)],
        [t("quotas.limit"), (quota) => amount(quota.quota_type, quota.limit_value), "number"],
        [t("quotas.action"), (quota) => actionBadge(quota.action)],
      ],
      actions: may("quota.manage") && ((quota) => deleteButton(quota, reload)),
    })), lookUp(users)];
});
