import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const NATS_RELEASE = '2.15.1';
const RELEASE_URL = `https://github.com/nats-io/nats-server/releases/download/v${NATS_RELEASE}`;
const CONNECT_TIMEOUT_MS = 8_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm7',
};
const SYSTEMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const run = promisify(execFile);

/**
 * Downloads the pinned official release for this platform to `target`. The archive must have the SHA-256 that the release itself
 * publishes: that finds a damaged or swapped archive, but it trusts the site that serves both.
 */
export async function downloadNatsRelease(target: string, cacheDir: string): Promise<void> {
  const system = SYSTEMS[process.platform];
  const architecture = ARCHITECTURES[process.arch];
  if (system === undefined || architecture === undefined) {
    throw new Error(`there is no known release for ${process.platform} on ${process.arch}`);
  }
  const name = `nats-server-v${NATS_RELEASE}-${system}-${architecture}`;
  // The short list first: without a network this fails soon.
  const sums = (await download('SHA256SUMS', CONNECT_TIMEOUT_MS)).toString('utf8');
  const expected = sums
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, file]) => file === `${name}.tar.gz`)?.[0];
  if (expected === undefined) throw new Error(`the release lists no checksum of ${name}.tar.gz`);
  const archive = await download(`${name}.tar.gz`, DOWNLOAD_TIMEOUT_MS);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected) throw new Error(`${name}.tar.gz does not have the published checksum`);
  const folder = mkdtempSync(join(cacheDir, 'release-'));
  try {
    writeFileSync(join(folder, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', 'archive.tar.gz'], { cwd: folder });
    copyFileSync(join(folder, name, 'nats-server'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function download(file: string, timeoutMs: number): Promise<Buffer> {
  const response = await fetch(`${RELEASE_URL}/${file}`, {
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) throw new Error(`the download of ${file} was answered with ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
