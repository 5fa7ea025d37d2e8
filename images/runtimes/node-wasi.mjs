// Runs a WASI preview 1 program with node's own node:wasi, for machines whose only WebAssembly runtime is node (18 to 24).
// The command line is the part of wasmtime's that build systems use, so that one command text serves both:
//
//   node node-wasi.mjs [run] [--env NAME=VALUE]... [--dir HOST[::GUEST]]... [--mapdir GUEST::HOST]... [--argv0 NAME] [--]
//                      program.wasm [argument]...
//   node node-wasi.mjs --version
//
// A flag that is not known is refused rather than guessed at. Options may be written --name=value too. The program's first
// argument is its base name, as with wasmtime: CPython looks for its library from there. The exit code is the program's own;
// 2 is wrong usage, 126 a program that cannot be read or is no WASI program, 134 one that trapped (as wasmtime has it).
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';

const usage =
  'usage: node-wasi [run] [--env NAME=VALUE]... [--dir HOST[::GUEST]]... [--mapdir GUEST::HOST]... [--argv0 NAME] [--] ' +
  'program.wasm [argument]...';

function fail(code, message) {
  process.stderr.write(`node-wasi: ${message}\n`);
  process.exit(code);
}

function parse(words) {
  const options = { env: {}, preopens: {}, argv0: undefined, program: undefined, args: [] };
  let at = words[0] === 'run' ? 1 : 0;
  for (; at < words.length; at++) {
    const word = words[at];
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-')) break;
    const equals = word.indexOf('=');
    const flag = word.startsWith('--') && equals > 0 ? word.slice(0, equals) : word;
    const value = () => {
      if (flag !== word) return word.slice(equals + 1);
      if (++at >= words.length) fail(2, `${flag} needs a value\n${usage}`);
      return words[at];
    };
    if (flag === '--env') {
      const text = value();
      const split = text.indexOf('=');
      // Like wasmtime: a name alone passes on this process's own value.
      const name = split < 0 ? text : text.slice(0, split);
      if (name === '') fail(2, `--env needs NAME=VALUE, not '${text}'`);
      const given = split < 0 ? process.env[name] : text.slice(split + 1);
      if (given !== undefined) options.env[name] = given;
    } else if (flag === '--dir') {
      const [host, guest] = splitMapping(value());
      options.preopens[guest ?? host] = host;
    } else if (flag === '--mapdir') {
      const text = value();
      const [guest, host] = splitMapping(text);
      if (host === undefined) fail(2, `--mapdir needs GUEST::HOST, not '${text}'`);
      options.preopens[guest] = host;
    } else if (flag === '--argv0') {
      options.argv0 = value();
    } else if (word === '--version' || word === '-V') {
      process.stdout.write(`node-wasi 1 (node ${process.versions.node})\n`);
      process.exit(0);
    } else if (word === '--help' || word === '-h') {
      process.stdout.write(`${usage}\n`);
      process.exit(0);
    } else {
      fail(2, `unknown option ${word}\n${usage}`);
    }
  }
  options.program = words[at];
  options.args = words.slice(at + 1);
  if (options.program === undefined) fail(2, `no program given\n${usage}`);
  return options;
}

// Splits "A::B" at its first double colon.
function splitMapping(text) {
  const at = text.indexOf('::');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 2)];
}

// node calls its WASI experimental at each start; that says nothing about the program, and it spoils stderr.
function dropExperimentalWarnings() {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') process.stderr.write(`node-wasi: ${warning.stack ?? warning}\n`);
  });
}

async function run(options) {
  let WASI;
  try {
    ({ WASI } = await import('node:wasi'));
  } catch {
    fail(126, `node ${process.versions.node} has no node:wasi (before node 20: --experimental-wasi-unstable-preview1)`);
  }
  let module;
  try {
    module = await WebAssembly.compile(await readFile(options.program));
  } catch (error) {
    fail(126, `${options.program}: ${error.message}`);
  }
  let wasi;
  try {
    wasi = new WASI({
      version: 'preview1',
      args: [options.argv0 ?? basename(options.program), ...options.args],
      env: options.env,
      preopens: options.preopens,
      returnOnExit: true,
    });
  } catch (error) {
    fail(126, `cannot open the mapped folders (${Object.values(options.preopens).join(', ')}): ${error.message}`);
  }
  // Early node 18 has no getImportObject.
  const imports = wasi.getImportObject ? wasi.getImportObject() : { wasi_snapshot_preview1: wasi.wasiImport };
  let instance;
  try {
    instance = await WebAssembly.instantiate(module, imports);
  } catch (error) {
    fail(126, `${options.program}: ${error.message}`);
  }
  try {
    return wasi.start(instance) ?? 0;
  } catch (error) {
    process.stderr.write(`node-wasi: ${options.program} trapped: ${error.stack ?? error}\n`);
    return 134;
  }
}

dropExperimentalWarnings();
process.exitCode = await run(parse(process.argv.slice(2)));
