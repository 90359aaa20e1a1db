// Backups: the list, making one, proving that one is good, and going back to one, after a trial and
// with its name typed. What takes long goes on at the service while this page asks how it is.

import { get, pathOf, post, remove } from "./api.js";
import { dialog, perform as withToast, toast } from "./dom.js";
import { bytes, count, moment } from "./format.js";
import { action, askConfirm, askForm, badge, element, facts, list, live, section, t }
  from "./view_admin_kit.js";

const BACKUPS = "/api/backup";
const ASK_MS = 1500;
const ASK_TIMES = 2400; // an hour
const GONE = [401, 403, 404]; // answers that will not become better
const RESTORE = "restore"; // the word to type

const pause = (ms) => new Promise((done) => window.setTimeout(done, ms));

/** Wait for the end of what `answer` says is under way; a failure is an error. */
async function finish(answer) {
  const id = answer.backup_id;
  let run = answer;
  for (let times = 0; ["queued", "running"].includes(run.state) && times < ASK_TIMES; times += 1) {
    await pause(ASK_MS);
    try {
      const backup = await get(pathOf(BACKUPS, id));
      run = backup.last_action ?? backup;
    } catch (error) {
      if (GONE.includes(error.status)) {
        throw error;
      } // else: the database is being replaced just now
    }
  }
  if (run.state === "failed") {
    throw new Error(run.detail ?? run.error);
  }
  return run;
}

async function make(reload) {
  let answer = null;
  await askForm({
    title: t("backups.make"), text: t("backups.make_text"),
    fields: [
      { name: "name", label: t("name"), maxlength: 30, autocomplete: "off" },
      { name: "description", label: t("description"), maxlength: 500 },
      { name: "config", label: t("backups.with_config"), type: "checkbox",
        hint: t("backups.with_config_hint") },
    ],
    submit: t("backups.make"),
    send: async ({ config, ...values }) => {
      answer = await post(BACKUPS, { ...values,
        ...(config ? { components: ["database", "config"] } : {}) });
    },
  });
  if (answer) {
    await finish(answer);
    toast(t("backups.made", { id: answer.backup_id }));
    await reload();
  }
}

async function verify(backup, reload) {
  await finish(await post(pathOf(BACKUPS, backup.id, "verify")));
  toast(t("backups.valid", { id: backup.id }));
  await reload();
}

const factsOf = (backup) => facts([
  [t("backups.backup"), element("code", {}, backup.id)],
  [t("created"), moment(backup.created_at)],
  [t("backups.by"), backup.created_by || "–"],
  [t("backups.size"), bytes(backup.size_bytes)],
  [t("backups.jobs"), count(backup.job_count)],
  [t("backups.schema"), String(backup.schema_version)],
  [t("backups.program"), backup.program_version || "–"],
]);

/** First a trial that changes nothing, then the question, then the real thing. */
async function restore(backup, reload) {
  const path = pathOf(BACKUPS, backup.id, "restore");
  const trial = await post(path, { dry_run: true });
  await finish(trial);
  let answer = null;
  await askForm({
    title: t("backups.restore_q"), wide: true,
    text: [factsOf(backup), element("div", {}, element("p", { class: "note admin-valid" },
      badge(t("backups.trial_good"), "good"), " ", (trial.warnings ?? []).join(" "))),
    element("p", { class: "note warn" }, t("backups.restore_text"))],
    fields: [{ name: "typed", label: t("type_to_confirm", { word: RESTORE }), required: true,
      autocomplete: "off", spellcheck: "false" }],
    submit: t("backups.restore"), danger: true,
    send: async ({ typed }) => {
      if (typed !== RESTORE) {
        throw Object.assign(new Error(t("typed_wrong", { word: RESTORE })), { field: "typed" });
      }
      answer = await post(path, { dry_run: false });
    },
  });
  if (answer) {
    await finish(answer);
    await dialog({
      title: t("backups.restored"), body: [element("p", {}, element("code", {}, backup.id)),
        element("ul", {}, (answer.warnings ?? []).map((warning) => element("li", {}, warning)))],
      buttons: [{ label: t("close"), value: true, kind: "primary" }],
    });
    await withToast(null, reload);
  }
}

const contents = (backup) => [backup.kind, ...backup.components.map((name) => t(`component.${name}`)),
  backup.point_in_time && t("backups.point_in_time")].filter(Boolean).join(" · ");

const actionsOf = (backup, reload) => [
  action(t("backups.verify"), backup.id, () => verify(backup, reload)),
  action(t("backups.restore"), backup.id, () => restore(backup, reload)),
  action(t("delete"), backup.id, () => askConfirm({
    title: t("backups.delete_q", { id: backup.id }), text: t("cannot_be_undone"), label: t("delete"),
    danger: true, done: t("deleted"), run: () => remove(pathOf(BACKUPS, backup.id)),
  }, reload), "danger"),
];

export const mount = (root) => live(root, async (reload) => {
  const { backups, total_size_bytes: total, backup_dir: directory } = await get(BACKUPS, { limit: 200 });
  return section(t("backups.title"), t("backups.about"),
    action(t("backups.make"), "", () => make(reload), "primary"),
    facts([[t("backups.total"), bytes(total)], [t("backups.number"), count(backups.length)],
      [t("backups.last"), moment(backups[0]?.created_at)],
      [t("backups.directory"), element("code", {}, directory)]]),
    list({
      label: t("backups.title"), rows: backups, empty: t("backups.none"),
      columns: [
        [t("backups.backup"), (backup) => [element("code", {}, backup.id),
          element("small", {}, [backup.name, backup.description].filter(Boolean).join(" · "))]],
        [t("created"), (backup) => [moment(backup.created_at),
          element("small", {}, backup.created_by)], "nowrap"],
        [t("backups.size"), (backup) => bytes(backup.size_bytes), "number"],
        [t("backups.jobs"), (backup) => count(backup.job_count), "number"],
        [t("backups.contents"), contents],
        [t("backups.took"), (backup) => t("backups.seconds",
          { count: (backup.took_ms / 1000).toFixed(1) }), "number"],
      ],
      actions: (backup) => actionsOf(backup, reload),
    }));
});
