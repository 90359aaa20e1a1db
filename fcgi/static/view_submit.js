// A new job: what it trains, on what, with which data, and what that is going to cost.

import { call, get, post } from "./api.js";
import { button, checkFields, element, field, fill, panel, show, showError, toast } from "./dom.js";
import { bytes, count, duration, money } from "./format.js";
import { t } from "./i18n.js";
import { JOBS, newKey } from "./job_parts.js";
import { PROVIDERS } from "./provider_strip.js";
import { reviewOf } from "./submit_review.js";

const EXAMPLE = JSON.stringify({ model_type: "lora", model_family: "flux", max_train_steps: 1000 }, null, 2);
const TYPING_MS = 400;
const MB = 1048576;

/** JSON of a field; what is not JSON is an error of the field. */
function parse(one, isRight) {
  let value;
  try {
    value = JSON.parse(one.value || "null");
  } catch (error) {
    throw Object.assign(new Error(t("submit.not_json", { reason: error.message })), { field: one.name });
  }
  if (!isRight(value)) {
    throw Object.assign(new Error(t(`submit.${one.name}_kind`)), { field: one.name });
  }
  return value;
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isList = (value) => value === null || Array.isArray(value);

function makeFields(providers, preferred, configs) {
  return {
    name: field({ label: t("job.name"), name: "config_name", maxlength: 200, autocomplete: "off" }),
    provider: field({ label: t("job.provider"), name: "provider", value: preferred,
      choices: providers.map(({ id, name }) => [id, name]) }),
    hardware: field({ label: t("job.hardware"), name: "hardware_profile", choices: [["", "–"]] }),
    minutes: field({ label: t("submit.minutes"), name: "max_runtime_minutes", type: "number", min: 1,
      max: 525600, step: 1, hint: t("submit.minutes_hint") }),
    source: field({ label: t("submit.source"), name: "config_name_to_load",
      choices: [["", t("submit.source_json")], ...configs.map(({ name }) => [name, name])] }),
    config: field({ label: t("submit.config"), name: "config", type: "textarea", rows: 9, value: EXAMPLE }),
    data: field({ label: t("submit.data"), name: "dataloader_config", type: "textarea", rows: 4,
      value: "[]", hint: t("submit.data_hint") }),
    tracker: field({ label: t("submit.tracker"), name: "tracker_run_name", maxlength: 200 }),
    snapshot: field({ label: t("submit.snapshot"), name: "snapshot_name", maxlength: 200 }),
    message: field({ label: t("submit.message"), name: "snapshot_message", maxlength: 2000 }),
    consent: field({ label: t("submit.consent"), name: "data_consent", type: "checkbox" }),
  };
}

/** What is sent. Members that are empty are left out. */
function bodyOf(fields) {
  const body = {
    config_name: fields.name.value.trim(),
    hardware_profile: fields.hardware.value,
    max_runtime_minutes: fields.minutes.value,
    tracker_run_name: fields.tracker.value.trim(),
    snapshot_name: fields.snapshot.value.trim(),
    snapshot_message: fields.message.value.trim(),
    config_name_to_load: fields.source.value,
  };
  for (const [name, value] of Object.entries(body)) {
    if (value === "" || value === null) {
      delete body[name];
    }
  }
  if (!body.config_name_to_load) {
    body.config = parse(fields.config, isObject);
  }
  const data = parse(fields.data, isList) ?? [];
  if (data.length > 0 || !body.config_name_to_load) {
    body.dataloader_config = data;
  }
  if (!fields.consent.root.hidden && fields.consent.value) {
    body.data_consent = true;
  }
  return body;
}

/** What the local data sets are, and the question whether they may leave. */
function dataPreview(preview) {
  if (!preview.requires_upload) {
    return null;
  }
  return element("div", { class: "note" }, element("p", {}, t("submit.upload", {
    files: count(preview.total_files), size: bytes(preview.total_size_mb * MB) })),
  element("ul", {}, preview.datasets.map((set) => element("li", {}, element("code", {}, set.id),
    ` – ${t("files.sum", { n: count(set.file_count), size: bytes(set.total_size_mb * MB) })}`))),
  preview.consent_mode === "deny" && element("p", { class: "bad" }, t("submit.denied")));
}

async function estimate(place, fields) {
  const answer = await post("/api/cloud/cost-estimate", {
    provider: fields.provider.value,
    ...(fields.hardware.value ? { hardware_profile: fields.hardware.value } : {}),
    ...(fields.minutes.value ? { max_runtime_minutes: fields.minutes.value } : {}),
  });
  fill(place, element("strong", { class: "big" }, `${answer.has_estimate ? "≈" : "≤"} ${money(answer.estimated_cost_usd)}`),
    element("p", { class: "muted" },
      `${money(answer.hardware_cost_per_hour)}/h${answer.avg_duration_seconds ? ` · ${duration(answer.avg_duration_seconds)}` : ""}`),
    element("p", { class: "muted" }, answer.has_estimate ? t("submit.from_history") : t("submit.no_history")));
}

/** Do something soon, once for many changes. */
function soon(action) {
  let timer = null;
  return () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => action().catch(() => {}), TYPING_MS);
  };
}

