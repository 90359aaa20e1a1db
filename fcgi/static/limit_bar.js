// How much of what may be spent is spent.

import { get } from "./api.js";
import { element, panel } from "./dom.js";
import { money } from "./format.js";
import { t, tOr } from "./i18n.js";

const WARN_FROM = 60;
const BAD_FROM = 80;

function toneOf(percent) {
  if (percent >= BAD_FROM) {
    return "bad";
  }
  return percent >= WARN_FROM ? "warn" : "good";
}

/** The bar of a limit, as /api/cloud/cost-limit/status tells it. */
export function limitMeter(limit) {
  if (!limit.enabled) {
    return element("p", { class: "muted" }, t("limit.none"));
  }
  const values = { spent: money(limit.current_spend), limit: money(limit.limit_amount),
    period: tOr(`period.${limit.period}`, limit.period), percent: limit.percent_used };
  return element("div", { class: `meter ${toneOf(limit.percent_used)}` },
    element("progress", { max: 100, value: Math.min(100, limit.percent_used), "aria-label": t("limit.title") }),
    element("span", {}, t("limit.used", values)),
    limit.message && element("p", { class: "muted" }, limit.message));
}

/** The panel of the limit of a provider (none: the usual one). */
export async function limitBar(provider) {
  const limit = await get("/api/cloud/cost-limit/status", { provider });
  return panel(t("limit.title"), {}, limitMeter(limit));
}
