// What the views of the administration are made of, on top of dom.js: lists that load themselves,
// forms and questions in dialogs, secrets that are shown once.

import { get } from "./api.js";
import { button, confirm, dialog, element, field, fill, form, panel, perform as withButton,
  show, table, toast } from "./dom.js";
import { t as words, tOr as wordsOr } from "./i18n.js";
import { may, session } from "./session.js";

export { badge, element, facts } from "./dom.js";

/** Words of the administration. */
export const t = (key, values) => words(`admin.${key}`, values);
export const tOr = (key, fallback) => wordsOr(`admin.${key}`, fallback);

/** A titled part of a view with a line about it and buttons beside the title. */
export const section = (title, about, actions, ...children) => panel(title, { actions },
  about ? element("p", { class: "hint" }, about) : null, children);

const nameOf = (node) => node.dataset.key ?? node.getAttribute("aria-label") ?? node.textContent;

/** Where the keyboard goes when what had it was away meanwhile: to its successor, else to the view. */
function giveBackFocus(node) {
  if (document.activeElement && document.activeElement !== document.body) {
    return;
  }
  const view = document.getElementById("view");
  const same = node.isConnected ? node
    : [...view.querySelectorAll("button")].find((one) => nameOf(one) === nameOf(node));
  (same ?? view).focus();
}

/**
 * A button that waits for its action; `about` says for screen readers what it belongs to, and `key`
 * is what finds it again when its words change.
 */
export function action(label, about, run, kind = "", key = null) {
  const node = button(label, async () => {
    await withButton(node, run);
    giveBackFocus(node);
  }, { kind, "data-key": key, ...(about ? { "aria-label": `${label}: ${about}` } : {}) });
  return node;
}

/** A table of rows with columns [title, cell, class] and buttons for each row. */
export function list({ label, rows, columns, empty, actions, rowAttributes }) {
  return table({
    caption: label, rows, empty, rowAttributes,
    columns: [
      ...columns.map(([title, cell, className]) => ({ title, cell, class: className })),
      ...(actions ? [{ title: t("actions"), class: "row-actions",
        cell: (row) => element("span", { class: "actions" }, actions(row)) }] : []),
    ],
  });
}

function focusKey() {
  const node = document.activeElement;
  return ["BUTTON", "INPUT", "SELECT"].includes(node?.tagName) ? nameOf(node) : null;
}

function focusAgain(root, key) {
  if (!key || document.activeElement !== document.body) {
    return;
  }
  [...root.querySelectorAll("button, select, input")].find((node) => nameOf(node) === key)?.focus();
}

/**
 * Show what draw(reload) promises, and again whenever reload() is called: what was open stays open,
 * and the focus stays where it was. Resolves when the first is there; an error is shown in place.
 */
export async function live(root, draw) {
  let turn = 0;
  async function reload() {
    const mine = turn += 1;
    const key = focusKey();
    root.setAttribute("aria-busy", "true");
    let content;
    try {
      content = await draw(reload);
    } catch (error) {
      content = [element("p", { class: "error", role: "alert" }, error.message),
        action(t("again"), "", reload)];
    }
    if (mine !== turn) {
      return;
    }
    const open = [...root.querySelectorAll("details[open]")].map((node) => node.dataset.key);
    fill(root, content);
    for (const node of root.querySelectorAll("details")) {
      node.open ||= open.includes(node.dataset.key);
    }
    root.removeAttribute("aria-busy");
    focusAgain(root, key);
  }
  await reload();
}

/** Do it, say that it is done, and then go on. */
export async function perform(run, done, then) {
  try {
    await run();
  } catch (error) {
    toast(error.message, "bad");
    return;
  }
  if (done) {
    toast(done);
  }
  await then?.();
}

// ---- forms ----

function checks({ name, label, hint, value = [], groups }) {
  const error = element("p", { class: "error", hidden: true });
  const boxes = [];
  const box = (option) => {
    const input = element("input", { type: "checkbox", checked: value.includes(option.value),
      "data-value": option.value });
    boxes.push(input);
    return element("label", { class: "check" }, input, element("span", {}, option.label,
      option.hint ? element("small", {}, option.hint) : null));
  };
  const root = element("fieldset", { class: "field admin-checks" }, element("legend", {}, label),
    hint ? element("p", { class: "hint" }, hint) : null,
    groups.map((group) => element("div", {
      class: "admin-check-group", ...(group.title ? { role: "group", "aria-label": group.title } : {}),
    }, group.title ? element("p", {}, element("strong", {}, group.title)) : null,
    group.options.map(box))), error);
  return {
    root, name, input: boxes[0] ?? element("input", {}),
    get value() {
      return boxes.filter((input) => input.checked).map((input) => input.dataset.value);
    },
    error: (text) => show(error, text),
  };
}

function fieldOf({ keepEmpty, when, ...spec }) {
  const made = spec.groups ? checks(spec) : field(spec);
  return Object.assign(made, { keepEmpty, when });
}

