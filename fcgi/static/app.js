// The shell: who is signed in, the tabs he may see, and the view that the address names.

import { whenSignedOut } from "./api.js";
import { button, element, fill, toast } from "./dom.js";
import { LANGUAGES, chooseLanguage, currentLanguage, loadLanguage, t, tOr } from "./i18n.js";
import { startLive, stopLive, subscribe } from "./live.js";
import { loadSession, may, session, signOut } from "./session.js";
import { mountSetup, mountSignIn } from "./sign_in.js";
import { GROUPS, VIEWS } from "./views.js";

const HOME = "cloud";
const THEMES = ["auto", "light", "dark"];
const NEWS_TONE = { success: "good", error: "bad", warning: "warn" };
const byId = (id) => document.getElementById(id);

let unmount = null;
let mounting = 0;

/** What the address names: the view with the longest id that begins the path. */
function parseRoute() {
  const [path, query] = window.location.hash.replace(/^#\/?/, "").split("?");
  const wanted = path || HOME;
  const view = VIEWS.filter(({ id }) => wanted === id || wanted.startsWith(`${id}/`))
    .sort((a, b) => b.id.length - a.id.length)[0];
  const rest = view ? wanted.slice(view.id.length + 1).split("/").filter(Boolean) : [];
  return { name: wanted, view, path: rest.map(decodeURIComponent), query: new URLSearchParams(query) };
}

const visible = (group) => VIEWS.filter((view) => view.group === group && !view.hidden
  && may(view.permission));

function link(id, text, isCurrent) {
  return element("a", { href: `#/${id}`, "aria-current": isCurrent ? "page" : null }, text);
}

/** One tab for each group, and one for each view without a group. */
function tabs(current) {
  const shown = new Set();
  return VIEWS.map((view) => {
    const { group } = view;
    if (view.hidden || !may(view.permission) || (group && shown.has(group))) {
      return null;
    }
    shown.add(group);
    return element("li", {}, link(view.id, t(group ? GROUPS[group] : view.titleKey),
      current && (current === view || (group && current.group === group))));
  });
}

function showNavigation(current) {
  const known = session().authenticated;
  fill(byId("tabs"), known ? tabs(current) : []);
  const siblings = known && current?.group ? visible(current.group) : [];
  byId("subnav").hidden = siblings.length < 2;
  fill(byId("subtabs"), siblings.map((view) =>
    element("li", {}, link(view.id, t(view.titleKey), view === current || view.id === current.parent))));
  byId("subtabs").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

function themeSwitch() {
  let theme = document.documentElement.dataset.theme ?? "auto";
  const node = button("", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    if (theme === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = theme;
    }
    try {
      window.localStorage.setItem("simpletuner.theme", theme);
    } catch {
      // then it holds for this page only
    }
    name();
  }, { kind: "quiet", id: "theme" });
  const name = () => {
    node.textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
    node.title = t(`theme.${theme}`);
    node.setAttribute("aria-label", t(`theme.${theme}`));
  };
  name();
  return node;
}

function languageSwitch() {
  return element("select", {
    id: "language", class: "quiet", "aria-label": t("shell.language"), value: currentLanguage(),
    onchange: async (event) => {
      await chooseLanguage(event.target.value);
      showShell();
      await showView();
      byId("language").focus();
    },
  }, Object.entries(LANGUAGES).map(([key, name]) => element("option", { value: key }, name)));
}

function account() {
  const { authenticated, user, hasSession } = session();
  if (!authenticated) {
    return [];
  }
  return [
    element("a", { href: "#/account", id: "who", class: "quiet" }, user.display_name || user.username),
    hasSession && button(t("shell.sign_out"), async () => {
      await signOut();
      await begin();
    }, { kind: "quiet", id: "sign-out" }),
  ];
}

/** What stands on every page, in the language of the reader. */
function showShell() {
  byId("skip").textContent = t("shell.skip");
  byId("tabs").parentElement.setAttribute("aria-label", t("shell.tabs"));
  byId("subnav").setAttribute("aria-label", t("shell.sections"));
  fill(byId("tools"), element("span", { id: "live" }), languageSwitch(), themeSwitch(), account());
  fill(byId("banner"), t("setup.banner"), " ", element("a", { href: "#/setup" }, t("setup.link")));
}

function chooseMount({ name, view }) {
  if (!session().authenticated) {
    return [mountSignIn, "sign_in.title"];
  }
  if (name === "setup" && session().needsSetup) {
    return [mountSetup, "setup.title"];
  }
  if (!view || !may(view.permission)) {
    return [(root) => {
      root.append(element("p", { class: "empty", role: "alert" }, t(view ? "shell.denied" : "shell.no_view")));
    }, "shell.no_view"];
  }
  return [view.mount, view.titleKey];
}

/** Show what the address names; `focus` moves the reader there. */
async function showView({ focus = false } = {}) {
  const route = parseRoute();
  const turn = mounting += 1;
  unmount?.();
  unmount = null;
  showNavigation(session().authenticated ? route.view : null);
  const [mount, titleKey] = chooseMount(route);
  byId("banner").hidden = !(session().needsSetup && session().authenticated) || mount === mountSetup;
  const root = element("div", { class: "view", "data-view": route.view?.id ?? route.name });
  document.title = `${t(titleKey)} · SimpleTuner Cloud`;
  byId("view").replaceChildren(root);
  if (focus) {
    byId("view").focus();
    window.scrollTo(0, 0);
  }
  try {
    const end = await mount(root, route, begin);
    if (turn === mounting) {
      unmount = end ?? null;
    } else {
      end?.();
    }
  } catch (error) {
    root.append(element("p", { class: "error", role: "alert" }, error.message));
  }
}

function showLive(live) {
  const node = byId("live");
  if (node) {
    node.className = live ? "badge good" : "badge";
    node.textContent = t(live ? "shell.live" : "shell.not_live");
    node.hidden = !session().authenticated;
  }
}

/** Begin anew as whoever is signed in now. */
async function begin() {
  try {
    await loadSession();
  } catch (error) {
    fill(byId("view"), element("p", { class: "error", role: "alert" }, error.message),
      button(t("shell.again"), begin));
    return;
  }
  await showAll();
}

/** Shell and view, for whoever is signed in. */
async function showAll() {
  const { authenticated, needsSetup } = session();
  if (needsSetup && authenticated && !window.location.hash) {
    window.history.replaceState(null, "", "#/setup");
  }
  showShell();
  stopLive();
  if (authenticated && may("job.view.own")) {
    startLive(showLive);
  }
  await showView();
}

async function start() {
  const early = loadSession().catch(() => null); // beside the words; what fails is asked for again
  await loadLanguage();
  whenSignedOut(() => session().authenticated && begin());
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address is the view's
    byId("view").focus();
  });
  window.addEventListener("hashchange", () => showView({ focus: true }));
  subscribe((name, data) => {
    if (name === "notification") {
      const words = `notice.${data.message_type.split(".").pop()}`;
      const text = currentLanguage() === "en" ? null : tOr(words, null);
      toast(text ? t(words, { job: data.config_name || data.job_id }) : data.message,
        NEWS_TONE[data.severity] ?? "", true);
    }
  });
  await (await early ? showAll() : begin());
}

start();
