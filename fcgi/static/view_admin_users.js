// Users: the list with search and paging. A user's own page is view_admin_user.js.

import { get, patch, pathOf, post, remove } from "./api.js";
import { pager } from "./dom.js";
import { ago, moment } from "./format.js";
import { action, askConfirm, askForm, badge, element, list, live, perform, section, t }
  from "./view_admin_kit.js";

const USERS = "/api/users";
const FETCH = 500; // the most that the service gives at once
const PAGE = 25;

/** All users. The service gives them in pages; the search here is over all of them. */
export async function loadUsers() {
  const users = [];
  let total = 1;
  while (users.length < total) {
    const answer = await get(USERS, { limit: FETCH, offset: users.length, include_inactive: true });
    users.push(...answer.users);
    total = answer.users.length ? answer.total : users.length;
  }
  return users;
}

/** What a user is called. */
export const nameOf = (user) => (user.display_name && user.display_name !== user.username
  ? `${user.username} (${user.display_name})` : user.username);

/** Active users as the choices of a field. */
export const userChoices = (users) => users.filter((user) => user.is_active)
  .map((user) => [String(user.id), nameOf(user)]);

/** Whether a user is active. */
export const statusBadge = (user) => (user.is_active ? badge(t("active"), "good")
  : badge(t("inactive"), "bad"));

async function create(levels, reload) {
  const done = await askForm({
    title: t("users.new"),
    fields: [
      { name: "username", label: t("users.username"), required: true, autocomplete: "off" },
      { name: "email", label: t("users.email"), type: "email", autocomplete: "off" },
      { name: "display_name", label: t("users.display_name"), autocomplete: "off" },
      { name: "password", label: t("users.password"), type: "password",
        hint: t("users.password_hint"), autocomplete: "new-password" },
      { name: "level_names", label: t("levels.title"), value: ["researcher"],
        groups: [{ options: levels.map(({ name, description }) => ({
          value: name, label: name, hint: description })) }] },
      { name: "is_admin", label: t("users.is_admin"), type: "checkbox",
        hint: t("users.is_admin_hint") },
    ],
    submit: t("create"),
    send: (values) => post(USERS, values),
    done: t("users.created"),
  });
  if (done) {
    await reload();
  }
}

/** Ask before somebody is made inactive; to make active needs no question. */
export function toggleActive(user, reload) {
  const path = pathOf(USERS, user.id, user.is_active ? "deactivate" : "activate");
  return user.is_active
    ? askConfirm({ title: t("users.deactivate_q", { name: user.username }),
      text: t("users.deactivate_text"), label: t("users.deactivate"), danger: true,
      done: t("users.deactivated"), run: () => post(path) }, reload)
    : perform(() => post(path), t("users.activated"), reload);
}

/** Ask before a user is deleted; the name must be typed. */
export const deleteUser = (user, then) => askConfirm({
  title: t("users.delete_q", { name: user.username }), text: t("users.delete_text"),
  label: t("delete"), danger: true, typed: user.username, done: t("users.deleted"),
  run: () => remove(pathOf(USERS, user.id)),
}, then);

/** Change what a user is. */
export async function editUser(user, reload) {
  const done = await askForm({
    title: t("users.edit", { name: user.username }),
    fields: [
      { name: "email", label: t("users.email"), type: "email", value: user.email },
      { name: "display_name", label: t("users.display_name"), value: user.display_name,
        keepEmpty: true },
      { name: "is_admin", label: t("users.is_admin"), type: "checkbox", value: user.is_admin,
        hint: t("users.is_admin_hint") },
    ],
    submit: t("save"),
    // only what differs: to say again that somebody is an administrator is a change of rights
    send: (values) => patch(pathOf(USERS, user.id), Object.fromEntries(
      Object.entries(values).filter(([name, value]) => value !== (user[name] ?? "")))),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

function matches(user, words) {
  const text = [user.username, user.email, user.display_name,
    ...user.levels.map(({ name }) => name)].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

const columns = () => [
  [t("users.user"), (user) => [element("a", { href: `#/admin/users/${user.id}` }, user.username), " ",
    user.is_admin && badge(t("users.admin"), "info"),
    element("small", {}, [user.display_name, user.email].filter(Boolean).join(" · "))]],
  [t("status"), statusBadge],
  [t("levels.title"), (user) => user.levels.map(({ name }) => name).join(", ") || "–"],
  [t("users.auth"), (user) => user.auth_provider],
  [t("users.last_login"), (user) => (user.last_login_at
    ? element("time", { datetime: user.last_login_at, title: moment(user.last_login_at) },
      ago(user.last_login_at)) : t("never"))],
];

const actionsOf = (user, reload) => [
  action(t("edit"), user.username, () => editUser(user, reload)),
  action(user.is_active ? t("users.deactivate") : t("users.activate"), user.username,
    () => toggleActive(user, reload), "", `toggle ${user.id}`),
  action(t("delete"), user.username, () => deleteUser(user, reload), "danger"),
];

/** The list of all users. */
export function mountList(root) {
  const asked = { page: 0, search: "", state: "all" };
  const results = element("div");
  let users = [];

  function draw(reload) {
    const words = asked.search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = users.filter((user) => matches(user, words)
      && (asked.state === "all" || user.is_active === (asked.state === "active")));
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    asked.page = Math.min(asked.page, pages - 1);
    results.replaceChildren(list({
      label: t("users.title"), empty: users.length ? t("users.no_match") : t("users.none"),
      rows: found.slice(asked.page * PAGE, (asked.page + 1) * PAGE),
      columns: columns(), actions: (user) => actionsOf(user, reload),
    }), pager({
      text: t("page_of", { page: asked.page + 1, pages, total: found.length }),
      hasBefore: asked.page > 0, hasAfter: asked.page + 1 < pages,
      onGo: (step) => {
        asked.page += step;
        draw(reload);
      },
    }));
  }

  return live(root, async (reload) => {
    const [{ levels }, all] = await Promise.all([get(`${USERS}/meta/levels`), loadUsers()]);
    const change = (name) => (event) => {
      Object.assign(asked, { [name]: event.target.value, page: 0 });
      draw(reload);
    };
    users = all;
    draw(reload);
    return section(t("users.title"), t("users.about"),
      action(t("users.new"), "", () => create(levels, reload), "primary"),
      element("div", { class: "toolbar", role: "search" },
        element("input", { type: "search", value: asked.search, placeholder: t("users.search"),
          "aria-label": t("users.search"), oninput: change("search") }),
        element("select", { "aria-label": t("status"), value: asked.state,
          onchange: change("state") }, ["all", "active", "inactive"].map((value) => (
          element("option", { value }, t(`users.state_${value}`)))))),
      results);
  });
}
