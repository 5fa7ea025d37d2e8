// node isolated_page.mjs URL: opens the page of serve_browser_test.py and prints what it found out, as JSON.
import { withPage } from '../support/browser.mjs';

const found = await withPage(async (page) => {
  const answer = await page.goto(process.argv[2]);
  await page.waitForFunction(() => window.found !== undefined, null, { timeout: 60000 });
  return { status: answer.status(), ...await page.evaluate(() => window.found) };
});
console.log(JSON.stringify(found));
