// One user: who it is, what he may and why, how he stands with quotas, his tokens at providers.

import { get, patch, pathOf, post, remove } from "./api.js";
import { moment } from "./format.js";
import { may } from "./session.js";
import { action, askConfirm, askForm, badge, element, facts, list, live, loadPermissions, perform,
  permissionGroups, permissionName, section, t } from "./view_admin_kit.js";
import { standing } from "./view_admin_quotas.js";
import { deleteUser, editUser, mountList, nameOf, statusBadge, toggleActive }
  from "./view_admin_users.js";

const USERS = "/api/users";

const resetPassword = (user) => askForm({
  title: t("users.reset_q", { name: user.username }), text: t("users.reset_text"),
  fields: [{ name: "password", label: t("users.new_password"), type: "password", required: true,
    hint: t("users.password_hint"), autocomplete: "new-password" }],
  submit: t("users.reset"),
  send: (values) => patch(pathOf(USERS, user.id), values),
  done: t("users.reset_done"),
});

function profile(user, reload) {
  return section(nameOf(user), "", [
    action(t("edit"), "", () => editUser(user, reload)),
    user.auth_provider === "local" && action(t("users.reset"), "", () => resetPassword(user)),
    action(user.is_active ? t("users.deactivate") : t("users.activate"), "",
      () => toggleActive(user, reload), "", "toggle"),
    action(t("delete"), "", () => deleteUser(user, () => {
      window.location.hash = "#/admin/users";
    }), "danger"),
  ], facts([
    [t("status"), statusBadge(user)],
    [t("users.email"), user.email || "–"],
    [t("users.is_admin"), user.is_admin ? t("yes") : t("no")],
    [t("users.auth"), user.auth_provider],
    [t("created"), moment(user.created_at)],
    [t("users.last_login"), user.last_login_at ? moment(user.last_login_at) : t("never")],
    [t("orgs.org"), user.organization?.name ?? "–"],
    [t("orgs.teams"), (user.teams ?? []).map(({ name }) => name).join(", ") || "–"],
  ]));
}

function levelsOf(user, levels, reload) {
  const path = pathOf(USERS, user.id, "levels");
  const free = levels.filter(({ name }) => !user.levels.some((held) => held.name === name));
  const select = element("select", { "aria-label": t("users.level_add") },
    free.map(({ name }) => element("option", { value: name }, name)));
  const takeAway = (level) => askConfirm({
    title: t("users.level_remove_q", { name: user.username, level: level.name }),
    text: t("users.level_remove_text"), label: t("remove"), danger: true, done: t("saved"),
    run: () => remove(pathOf(path, level.name)),
  }, reload);
  return section(t("levels.title"), "", may("admin.levels") && free.length ? [select,
    action(t("users.level_add"), "", () => perform(
      () => post(path, { level_name: select.value }), t("saved"), reload))] : [],
  list({
    label: t("levels.title"), rows: user.levels, empty: t("users.no_levels"),
    columns: [[t("name"), (level) => level.name],
      [t("priority"), (level) => String(level.priority), "number"]],
    actions: may("admin.levels")
      && ((level) => action(t("remove"), level.name, () => takeAway(level), "danger")),
  }));
}

function reasonOf(name, overrides) {
  if (overrides.denied.includes(name)) {
    return badge(t("users.denied"), "bad");
  }
  if (overrides.granted.includes(name)) {
    return badge(t("users.granted"), "good");
  }
  return overrides.permissions.includes(name) ? t("users.by_level") : "–";
}

function overrideActions(name, overrides, path, reload) {
  const has = overrides.permissions.includes(name);
  const isSet = overrides.granted.includes(name) || overrides.denied.includes(name);
  const set = (granted) => perform(() => post(path, { permission_name: name, granted }),
    t("saved"), reload);
  return [
    !has && !overrides.granted.includes(name)
      && action(t("users.grant"), permissionName(name), () => set(true)),
    has && !overrides.denied.includes(name)
      && action(t("users.deny"), permissionName(name), () => set(false)),
    isSet && action(t("users.as_levels"), permissionName(name),
      () => perform(() => remove(pathOf(path, name)), t("saved"), reload)),
  ];
}

function overridesOf(user, overrides, permissions, reload) {
  const path = pathOf(USERS, user.id, "permissions");
  const has = ({ value }) => overrides.permissions.includes(value);
  const isSet = ({ value }) => overrides.granted.includes(value) || overrides.denied.includes(value);
  return section(t("users.overrides"), t("users.overrides_about"), [],
    permissionGroups(permissions).map(({ title, options }) => element("details", {
      "data-key": title, open: options.some(isSet) },
    element("summary", {}, title, " ", element("small", {}, t("users.effective_count",
      { count: options.filter(has).length, total: options.length }))),
    list({
      label: title, rows: options,
      columns: [
        [t("permission"), ({ value, label }) => [label, element("small", {},
          element("code", {}, value))]],
        [t("users.effective"), (option) => (has(option) ? badge(t("yes"), "good")
          : badge(t("no")))],
        [t("users.because"), ({ value }) => reasonOf(value, overrides)],
      ],
      actions: ({ value }) => overrideActions(value, overrides, path, reload),
    }))));
}

function credentialsOf(user, credentials, reload) {
  const takeAway = (row) => askConfirm({
    title: t("users.credential_delete_q", { name: `${row.provider} ${row.credential_name}` }),
    text: t("cannot_be_undone"), label: t("delete"), danger: true, done: t("deleted"),
    run: () => remove(pathOf(USERS, user.id, "credentials", row.provider, row.credential_name)),
  }, reload);
  return section(t("users.credentials"), t("users.credentials_about"), [], list({
    label: t("users.credentials"), rows: credentials, empty: t("users.no_credentials"),
    columns: [
      [t("provider"), (row) => row.provider],
      [t("name"), (row) => row.credential_name],
      [t("created"), (row) => moment(row.created_at)],
      [t("last_used"), (row) => (row.last_used_at ? moment(row.last_used_at) : t("never"))],
    ],
    actions: (row) => action(t("delete"), `${row.provider} ${row.credential_name}`,
      () => takeAway(row), "danger"),
  }));
}

function mountUser(root, userId) {
  const base = pathOf(USERS, userId);
  const ifMay = (permission, path) => (may(permission) ? get(path) : null);
  return live(root, async (reload) => {
    const [user, { levels }, { credentials }, permissions, overrides, quotas] = await Promise.all([
      get(base), get(`${USERS}/meta/levels`), get(`${base}/credentials`), loadPermissions(),
      ifMay("admin.levels", `${base}/permissions`),
      ifMay("quota.view", pathOf("/api/quotas/user", userId))]);
    return [
      element("p", {}, element("a", { href: "#/admin/users" }, t("users.back"))),
      profile(user, reload),
      levelsOf(user, levels, reload),
      overrides && overridesOf(user, overrides, permissions, reload),
      quotas && section(t("quotas.standing"), "", [], standing(quotas)),
      credentialsOf(user, credentials, reload),
    ];
  });
}

export const mount = (root, { path: [userId] }) => (userId ? mountUser(root, userId)
  : mountList(root));
