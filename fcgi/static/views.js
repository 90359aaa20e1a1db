// THE table of views. A view exports { id, titleKey, permission, mount(root, route) -> unmount }:
// `id` is its path behind "#/", `permission` a name or a list of which one is enough (none: whoever
// is signed in), `group` the tab it belongs to, `hidden` keeps it out of the navigation, where its
// `parent` is marked instead. mount may be asynchronous; route is { path: [what follows the id], query: URLSearchParams }.

import account from "./view_account.js";
import administration from "./view_admin.js";
import deliveries from "./view_deliveries.js";
import job from "./view_job.js";
import jobs from "./view_jobs.js";
import settings from "./view_settings.js";
import stats from "./view_stats.js";
import submit from "./view_submit.js";
import system from "./view_system.js";

/** Tabs that hold several views. */
export const GROUPS = { cloud: "nav.cloud", approvals: "admin.approvals.nav", admin: "nav.admin" };

export const VIEWS = [
  jobs, submit, stats, system, settings, deliveries,
  ...administration,
  job, account,
];
