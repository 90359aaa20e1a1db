// The parts that views are made of. Text goes in as text, never as markup.

import { t } from "./i18n.js";

let ids = 0;
const newId = (name) => `${name}-${ids += 1}`;

function setAttribute(node, name, value) {
  if (name.startsWith("on")) {
    node.addEventListener(name.slice(2), value);
  } else if (name === "value" || name === "checked" || name === "selected") {
    node[name] = value;
  } else if (value === true) {
    node.setAttribute(name, "");
  } else if (value !== false && value !== null && value !== undefined) {
    node.setAttribute(name, value);
  }
}

/**
 * A new element: element("a", { href, onclick: action }, "text", child, [more], null). Attributes
 * that are null or false are left out, and so are children.
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  const { value, ...others } = attributes;
  for (const [key, content] of Object.entries(others)) {
    setAttribute(node, key, content);
  }
  add(node, children);
  if (value !== undefined && value !== null) { // after a select's options
    node.value = value;
  }
  return node;
}

/** Append children as element() takes them. */
export function add(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      node.append(child);
    }
  }
}

/** Put other children in place of those that are there. */
export function fill(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

/** fill(), and the focus goes back to the part with the same id or data-key. */
export function refill(node, ...children) {
  const at = node.contains(document.activeElement) ? document.activeElement : null;
  const key = at?.id || at?.dataset.key;
  fill(node, ...children);
  if (key) {
    node.querySelector(`#${CSS.escape(key)}, [data-key="${CSS.escape(key)}"]`)?.focus();
  }
  return node;
}

/** A button. `kind` is "primary", "danger", "link" or nothing. */
export function button(label, onclick, { kind = "", ...attributes } = {}) {
  return element("button", { type: "button", class: kind, onclick, ...attributes }, label);
}

/** Words with a colour and a dot: a state. `tone` is good, bad, warn, info or nothing. */
export function badge(text, tone = "") {
  return element("span", { class: `badge ${tone}` }, text);
}

/** A titled part of a view; `actions` stand beside the title. */
export function panel(title, { actions = [], level = 2, ...attributes } = {}, ...children) {
  const id = newId("title");
  return element("section", { class: "panel", "aria-labelledby": id, ...attributes },
    element("div", { class: "panel-head" }, element(`h${level}`, { id }, title),
      element("div", { class: "actions" }, actions)), children);
}

/** Names and values: facts([["Name", value], ...]); pairs that are null are left out. kind: "tight" for numbers. */
export function facts(pairs, kind = "") {
  return element("dl", { class: `facts ${kind}` }, pairs.filter(Boolean).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function inputOf(options, id) {
  const { type = "text", choices, rows, name, value, ...others } = options;
  const attributes = { id, name, ...others };
  if (choices) {
    return element("select", { ...attributes, value }, choices.map((choice) => {
      const [key, label] = Array.isArray(choice) ? choice : [choice, choice];
      return element("option", { value: key }, label);
    }));
  }
  if (type === "textarea") {
    return element("textarea", { ...attributes, rows: rows ?? 6, value, spellcheck: "false" });
  }
  if (type === "checkbox") {
    return element("input", { ...attributes, type, checked: Boolean(value) });
  }
  return element("input", { ...attributes, type, value });
}

/**
 * A labelled input with a hint and a place for its error. Options: label, name, hint, type (text,
 * password, number, textarea, checkbox, ...), choices ([key, label] pairs make a select), value,
 * and attributes of the input. Returns { root, input, name, get value(), set value(v),
 * error(text) }; error("") takes the error away.
 */
export function field({ label, hint, ...options }) {
  const id = newId("field");
  const input = inputOf(options, id);
  const error = element("p", { id: `${id}-error`, class: "error", hidden: true });
  const note = hint ? element("p", { id: `${id}-hint`, class: "hint" }, hint) : null;
  const isBox = options.type === "checkbox";
  input.setAttribute("aria-describedby", [note?.id, error.id].filter(Boolean).join(" "));
  const caption = element("label", { for: id }, label);
  const root = element("div", { class: isBox ? "field check" : "field" },
    isBox ? [input, caption] : [caption, input], note, error);
  return {
    root, input, name: options.name,
    get value() {
      if (isBox) {
        return input.checked;
      }
      return options.type === "number" ? (input.value === "" ? null : Number(input.value)) : input.value;
    },
    set value(value) {
      if (isBox) {
        input.checked = Boolean(value);
      } else {
        input.value = value ?? "";
      }
    },
    error(text) {
      error.textContent = text;
      error.hidden = !text;
      input.setAttribute("aria-invalid", text ? "true" : "false");
    },
  };
}

/**
 * A form of fields. onSubmit(values) gets { name: value }; what it throws is shown at the field
 * that the error names, else below the fields. Returns the form; form.fields are the fields.
 */
export function form({ fields, submit, onSubmit, extra = [], ...attributes }) {
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const send = element("button", { class: "primary" }, submit);
  const node = element("form", { novalidate: true, ...attributes }, fields.map((one) => one.root),
    problem, element("div", { class: "actions" }, send, extra));
  node.fields = fields;
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled || !checkFields(fields)) {
      return;
    }
    send.disabled = true;
    show(problem, "");
    try {
      await onSubmit(Object.fromEntries(fields.map((one) => [one.name, one.value])));
    } catch (error) {
      showError(error, fields, problem);
    } finally {
      send.disabled = false;
    }
  });
  return node;
}

