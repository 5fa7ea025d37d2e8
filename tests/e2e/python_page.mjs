// node python_page.mjs URL: opens CPython's own python.html, starts its REPL, and prints what that says, as JSON. The page
// loads its terminal from a public server; here it comes from npm, the same files.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { withPage } from '../support/browser.mjs';

const require = createRequire(join(process.env.BROWSER_DRIVER ?? '.', 'driver.js'));
const terminal = dirname(require.resolve('xterm/package.json'));
const PATIENCE = { timeout: 120000 };

// The terminal draws on a canvas: whoever wants to read it needs the object, and its buffer.
const catchTerminal = () => {
  let kind;
  Object.defineProperty(window, 'Terminal', {
    configurable: true,
    get: () => kind,
    set: (real) => {
      kind = class extends real {
        constructor(...args) {
          super(...args);
          window.terminal = this;
        }
      };
    },
  });
  window.terminalText = () => {
    const buffer = window.terminal?.buffer.active;
    const lines = [];
    for (let i = 0; buffer && i < buffer.length; i++) lines.push(buffer.getLine(i).translateToString(true));
    return lines.join('\n').trimEnd();
  };
};

async function supplyTerminal(page) {
  await page.route('https://unpkg.com/xterm@4.18.0/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace('/xterm@4.18.0/', '');
    route.fulfill({
      body: readFileSync(join(terminal, path)),
      contentType: path.endsWith('.css') ? 'text/css' : 'text/javascript',
      headers: { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' },
    });
  });
}

// Types a line, and returns what stands between it and the next prompt.
async function evaluate(page, line) {
  const before = (await page.evaluate(() => window.terminalText())).length;
  await page.keyboard.type(line + '\n');
  await page.waitForFunction((from) => /\n>>>$/.test(window.terminalText().slice(from)), before, PATIENCE);
  const said = (await page.evaluate(() => window.terminalText())).slice(before).split('\n');
  return said.slice(1, -1).join('\n');
}

const found = await withPage(async (page) => {
  await page.addInitScript(catchTerminal);
  await supplyTerminal(page);
  await page.goto(process.argv[2]);
  const isolated = await page.evaluate(() => crossOriginIsolated);
  await page.waitForFunction(() => document.getElementById('repl')?.disabled === false, null, PATIENCE);
  await page.click('#repl');
  await page.waitForFunction(() => />>>$/.test(window.terminalText()), null, PATIENCE);
  await page.click('.xterm');
  return {
    isolated,
    sum: await evaluate(page, '1+1'),
    platform: await evaluate(page, 'import sys; sys.platform'),
    ports: await evaluate(page, 'import zlib, bz2, sqlite3; zlib.decompress(zlib.compress(b"ok"))'),
  };
});
console.log(JSON.stringify(found));
