// THE table of views. A view exports { id, titleKey, permission, mount(root, route) -> unmount }:
// `id` is its path behind "#/", `permission` a name or a list of which one is enough (none: whoever
// is signed in), `group` the tab it belongs to, `hidden` keeps it out of the navigation. mount may be
// asynchronous; route is { path: [what follows the id], query: URLSearchParams }.

import administration from "./view_admin.js";
import cloud from "./view_cloud.js";

/** Tabs that hold several views. */
export const GROUPS = { cloud: "nav.cloud", approvals: "admin.approvals.nav", admin: "nav.admin" };

export const VIEWS = [
  cloud,
  ...administration,
];
