// One's own account: profile, password, sessions, API keys, S3 keys and tokens at providers.

import { get, patch, pathOf, post, put, remove } from "./api.js";
import { badge, button, confirm, dialog, element, field, fill, form, panel, perform, table, toast } from "./dom.js";
import { moment } from "./format.js";
import { t, tOr } from "./i18n.js";
import { may, session } from "./session.js";

const ME = "/api/users/me";
const AUTH = "/api/auth";
const state = (name) => badge(tOr(`state.${name}`, name), name === "active" ? "good" : "");

function profilePanel(user) {
  return panel(t("account.profile"), {}, form({
    submit: t("account.save"), id: "profile",
    fields: [field({ label: t("account.username"), value: user.username, disabled: true }),
      field({ label: t("account.display_name"), name: "display_name", value: user.display_name ?? "", maxlength: 100 }),
      field({ label: t("account.email"), name: "email", type: "email", value: user.email ?? "", maxlength: 254 })],
    onSubmit: async ({ display_name, email }) => {
      await patch(`${ME}/profile`, { display_name, email });
      toast(t("settings.saved"));
    },
  }));
}

function passwordPanel() {
  const node = form({
    submit: t("account.change_password"), id: "password",
    fields: [field({ label: t("account.current_password"), name: "current_password", type: "password",
      autocomplete: "current-password", required: true }),
    field({ label: t("account.new_password"), name: "new_password", type: "password", autocomplete: "new-password",
      required: true, minlength: 8, hint: t("account.password_hint") })],
    onSubmit: async (values) => {
      await put(`${ME}/password`, values);
      node.reset();
      toast(t("account.password_changed"));
    },
  });
  return panel(t("account.password"), {}, node);
}

/** A secret that is shown once. */
function showOnce(title, pairs) {
  return dialog({ title, body: [element("p", { class: "note warn" }, t("account.once")),
    pairs.map(([name, value]) => element("p", {}, element("strong", {}, name), element("br"), element("code", {}, value)))],
  buttons: [{ label: t("account.noted"), value: true, kind: "primary", autofocus: true }] });
}

function removal(label, question, path, reload) {
  return button(label, async (event) => {
    if (await confirm(question, { yes: label, danger: true })) {
      await perform(event.target, async () => {
        await remove(path);
        await reload();
      });
    }
  });
}

/** A panel with a list that is loaded, and a form below it. */
function listPanel(title, { load, columns, more = null, actions = [] }) {
  const place = element("div", {}, element("p", { class: "empty" }, t("shell.loading")));
  async function reload() {
    try {
      const rows = await load();
      fill(place, table({ caption: title, rows, columns: columns(reload) }));
    } catch (error) {
      fill(place, element("p", { class: "error" }, error.message));
    }
  }
  reload();
  return panel(title, { actions }, place, more?.(reload));
}

const days = (name) => field({ label: t("account.expires_days"), name, type: "number", min: 1, max: 3650, step: 1,
  hint: t("account.expires_hint") });

function optional(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== ""));
}

function keysPanel() {
  const path = `${AUTH}/api-keys`;
  return listPanel(t("account.api_keys"), {
    load: async () => (await get(path)).api_keys,
    columns: (reload) => [
      { title: t("job.name"), cell: (key) => key.name },
      { title: t("account.key"), cell: (key) => element("code", {}, `${key.key_prefix}…`) },
      { title: t("job.status"), cell: (key) => state(key.status) },
      { title: t("account.expires"), cell: (key) => moment(key.expires_at) },
      { title: t("account.last_used"), cell: (key) => moment(key.last_used_at) },
      { title: t("job.actions"), class: "act", cell: (key) => key.is_active && removal(t("account.revoke"),
        t("account.revoke_question", { name: key.name }), pathOf(path, String(key.id)), reload) },
    ],
    more: (reload) => form({ submit: t("account.add_key"), id: "add-key", class: "inline",
      fields: [field({ label: t("job.name"), name: "name", required: true, maxlength: 100 }), days("expires_days")],
      onSubmit: async (values) => {
        const { key } = await post(path, optional(values));
        await showOnce(t("account.key_made"), [[t("account.key"), key]]);
        await reload();
      } }),
  });
}

