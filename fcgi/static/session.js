// Who is signed in: the form to sign in, or, before there is any user and on the server itself, to
// make the first administrator; and the way out.

import { call, setCsrfToken } from "./api.js";

const AUTH = "/api/auth";
const byId = (id) => document.getElementById(id);

function showWho(who) {
  setCsrfToken(who.csrf_token);
  byId("who").hidden = !who.authenticated;
  byId("who-name").textContent = who.username ?? "";
  byId("sign-out").hidden = !who.csrf_token;
  byId("sign-in-section").hidden = who.authenticated;
}

async function offerSetup(who) {
  const { needs_setup: needed } = await call("GET", `${AUTH}/setup/status`);
  byId("setup-section").hidden = !(needed && who.authenticated);
}

/** Ask the service who we are, and show it. Returns whether we are somebody. */
export async function checkSession() {
  const who = await call("GET", `${AUTH}/check`);
  showWho(who);
  await offerSetup(who);
  return who.authenticated;
}

function submits(formId, path, body, onChange) {
  byId(formId).addEventListener("submit", async (event) => {
    const result = byId(`${formId}-result`);
    event.preventDefault();
    try {
      const { csrf_token: token } = await call("POST", `${AUTH}/${path}`, body());
      setCsrfToken(token);
      event.target.reset();
      result.textContent = "";
      await checkSession();
      onChange();
    } catch (error) {
      result.textContent = error.message;
      result.className = "bad";
    }
  });
}

/** Make the forms work; onChange is called when somebody else is signed in. */
export function startSession(onChange) {
  submits("sign-in", "login", () => ({
    username: byId("sign-in-name").value,
    password: byId("sign-in-password").value,
    remember_me: byId("remember-me").checked,
  }), onChange);
  submits("setup", "setup/first-admin", () => ({
    username: byId("setup-name").value,
    email: byId("setup-email").value,
    password: byId("setup-password").value,
  }), onChange);
  byId("sign-out").addEventListener("click", async () => {
    await call("POST", `${AUTH}/logout`, {});
    await checkSession();
    onChange();
  });
}
