// The settings of the Cloud tab: a provider's account, what may be spent, what jobs get when they do
// not say, local data, and Advanced Configuration.

import { call, get, put } from "./api.js";
import { advancedPanel } from "./advanced.js";
import { badge, button, confirm, element, facts, fill, panel, perform, refill, toast } from "./dom.js";
import { money } from "./format.js";
import { t, tOr } from "./i18n.js";
import { limitMeter } from "./limit_bar.js";
import { PROVIDERS, tokenForm } from "./provider_strip.js";
import { savedField } from "./saved_field.js";

const PERIODS = ["daily", "weekly", "monthly"];

/** What the provider says of the token. */
async function askAccount(provider, place) {
  const answer = await get(`${PROVIDERS}/${provider.id}/validate`);
  fill(place, answer.valid
    ? facts([[t("account.provider_user"), answer.user_info?.username ?? answer.user_info?.name ?? "–"],
      [t("account.source"), tOr(`source.${answer.token_source}`, answer.token_source ?? "–")]])
    : element("p", { class: "note bad" }, answer.error ?? t("provider.invalid")));
}

function accountPanel(provider, reload) {
  const place = element("div", { role: "status", class: "account" });
  const test = button(t("provider.test"), (event) => perform(event.target, () => askAccount(provider, place)), { id: "test-token" });
  const forget = button(t("provider.remove"), async (event) => {
    if (await confirm(t("provider.remove_question"), { yes: t("provider.remove"), danger: true })) {
      await perform(event.target, async () => {
        await call("DELETE", `${PROVIDERS}/${provider.id}/token`);
        toast(t("provider.removed"));
        await reload();
      });
    }
  }, { kind: "danger", id: "remove-token" });
  return panel(t("account.provider"), { actions: [badge(t(provider.configured ? "provider.ready" : "provider.setup"),
    provider.configured ? "good" : ""), provider.configured && [test, forget]] }, place,
  tokenForm(provider, reload));
}

async function limitPanel(provider, config) {
  const base = `${PROVIDERS}/${provider.id}`;
  const place = element("div", { role: "status" });
  const showLimit = async () => fill(place, limitMeter(await get("/api/cloud/cost-limit/status", { provider: provider.id })));
  const saved = (name, options) => savedField({ name, label: t(`limit.${name}`), value: config[name],
    save: async (value) => {
      const answer = await put(base, { [name]: value });
      await showLimit();
      return answer.config[name];
    }, ...options });
  await showLimit();
  return panel(t("limit.title"), { id: "limit" }, place,
    saved("cost_limit_enabled", { type: "checkbox", role: "switch" }).root,
    element("div", { class: "row" }, saved("cost_limit_amount", { type: "number", min: 1, step: "any", required: true }).root,
      saved("cost_limit_period", { value: config.cost_limit_period ?? "monthly",
        choices: PERIODS.map((one) => [one, t(`period.${one}`)]) }).root,
      saved("cost_limit_action", { value: config.cost_limit_action ?? "warn", choices: ["warn", "block"].map((one) => [one, t(`limit.${one}`)]) }).root));
}

async function defaultsPanel(provider, config) {
  const base = `${PROVIDERS}/${provider.id}`;
  const { consent } = await get("/api/cloud/data-consent/setting");
  const profiles = provider.hardware_profiles.map((one) => [one.id, `${one.label} – ${money(one.cost_per_hour)}/h`]);
  const saved = (name, options) => savedField({ name, label: t(`defaults.${name}`), value: config[name],
    save: async (value) => (await put(base, { [name]: value })).config[name] ?? "", ...options });
  return panel(t("defaults.title"), { id: "defaults" },
    saved("hardware_profile", { choices: profiles, value: provider.hardware_profile }).root,
    saved("max_runtime_minutes", { type: "number", min: 1, max: 525600, step: 1, hint: t("submit.minutes_hint") }).root,
    savedField({ name: "consent", label: t("defaults.consent"), value: consent, hint: t("defaults.consent_hint"),
      choices: ["ask", "allow", "deny"].map((one) => [one, t(`consent.${one}`)]),
      save: async (value) => (await put("/api/cloud/data-consent/setting", { consent: value })).consent }).root);
}

async function mount(root, route) {
  const place = element("div", { class: "view" });
  const chips = element("div", { class: "chips", role: "group", "aria-label": t("job.provider") });
  let chosen = route.path[0] ?? null;

  async function load() {
    const { providers, default_provider: preferred } = await get(PROVIDERS);
    const provider = providers.find(({ id }) => id === (chosen ?? preferred)) ?? providers[0];
    const { config } = await get(`${PROVIDERS}/${provider.id}`);
    refill(chips, providers.map((one) => button(one.name, () => {
      chosen = one.id;
      return load();
    }, { "data-key": one.id, kind: "chip", "aria-pressed": String(one.id === provider.id) })));
    const parts = await Promise.all([limitPanel(provider, config), defaultsPanel(provider, config),
      advancedPanel(provider, config)]);
    fill(place, element("div", { class: "columns" }, accountPanel(provider, load), parts[1], parts[0]), parts[2]);
  }

  root.append(element("div", { class: "panel-head" }, element("h1", {}, t("settings.title")), chips), place);
  await load();
}

export default { id: "cloud/settings", group: "cloud", titleKey: "settings.title", permission: "admin.config", mount };
