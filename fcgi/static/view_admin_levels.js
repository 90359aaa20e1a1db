// Levels: what their members may, and which resource rules bind them.

import { get, pathOf, post, put, remove } from "./api.js";
import { may } from "./session.js";
import { action, askConfirm, askForm, badge, element, list, live, loadPermissions, permissionGroups,
  permissionName, section, t } from "./view_admin_kit.js";

const LEVELS = "/api/users/levels";
const RULES = "/api/users/resource-rules";

async function edit(level, permissions, reload) {
  const done = await askForm({
    title: level ? t("levels.edit", { name: level.name }) : t("levels.new"),
    wide: true,
    fields: [
      { name: "name", label: t("name"), value: level?.name, required: true, maxlength: 64,
        hint: t("levels.name_hint") },
      { name: "description", label: t("description"), value: level?.description, keepEmpty: true },
      { name: "priority", label: t("priority"), type: "number", value: level?.priority ?? 0, min: 0,
        hint: t("levels.priority_hint") },
      { name: "permissions", label: t("permissions"), value: level?.permissions,
        groups: permissionGroups(permissions) },
    ],
    submit: t("save"),
    send: (values) => (level ? put(pathOf(LEVELS, level.id), values) : post(LEVELS, values)),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

const ruleOption = (rule) => ({
  value: String(rule.id), label: rule.name,
  hint: `${t(`rule_action.${rule.action}`)} · ${t(`rule_type.${rule.resource_type}`)} · ${rule.pattern}`,
});

async function editRules(level, reload) {
  const path = pathOf(LEVELS, level.id, "rules");
  const [{ rules }, { rules: bound }] = await Promise.all([get(RULES), get(path)]);
  const done = await askForm({
    title: t("levels.rules_of", { name: level.name }),
    text: rules.length ? t("levels.rules_hint") : t("rules.none"),
    fields: [{ name: "rule_ids", label: t("rules.title"), value: bound.map(({ id }) => String(id)),
      groups: [{ options: rules.map(ruleOption) }] }],
    submit: t("save"),
    send: (values) => put(path, { rule_ids: values.rule_ids.map(Number) }),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

function permissionsOf(level, permissions) {
  if (may("admin.users") && level.permissions.length === permissions.length) {
    return t("levels.everything");
  }
  return element("details", { "data-key": level.name },
    element("summary", {}, t("levels.count", { count: level.permissions.length })),
    element("ul", {}, level.permissions.map((name) => element("li", {}, permissionName(name), " ",
      element("code", {}, name)))));
}

function actionsOf(level, permissions, reload) {
  return [
    may("admin.users") && action(t("levels.rules"), level.name, () => editRules(level, reload)),
    !level.is_system && action(t("edit"), level.name, () => edit(level, permissions, reload)),
    !level.is_system && action(t("delete"), level.name, () => askConfirm({
      title: t("levels.delete_q", { name: level.name }), text: t("levels.delete_text"),
      label: t("delete"), danger: true, done: t("deleted"),
      run: () => remove(pathOf(LEVELS, level.id)),
    }, reload), "danger"),
  ];
}

export const mount = (root) => live(root, async (reload) => {
  const [{ levels }, permissions] = await Promise.all([get(LEVELS),
    loadPermissions()]);
  levels.sort((a, b) => b.priority - a.priority);
  return section(t("levels.title"), t("levels.about"),
    action(t("levels.new"), "", () => edit(null, permissions, reload), "primary"),
    list({
      label: t("levels.title"), rows: levels, empty: t("levels.none"),
      columns: [
        [t("name"), (level) => [element("strong", {}, level.name), " ",
          level.is_system && badge(t("levels.system")), element("small", {}, level.description)]],
        [t("priority"), (level) => String(level.priority), "number"],
        [t("permissions"), (level) => permissionsOf(level, permissions)],
      ],
      actions: (level) => actionsOf(level, permissions, reload),
    }));
});
