// Words in the reader's language. t("key", { name: value }) fills "{name}". The maps are flat; those
// of the administration are files of their own.

const KEY = "simpletuner.language";
export const LANGUAGES = { en: "English", zh: "中文" };
const LOADERS = {
  en: () => [import("./lang_en.js"), import("./lang_admin_en.js")],
  zh: () => [import("./lang_zh.js"), import("./lang_admin_zh.js")],
};

let language = "en";
let words = {};

function stored() {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function preferred() {
  const wanted = stored() ?? (navigator.languages ?? [navigator.language])
    .map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in LANGUAGES);
  return wanted in LANGUAGES ? wanted : "en";
}

/** Load the words: those of `name`, else what the browser prefers. */
export async function loadLanguage(name = preferred()) {
  const maps = await Promise.all(LOADERS[name]());
  words = Object.assign({}, ...maps.map((map) => map.default));
  language = name;
  document.documentElement.lang = name === "zh" ? "zh-Hans" : name;
}

/** Load another language and remember the choice. */
export async function chooseLanguage(name) {
  await loadLanguage(name);
  try {
    window.localStorage.setItem(KEY, name);
  } catch {
    // then it holds for this page only
  }
}

/** The language of the page: "en" or "zh". */
export const currentLanguage = () => language;

/** Words for a key; {name} stands for a value, {name|one|many} for a word that goes with a number. */
export function t(key, values = {}) {
  return (words[key] ?? key)
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name, one, many) => (String(values[name]) === "1" ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Words for a key that is made from data; `fallback` where there are none. */
export const tOr = (key, fallback) => words[key] ?? fallback;
