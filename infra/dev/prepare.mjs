/**
 * What has to be done before any code of the project can run: the right Node.js, the packages, the build. Plain JavaScript without a
 * dependency, since nothing is installed yet.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const TICK_MS = 500;
const TAIL_LINES = 40;
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** A problem that the user can mend; shown as one sentence, without a stack. */
export class SetUpProblem extends Error {}

/** Installs and builds what is missing or older than its sources. */
export async function prepare() {
  checkNodeVersion();
  await install();
  await build();
  await buildConsole();
}

function checkNodeVersion() {
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
  const [leastMajor = 0, leastMinor = 0] = wanted.replace('>=', '').split('.').map(Number);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new SetUpProblem(
    `BunnyDB needs Node.js ${wanted}, and this is ${process.versions.node}: install a newer one and start again.`,
  );
}

/** npm writes this file at the end of an installation, so its age tells whether the packages are up to date. */
async function install() {
  const lock = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules', '.package-lock.json');
  const fresh = !existsSync(installed);
  if (!fresh && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  const command = fresh ? 'ci' : 'install';
  await runQuietly(
    'installing packages',
    npm,
    [command, '--no-audit', '--no-fund', '--loglevel=error'],
    'npm could not install the packages: see its output above; without a network it needs a registry that it can reach.',
  );
  const now = new Date();
  if (existsSync(installed)) utimesSync(installed, now, now);
}

/** The compiler rebuilds only what has changed. */
async function build() {
  await runQuietly(
    'building',
    process.execPath,
    [join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc'), '-b'],
    'The build failed: see the errors above.',
  );
}

/** The console's pages are bundled when one of them, or what they are made with, is newer than the bundle. */
async function buildConsole() {
  const ui = join(root, 'services', 'ui');
  const built = join(ui, 'dist', 'console', 'index.html');
  const sources = [join(ui, 'console'), join(ui, 'vite.config.ts'), join(ui, 'package.json')];
  if (existsSync(built) && Math.max(...sources.map(newestMs)) <= statSync(built).mtimeMs) return;
  // npm puts it where the versions of others leave room for it.
  const vite = dirname(createRequire(join(ui, 'package.json')).resolve('vite/package.json'));
  await runQuietly(
    'building the console',
    process.execPath,
    [join(vite, 'bin', 'vite.js'), 'build', '--config', join(ui, 'vite.config.ts')],
    'The console could not be built: see the errors above.',
  );
}

/** A folder is as new as the newest in it; its own time tells of a file that was taken away. */
function newestMs(path) {
  const status = statSync(path);
  if (!status.isDirectory()) return status.mtimeMs;
  return Math.max(status.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

/**
 * The console is tested in a browser. On Debian root can have one; where that fails, the test says what to install.
 */
export async function installBrowser() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return;
  if (isProgram('CHROME_PATH' in process.env ? process.env.CHROME_PATH : '')) return;
  if (['chromium', 'chromium-browser', 'google-chrome'].some(isProgram)) return;
  if (!isProgram('apt-get')) return;
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'chromium'];
  try {
    await runQuietly('looking for a browser', 'apt-get', ['update', '-qq'], '', env);
    await runQuietly("installing a browser for the console's tests", 'apt-get', install, '', env);
  } catch (error) {
    if (!(error instanceof SetUpProblem)) throw error;
  }
}

/** Whether there is a program of this name or path. */
function isProgram(name) {
  if (name === '') return false;
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Runs a command with a line that shows that it is working; its output is shown only when it fails. */
async function runQuietly(what, command, commandArguments, problem, environment = {}) {
  const started = performance.now();
  const terminal = process.stderr.isTTY === true;
  const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
  const output = [];
  const child = spawn(command, commandArguments, {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => output.push(text));
  }
  if (!terminal) process.stderr.write(`${what} …\n`);
  const timer = setInterval(() => {
    if (terminal) process.stderr.write(`\r${what} … ${seconds()} s`);
  }, TICK_MS);
  const code = await new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', resolve);
  });
  clearInterval(timer);
  if (terminal) process.stderr.write('\r\x1b[K');
  if (code !== 0) {
    const tail = output.join('').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    process.stderr.write(`${tail}\n`);
    throw new SetUpProblem(problem);
  }
  if (Number(seconds()) >= 2) process.stderr.write(`${what}: done in ${seconds()} s\n`);
}
