// The database itself: how big it is, whether it is sound, and the space that a vacuum gives back.

import { get, pathOf, post } from "./api.js";
import { toast } from "./dom.js";
import { bytes, count } from "./format.js";
import { action, askConfirm, badge, element, facts, list, live, section, t }
  from "./view_admin_kit.js";

const DATABASE = "/api/database";

function verdict(report) {
  if (report.valid) {
    return element("p", { class: "note admin-valid", role: "status" },
      badge(t("database.valid"), "good"), " ", t("database.valid_text",
        { what: report.checked }));
  }
  return element("div", { class: "note bad", role: "alert" },
    element("p", {}, badge(t("database.broken"), "bad"), " ", t("database.broken_text")),
    element("ul", {}, report.issues.map((issue) => element("li", {}, issue))));
}

const vacuum = (name, reload) => askConfirm({
  title: t("database.vacuum_q"), text: t("database.vacuum_text"), label: t("database.vacuum"),
  run: async () => {
    const { freed_bytes: freed } = await post(pathOf(DATABASE, "vacuum", name));
    toast(t("database.vacuumed", { size: bytes(freed) }));
  },
}, reload);

function tables(stats) {
  const all = Object.entries(stats.tables).map(([name, table]) => ({ name, ...table }));
  const rows = all.filter((row) => row.row_count > 0)
    .sort((a, b) => (b.size_bytes ?? b.row_count) - (a.size_bytes ?? a.row_count));
  const sized = rows.some((row) => row.size_bytes !== undefined);
  return [element("p", { class: "hint" }, t("database.empty", { count: all.length - rows.length })), list({
    label: t("database.tables"), rows,
    columns: [
      [t("database.table"), (row) => element("code", {}, row.name)],
      [t("database.rows"), (row) => count(row.row_count), "number"],
      ...(sized ? [[t("backups.size"), (row) => bytes(row.size_bytes), "number"]] : []),
    ],
  })];
}

export function mount(root) {
  const result = element("div");
  return live(root, async (reload) => {
    const [all, migrations] = await Promise.all([get(`${DATABASE}/stats`), get(`${DATABASE}/migrations`)]);
    const [[name, stats]] = Object.entries(all);
    const verify = action(t("database.verify"), "", async () => {
      result.replaceChildren(verdict(await get(pathOf(DATABASE, "verify", name))));
    }, "primary");
    const { pending_migrations: pending } = migrations;
    return [section(t("database.title"), t("database.about"),
      [action(t("database.vacuum"), "", () => vacuum(name, reload)), verify], facts([
        [t("database.kind"), stats.kind],
        [t("backups.size"), bytes(stats.size_bytes)],
        stats.page_size && [t("database.free"), bytes(stats.freelist_count * stats.page_size)],
        [t("database.schema"), [String(migrations.current_version), " ", pending.length
          ? badge(t("database.pending", { count: pending.length }), "warn")
          : badge(t("database.current"), "good")]],
      ]), result),
    section(t("database.tables"), "", [], tables(stats))];
  });
}