/** Fields with `when: [name, value]` are there only while that other field has the value. */
function followOthers(fields) {
  const wanted = (one) => !one.when
    || fields.find(({ name }) => name === one.when[0]).value === one.when[1];
  const update = () => fields.forEach((one) => {
    one.root.hidden = !wanted(one);
    one.input.disabled = !wanted(one);
  });
  for (const one of fields) {
    one.root.addEventListener("change", update);
  }
  update();
  return (one) => wanted(one);
}

/** The service names fields in several ways: its words say which one is meant. */
function nameField(error, fields) {
  if (fields.some(({ name }) => name === error.field)) {
    return error;
  }
  const found = fields.map(({ name }) => (
    { name, at: error.message.search(new RegExp(`\\b${name}\\b`, "i")) }))
    .filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at)[0];
  error.field = found?.name ?? null;
  return error;
}

/** A form of specs as field() takes them, or with `groups` of check boxes. Empty values are left out. */
export function askingForm({ fields: specs, submit, send, extra, danger, ...attributes }) {
  const fields = specs.map(fieldOf);
  const isWanted = followOthers(fields);
  const node = form({
    fields, submit, extra, ...attributes,
    onSubmit: async () => {
      const values = {};
      for (const one of fields.filter(isWanted)) {
        const value = typeof one.value === "string" && one.input.type !== "password"
          ? one.value.trim() : one.value;
        if (one.keepEmpty || (value !== "" && value !== null)) {
          values[one.name] = value;
        }
      }
      try {
        await send(values, fields);
      } catch (error) {
        throw nameField(error, fields);
      }
    },
  });
  if (danger) {
    node.querySelector("button.primary").className = "danger";
  }
  return node;
}

/** The dialog begins at the first field, not at the way out. */
function withFocus(node) {
  node?.fields?.[0]?.input.setAttribute("autofocus", "");
  return node;
}

/** Ask for values in a dialog. Resolves with true when they were sent and taken. */
export async function askForm({ title, text, wide, done, send, ...rest }) {
  const sent = await dialog({
    title, wide,
    body: (close) => [typeof text === "string" ? element("p", {}, text) : text, askingForm({
      ...rest, class: wide ? "admin-form" : null,
      send: async (...given) => {
        await send(...given);
        close(true);
      },
      extra: [button(t("cancel"), () => close())],
    })].map(withFocus),
  });
  if (sent && done) {
    toast(done);
  }
  return Boolean(sent);
}

/** Ask before something is done; with `typed` that word must be typed. Then do it, and go on. */
export async function askConfirm({ title, text, label, danger, typed, done, run }, then) {
  if (!typed) {
    if (await confirm(text, { title, yes: label, danger })) {
      await perform(run, done, then);
    }
    return;
  }
  const agreed = await askForm({
    title, text, submit: label, danger, done,
    fields: [{ name: "typed", label: t("type_to_confirm", { word: typed }), autocomplete: "off",
      required: true }],
    send: (values) => {
      if (values.typed !== typed) {
        throw Object.assign(new Error(t("typed_wrong", { word: typed })), { field: "typed" });
      }
      return run();
    },
  });
  if (agreed) {
    await then?.();
  }
}

// ---- once ----

/** A button that copies, and says that it has. */
export function copyButton(text, about = "") {
  const node = action(t("copy"), about, async () => {
    if (!window.navigator.clipboard) { // only pages over TLS, or of this machine, may write to it
      throw new Error(t("copy_by_hand"));
    }
    await window.navigator.clipboard.writeText(text);
    node.textContent = t("copied");
    window.setTimeout(() => {
      node.textContent = t("copy");
    }, 2000);
  });
  return node;
}

/** A secret that goes out once: items are [name, value]. */
export function showSecret({ title, text, items }) {
  return dialog({
    title,
    body: [element("p", { class: "warn" }, text), items.map(([name, value]) => element("div",
      { class: "field admin-secret" }, element("p", {}, element("strong", {}, name)),
      element("code", { tabindex: "0", class: "admin-copy" }, value), copyButton(value, name)))],
    buttons: [{ label: t("secret_kept"), value: true, kind: "primary" }],
  });
}

// ---- permissions ----

const descriptions = new Map();

/** What a permission lets one do: the service itself says it in English. */
export const permissionName = (name) => wordsOr(`perm.${name}`, descriptions.get(name) ?? name);

/** The permissions there are; whoever may not ask for them gets those that he has himself. */
export async function loadPermissions() {
  if (!may("admin.users")) {
    return ownPermissions();
  }
  const { permissions } = await get("/api/users/meta/permissions");
  permissions.forEach(({ name, description }) => descriptions.set(name, description));
  return permissions;
}

/** What one may oneself. */
export const ownPermissions = () => [...session().permissions].sort()
  .map((name) => ({ name, category: name.split(".")[0] }));

/** Permissions as groups of check boxes, one for each area. */
export function permissionGroups(permissions) {
  const groups = new Map();
  for (const { name, category } of permissions) {
    const title = tOr(`area.${category}`, category);
    groups.set(title, [...(groups.get(title) ?? []),
      { value: name, label: permissionName(name), hint: permissionName(name) === name ? "" : name }]);
  }
  return [...groups].map(([title, options]) => ({ title, options }));
}
