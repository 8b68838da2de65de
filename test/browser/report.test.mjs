// report.html in a browser: node --test report.test.mjs. REPORTS names the files, PICTURES the folder for what is to be looked at, and
// DOCUMENTED that of the documentation's pictures.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { accessible, browser, documented, keyboard, open, pictures, wide } from "./checks.mjs";

const reports = (process.env.REPORTS ?? "").split(":").filter(Boolean);
const folder = process.env.PICTURES;
let chrome;

before(async () => { chrome = await browser(process.env.CHROMIUM); });
after(async () => { await chrome?.close(); });

test("there are reports", () => assert.ok(reports.length > 0));

for (const file of reports) {
  const url = pathToFileURL(path.resolve(file)).href;
  const name = path.basename(file, ".html");
  test(`${name}: the browser has nothing to say against it`, async () => {
    const { page, wrong } = await open(chrome, url, (asked) => asked === url);
    assert.deepEqual(await page.evaluate(() => document.scripts.length), 0);
    const found = [...(await wide(page)), ...(await accessible(page))];
    await page.setViewport({ width: 1280, height: 900 });
    found.push(...(await keyboard(page)), ...wrong);
    if (name === "example") found.push(...(await documented(page, "report", "#rows")));
    if (folder) await pictures(page, folder, name);
    assert.deepEqual(found, []);
    assert.ok(fs.statSync(file).size <= 500_000, "it has more than 500 kB");
    await page.close();
  });
}
