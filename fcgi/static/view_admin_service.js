// The service itself: who may register, how the rate limits stand, and the circuit breakers.

import { get, pathOf, post, put } from "./api.js";
import { toast } from "./dom.js";
import { count, duration, moment } from "./format.js";
import { may } from "./session.js";
import { action, askConfirm, askingForm, badge, element, list, live, section, t, tOr }
  from "./view_admin_kit.js";

const REGISTRATION = "/api/cloud/settings/registration";
const LIMITS = "/api/rate-limits/usage";
const BREAKERS = "/api/cloud/circuit-breakers";
const TONES = { closed: "good", half_open: "warn", open: "bad" };

/** Whether people may make accounts for themselves. */
const mountRegistration = (root) => live(root, async (reload) => {
  const [setting, { levels }] = await Promise.all([get(REGISTRATION),
    may("admin.users") ? get("/api/users/meta/levels") : { levels: [] }]);
  return section(t("registration.title"), t("registration.about"), [],
    setting.email_required_warning
      && element("p", { class: "note warn" }, t("registration.email_warning")),
    askingForm({
      class: "admin-narrow",
      fields: [
        { name: "enabled", label: t("registration.enabled"), type: "checkbox",
          value: setting.enabled },
        { name: "default_level", label: t("registration.level"), value: setting.default_level,
          hint: t("registration.level_hint"), required: true,
          ...(levels.length ? { choices: levels.map(({ name }) => name) } : {}) },
      ],
      submit: t("save"),
      send: async (values) => {
        await put(REGISTRATION, values);
        toast(t("saved"));
        await reload();
      },
    }));
});

// ---- rate limits ----

const rulesOf = (rules) => list({
  label: t("limits.rules"), rows: rules, empty: t("limits.none"),
  columns: [
    [t("name"), (rule) => [rule.name, " ", rule.built_in && badge(t("limits.built_in"))]],
    [t("limits.pattern"), (rule) => element("code", {}, rule.pattern)],
    [t("limits.methods"), (rule) => rule.methods?.join(", ") ?? t("limits.all_methods")],
    [t("limits.limit"), (rule) => (rule.calls ? t("limits.calls",
      { calls: count(rule.calls), period: rule.period }) : t("limits.off")), "number"],
  ],
});

const usageOf = (answer) => (answer.client ? list({
  label: t("limits.usage"), rows: answer.usage, empty: t("limits.no_usage"),
  columns: [
    [t("limits.rule"), (row) => row.rule],
    [t("limits.used"), (row) => `${count(row.count)} / ${count(row.limit)}`, "number"],
    [t("limits.remaining"), (row) => badge(count(row.remaining), row.remaining ? "good" : "bad")],
    [t("limits.reset"), (row) => duration(row.reset_in_seconds)],
  ],
}) : list({
  label: t("limits.usage"), rows: answer.standings, empty: t("limits.no_usage"),
  columns: [
    [t("limits.rule"), (row) => row.rule],
    [t("limits.client"), (row) => element("code", {}, row.client)],
    [t("limits.used"), (row) => count(row.count), "number"],
  ],
}));

/** The rate limits in force, and who has used how much of them. */
function mountLimits(root) {
  let asked = {};
  return live(root, async (reload) => {
    const answer = await get(LIMITS, asked);
    return [section(t("limits.title"), t("limits.about"), action(t("refresh"), "", reload),
      element("p", {}, badge(tOr(`health.${answer.state}`, answer.state),
        answer.state === "healthy" ? "good" : "bad"), " ", t("limits.backend", {
        backend: answer.backend, clients: count(answer.tracked_clients) })),
      element("div", { class: "admin-filters" }, askingForm({
        fields: [
          { name: "rule", label: t("limits.rule"), value: asked.rule ?? "",
            choices: [["", t("limits.all_rules")], ...answer.rules.map(({ name }) => [name, name])] },
          { name: "client", label: t("limits.client"), value: asked.client ?? "",
            hint: t("limits.client_hint"), spellcheck: "false" },
        ],
        submit: t("show"),
        send: async (values) => {
          await get(LIMITS, values); // so that a wrong value is told at its field
          asked = values;
          await reload();
        },
      })), usageOf(answer)),
    section(t("limits.rules"), "", [], rulesOf(answer.rules))];
  });
}

// ---- circuit breakers ----

/** The circuit breaker of each provider; one that is open can be closed by hand. */
const mountBreakers = (root) => live(root, async (reload) => {
  const { circuit_breakers: breakers } = await get(BREAKERS);
  const reset = (one) => askConfirm({
    title: t("breakers.reset_q", { name: one.provider }), text: t("breakers.reset_text"),
    label: t("breakers.reset"), done: t("breakers.reset_done"),
    run: () => post(pathOf(BREAKERS, one.provider, "reset")),
  }, reload);
  return section(t("breakers.title"), t("breakers.about"), action(t("refresh"), "", reload), list({
    label: t("breakers.title"), rows: breakers,
    columns: [
      [t("provider"), (one) => one.provider],
      [t("breakers.state"), (one) => badge(tOr(`breaker.${one.state}`, one.state),
        TONES[one.state] ?? "")],
      [t("breakers.failures"), (one) => t("breakers.failures_of",
        { now: count(one.failure_count), total: count(one.total_failures) }), "number"],
      [t("breakers.last"), (one) => [moment(one.last_failure),
        one.last_error && element("small", {}, one.last_error)]],
      [t("breakers.retry"), (one) => (one.retry_after ? duration(one.retry_after) : "–")],
    ],
    actions: (one) => action(t("breakers.reset"), one.provider, () => reset(one)),
  }));
});

/** All three, each of which is loaded on its own. */
export async function mount(root) {
  await Promise.all([mountRegistration, mountBreakers, mountLimits].map((part) => {
    const place = element("div", { class: "view" });
    root.append(place);
    return part(place);
  }));
}
