// A browser that is told what to do: one JSON object for each line of standard input, one answer for
// each on standard output. {"run": SOURCE, "args": VALUE} runs SOURCE as the body of an asynchronous
// function of (page, args, tools). What pages complain of is collected: {"complaints": true} gives it
// and begins anew.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const axeSource = readFileSync(AXE, "utf8");
const AsyncFunction = (async () => {}).constructor;
const ACTION_MS = 8000;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
let complaints = [];
let context = null;
let page = null;
const open = new Set(); // requests without an answer

function listen(one) {
  open.clear();
  one.on("request", (request) => request.url().includes("/api/events/") || open.add(request));
  one.on("requestfinished", (request) => open.delete(request));
  one.on("requestfailed", (request) => open.delete(request));
  one.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      complaints.push({ kind: "console", text: message.text() });
    }
  });
  one.on("pageerror", (error) => complaints.push({ kind: "exception", text: String(error) }));
  one.on("response", (answer) => {
    if (answer.status() >= 400) {
      complaints.push({ kind: "status", status: answer.status(),
        text: `${answer.request().method()} ${new URL(answer.url()).pathname}` });
    }
  });
}

const tools = {
  /** A new visitor, with nothing from earlier ones. options: those of a browser context, and token. */
  async visit({ headers = {}, cookies = [], ...options } = {}) {
    await context?.close();
    context = await browser.newContext({ locale: "en-US", reducedMotion: "reduce", ...options });
    context.setDefaultTimeout(ACTION_MS);
    await context.addCookies(cookies);
    if (Object.keys(headers).length > 0) {
      await context.setExtraHTTPHeaders(headers);
    }
    await context.exposeBinding("complain", (_, text) => complaints.push({ kind: "policy", text }));
    await context.addInitScript(() => document.addEventListener("securitypolicyviolation",
      (event) => window.complain(`${event.violatedDirective} ${event.blockedURI}`)));
    page = await context.newPage();
    listen(page);
  },

  /** Wait until no request but the stream of events has been open for a moment. */
  async quiet() {
    const until = Date.now() + ACTION_MS;
    for (let calm = 0; calm < 3; calm = open.size === 0 ? calm + 1 : 0) {
      if (Date.now() > until) {
        throw new Error(`still open: ${[...open].map((one) => one.url())}`);
      }
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    }
  },

  /** What axe has against the page, from serious on. It comes by the debugger, past the policy. */
  async axe(rules) {
    if (!await page.evaluate(() => Boolean(window.axe))) {
      const client = await context.newCDPSession(page);
      await client.send("Runtime.evaluate", { expression: axeSource });
      await client.detach();
    }
    return page.evaluate(async (values) => {
      const options = { resultTypes: ["violations"], ...values && { runOnly: values } };
      const { violations } = await window.axe.run(document, options);
      return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map((one) => [one.html.slice(0, 160),
          one.any.map((check) => check.message).join("; ")]) }));
    }, rules);
  },
};

async function answer(order) {
  if (order.complaints) {
    const all = complaints;
    complaints = [];
    return all;
  }
  const run = new AsyncFunction("page", "args", "tools", order.run);
  return run(page, order.args, tools);
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = { value: await answer(JSON.parse(line)) ?? null };
  } catch (error) {
    result = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
await browser.close();
