// Calls of the service. What a session is for goes with a token that only our own pages can read.

let csrfToken = null;

/** What /api/auth/check and a login have told. */
export function setCsrfToken(token) {
  csrfToken = token;
}

/** Call the API; a failure is an Error with the text the service gave, and its status. */
export async function call(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  if (csrfToken && method !== "GET") {
    options.headers["X-CSRF-Token"] = csrfToken;
  }
  const answer = await fetch(path, options);
  const text = await answer.text();
  let value = {};
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = { detail: `The server answered ${answer.status} without JSON.` };
  }
  if (!answer.ok) {
    const error = new Error(value.detail ?? `The server answered ${answer.status}.`);
    error.status = answer.status;
    throw error;
  }
  return value;
}
