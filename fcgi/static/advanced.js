// Advanced Configuration of a provider: how it is reached, who may send webhooks, and where jobs send
// their files. Each setting is saved at once.

import { call, get, patch, put } from "./api.js";
import { button, confirm, element, field, fill, panel, perform, toast } from "./dom.js";
import { t } from "./i18n.js";
import { PROVIDERS } from "./provider_strip.js";
import { savedField } from "./saved_field.js";

// The guide has these words in every language; the page says them so that they are found there.
const SSL_QUESTION = "Disabling SSL verification is a security risk. Only do this if you have a self-signed certificate or are behind a corporate proxy. Continue?";
let sslConfirmed = false; // as long as this page is open

async function askSsl(verify) {
  if (verify || sslConfirmed) {
    return true;
  }
  sslConfirmed = await confirm(SSL_QUESTION, { title: t("advanced.ssl_verify"), yes: t("advanced.ok"), danger: true });
  return sslConfirmed;
}

const isIPv4 = (text) => /^(\d{1,3})(\.\d{1,3}){3}$/.test(text) && text.split(".").every((part) => Number(part) < 256);

function isIPv6(text) {
  const halves = text.split("::");
  const groups = halves.flatMap((half) => half.split(":").filter(Boolean));
  return text.includes(":") && halves.length < 3 && groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    && (halves.length === 2 ? groups.length < 8 : groups.length === 8);
}

/** What is wrong with an address or range; "" when nothing is. */
export function checkRange(text) {
  const [address, bits, more] = text.split("/");
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  if (most < 0 || more !== undefined) {
    return t("advanced.ip_bad");
  }
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) {
    return t("advanced.ip_bits", { most });
  }
  return "";
}

/** The addresses that webhooks may come from: a list that is saved with each change. */
function ranges(base, advanced) {
  let stored = advanced.webhook_allowed_ips;
  const list = element("ul", { class: "strip", id: "webhook-ips" });
  const one = field({ label: t("advanced.ip_add"), name: "webhook_allowed_ips", placeholder: "10.0.0.0/8",
    hint: t("advanced.ip_hint"), autocomplete: "off", maxlength: 64 });

  async function save(wanted) {
    stored = (await patch(`${base}/advanced`, { webhook_allowed_ips: wanted })).webhook_allowed_ips;
    render();
    toast(t("settings.saved"));
  }

  function render() {
    fill(list, stored.length === 0 ? element("li", { class: "muted" }, t("advanced.ip_all"))
      : stored.map((range) => element("li", { class: "chip" }, element("code", {}, range),
        button("×", (event) => perform(event.target, async () => {
          await save(stored.filter((other) => other !== range));
          one.input.focus();
        }), { kind: "link", "aria-label": t("advanced.ip_remove", { range }) }))));
  }

  async function addRange(event) {
    event.preventDefault();
    const text = one.value.trim();
    const wrong = stored.includes(text) ? t("advanced.ip_known") : checkRange(text);
    one.error(wrong);
    if (!wrong) {
      try {
        await save([...stored, text]);
        one.value = "";
      } catch (error) {
        one.error(error.message);
      }
    }
    one.input.focus();
  }

  render();
  return element("form", { novalidate: true, onsubmit: addRange, id: "ip-form" }, list,
    element("div", { class: "with-button" }, one.root, element("button", {}, t("advanced.ip_submit"))));
}

function network(base, advanced) {
  const saved = (name, options) => savedField({ name, label: t(`advanced.${name}`), value: advanced[name],
    save: async (value) => (await patch(`${base}/advanced`, { [name]: value }))[name] ?? "", ...options });
  const warning = element("p", { class: "note bad", hidden: advanced.ssl_verify }, t("advanced.ssl_off"));
  return element("fieldset", {}, element("legend", {}, t("advanced.network")), warning,
    saved("ssl_verify", { type: "checkbox", role: "switch", ask: askSsl, save: async (value) => {
      const { ssl_verify: now } = await patch(`${base}/advanced`, { ssl_verify: value });
      warning.hidden = now;
      return now;
    } }).root,
    saved("ssl_ca_bundle", { hint: t("advanced.ca_hint"), placeholder: "/etc/pki/tls/certs/corporate-ca.crt" }).root,
    saved("proxy_url", { hint: t("advanced.proxy_hint"), placeholder: "http://proxy.corp.example.com:8080", inputmode: "url" }).root,
    saved("http_timeout", { type: "number", min: 1, max: 600, step: "any", hint: t("advanced.timeout_hint"), required: true }).root);
}

