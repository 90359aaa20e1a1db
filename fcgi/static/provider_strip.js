// Which providers are ready; and, as long as none is, how one begins.

import { call, get } from "./api.js";
import { badge, element, field, fill, form, panel, toast } from "./dom.js";
import { money } from "./format.js";
import { t } from "./i18n.js";
import { may } from "./session.js";

export const PROVIDERS = "/api/cloud/providers";

/** Store a token and ask the provider whether it is good; an error names the field. */
export async function connect(provider, token) {
  const base = `${PROVIDERS}/${provider}`;
  await call("PUT", `${base}/token`, { api_token: token.trim() });
  const answer = await get(`${base}/validate`);
  if (!answer.valid) {
    throw Object.assign(new Error(answer.error ?? t("provider.invalid")), { field: "api_token" });
  }
  return answer.user_info;
}

/** The form for a provider's token. */
export function tokenForm(provider, onDone) {
  return form({
    submit: t("provider.connect"), class: "inline",
    fields: [field({ label: t("provider.token", { provider: provider.name }), name: "api_token",
      type: "password", autocomplete: "off", required: true, hint: t("provider.token_hint") })],
    onSubmit: async ({ api_token: token }) => {
      const user = await connect(provider.id, token);
      toast(t("provider.connected", { user: user?.username ?? provider.name }));
      await onDone();
    },
  });
}

function hero(provider, again) {
  return panel(t("hero.title"), { class: "panel hero" },
    element("p", {}, t("hero.text", { provider: provider.name })),
    may("admin.config") ? [tokenForm(provider, again),
      element("p", { class: "hint" }, t("hero.environment"), " ", element("code", {}, "REPLICATE_API_TOKEN")),
      element("ol", { class: "steps" },
        element("li", {}, t("hero.step_results"), " ", element("a", { href: "#/cloud/settings" }, t("settings.title"))),
        element("li", {}, t("hero.step_costs"), " ", element("a", { href: "#/cloud/settings" }, t("limit.title"))),
        element("li", {}, t("hero.step_submit"), " ", element("a", { href: "#/cloud/submit" }, t("submit.title"))))]
      : element("p", {}, t("hero.ask")));
}

function one(provider) {
  return element("li", {}, element("strong", {}, provider.name),
    badge(t(provider.configured ? "provider.ready" : "provider.setup"), provider.configured ? "good" : ""),
    provider.configured && provider.hardware
      ? element("span", { class: "muted" }, `${provider.hardware}, ${money(provider.cost_per_hour)}/h`) : null);
}

/** The strip above the jobs. */
export function providerStrip() {
  const place = element("div", { id: "providers" });
  async function load() {
    const { providers, default_provider: preferred } = await get(PROVIDERS);
    if (providers.some(({ configured }) => configured)) {
      fill(place, element("ul", { class: "strip" }, providers.map(one)));
    } else {
      fill(place, hero(providers.find(({ id }) => id === preferred) ?? providers[0], load));
    }
  }
  if (may("config.view")) {
    load().catch((error) => fill(place, element("p", { class: "error" }, error.message)));
  }
  return place;
}
