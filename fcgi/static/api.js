// Calls of the service. What a session is for goes with a token that only our own pages can read.

import { t } from "./i18n.js";

let csrfToken = null;
let onSignedOut = () => {};

/** What went wrong: the text the service gave, its status, its code and the field it names. */
export class ApiError extends Error {
  constructor(status, value) {
    super(value.detail ?? value.message ?? t("error.status", { status }));
    this.name = "ApiError";
    this.status = status;
    this.code = value.error ?? null;
    this.details = value.details ?? null;
    this.value = value;
    const named = /^([a-z][a-z0-9_]*)(\[\d+\])?(\.[a-z0-9_]+)* (must|is|has|can|may|needs|and)\b/
      .exec(this.message);
    this.field = this.details?.field ?? named?.[1] ?? null;
  }
}

/** What /api/auth/check and a login have told; null after the end of a session. */
export function setCsrfToken(token) {
  csrfToken = token ?? null;
}

/** Call `action` when the service does not know us any more (401). */
export function whenSignedOut(action) {
  onSignedOut = action;
}

async function read(answer) {
  const text = await answer.text();
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { detail: t("error.status", { status: answer.status }) };
  }
}

/**
 * Call the API and return what it answers. `body` goes as JSON; `headers` are added. A failure is
 * an ApiError; a server that cannot be reached is one with status 0.
 */
export async function call(method, path, body, headers = {}) {
  const options = { method, headers: { ...headers }, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  if (csrfToken && method !== "GET") {
    options.headers["X-CSRF-Token"] = csrfToken;
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new ApiError(0, { detail: t("error.unreachable") });
  }
  const value = await read(answer);
  if (!answer.ok) {
    if (answer.status === 401 && !path.startsWith("/api/auth/")) {
      onSignedOut();
    }
    throw new ApiError(answer.status, value);
  }
  return value;
}

/** GET; `query` is an object whose empty members are left out. */
export function get(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") {
      search.set(name, value);
    }
  }
  const text = search.toString();
  return call("GET", text ? `${path}?${text}` : path);
}

export const post = (path, body, headers = {}) => call("POST", path, body, headers);
export const put = (path, body) => call("PUT", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);

/** A path of the API whose segments are data. */
export function pathOf(prefix, ...segments) {
  return [prefix, ...segments.map(encodeURIComponent)].join("/");
}
