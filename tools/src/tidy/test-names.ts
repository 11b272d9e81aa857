import type { Finding } from './finding.js';
import type { ParsedModule } from './parsed-module.js';

const TIER = /\.(unit|int|e2e|soak)\.spec\.ts$/;
/** What does I/O, and so has no place in a unit test. */
const IO_IMPORTS =
  /^(?:pg|@nats-io\/transport-node|node:(?:net|http|https|tls|dgram|child_process))$/;

/** Specs carry their tier, hold tests, keep to their tier, and no two tests promise the same thing. */
export function checkTests(modules: readonly ParsedModule[]): Finding[] {
  const specs = modules.filter(({ path }) => path.endsWith('.spec.ts'));
  return [...specs.flatMap(checkSpec), ...duplicateTitles(specs)];
}

function checkSpec(module: ParsedModule): Finding[] {
  const tier = TIER.exec(module.path)?.[1];
  if (tier === undefined) {
    const message =
      'a spec is named *.unit.spec.ts, *.int.spec.ts, *.e2e.spec.ts or *.soak.spec.ts';
    return [{ check: 'test-tier', path: module.path, message }];
  }
  if (module.tests.length === 0) {
    return [{ check: 'test-tier', path: module.path, message: 'a spec without a test' }];
  }
  if (tier !== 'unit') return [];
  return module.imports
    .filter(({ specifier }) => IO_IMPORTS.test(specifier))
    .map(({ specifier, line }) => ({
      check: 'test-tier',
      path: module.path,
      line,
      message: `a unit test does no I/O, so it does not import ${specifier}`,
    }));
}

function duplicateTitles(specs: readonly ParsedModule[]): Finding[] {
  const firstPlace = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { path, tests } of specs) {
    for (const { title, line } of tests) {
      const first = firstPlace.get(title);
      if (first === undefined) {
        firstPlace.set(title, `${path}:${line}`);
        continue;
      }
      const message = `"${title}" is also the name of the test at ${first}`;
      findings.push({ check: 'duplicate-test', path, line, message });
    }
  }
  return findings;
}
