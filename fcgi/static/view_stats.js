// What jobs have cost and how they ended, day by day.

import { get } from "./api.js";
import { button, element, facts, fill, panel, refill, show } from "./dom.js";
import { bars } from "./chart.js";
import { count, duration, money } from "./format.js";
import { t } from "./i18n.js";
import { STATUSES } from "./job_parts.js";
import { limitBar } from "./limit_bar.js";

const PERIODS = [7, 30, 90];
const DAY_MS = 86400000;

/** A row for each day, those without jobs too. */
function everyDay(rows, days) {
  const known = new Map(rows.map((row) => [row.date, row]));
  const today = Date.now();
  return Array.from({ length: days }, (_, index) => {
    const date = new Date(today - (days - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    return known.get(date) ?? { date, total_cost_usd: 0, completed: 0, failed: 0, cancelled: 0 };
  });
}

function charts(stats) {
  const rows = everyDay(stats.cost_by_day, stats.period_days);
  return [
    bars({ title: t("stats.cost_by_day"), rows, format: money,
      series: [{ key: "total_cost_usd", title: t("job.cost"), tone: "accent" }] }),
    bars({ title: t("stats.outcome_by_day"), rows, format: count,
      series: [{ key: "completed", title: t("status.completed"), tone: "good" },
        { key: "failed", title: t("status.failed"), tone: "bad" },
        { key: "cancelled", title: t("status.cancelled"), tone: "idle" }] }),
  ];
}

async function mount(root) {
  let days = 30;
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const numbers = element("div");
  const place = element("div", { class: "columns" });
  const switches = element("div", { class: "chips", role: "group", "aria-label": t("stats.period") });

  async function load() {
    refill(switches, PERIODS.map((period) => button(t("stats.days", { n: period }), () => {
      days = period;
      load();
    }, { "data-key": `days-${period}`, "aria-pressed": String(period === days), kind: "chip" })));
    try {
      const stats = await get("/api/cloud/metrics", { days });
      show(problem, "");
      fill(numbers, facts([
        [t("stats.spent"), element("strong", { class: "big" }, money(stats.total_cost))],
        [t("cloud.jobs"), element("strong", { class: "big" }, count(stats.job_count))],
        [t("stats.mean_duration"), element("strong", { class: "big" }, duration(stats.avg_job_duration_seconds))],
        ...STATUSES.filter((status) => stats.jobs_by_status[status] > 0)
          .map((status) => [t(`status.${status}`), count(stats.jobs_by_status[status])]),
      ], "tight"));
      fill(place, charts(stats));
    } catch (error) {
      show(problem, error.message);
    }
  }

  root.append(panel(t("stats.title"), { level: 1, actions: [switches] }, problem, numbers, place),
    await limitBar());
  await load();
}

export default { id: "cloud/stats", group: "cloud", titleKey: "stats.title", permission: "job.view.own", mount };
