// The views of approvals and of the administration: each is loaded when it is first looked at.

const view = (id, titleKey, permission, load, name = "mount") => ({
  id, group: id.split("/")[0], titleKey: `admin.${titleKey}`, permission,
  mount: async (root, route) => (await load())[name](root, route),
});
const approvals = () => import("./view_approvals.js");

export default [
  view("approvals", "approvals.title", "admin.approve", approvals, "mountPending"),
  view("approvals/history", "approvals.history", "admin.approve", approvals, "mountHistory"),
  view("approvals/mine", "approvals.mine", "job.submit", approvals, "mountMine"),
  view("approvals/rules", "approvals.rules", "admin.approve", approvals, "mountRules"),

  view("admin/users", "users.title", "admin.users", () => import("./view_admin_user.js")),
  view("admin/levels", "levels.title", "admin.levels", () => import("./view_admin_levels.js")),
  view("admin/rules", "rules.title", "admin.users", () => import("./view_admin_rules.js")),
  view("admin/orgs", "orgs.title", "org.view", () => import("./view_admin_orgs.js")),
  view("admin/quotas", "quotas.title", "quota.view", () => import("./view_admin_quotas.js")),
  view("admin/keys", "keys.nav", "api.keys.own", () => import("./view_admin_keys.js")),
  view("admin/service", "service.title", "admin.config", () => import("./view_admin_service.js")),
  view("admin/audit", "audit.title", "admin.audit", () => import("./view_admin_audit.js")),
  view("admin/metrics", "metrics.title", "admin.config", () => import("./view_admin_metrics.js")),
  view("admin/backups", "backups.title", "admin.backup", () => import("./view_admin_backups.js")),
  view("admin/database", "database.title", "admin.database", () => import("./view_admin_database.js")),
];
