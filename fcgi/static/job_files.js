// The files of a job, folder by folder.

import { get, pathOf } from "./api.js";
import { button, element, fill, panel, refill, table } from "./dom.js";
import { bytes, count, moment } from "./format.js";
import { t } from "./i18n.js";

const BUCKETS = "/api/cloud/storage";

/** The address of a file. */
function addressOf(jobId, key) {
  return `${pathOf(BUCKETS, jobId)}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** What stands directly in a folder: its folders with their sums, then its files. */
function entriesOf(objects, folder) {
  const folders = new Map();
  const files = [];
  for (const object of objects.filter(({ Key }) => Key.startsWith(folder))) {
    const rest = object.Key.slice(folder.length);
    const cut = rest.indexOf("/");
    if (cut < 0) {
      files.push({ name: rest, key: object.Key, size: object.Size, when: object.LastModified });
    } else {
      const name = rest.slice(0, cut + 1);
      const sum = folders.get(name) ?? { name, folder: folder + name, size: 0, files: 0 };
      sum.size += object.Size;
      sum.files += 1;
      folders.set(name, sum);
    }
  }
  return [...folders.values(), ...files];
}

/** The part of a job's view with its files: { root, load() }. */
export function filesOf(jobId) {
  let objects = [];
  let next = null;
  let folder = "";
  const place = element("div", { id: "files" });

  function crumbs() {
    const parts = folder.split("/").filter(Boolean);
    const links = [["", jobId], ...parts.map((part, index) =>
      [`${parts.slice(0, index + 1).join("/")}/`, part])];
    return element("nav", { class: "crumbs mono", "aria-label": t("files.folder") },
      links.map(([to, name], index) => [index > 0 && " / ",
        to === folder ? element("span", { "aria-current": "true" }, name)
          : button(name, () => open(to), { kind: "link", "data-key": `crumb-${to}` })]));
  }

  function nameOf(entry) {
    return entry.folder ? button(entry.name, () => open(entry.folder), { kind: "link mono" })
      : element("a", { href: addressOf(jobId, entry.key), download: entry.name, class: "mono" }, entry.name);
  }

  function render() {
    const total = objects.reduce((sum, object) => sum + object.Size, 0);
    refill(place,
      objects.length > 0 && element("div", { class: "toolbar" }, crumbs(), element("span", { class: "muted" },
        t("files.sum", { n: count(objects.length), size: bytes(total) }))),
      table({
        caption: t("files.title"), rows: entriesOf(objects, folder), empty: t("files.none"),
        columns: [
          { title: t("job.name"), cell: nameOf },
          { title: t("files.size"), cell: (entry) => bytes(entry.size), class: "number" },
          { title: t("files.when"), cell: (entry) => (entry.folder
            ? t("files.inside", { n: count(entry.files) }) : moment(entry.when)) },
        ],
      }),
      next && button(t("files.more"), () => more(), { id: "files-more" }));
  }

  function open(to) {
    folder = to;
    render();
    place.querySelector("button, a")?.focus();
  }

  async function more() {
    const answer = await get(pathOf(BUCKETS, jobId), { "start-after": next });
    objects.push(...answer.Contents);
    next = answer.NextStartAfter;
    render();
  }

  async function load() {
    try {
      const answer = await get(pathOf(BUCKETS, jobId));
      objects = answer.Contents;
      next = answer.NextStartAfter;
      render();
    } catch (error) {
      fill(place, element("p", { class: "muted" }, error.status === 404 ? t("files.none") : error.message));
    }
  }

  return { load, root: panel(t("files.title"), {}, place) };
}
