import { execFile } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type AptStanza, parseDeb822, parseOneLine, sourceForSuite } from './apt-sources.js';
import { isNatsVersionEnough } from './nats-version.js';

/** Newest first; a suite that the mirror does not have is passed over. */
const SUITES = ['sid', 'forky', 'trixie'];
const PACKAGE = 'nats-server';
const APT_TIMEOUT_MS = 180_000;
const run = promisify(execFile);

/** True on Debian itself; its derivatives have suites of their own. */
export function isDebian(): boolean {
  return releaseField('ID') === 'debian';
}

/**
 * Fetches the package of a newer Debian suite and puts its binary at `target`. It works in a private folder with a private configuration
 * derived from the machine's own sources, as any user; neither the package lists nor the installed packages of the system change.
 */
export async function fetchNatsDebianPackage(target: string, cacheDir: string): Promise<void> {
  const release = releaseField('VERSION_CODENAME');
  const sources = machineSources();
  const problems: string[] = [];
  for (const suite of SUITES) {
    const source = sourceForSuite(sources, release, suite);
    if (source === undefined)
      throw new Error(`APT has no source of the suite "${release}" with "main"`);
    const folder = mkdtempSync(join(cacheDir, 'apt-'));
    try {
      await fetchFrom(source, folder, target);
      return;
    } catch (error) {
      problems.push(
        `${suite}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'failed'}`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`no suite gave a usable package (${problems.join('; ')})`);
}

async function fetchFrom(source: string, folder: string, target: string): Promise<void> {
  const env = { ...process.env, APT_CONFIG: await writePrivateConfig(source, folder), LC_ALL: 'C' };
  const options = { cwd: folder, env, timeout: APT_TIMEOUT_MS };
  await run('apt-get', ['update', '-qq', '--error-on=any'], options);
  const { stdout } = await run('apt-cache', ['madison', PACKAGE], options);
  const version = stdout.split('\n')[0]?.split('|')[1]?.trim() ?? '';
  if (!isNatsVersionEnough(version)) throw new Error(`it has version "${version}"`);
  await run('apt-get', ['download', '-qq', `${PACKAGE}=${version}`], options);
  const archive = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error('the download left no package');
  await run('dpkg', ['-x', archive, 'unpacked'], options);
  copyFileSync(join(folder, 'unpacked', 'usr', 'sbin', 'nats-server'), target);
}

/** How this machine fetches (proxies, certificates) stays; its hooks, lists and caches are left out. */
async function writePrivateConfig(source: string, folder: string): Promise<string> {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'etc']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const sourceFile = join(folder, 'etc', 'newer.sources');
  writeFileSync(sourceFile, source);
  const { stdout } = await run('apt-config', ['dump']);
  const kept = stdout
    .split('\n')
    .filter((line) => line.startsWith('Acquire::') && !line.startsWith('Acquire::IndexTargets'));
  const own = [
    `Dir::State "${folder}/state";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Etc::sourcelist "${sourceFile}";`,
    `Dir::Etc::sourceparts "/dev/null";`,
    `Dir::Etc::parts "/dev/null";`,
    `Dir::Etc::main "/dev/null";`,
    `Dir::Etc::preferences "/dev/null";`,
    `Dir::Etc::preferencesparts "/dev/null";`,
    // As root, APT would fetch as its own user, who may not enter our folder.
    `APT::Sandbox::User "";`,
    `Acquire::Languages "none";`,
    `Acquire::Retries "2";`,
  ];
  const configFile = join(folder, 'etc', 'apt.conf');
  writeFileSync(configFile, `${[...kept, ...own].join('\n')}\n`);
  return configFile;
}

function machineSources(): AptStanza[] {
  const parts = listFiles('/etc/apt/sources.list.d');
  return [
    ...parts
      .filter((file) => file.endsWith('.sources'))
      .flatMap((file) => parseDeb822(readText(file))),
    ...parseOneLine(readText('/etc/apt/sources.list')),
    ...parts
      .filter((file) => file.endsWith('.list'))
      .flatMap((file) => parseOneLine(readText(file))),
  ];
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).map((file) => join(folder, file));
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function releaseField(name: string): string {
  const line = readText('/etc/os-release')
    .split('\n')
    .find((text) => text.startsWith(`${name}=`));
  return (line?.slice(name.length + 1) ?? '').replaceAll('"', '');
}