function hardwareOf(providers, fields) {
  const provider = providers.find(({ id }) => id === fields.provider.value);
  fill(fields.hardware.input, provider.hardware_profiles.map((one) => element("option", { value: one.id },
    `${one.label} – ${money(one.cost_per_hour)}/h`)));
  fields.hardware.value = provider.hardware_profile;
}

class Submission {
  constructor(providers, preferred, configs) {
    this.providers = providers;
    this.fields = makeFields(providers, preferred, configs);
    this.all = Object.values(this.fields);
    this.problem = element("p", { class: "error", role: "alert", hidden: true });
    this.cost = element("div", { id: "estimate", role: "status" });
    this.sets = element("div", { id: "data-sets", role: "status" });
    this.review = element("div", { id: "review" });
    this.key = newKey();
    this.busy = false;
    this.fields.consent.root.hidden = true;
    hardwareOf(providers, this.fields);
    this.listen();
  }

  listen() {
    const { provider, hardware, minutes, source, data } = this.fields;
    const priced = soon(() => estimate(this.cost, this.fields));
    const measured = soon(() => this.measure());
    provider.input.addEventListener("change", () => hardwareOf(this.providers, this.fields));
    for (const one of [provider, hardware, minutes]) {
      one.input.addEventListener("input", priced);
    }
    source.input.addEventListener("change", () => {
      this.fields.config.root.hidden = source.value !== "";
    });
    data.input.addEventListener("input", measured);
    priced();
  }

  async measure() {
    const sets = parse(this.fields.data, isList) ?? [];
    const preview = await post("/api/cloud/data-consent/preview", sets);
    this.fields.consent.root.hidden = !(preview.requires_upload && preview.consent_mode === "ask");
    fill(this.sets, dataPreview(preview));
  }

  /** Ask with what the fields hold; what goes wrong is shown at its field. */
  async ask(action) {
    if (this.busy || !checkFields(this.all)) {
      return;
    }
    this.busy = true;
    this.root.setAttribute("aria-busy", "true");
    show(this.problem, "");
    try {
      await action(bodyOf(this.fields));
    } catch (error) {
      showError(error, this.all.filter((one) => !one.root.hidden), this.problem);
    } finally {
      this.busy = false;
      this.root.removeAttribute("aria-busy");
    }
  }

  path(query = "") {
    return `${JOBS}/submit?provider=${encodeURIComponent(this.fields.provider.value)}${query}`;
  }

  check() {
    return this.ask(async (body) => {
      const answer = await call("POST", this.path("&dry_run=true"), body);
      const quota = await post(`/api/quotas/cost-estimate?estimated_cost=${answer.estimate.estimated_cost_usd}`);
      fill(this.review, reviewOf(answer, quota));
      this.review.querySelector("section").focus();
    });
  }

  /** However often it is asked for: the key is the same until the job is there. */
  submit() {
    return this.ask(async (body) => {
      const answer = await post(this.path(), body, { "Idempotency-Key": this.key });
      this.key = newKey();
      toast(t(answer.requires_approval ? "submit.waits" : "submit.done", { job: answer.job_id }));
      for (const warning of [answer.cost_limit_warning, ...answer.quota_warnings, ...answer.warnings ?? []]) {
        if (warning) {
          toast(typeof warning === "string" ? warning : JSON.stringify(warning), "warn");
        }
      }
      window.location.hash = `#/jobs/${answer.job_id}`;
    });
  }

  render() {
    const { name, provider, hardware, minutes, source, config, data, tracker, snapshot, message, consent } = this.fields;
    this.root = element("form", { novalidate: true, id: "submit", oninput: () => {
      this.key = newKey(); // another form is another job
    }, onsubmit: (event) => {
      event.preventDefault();
      this.submit();
    } }, element("div", { class: "columns" },
      element("div", {}, name.root, provider.root, hardware.root, minutes.root,
        element("details", {}, element("summary", {}, t("submit.more")), tracker.root, snapshot.root, message.root),
        element("div", { class: "field" }, element("span", { class: "label" }, t("job.estimated")), this.cost)),
      element("div", {}, source.root, config.root, data.root, this.sets, consent.root)),
    this.problem, element("div", { class: "actions" },
      element("button", { class: "primary" }, t("submit.submit")),
      button(t("submit.check"), () => this.check(), { title: t("submit.check_hint") })));
    return [panel(t("submit.title"), { level: 1 }, this.root), this.review];
  }
}

async function mount(root) {
  const [{ providers, default_provider: preferred }, { configs }] = await Promise.all([
    get(PROVIDERS), get("/api/cloud/available-configs")]);
  const submission = new Submission(providers, preferred, configs);
  root.append(...submission.render());
}

export default { id: "cloud/submit", group: "cloud", titleKey: "submit.title", permission: "job.submit", mount };
