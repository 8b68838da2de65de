// kubectl datasetmix ui in a browser: node --test ui.test.mjs. PROGRAM is the command, and VOLUME a folder in which it has built the mix of
// rows.mjs twice; ADDRESS, if there is one, is of a server that shows a cluster, and FOLLOWED a mix of it that is being built. PICTURES is the
// folder for what is to be looked at.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { after, before, test } from "node:test";
import { accessible, browser, documented, keyboard, open, pictures, wide } from "./checks.mjs";
import { hostile } from "./rows.mjs";

const { PROGRAM, VOLUME, EDITED, ADDRESS, FOLLOWED, CHROMIUM, PICTURES } = process.env;
let chrome, server, home;

// started runs the command, and returns it with the address that it prints.
async function started(...args) {
  const command = spawn(PROGRAM, ["ui", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const chunk of command.stdout) {
    printed += chunk;
    if (printed.includes("\n")) break;
  }
  return { command, address: printed.trim() };
}

before(async () => {
  // The name evil.test leads to this machine, as the name of an attacker's page may.
  chrome = await browser(CHROMIUM, "--host-resolver-rules=MAP evil.test 127.0.0.1");
  if (VOLUME) ({ command: server, address: home } = await started(VOLUME));
});
after(async () => {
  await chrome?.close();
  server?.kill("SIGINT");
});

const own = (url) => url.startsWith(home);

// judged looks at a page as at every other, takes its pictures, and closes it.
async function judged({ page, wrong }, name) {
  const found = [...(await wide(page)), ...(await accessible(page))];
  await page.setViewport({ width: 1280, height: 900 });
  found.push(...(await keyboard(page)), ...wrong);
  if (name === "rows") found.push(...(await documented(page, "rows")));
  if (PICTURES) await pictures(page, PICTURES, `ui-${name}`);
  assert.deepEqual(found, []);
  await page.close();
}

// link returns where a link of a page leads that has a text.
const link = (page, text) => page.evaluate((text) => [...document.links].find((a) => a.textContent.includes(text))?.href, text);

// all says what a page has of a selector, as texts.
const all = (page, selector) => page.$$eval(selector, (found) => found.map((e) => e.textContent.trim()));

const folder = { skip: !VOLUME && "no folder is named" };

test("the list of mixes", folder, async () => {
  const shown = await open(chrome, home, own);
  assert.equal((await all(shown.page, "main li")).length, 2, "the mix has two revisions");
  await judged(shown, "list");
});

// revision opens the page of the current revision.
async function revision() {
  const { page } = await open(chrome, home, own);
  const address = await page.$eval("main li a", (a) => a.href);
  await page.close();
  return open(chrome, address, own);
}

// from opens what the revision's page links to.
async function from(text) {
  const { page } = await revision();
  const address = await link(page, text);
  assert.ok(address, `the revision links to no ${text}`);
  await page.close();
  return open(chrome, address, own);
}

test("a revision", folder, async () => {
  const shown = await revision();
  assert.deepEqual((await all(shown.page, "caption")).map((c) => c.split(":")[0]), ["train", "test"]);
  await judged(shown, "revision");
});

test("two revisions compared", folder, async () => {
  const shown = await from("Compared with");
  assert.ok((await all(shown.page, "td")).includes("3"), "the share that was changed is not shown");
  await judged(shown, "compare");
});

test("the plan of an edit", folder, async () => {
  const shown = await from("What an edit");
  const manifest = fs.readFileSync(EDITED, "utf8");
  await shown.page.$eval("textarea", (area, text) => (area.value = text), manifest);
  await Promise.all([shown.page.waitForNavigation(), shown.page.click("button")]);
  assert.ok((await all(shown.page, "h2")).includes("Rows in the mix"), "there is no plan");
  assert.equal(await shown.page.$eval("textarea", (area) => area.value), manifest, "the manifest is another one");
  await judged(shown, "edit");
});

test("a mistake in an edit", folder, async () => {
  const shown = await from("What an edit");
  await shown.page.type("textarea", "apiVersion: data.datasetmix.io/v1alpha1\nkind: DatasetMix\nmetadata: {name: x}\nspec: {sed: 1}");
  await Promise.all([shown.page.waitForNavigation(), shown.page.click("button")]);
  assert.match((await all(shown.page, "[role=alert]"))[0], /spec\.sed/);
  await judged(shown, "edit-mistake");
});

test("rows are paged", folder, async () => {
  const shown = await from("The rows");
  const rows = () => all(shown.page, "article h2");
  const first = await rows();
  assert.equal(first.length, 25);
  await Promise.all([shown.page.waitForNavigation(), shown.page.click("a.next")]);
  const second = await rows();
  assert.match(second[0], /^Row 26 /);
  assert.ok(second.every((row) => !first.includes(row)));
  await judged(shown, "rows");
});

test("rows are filtered, and a row that repeats is found again", folder, async () => {
  const shown = await from("The rows");
  await shown.page.select("select[name=dataset]", "sums");
  await shown.page.type("input[name=text]", "apples");
  await Promise.all([shown.page.waitForNavigation(), shown.page.click("button")]);
  const rows = await all(shown.page, "article");
  assert.ok(rows.length > 0 && rows.every((row) => row.includes("sums_") && row.includes("apples")), "there are other rows");
  await judged(shown, "filtered");

  const mixed = await from("The rows");
  await mixed.page.select("select[name=dataset]", "programs");
  await Promise.all([mixed.page.waitForNavigation(), mixed.page.click("button")]);
  const again = await link(mixed.page, "Find this one again");
  assert.ok(again, "no row says that it repeats");
  await mixed.page.close();
  const repeats = await open(chrome, again, own);
  assert.ok((await all(repeats.page, "article")).length > 1, "the row is there once");
  await judged(repeats, "repeats");
});

test("a chat is shown as a chat", folder, async () => {
  const shown = await from("processed/chats/train.jsonl");
  assert.deepEqual(await shown.page.$$eval("article:first-of-type .turn > b", (roles) => roles.map((e) => e.textContent)), ["system", "user", "assistant", "assistant"]);
  assert.match(await shown.page.$eval("article .turn pre code", (e) => e.textContent), /^with open/, "the program in a turn is no code");
  await judged(shown, "chat");
});

test("code is shown as code", folder, async () => {
  const shown = await from("processed/programs/train.jsonl");
  for (const part of await shown.page.$$eval("article dd", (parts) => parts.map((e) => e.firstElementChild.tagName))) assert.equal(part, "PRE");
  await judged(shown, "code");
});

test("near duplicates are shown from both sides", folder, async () => {
  const dropped = await from("dropped for others");
  const address = await dropped.page.$eval("a[href^='pair?']", (a) => a.href);
  await judged(dropped, "dropped");
  const shown = await open(chrome, address, own);
  assert.ok((await shown.page.$$("section.row")).length >= 2, "there is one side");
  await judged(shown, "pair");
});

test("the report of the revision", folder, async () => {
  // Its policy lets no script run, that of this test included: what it looks like is judged where it is a file.
  const { page, wrong } = await from("The report");
  assert.match(await page.title(), /shown/);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("what is not there is said", folder, async () => {
  const page = await chrome.newPage();
  const answer = await page.goto(home + "revision?mix=elsewhere");
  assert.equal(answer.status(), 404);
  await judged({ page, wrong: [] }, "error");
});

test("from the list to a row by the keyboard alone", folder, async () => {
  const { page, wrong } = await open(chrome, home, own);
  // to presses Tab until something with a text, or of a name, has the focus.
  const to = async (wanted) => {
    for (let presses = 0; presses < 100; presses++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement.name === wanted || document.activeElement.textContent.includes(wanted), wanted)) return;
    }
    assert.fail(`${wanted} cannot be reached`);
  };
  const enter = () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  await to("revision ");
  await enter();
  await to("The rows");
  await enter();
  await to("dataset");
  await page.keyboard.type("programs");
  await to("Show");
  await enter();
  assert.ok((await all(page, "article")).every((row) => row.includes("programs_")), "there are rows of other data sets");
  await to("Metadata");
  await page.keyboard.press("Enter");
  assert.ok(await page.$eval("details", (e) => e.open), "the metadata did not open");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("a row full of markup is text", folder, async () => {
  const shown = await from("processed/markup/train.jsonl");
  await shown.page.evaluate(() => document.querySelectorAll("details").forEach((e) => (e.open = true)));
  const answers = await all(shown.page, "article dd");
  assert.ok(answers.some((text) => text.includes("<script>document.documentElement.dataset.harmed")), "the row is not shown");
  assert.equal((await shown.page.$$("main img, main script, main style, main [onfocus], main a[href^='javascript:'], form[action^='http:']")).length, 0);
  await shown.page.type("input[name=text]", hostile.slice(0, 60));
  await Promise.all([shown.page.waitForNavigation(), shown.page.click("button")]);
  assert.equal(await shown.page.evaluate(() => document.documentElement.dataset.harmed), undefined);
  await judged(shown, "markup");
});

// A page of elsewhere tries everything that a page can: the server answers none of it, even where the page knows the token.
test("no page of elsewhere gets an answer", folder, async () => {
  const attack = `<!doctype html><title>x</title><body><iframe id="frame" src="${home}"></iframe><form id="form" method="post" action="${home}edit"><input name="manifest" value="x"></form>`;
  const evil = http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(attack));
  await new Promise((done) => evil.listen(0, "127.0.0.1", done));
  const { page } = await open(chrome, `http://evil.test:${evil.address().port}/`, () => true);
  const statuses = new Map();
  page.on("response", (r) => own(r.url()) && statuses.set(r.request().resourceType(), r.status()));
  const read = await page.evaluate(async (home) => {
    const attempts = [fetch(home), fetch(home, { mode: "no-cors" }).then((a) => a.text()), fetch(home, { method: "POST", body: "manifest=x" }), fetch(home, { method: "DELETE" })];
    const one = (make) => new Promise((yes, no) => { const e = make(); e.onload = yes; e.onerror = no; document.body.append(e); });
    attempts.push(one(() => Object.assign(document.createElement("script"), { src: home + "ui.js" })));
    attempts.push(one(() => Object.assign(document.createElement("img"), { src: home })));
    return (await Promise.allSettled(attempts)).map((a) => (a.status === "fulfilled" ? String(a.value) : ""));
  }, home);
  assert.deepEqual(read.filter(Boolean), [], "something was read");
  assert.equal(await page.evaluate(() => document.getElementById("frame").contentDocument), null);
  for (const frame of page.frames().slice(1)) assert.doesNotMatch(await frame.content().catch(() => ""), /revision/, "the frame shows the page");
  const [answer] = await Promise.all([page.waitForNavigation(), page.evaluate(() => document.getElementById("form").submit())]);
  assert.equal(answer.status(), 403, "a form of elsewhere was taken");
  assert.ok([...statuses.values()].every((status) => status === 403), `the server answered ${JSON.stringify([...statuses])}`);
  await page.close();
  evil.close();
});

test("another name that leads here gets no answer", folder, async () => {
  const page = await chrome.newPage();
  for (const address of [home.replace("127.0.0.1", "evil.test"), home.replace("127.0.0.1", "localhost"), new URL("/", home).href]) {
    const answer = await page.goto(address);
    assert.equal(answer.status(), 403, address);
    assert.doesNotMatch(await page.content(), /revision/);
  }
  await page.close();
});

test("the mixes of a cluster", { skip: !ADDRESS && "no cluster is shown" }, async () => {
  const mine = (url) => url.startsWith(ADDRESS);
  const shown = await open(chrome, ADDRESS, mine);
  const mix = await shown.page.$eval("main th a", (a) => a.href);
  await judged(shown, "cluster");
  await judged(await open(chrome, mix, mine), "cluster-mix");
});

test("a build of a cluster, followed to its end without a reload", { skip: !(ADDRESS && FOLLOWED) && "no build is followed" }, async () => {
  const { page, wrong } = await open(chrome, ADDRESS + "mix?name=" + FOLLOWED, (url) => url.startsWith(ADDRESS));
  await page.evaluate(() => (window.loaded = "once"));
  const seen = new Set();
  for (;;) {
    const now = await page.$eval("#live", (live) => live.innerText);
    seen.add(now);
    if (/^Ready/.test(now)) break;
    await page.waitForFunction((now) => document.querySelector("#live").innerText !== now, { polling: 100 }, now);
  }
  assert.ok(seen.size > 2, `all that it showed: ${[...seen].join("\n---\n")}`);
  assert.ok([...seen].some((text) => /\d+ of \d+/.test(text)), "it told of no stage");
  assert.equal(await page.evaluate(() => window.loaded), "once", "the page was loaded again");
  await judged({ page, wrong }, "cluster-built");
});
