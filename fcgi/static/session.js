// Who is signed in, and what he may.

import { get, post, setCsrfToken } from "./api.js";

const AUTH = "/api/auth";
let state = { authenticated: false, user: null, permissions: new Set(), hasSession: false };

/** { authenticated, user, permissions, hasSession, needsSetup, registration }. */
export const session = () => state;

/** Whether the user has the permission, or one of a list; no name means: whoever is signed in. */
export function may(permission) {
  const names = [permission ?? []].flat();
  return names.length === 0 || names.some((name) => state.permissions.has(name));
}

/** Ask the service who we are. */
export async function loadSession() {
  const [who, setup] = await Promise.all([get(`${AUTH}/check`), get(`${AUTH}/setup/status`)]);
  setCsrfToken(who.csrf_token);
  const user = who.authenticated ? await get(`${AUTH}/me`) : null;
  state = {
    authenticated: who.authenticated,
    user,
    permissions: new Set(user?.permissions ?? []),
    hasSession: Boolean(who.csrf_token),
    needsSetup: setup.needs_setup,
    registration: setup.registration_enabled,
  };
  return state;
}

/** Sign in, make the first administrator, or register: `path` says which. */
export async function begin(path, body) {
  const answer = await post(`${AUTH}/${path}`, body);
  setCsrfToken(answer.csrf_token);
  return loadSession();
}

/** End the session. */
export async function signOut() {
  await post(`${AUTH}/logout`);
  return loadSession();
}
