// A setting that is saved as soon as it is changed. What the service refuses is shown at the field, and
// the old value is back.

import { element, field, toast } from "./dom.js";
import { t } from "./i18n.js";

const isNothing = (value) => value === null || value === undefined;

/** The error for the field of the setting: without the setting's own name before it. */
function withoutName(error, name) {
  return error.message.replace(new RegExp(`^${name}(\\[\\d+\\])?:? `), "");
}

/**
 * A field whose change is saved. Options are those of field(), and: save(value) -> what is stored now;
 * check(value) -> what is wrong with it, or "" (asked before save); ask(value) -> whether to go on.
 */
export function savedField({ save, check = () => "", ask = async () => true, ...options }) {
  let stored = isNothing(options.value) ? (options.type === "checkbox" ? false : "") : options.value;
  const state = element("span", { class: "saved", "aria-hidden": "true" });
  const one = field({ ...options, value: stored });
  one.root.append(state);

  function back() {
    one.value = stored;
  }

  async function change() {
    const { value } = one;
    const wrong = one.input.validity.valid ? check(value) : one.input.validationMessage;
    state.textContent = "";
    if (wrong) {
      one.error(wrong);
      back();
      return;
    }
    one.error("");
    if (!await ask(value)) {
      back();
      return;
    }
    one.input.setAttribute("aria-busy", "true");
    try {
      stored = await save(value);
      back(); // as the service has it: a password is hidden, a path is made whole
      state.textContent = "✓";
      toast(t("settings.saved"));
    } catch (error) {
      one.error(withoutName(error, options.name));
      back();
    } finally {
      one.input.removeAttribute("aria-busy");
    }
  }

  one.input.addEventListener("change", change);
  return one;
}