function storage(base, config) {
  const saved = (name, options) => savedField({ name, label: t(`advanced.${name}`), value: config[name],
    save: async (value) => (await put(base, { [name]: value })).config[name] ?? "", ...options });
  return element("fieldset", {}, element("legend", {}, t("advanced.storage")),
    saved("s3_endpoint_enabled", { type: "checkbox", role: "switch" }).root,
    saved("s3_public_url", { hint: t("advanced.s3_url_hint"), placeholder: "https://simpletuner.example.com", inputmode: "url" }).root,
    saved("s3_output_path", { hint: t("advanced.s3_path_hint"), placeholder: "~/.simpletuner/outputs" }).root);
}

/** A test of whether webhooks arrive, with its result and how long it took. */
function webhookTest(base, path, label) {
  const result = element("p", { role: "status", class: "result", hidden: true });
  const run = (event) => perform(event.target, async () => {
    fill(result, t("advanced.testing"));
    result.hidden = false;
    result.className = "result muted";
    try {
      const answer = await call("POST", `${base}/${path}`);
      const latency = answer.latency_ms === null ? "" : ` (${Math.round(answer.latency_ms)} ms)`;
      result.className = `result ${answer.success ? "good" : "bad"}`;
      fill(result, `${answer.success ? "✓" : "✗"} ${answer.message ?? answer.error}${latency}`,
        !answer.success && answer.error && answer.error !== answer.message && element("span", { class: "muted" }, ` ${answer.error}`));
    } catch (error) {
      result.className = "result bad";
      fill(result, `✗ ${error.message}`);
    }
  });
  return [button(label, run), result];
}

function webhooks(base, provider, config, advanced) {
  const endpoint = element("code", { id: "endpoint" });
  const showEndpoint = (url) => {
    endpoint.textContent = `${(url || window.location.origin).replace(/\/$/, "")}/api/webhooks/${provider.id}`;
  };
  showEndpoint(config.webhook_url);
  const url = savedField({ name: "webhook_url", label: t("advanced.webhook_url"), value: config.webhook_url,
    hint: t("advanced.webhook_url_hint"), placeholder: "https://simpletuner.example.com", inputmode: "url",
    save: async (value) => {
      const { config: now } = await put(base, { webhook_url: value });
      showEndpoint(now.webhook_url);
      return now.webhook_url ?? "";
    } });
  const here = button(t("advanced.use_host"), () => {
    url.value = window.location.origin;
    url.input.dispatchEvent(new Event("change"));
  });
  return element("fieldset", {}, element("legend", {}, t("advanced.webhooks")),
    element("div", { class: "with-button" }, url.root, here),
    element("p", { class: "muted" }, t("advanced.endpoint"), " ", endpoint),
    element("div", { class: "tests" }, webhookTest(base, "test-webhook", t("advanced.test_internal")),
      webhookTest(base, "test-webhook-external", t("advanced.test_external"))),
    element("h3", {}, t("advanced.security")),
    savedField({ name: "webhook_require_signature", label: t("advanced.webhook_require_signature"), type: "checkbox",
      role: "switch", value: config.webhook_require_signature,
      save: async (value) => (await put(base, { webhook_require_signature: value })).config.webhook_require_signature }).root,
    ranges(base, advanced));
}

/** The panel; config are the provider's settings. */
export async function advancedPanel(provider, config) {
  const base = `${PROVIDERS}/${provider.id}`;
  const advanced = await get(`${base}/advanced`);
  return panel(t("advanced.title"), { id: "advanced" }, element("p", { class: "muted" }, t("advanced.text")),
    element("div", { class: "columns" }, element("div", {}, network(base, advanced), storage(base, config)),
      webhooks(base, provider, config, advanced)));
}
