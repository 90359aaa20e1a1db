// What a submission would meet: the answer of a dry run.

import { badge, element, facts, panel, table } from "./dom.js";
import { money } from "./format.js";
import { t, tOr } from "./i18n.js";

const words = (warning) => (typeof warning === "string" ? warning : warning.message ?? JSON.stringify(warning));

function quotaTable(quota) {
  if (quota.impacts.length === 0) {
    return null;
  }
  return table({
    caption: t("submit.quotas"), rows: quota.impacts,
    columns: [
      { title: t("submit.quota"), cell: (one) => tOr(`quota.${one.quota_type}`, one.quota_type) },
      { title: t("submit.quota_before"), cell: (one) => money(one.current), class: "number" },
      { title: t("submit.quota_after"), cell: (one) => money(one.after), class: "number" },
      { title: t("submit.quota_limit"), cell: (one) => money(one.limit), class: "number" },
      { title: t("submit.quota_percent"), cell: (one) => `${one.percent_after} %`, class: "number" },
    ],
  });
}

/** The panel with what is going to happen; quota is the answer of /api/quotas/cost-estimate. */
export function reviewOf(answer, quota) {
  const stops = [answer.quota_exceeded].filter(Boolean);
  const warnings = [answer.cost_limit_warning, ...answer.quota_warnings ?? [], ...answer.warnings ?? []].filter(Boolean);
  const state = stops.length > 0 ? badge(t("submit.refused"), "bad")
    : answer.requires_approval ? badge(t("submit.needs_approval"), "warn") : badge(t("submit.ready"), "good");
  return panel(t("submit.review"), { actions: [state], tabindex: "-1", role: "status" },
    stops.map((text) => element("p", { class: "note bad" }, text)),
    answer.approval_reason && element("p", { class: "note warn" }, answer.approval_reason),
    warnings.map((warning) => element("p", { class: "note warn" }, words(warning))),
    facts([
      [t("job.provider"), answer.provider],
      [t("job.hardware"), answer.hardware_type],
      [t("job.estimated"), `${answer.estimate.has_estimate ? "≈" : "≤"} ${money(answer.estimate.estimated_cost_usd)}`],
      answer.webhook_url && [t("submit.webhook"), element("code", {}, answer.webhook_url)],
    ]), quotaTable(quota),
    element("details", {}, element("summary", {}, t("submit.input")),
      element("pre", {}, JSON.stringify({ input: answer.input, env: answer.env }, null, 2))));
}
