// Organisations, their teams, their members, and the ceilings of what members may use.

import { get, patch, pathOf, post, remove } from "./api.js";
import { moment } from "./format.js";
import { may } from "./session.js";
import { action, askConfirm, askForm, badge, element, facts, list, live, section, t }
  from "./view_admin_kit.js";
import { actionBadge, amount, limitFields, typeName } from "./view_admin_quotas.js";
import { loadUsers, userChoices } from "./view_admin_users.js";

const ORGS = "/api/orgs";

/** Organisations and teams differ in their paths, permissions ("org", "team") and words. */
async function edit(kind, base, one, reload) {
  const done = await askForm({
    title: one ? t("orgs.edit", { name: one.name }) : t(`orgs.new_${kind}`),
    fields: [
      { name: "name", label: t("name"), value: one?.name, required: true },
      { name: "description", label: t("description"), value: one?.description, keepEmpty: true },
    ],
    submit: t("save"),
    send: (values) => (one ? patch(pathOf(base, one.id), values) : post(base, values)),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

const removeGroup = (kind, base, one, then) => askConfirm({
  title: t("orgs.delete_q", { name: one.name }), text: t(`orgs.delete_${kind}`), label: t("delete"),
  danger: true, done: t("deleted"), run: () => remove(pathOf(base, one.id)),
}, then);

function groups(kind, base, rows, { label, about, href }, reload) {
  return section(label, about, may(`${kind}.create`) && action(t(`orgs.new_${kind}`), "",
    () => edit(kind, base, null, reload), "primary"), list({
    label, rows, empty: t(`orgs.none_${kind}`),
    columns: [
      [t("name"), (one) => [element("a", { href: href(one) }, one.name),
        element("small", {}, one.description)]],
      [t("orgs.members"), (one) => String(one.member_count), "number"],
      [t("created"), (one) => moment(one.created_at)],
    ],
    actions: (one) => [
      may(`${kind}.edit`) && action(t("edit"), one.name, () => edit(kind, base, one, reload)),
      may(`${kind}.delete`) && action(t("delete"), one.name,
        () => removeGroup(kind, base, one, reload), "danger"),
    ],
  }));
}

async function addMember(path, choices, reload) {
  const done = await askForm({
    title: t("orgs.member_add"),
    fields: [{ name: "user_id", label: t("users.user"), required: true,
      ...(choices.length ? { choices } : { type: "number", min: 1, hint: t("by_number") }) }],
    submit: t("add"),
    send: (values) => post(path, { user_id: Number(values.user_id) }),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

/** choices: who can be added. */
function members(kind, path, rows, choices, reload) {
  const manages = may(`${kind}.manage.members`);
  return section(t("orgs.members"), "", manages ? action(t("orgs.member_add"), "",
    () => addMember(path, choices, reload)) : [], list({
    label: t("orgs.members"), rows, empty: t("orgs.no_members"),
    columns: [
      [t("users.user"), (row) => [may("admin.users")
        ? element("a", { href: `#/admin/users/${row.user_id}` }, row.username) : row.username,
      element("small", {}, row.display_name)]],
      [t("status"), (row) => (row.is_active ? badge(t("active"), "good")
        : badge(t("inactive"), "bad"))],
    ],
    actions: manages && ((row) => action(t("remove"), row.username, () => askConfirm({
      title: t("orgs.member_remove_q", { name: row.username }), text: t(`orgs.member_remove_${kind}`),
      label: t("remove"), danger: true, done: t("saved"), run: () => remove(pathOf(path, row.user_id)),
    }, reload), "danger")),
  }));
}

async function setCeiling(path, types, reload) {
  const done = await askForm({
    title: t("orgs.ceiling_new"), text: t("orgs.ceiling_text"), fields: limitFields(types),
    submit: t("save"), send: (values) => post(path, values), done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

function ceilings(kind, path, rows, types, reload) {
  const manages = may(`${kind}.manage.quotas`);
  return section(t("orgs.ceilings"), t("orgs.ceilings_about"), manages && types
    ? action(t("orgs.ceiling_new"), "", () => setCeiling(path, types, reload)) : [], list({
    label: t("orgs.ceilings"), rows, empty: t("orgs.no_ceilings"),
    columns: [
      [t("quotas.type"), (quota) => typeName(quota.quota_type)],
      [t("quotas.limit"), (quota) => amount(quota.quota_type, quota.limit_value), "number"],
      [t("quotas.action"), (quota) => actionBadge(quota.action)],
    ],
    actions: manages && ((quota) => action(t("delete"), typeName(quota.quota_type),
      () => askConfirm({ title: t("quotas.delete_q"), text: t("quotas.delete_text"),
        label: t("delete"), danger: true, done: t("deleted"),
        run: () => remove(pathOf(path, quota.id)) }, reload), "danger")),
  }));
}

const back = (href, name) => element("p", {}, element("a", { href }, `← ${name}`));
const about = (one) => section(one.name, one.description, [], facts([
  [t("orgs.members"), String(one.member_count)], [t("created"), moment(one.created_at)]]));
const typesOf = () => (may("quota.view") ? get("/api/quotas/types") : null);

const mountAll = (root) => live(root, async (reload) => groups("org", ORGS,
  (await get(ORGS)).organizations, { label: t("orgs.title"), about: t("orgs.about"),
    href: (one) => `#/admin/orgs/${one.id}` }, reload));

function mountOrg(root, orgId) {
  const base = pathOf(ORGS, orgId);
  return live(root, async (reload) => {
    const seesTeams = may("team.view");
    const [{ organization }, { members: rows }, { teams }, { quotas }, types, users] = await Promise.all([
      get(base), get(`${base}/members`), seesTeams ? get(`${base}/teams`) : { teams: [] },
      get(`${base}/quotas`), typesOf(), may("admin.users") ? loadUsers() : []]);
    const free = users.filter((user) => user.org_id === null);
    return [back("#/admin/orgs", t("orgs.title")), about(organization),
      seesTeams && groups("team", `${base}/teams`, teams, { label: t("orgs.teams"), about: "",
        href: (team) => `#/admin/orgs/${orgId}/${team.id}` }, reload),
      members("org", `${base}/members`, rows, userChoices(free), reload),
      ceilings("org", `${base}/quotas`, quotas, types, reload)];
  });
}

function mountTeam(root, orgId, teamId) {
  const org = pathOf(ORGS, orgId);
  const base = pathOf(org, "teams", teamId);
  return live(root, async (reload) => {
    const [{ organization }, { team }, { members: rows }, { members: all }, { quotas }, types] =
      await Promise.all([get(org), get(base), get(`${base}/members`), get(`${org}/members`),
        get(`${base}/quotas`), typesOf()]);
    const free = all.filter((one) => !rows.some((row) => row.user_id === one.user_id))
      .map((one) => [String(one.user_id), one.username]);
    return [back(`#/admin/orgs/${orgId}`, organization.name), about(team),
      members("team", `${base}/members`, rows, free, reload),
      ceilings("team", `${base}/quotas`, quotas, types, reload)];
  });
}

export function mount(root, { path: [orgId, teamId] }) {
  if (teamId) {
    return mountTeam(root, orgId, teamId);
  }
  return orgId ? mountOrg(root, orgId) : mountAll(root);
}
