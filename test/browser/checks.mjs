// What every page that people look at must show in a real browser: nothing on the console, no request to elsewhere, no violation that axe
// finds, and everything within reach of the keyboard alone. Pictures are kept to be looked at.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The widths of a phone, a laptop and a large screen.
const widths = [390, 1280, 1920];

// How long a step may take on a busy machine, in milliseconds.
const patience = 300_000;

export async function browser(chromium, ...flags) {
  return puppeteer.launch({
    executablePath: chromium,
    headless: true,
    timeout: patience,
    protocolTimeout: patience,
    // As root, Chromium has no sandbox; it is shown nothing but pages of this test.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", ...flags],
  });
}

// open opens a page and notes what goes wrong on it. allowed says which requests are its own.
export async function open(chrome, url, allowed) {
  const page = await chrome.newPage();
  page.setDefaultTimeout(patience);
  const wrong = [];
  page.on("console", (m) => ["error", "warn", "assert"].includes(m.type()) && wrong.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => wrong.push(`error: ${e.message}`));
  page.on("request", (r) => allowed(r.url()) || wrong.push(`request: ${r.url()}`));
  const response = await page.goto(url, { waitUntil: "load" });
  if (response && !response.ok() && response.status() !== 0) wrong.push(`${url}: status ${response.status()}`);
  return { page, wrong };
}

// accessible returns what axe has found, in light and in dark.
export async function accessible(page) {
  const found = [];
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.evaluate(axe);
    const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const v of result.violations) found.push(`axe, ${scheme}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
  }
  return found;
}

// keyboard presses Tab until the focus is back at the beginning, and returns what can be used and was not reached.
export async function keyboard(page) {
  const usable = await page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((e) => e.checkVisibility() && !e.disabled && e.type !== "hidden");
    // What scrolls must be reachable as well: it is, where it or something in it can have the focus.
    for (const e of document.querySelectorAll("body *")) {
      const scrolls = /(auto|scroll)/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1;
      if (scrolls && !e.matches("[tabindex='0']") && !e.querySelector("a[href], button, input")) all.push(e);
    }
    all.forEach((e, i) => (e.dataset.place = i));
    return all.length;
  });
  await page.evaluate(() => { document.activeElement?.blur(); window.scrollTo(0, 0); });
  const reached = new Set();
  for (let presses = 0; presses < usable + 20; presses++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const style = getComputedStyle(e);
      return { place: e.dataset.place, seen: style.outlineStyle !== "none" || style.boxShadow !== "none", html: e.outerHTML.slice(0, 120) };
    });
    if (at?.place !== undefined) reached.add(at.place);
    if (at && !at.seen) return [`keyboard: the focus cannot be seen on ${at.html}`];
  }
  const missed = await page.evaluate((reached) => [...document.querySelectorAll("[data-place]")].filter((e) => !reached.includes(e.dataset.place)).map((e) => e.outerHTML.slice(0, 120)), [...reached]);
  return missed.map((m) => `keyboard: not reached: ${m}`);
}

// wide returns whether the page itself scrolls to the side at some width: only what says so may.
export async function wide(page) {
  const found = [];
  for (const width of widths) {
    await page.setViewport({ width, height: 900 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) found.push(`${width} px: the page is ${over} px too wide`);
  }
  return found;
}

// tallest is how high a picture may be, in pixels: Chromium makes none of more than 16,384.
const tallest = 12000;

// pictures are kept as artifacts: three widths, light and dark, and paper.
export async function pictures(page, folder, name) {
  fs.mkdirSync(folder, { recursive: true });
  for (const width of widths)
    for (const scheme of ["light", "dark"]) {
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const height = Math.min(await page.evaluate(() => document.documentElement.scrollHeight), tallest);
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${scheme}.png`), clip: { x: 0, y: 0, width, height }, captureBeyondViewport: true });
    }
  // Paper, as a picture of the width of A4 and as a file.
  await page.setViewport({ width: 794, height: 1123 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await page.emulateMediaType("print");
  const height = Math.min(await page.evaluate(() => document.documentElement.scrollHeight), tallest);
  await page.screenshot({ path: path.join(folder, `${name}-print.png`), clip: { x: 0, y: 0, width: 794, height }, captureBeyondViewport: true });
  await page.emulateMediaType();
  await page.setViewport({ width: 1280, height: 900 });
  await page.pdf({ path: path.join(folder, `${name}.pdf`), format: "A4", printBackground: true, margin: { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" } });
}

// documented compares a page, from a part of it on, with its picture in the documentation, DOCUMENTED, and returns what is wrong; with UPDATE
// set it makes the picture.
// Fonts differ from machine to machine, and digests from release to release, so what is compared is how dark each part of a coarse grid is.
export async function documented(page, name, part = "body") {
  const folder = process.env.DOCUMENTED;
  if (!folder) return [];
  await page.setViewport({ width: 1280, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await page.evaluate((part) => { document.activeElement?.blur(); document.querySelector(part).scrollIntoView({ behavior: "instant" }); }, part);
  const picture = path.join(folder, `${name}.png`);
  const now = Buffer.from(await page.screenshot());
  if (process.env.UPDATE) fs.writeFileSync(picture, now);
  const blank = await page.browser().newPage();
  const other = await blank.evaluate(async (...pictures) => {
    const [width, height] = [64, 40];
    const [one, two] = await Promise.all(pictures.map(async (picture) => {
      const image = new Image();
      image.src = "data:image/png;base64," + picture;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      canvas.imageSmoothingQuality = "high";
      canvas.drawImage(image, 0, 0, width, height);
      return canvas.getImageData(0, 0, width, height).data;
    }));
    let cells = 0;
    for (let i = 0; i < one.length; i += 4) cells += Math.max(...[0, 1, 2].map((c) => Math.abs(one[i + c] - two[i + c]))) > 40;
    return cells / (width * height);
  }, fs.readFileSync(picture, "base64"), now.toString("base64"));
  await blank.close();
  return other > 0.04 ? [`${picture} is out of date: ${Math.round(100 * other)} % of the page look different; UPDATE=1 make browser makes it again`] : [];
}
