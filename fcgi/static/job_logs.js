// What a job has said: search with the number of matches, levels, and the end in sight. Lines are text
// and nothing else.

import { get, pathOf } from "./api.js";
import { button, element, fill, panel, show } from "./dom.js";
import { count } from "./format.js";
import { t } from "./i18n.js";
import { JOBS } from "./job_parts.js";

const LINES_MAX = 5000; // shown; the download has all
const LEVELS = {
  error: /\b(error|critical|fatal|exception|traceback)\b/i,
  warning: /\bwarn(ing)?\b/i,
  info: /\binfo\b/i,
  debug: /\b(debug|trace)\b/i,
};

function levelOf(line) {
  return Object.keys(LEVELS).find((level) => LEVELS[level].test(line)) ?? "";
}

/** The line with every match marked. */
function marked(line, needle) {
  const parts = [];
  const lower = line.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(line.slice(from, at), element("mark", {}, line.slice(at, at + needle.length)));
    from = at + needle.length;
  }
  return [parts, line.slice(from)];
}

function download(jobId, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  element("a", { href: url, download: `${jobId}.log` }).click();
  URL.revokeObjectURL(url);
}

/** The part of a job's view with its logs: { root, load() }. */
export function logsOf(jobId) {
  let heard = null;
  let text = "";
  let level = "";
  const output = element("pre", { class: "log", tabindex: "0", role: "log", "aria-live": "off",
    "aria-label": t("logs.title") });
  const found = element("span", { role: "status", class: "muted", id: "log-matches" });
  const problem = element("p", { class: "error", role: "alert", hidden: true });
  const follow = element("input", { type: "checkbox", id: "log-follow", checked: true });
  const search = element("input", { type: "search", id: "log-search", "aria-label": t("logs.search"),
    placeholder: t("logs.search"), oninput: () => render() });

  function render() {
    const needle = search.value.trim().toLowerCase();
    const all = text.split("\n").filter((line) => !level || levelOf(line) === level);
    const lines = needle ? all.filter((line) => line.toLowerCase().includes(needle)) : all;
    const shown = lines.slice(-LINES_MAX);
    fill(output, shown.map((line) => element("span", { class: `line ${levelOf(line)}` },
      needle ? marked(line, needle) : line, "\n")));
    const left = lines.length - shown.length;
    found.textContent = [needle ? t("logs.matches", { n: count(lines.length) })
      : t("logs.lines", { n: count(lines.length) }), left > 0 && t("logs.left_out", { n: count(left) })]
      .filter(Boolean).join(" · ");
    if (follow.checked) {
      output.scrollTop = output.scrollHeight;
    }
  }

  async function load() {
    try {
      const answer = await get(pathOf(JOBS, jobId, "logs"));
      show(problem, answer.truncated ? t("logs.truncated") : "");
      if (answer.logs !== heard) {
        heard = answer.logs;
        text = (answer.logs ?? "").replace(/\n$/, "");
        render();
      }
    } catch (error) {
      show(problem, error.message);
    }
  }

  const levels = element("select", { "aria-label": t("logs.level"), onchange: (event) => {
    level = event.target.value;
    render();
  } }, ["", ...Object.keys(LEVELS)].map((one) =>
    element("option", { value: one }, t(one ? `logs.${one}` : "logs.all"))));

  return {
    load,
    root: panel(t("logs.title"), { actions: [
      button(t("shell.refresh"), load), button(t("logs.download"), () => download(jobId, text))] },
    element("div", { class: "toolbar" }, search, levels,
      element("span", { class: "check" }, follow, element("label", { for: "log-follow" }, t("logs.follow"))),
      found), problem, output),
  };
}
