// API keys and S3 credentials: one's own, and those of all for whoever may see them. A secret is
// shown once, in the answer that makes it.

import { get, pathOf, post, remove } from "./api.js";
import { moment } from "./format.js";
import { may, session } from "./session.js";
import { action, askConfirm, askForm, badge, element, list, live, loadPermissions, ownPermissions,
  permissionGroups, permissionName, section, showSecret, t, tOr } from "./view_admin_kit.js";

const KEYS = "/api/auth/api-keys";
const S3 = "/api/auth/s3-credentials";
const TONES = { active: "good", expired: "warn", revoked: "bad" };

const stateBadge = (state) => badge(tOr(`key_state.${state}`, state), TONES[state] ?? "");
const until = (row) => (row.expires_at ? moment(row.expires_at) : t("never"));
const used = (row) => (row.last_used_at ? moment(row.last_used_at) : t("never"));

async function newKey(reload) {
  let made = null;
  await askForm({
    title: t("keys.new"), wide: true,
    fields: [
      { name: "name", label: t("name"), required: true, maxlength: 100, hint: t("keys.name_hint") },
      { name: "expires_days", label: t("keys.expires_days"), type: "number", min: 1, max: 365,
        value: 90, hint: t("keys.expires_hint") },
      { name: "scoped_permissions", label: t("keys.scopes"), hint: t("keys.scopes_hint"),
        groups: permissionGroups(ownPermissions()) },
    ],
    submit: t("keys.make"),
    send: async ({ scoped_permissions: scopes, ...values }) => {
      made = await post(KEYS, { ...values, ...(scopes.length ? { scoped_permissions: scopes } : {}) });
    },
  });
  if (made) {
    await showSecret({ title: t("keys.made", { name: made.key_info.name }), text: t("keys.once"),
      items: [[t("keys.key"), made.key]] });
    await reload();
  }
}

async function newCredential(reload) {
  let made = null;
  await askForm({
    title: t("keys.s3_new"),
    fields: [
      { name: "name", label: t("name"), maxlength: 100 },
      { name: "expires_in_days", label: t("keys.expires_days"), type: "number", min: 1,
        hint: t("keys.expires_hint") },
    ],
    submit: t("keys.make"),
    send: async (values) => {
      made = await post(S3, values);
    },
  });
  if (made) {
    await showSecret({ title: t("keys.s3_made"), text: t("keys.once"), items: [
      ["access_key_id", made.access_key_id], ["secret_access_key", made.secret_access_key],
      ["endpoint_url", made.endpoint_url ?? "–"], ["region", made.region]] });
    await reload();
  }
}

const scopesOf = (row) => (row.scoped_permissions === null ? t("keys.unscoped")
  : element("details", { "data-key": `key ${row.id}` }, element("summary", {}, t("levels.count",
    { count: row.scoped_permissions.length })),
  element("ul", {}, row.scoped_permissions.map((name) => element("li", {}, permissionName(name))))));

const revokeKey = (row, reload) => askConfirm({
  title: t("keys.revoke_q", { name: row.name }), text: t("keys.revoke_text"), label: t("keys.revoke"),
  danger: true, done: t("keys.revoked"), run: () => remove(pathOf(KEYS, row.id)),
}, reload);

const revokeCredential = (row, reload) => askConfirm({
  title: t("keys.revoke_q", { name: row.access_key_id }), text: t("keys.revoke_text"),
  label: t("keys.revoke"), danger: true, done: t("keys.revoked"),
  run: () => remove(pathOf(S3, row.access_key_id)),
}, reload);

function keysOf(rows, all, reload) {
  return list({
    label: t("keys.title"), rows, empty: t("keys.none"),
    columns: [
      [t("name"), (row) => [element("strong", {}, row.name), " ",
        element("code", {}, `${row.key_prefix}…`)]],
      ...(all ? [[t("users.user"), (row) => row.username]] : []),
      [t("status"), (row) => stateBadge(row.status)],
      [t("keys.scopes"), scopesOf],
      [t("last_used"), used],
      [t("keys.expires"), until],
    ],
    actions: (row) => row.is_active && action(t("keys.revoke"), row.name,
      () => revokeKey(row, reload), "danger"),
  });
}

function credentialsOf(rows, all, reload) {
  return list({
    label: t("keys.s3_title"), rows, empty: t("keys.s3_none"),
    columns: [
      [t("keys.s3_id"), (row) => [element("code", {}, row.access_key_id),
        row.name && element("small", {}, row.name)]],
      ...(all ? [[t("users.user"), (row) => row.owner]] : []),
      [t("status"), (row) => stateBadge(row.status)],
      [t("last_used"), used],
      [t("keys.expires"), until],
    ],
    actions: (row) => row.status === "active" && action(t("keys.revoke"), row.access_key_id,
      () => revokeCredential(row, reload), "danger"),
  });
}

export function mount(root) {
  let all = false;
  return live(root, async (reload) => {
    const hasAccount = session().user?.id > 0;
    const [{ api_keys: keys }, { credentials }] = await Promise.all([
      get(KEYS, { all: all || null }), get(S3, { all: (all && may("admin.config")) || null }),
      loadPermissions()]);
    const whose = may("api.keys.all") && element("select", { "aria-label": t("keys.whose"),
      value: all ? "all" : "own", onchange: (event) => {
        all = event.target.value === "all";
        reload();
      } }, ["own", "all"].map((value) => element("option", { value }, t(`keys.whose_${value}`))));
    return [
      !hasAccount && element("p", { class: "note warn" }, t("keys.no_account")),
      section(t("keys.title"), t("keys.about"), [whose, hasAccount && action(t("keys.new"), "",
        () => newKey(reload), "primary")], keysOf(keys, all, reload)),
      section(t("keys.s3_title"), t("keys.s3_about"), action(t("keys.s3_new"), "",
        () => newCredential(reload)), credentialsOf(credentials, all, reload)),
    ];
  });
}
