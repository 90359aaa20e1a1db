// The ways in: signing in, registering, and, before there is any user, the first administrator.

import { button, element, field, fill, form, panel } from "./dom.js";
import { t } from "./i18n.js";
import { begin, session } from "./session.js";

const person = () => [
  field({ label: t("account.username"), name: "username", autocomplete: "username", required: true,
    minlength: 3, maxlength: 50 }),
  field({ label: t("account.email"), name: "email", type: "email", autocomplete: "email",
    required: true, maxlength: 254 }),
];

const newPassword = () => field({
  label: t("account.password"), name: "password", type: "password", hint: t("account.password_hint"),
  autocomplete: "new-password", required: true, minlength: 8,
});

function signInForm(again) {
  return form({
    id: "sign-in", submit: t("sign_in.submit"),
    fields: [
      field({ label: t("sign_in.name"), name: "username", autocomplete: "username", required: true,
        maxlength: 254, autofocus: true }),
      field({ label: t("account.password"), name: "password", type: "password",
        autocomplete: "current-password", required: true }),
      field({ label: t("sign_in.remember"), name: "remember_me", type: "checkbox" }),
    ],
    onSubmit: async (values) => {
      await begin("login", values);
      await again();
    },
  });
}

function registerForm(again) {
  return form({
    id: "register", submit: t("sign_in.register"), fields: [...person(), newPassword()],
    onSubmit: async (values) => {
      await begin("register", values);
      await again();
    },
  });
}

/** The page of a stranger. */
export function mountSignIn(root, route, again) {
  const { needsSetup, registration } = session();
  const place = element("div");
  root.classList.add("narrow");
  fill(place, signInForm(again));
  root.append(panel(t("sign_in.title"), { level: 1 },
    needsSetup && element("p", { class: "note" }, t("setup.elsewhere"),
      element("code", {}, "simpletuner-cloud user add NAME --admin")),
    place,
    registration && button(t("sign_in.to_register"), (event) => {
      fill(place, registerForm(again));
      event.target.remove();
      place.querySelector("input").focus();
    }, { kind: "link" })));
  root.querySelector("input")?.focus();
}

/** The first administrator, made by whoever sits at the machine. */
export function mountSetup(root, route, again) {
  const repeat = field({ label: t("account.repeat_password"), name: "repeat", type: "password",
    autocomplete: "new-password", required: true });
  root.classList.add("narrow");
  root.append(panel(t("setup.title"), { level: 1 }, element("p", {}, t("setup.banner")), form({
    id: "setup", submit: t("setup.submit"), fields: [...person(), newPassword(), repeat],
    extra: [element("a", { href: "#/cloud", class: "later" }, t("setup.later"))],
    onSubmit: async ({ repeat: second, ...values }) => {
      if (second !== values.password) {
        repeat.error(t("account.not_the_same"));
        repeat.input.focus();
        return;
      }
      await begin("setup/first-admin", values);
      window.location.hash = "#/cloud";
      await again();
    },
  })));
  root.querySelector("input").focus();
}
