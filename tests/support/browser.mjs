// A headless Chromium for tests of pages, driven by playwright-core. BROWSER_DRIVER is the folder that playwright-core is
// installed in (`./dev browser` prints it), BROWSER the program (default: /usr/bin/chromium).
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.env.BROWSER_DRIVER ?? '.', 'driver.js'));
const { chromium } = require('playwright-core');

// Nothing that looks for the network, and no sandbox of the browser's own, which containers and root do not have.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// Calls `test` with a page of a fresh browser, and returns what it returns; the browser and its profile are gone
// afterwards. When it throws, what the page wrote to its console goes to stderr, and the error on.
export async function withPage(test) {
  const profile = mkdtempSync(join(tmpdir(), 'browser-'));
  const said = [];
  let context;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.BROWSER ?? '/usr/bin/chromium', headless: true, args: FLAGS });
    const page = await context.newPage();
    page.on('console', (message) => said.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => said.push(`error: ${error.message}`));
    page.on('requestfailed', (request) => said.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
    return await test(page);
  } catch (error) {
    for (const line of said) console.error(line);
    throw error;
  } finally {
    await context?.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