/** What the browser has to say about each field, at the field. Returns whether all are good. */
export function checkFields(fields) {
  const bad = fields.filter((one) => {
    one.error(one.input.validity.valid ? "" : one.input.validationMessage);
    return !one.input.validity.valid;
  });
  bad[0]?.input.focus();
  return bad.length === 0;
}

/** Show an error at the field that it names, else in `problem`. */
export function showError(error, fields, problem) {
  const at = fields.find((one) => one.name && one.name === error.field);
  if (at) {
    at.error(error.message);
    at.input.focus();
  } else {
    show(problem, error.message);
  }
}

/** Text in a node that is hidden when there is none. */
export function show(node, text) {
  node.textContent = text;
  node.hidden = !text;
}

/** What stands in a cell is one part, so that a card can put the title beside it. */
function cellOf(column, row) {
  const content = element("div", {}, column.cell(row));
  return element("td", { "data-title": column.title, class: column.class ?? null,
    "data-empty": !content.hasChildNodes() || (content.textContent === "" && !content.firstElementChild) }, content);
}

/**
 * A table. columns: [{ title, cell(row) -> node or text, class }]; `empty` is said when there are
 * no rows. On a phone each row is a card, so every cell carries its title.
 */
export function table({ caption, columns, rows, empty = t("table.empty"), rowAttributes = () => ({}) }) {
  if (rows.length === 0) {
    return element("p", { class: "empty" }, empty);
  }
  const head = element("tr", {}, columns.map((column) =>
    element("th", { scope: "col", class: column.class ?? null }, column.title)));
  const body = rows.map((row) => element("tr", rowAttributes(row), columns.map((column) => cellOf(column, row))));
  return element("div", { class: "table", role: "region", "aria-label": caption, tabindex: "0" },
    element("table", {}, element("caption", { class: "unseen" }, caption),
      element("thead", {}, head), element("tbody", {}, body)));
}

/**
 * Buttons to the pages before and after. `onGo(step)` is called with -1 or 1; `text` says where
 * we are.
 */
export function pager({ text, hasBefore, hasAfter, onGo }) {
  return element("nav", { class: "pager", "aria-label": t("pager.label") },
    button(t("pager.before"), () => onGo(-1), { disabled: !hasBefore }),
    element("span", { role: "status" }, text),
    button(t("pager.after"), () => onGo(1), { disabled: !hasAfter }));
}

/**
 * A modal dialog. `body` are children, `buttons` [{ label, value, kind }]; Esc closes it. Resolves
 * with the value of the button, null when it was closed. body may be a function: it gets close(value).
 */
export function dialog({ title, body, buttons = [], wide = false }) {
  const id = newId("dialog");
  return new Promise((resolve) => {
    const opener = document.activeElement;
    const node = element("dialog", { "aria-labelledby": id, class: wide ? "wide" : "" });
    let result = null;
    const close = (value = null) => {
      result = value;
      node.close();
    };
    add(node, [element("div", { class: "panel-head" }, element("h2", { id }, title),
      button("×", () => close(), { kind: "link", "aria-label": t("dialog.close") })),
    typeof body === "function" ? body(close) : body,
    buttons.length > 0 && element("div", { class: "actions" }, buttons.map((one) =>
      button(one.label, () => close(one.value), { kind: one.kind ?? "", autofocus: one.autofocus })))]);
    node.addEventListener("close", () => {
      node.remove();
      opener?.isConnected && opener.focus();
      resolve(result);
    });
    document.body.append(node);
    node.showModal();
  });
}

/** Ask; resolves with true or false. The way back has the focus. */
export async function confirm(text, { title = t("confirm.title"), yes = t("confirm.yes"), danger = false } = {}) {
  return await dialog({
    title, body: element("p", {}, text),
    buttons: [{ label: t("confirm.no"), value: false, autofocus: true },
      { label: yes, value: true, kind: danger ? "danger" : "primary" }],
  }) === true;
}

const TOAST_MS = 6000;
const TOASTS_MAX = 4;

/**
 * Say how something went. `tone` is good, bad, warn or nothing; what is bad stays until it is closed,
 * unless it `passes`.
 */
export function toast(text, tone = "good", passes = tone !== "bad") {
  const node = element("div", { class: `toast ${tone}` }, element("span", {}, text),
    button("×", () => node.remove(), { kind: "link", "aria-label": t("toast.close") }));
  const place = document.getElementById(passes ? "toasts" : "alerts");
  [...place.children].filter((one) => one.firstChild.textContent === text).forEach((one) => one.remove());
  place.append(node);
  while (place.children.length > TOASTS_MAX) {
    place.firstChild.remove();
  }
  if (passes) {
    window.setTimeout(() => node.remove(), TOAST_MS);
  }
}

/** Do something for a button that waits meanwhile; what goes wrong becomes a toast. */
export async function perform(node, action) {
  if (node) {
    node.disabled = true;
  }
  try {
    return await action();
  } catch (error) {
    toast(error.message, "bad");
    return undefined;
  } finally {
    if (node) {
      node.disabled = false;
    }
  }
}