function s3Panel() {
  const path = `${AUTH}/s3-credentials`;
  return listPanel(t("account.s3_keys"), {
    load: async () => (await get(path)).credentials,
    columns: (reload) => [
      { title: t("job.name"), cell: (key) => key.name || "–" },
      { title: t("account.access_key"), cell: (key) => element("code", {}, key.access_key_id) },
      { title: t("job.status"), cell: (key) => state(key.status) },
      { title: t("account.expires"), cell: (key) => moment(key.expires_at) },
      { title: t("job.actions"), class: "act", cell: (key) => key.status === "active" && removal(t("account.revoke"),
        t("account.revoke_question", { name: key.name || key.access_key_id }), pathOf(path, key.access_key_id), reload) },
    ],
    more: (reload) => form({ submit: t("account.add_s3"), id: "add-s3", class: "inline",
      fields: [field({ label: t("job.name"), name: "name", maxlength: 64 }), days("expires_in_days")],
      onSubmit: async (values) => {
        const made = await post(path, optional(values));
        await showOnce(t("account.key_made"), [[t("account.access_key"), made.access_key_id],
          [t("account.secret_key"), made.secret_access_key], [t("account.endpoint"), made.endpoint_url]]);
        await reload();
      } }),
  });
}

function tokensPanel() {
  const path = `${ME}/credentials`;
  return listPanel(t("account.tokens"), {
    load: async () => (await get(path)).credentials,
    columns: (reload) => [
      { title: t("job.provider"), cell: (one) => one.provider },
      { title: t("job.name"), cell: (one) => one.credential_name },
      { title: t("account.last_used"), cell: (one) => moment(one.last_used_at) },
      { title: t("job.actions"), class: "act", cell: (one) => [
        button(t("provider.test"), (event) => perform(event.target, async () => {
          const answer = await post(`${path}/validate`, { provider: one.provider, credential_name: one.credential_name });
          toast(answer.valid ? t("account.token_good") : answer.error, answer.valid ? "good" : "bad");
        })),
        removal(t("job.delete"), t("account.token_question"), pathOf(path, one.provider, one.credential_name), reload)] },
    ],
    more: (reload) => {
      const node = form({ submit: t("account.add_token"), id: "add-token", class: "inline",
        fields: [field({ label: t("job.provider"), name: "provider", choices: ["replicate", "http", "huggingface"] }),
          field({ label: t("account.value"), name: "value", type: "password", autocomplete: "off", required: true, maxlength: 1024 })],
        onSubmit: async (values) => {
          await post(path, values);
          node.reset();
          toast(t("settings.saved"));
          await reload();
        } });
      return node;
    },
  });
}

function sessionsPanel() {
  const path = `${AUTH}/sessions`;
  return listPanel(t("account.sessions"), {
    load: async () => (await get(path)).sessions,
    columns: (reload) => [
      { title: t("account.seen"), cell: (one) => moment(one.last_seen_at) },
      { title: t("account.address"), cell: (one) => one.ip_address },
      { title: t("account.browser"), cell: (one) => element("span", { class: "cut" }, one.user_agent) },
      { title: t("job.actions"), class: "act", cell: (one) => (one.current ? badge(t("account.this_session"), "info")
        : removal(t("account.end"), t("account.end_question"), pathOf(path, one.id), reload)) },
    ],
  });
}

function mount(root) {
  const { user } = session();
  const isReal = user.id > 0;
  root.append(element("h1", {}, t("account.title")));
  if (!isReal) {
    root.append(element("p", { class: "note" }, t("account.local")));
    return;
  }
  root.append(element("div", { class: "columns" }, profilePanel(user), user.auth_provider === "local" && passwordPanel()),
    may("api.keys.own") ? keysPanel() : "",
    element("div", { class: "columns" }, s3Panel(), tokensPanel()), sessionsPanel());
}

export default { id: "account", hidden: true, titleKey: "account.title", permission: null, mount };
