// Metrics: whether Prometheus may scrape, which categories it gets, and how that looks.

import { get, pathOf, post, put } from "./api.js";
import { perform as withToast, toast } from "./dom.js";
import { count } from "./format.js";
import { action, badge, copyButton, element, facts, live, perform, section, t, tOr }
  from "./view_admin_kit.js";

const CONFIG = "/api/cloud/metrics/config";

/** What Prometheus needs to scrape this very service. */
function scrapeConfig(path) {
  const { protocol, host } = window.location;
  return ["scrape_configs:", "  - job_name: simpletuner", `    scheme: ${protocol.replace(":", "")}`,
    `    metrics_path: ${path}`, "    static_configs:", `      - targets: ["${host}"]`, ""].join("\n");
}

function categoryBox(category, isOn, change) {
  return element("label", { class: "check" },
    element("input", { type: "checkbox", checked: isOn, value: category.id, onchange: change }),
    element("span", {}, element("strong", {}, tOr(`metrics_category.${category.id}`, category.name)),
      " ", element("code", {}, category.id), element("small", { title: category.metrics.join("\n") },
        tOr(`metrics_about.${category.id}`, category.description), " ",
        t("metrics.names", { count: category.metrics.length }))));
}

function templateCard(template, config, reload) {
  const isUsed = config.prometheus_enabled && template.categories.length
    === config.prometheus_categories.length
    && template.categories.every((id) => config.prometheus_categories.includes(id));
  return element("div", { class: "panel admin-template" },
    element("p", {}, element("strong", {}, tOr(`metrics_template.${template.id}`, template.name)), " ",
      isUsed && badge(t("metrics.in_use"), "good")),
    element("p", { class: "hint" }, tOr(`metrics_template_about.${template.id}`, template.description)),
    element("p", {}, template.categories.map((id) => [element("code", {}, id), " "])),
    action(t("metrics.apply"), template.id, () => perform(
      () => post(pathOf(CONFIG, "templates", template.id)), t("metrics.applied"), reload)));
}

/** The output as it would be with what is ticked, saved or not. */
function preview(chosen, legacy) {
  const text = element("pre", { tabindex: "0", "aria-label": t("metrics.preview") });
  const about = element("p", { class: "hint", role: "status" });
  let turn = 0;
  async function update() {
    const mine = turn += 1;
    const ids = chosen();
    const query = ids.map((id) => `categories=${encodeURIComponent(id)}`).join("&");
    const answer = ids.length ? await get(`${CONFIG}/preview?legacy=${legacy()}&${query}`)
      : { content: "", metric_count: 0 };
    if (mine === turn) {
      text.textContent = answer.content || t("metrics.nothing");
      about.textContent = t("metrics.samples", { count: count(answer.metric_count) });
    }
  }
  return { text, about, update };
}

function choice(config, categories, reload) {
  const names = element("input", { type: "checkbox", checked: config.prometheus_legacy_names });
  const boxes = element("fieldset", { class: "admin-checks admin-categories" },
    element("legend", { class: "unseen" }, t("metrics.categories")));
  const chosen = () => [...boxes.querySelectorAll("input:checked")].map((input) => input.value);
  const look = preview(chosen, () => names.checked);
  const update = () => withToast(null, look.update);
  names.addEventListener("change", update);
  boxes.append(...categories.map((category) => categoryBox(category,
    config.prometheus_categories.includes(category.id), update)));
  update();
  return [
    section(t("metrics.categories"), t("metrics.categories_about"),
      action(t("metrics.save"), "", () => perform(() => put(CONFIG, {
        prometheus_categories: chosen(), prometheus_legacy_names: names.checked }),
      t("saved"), reload), "primary"), boxes,
      element("label", { class: "check" }, names, element("span", {}, t("metrics.legacy"),
        element("small", {}, t("metrics.legacy_hint"))))),
    section(t("metrics.preview"), t("metrics.preview_about"), action(t("refresh"), "", look.update),
      look.about, look.text),
  ];
}

function exportSwitch(config, reload) {
  const input = element("input", { type: "checkbox", role: "switch", id: "metrics-switch",
    checked: config.prometheus_enabled, onchange: async () => {
      const enabled = input.checked;
      input.disabled = true;
      try {
        await put(CONFIG, { prometheus_enabled: enabled });
        toast(t(enabled ? "metrics.is_on" : "metrics.is_off"));
      } catch (error) {
        toast(error.message, "bad");
      }
      await reload();
      document.getElementById("metrics-switch").focus();
    } });
  return element("div", { class: "field check" }, input,
    element("label", { for: "metrics-switch" }, t("metrics.enabled")));
}

export const mount = (root) => live(root, async (reload) => {
  const [config, { categories }, { templates }] = await Promise.all([get(CONFIG),
    get(`${CONFIG}/categories`), get(`${CONFIG}/templates`)]);
  const scrape = scrapeConfig(config.endpoint_url);
  return [
    section(t("metrics.title"), t("metrics.about"), [], exportSwitch(config, reload), facts([
      [t("status"), config.prometheus_enabled ? badge(t("metrics.on"), "good")
        : badge(t("metrics.off"))],
      [t("metrics.endpoint"), element("code", {}, config.endpoint_url)],
    ])),
    section(t("metrics.templates"), t("metrics.templates_about"), [],
      element("div", { class: "admin-templates" },
        templates.map((template) => templateCard(template, config, reload)))),
    choice(config, categories, reload),
    section(t("metrics.scrape"), t("metrics.scrape_about"), copyButton(scrape, t("metrics.scrape")),
      element("pre", { tabindex: "0", "aria-label": t("metrics.scrape") }, scrape)),
  ];
});
