import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const BUILT = join(import.meta.dirname, '..', 'dist', 'console');
const FIRST_VIEW_BYTES_MAX = 300_000;

const read = (path: string): Buffer => readFileSync(join(BUILT, path));
const zippedBytes = (paths: readonly string[]): number =>
  paths.reduce((bytes, path) => bytes + gzipSync(read(path)).length, 0);

it('the first view weighs less than 300 kB: the page, and all that it names', () => {
  if (!existsSync(BUILT)) throw new Error('build the console first: npm run build:ui');
  const page = read('index.html').toString();
  const named = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path ?? '');
  expect(named.filter((path) => path.endsWith('.js')).length).toBeGreaterThan(0);
  expect(zippedBytes(['index.html', ...named])).toBeLessThan(FIRST_VIEW_BYTES_MAX);
});

it('what is fetched later is not part of it: every page, and the charts', () => {
  const scripts = readdirSync(join(BUILT, 'assets')).filter((file) => file.endsWith('.js'));
  const page = read('index.html').toString();
  const later = scripts.filter((file) => !page.includes(file));
  expect(later.some((file) => file.startsWith('overview-tab'))).toBe(true);
  expect(later.length).toBeGreaterThan(8);
});
