// Resource rules: which configurations, hardware, providers and paths a level may name.

import { get, pathOf, post, put, remove } from "./api.js";
import { action, askConfirm, askForm, badge, element, list, live, section, t }
  from "./view_admin_kit.js";

const RULES = "/api/users/resource-rules";
const TYPES = ["config", "hardware", "provider", "output_path"];
const choices = (values, prefix) => values.map((value) => [value, t(`${prefix}.${value}`)]);

async function edit(rule, reload) {
  const done = await askForm({
    title: rule ? t("rules.edit", { name: rule.name }) : t("rules.new"),
    fields: [
      { name: "name", label: t("name"), value: rule?.name, required: true },
      { name: "resource_type", label: t("rules.type"), value: rule?.resource_type ?? TYPES[0],
        choices: choices(TYPES, "rule_type") },
      { name: "pattern", label: t("rules.pattern"), value: rule?.pattern, required: true,
        hint: t("rules.pattern_hint"), spellcheck: "false" },
      { name: "action", label: t("action"), value: rule?.action ?? "allow",
        choices: choices(["allow", "deny"], "rule_action") },
      { name: "priority", label: t("priority"), type: "number", value: rule?.priority ?? 0 },
      { name: "description", label: t("description"), value: rule?.description, keepEmpty: true },
    ],
    submit: t("save"),
    send: (values) => (rule ? put(pathOf(RULES, rule.id), values) : post(RULES, values)),
    done: t("saved"),
  });
  if (done) {
    await reload();
  }
}

const actionsOf = (rule, reload) => [
  action(t("edit"), rule.name, () => edit(rule, reload)),
  action(t("delete"), rule.name, () => askConfirm({
    title: t("rules.delete_q", { name: rule.name }), text: t("cannot_be_undone"),
    label: t("delete"), danger: true, done: t("deleted"), run: () => remove(pathOf(RULES, rule.id)),
  }, reload), "danger"),
];

export function mount(root) {
  let type = "";
  return live(root, async (reload) => {
    const { rules } = await get(RULES);
    const which = element("select", { "aria-label": t("rules.type"), value: type,
      onchange: (event) => {
        type = event.target.value;
        reload();
      } }, [["", t("rules.all_types")], ...choices(TYPES, "rule_type")].map(([value, label]) => (
      element("option", { value }, label))));
    return section(t("rules.title"), t("rules.about"),
      [which, action(t("rules.new"), "", () => edit(null, reload), "primary")],
      list({
        label: t("rules.title"), empty: type ? t("rules.no_match") : t("rules.none"),
        rows: rules.filter((rule) => !type || rule.resource_type === type),
        columns: [
          [t("name"), (rule) => [element("strong", {}, rule.name),
            element("small", {}, rule.description)]],
          [t("rules.type"), (rule) => t(`rule_type.${rule.resource_type}`)],
          [t("rules.pattern"), (rule) => element("code", {}, rule.pattern)],
          [t("action"), (rule) => badge(t(`rule_action.${rule.action}`),
            rule.action === "allow" ? "good" : "bad")],
          [t("priority"), (rule) => String(rule.priority), "number"],
        ],
        actions: (rule) => actionsOf(rule, reload),
      }));
  });
}
