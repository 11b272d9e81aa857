import { describe, expect, test } from 'vitest';
import { checkWords } from '../src/tidy/banned-words.js';
import { checkDeadFiles } from '../src/tidy/dead-files.js';
import { checkDependencies } from '../src/tidy/dependency-graph.js';
import { checkDocLinks } from '../src/tidy/doc-links.js';
import { checkDoors } from '../src/tidy/doors.js';
import { checkEnvironmentTable } from '../src/tidy/environment-table.js';
import { addedEntries, excuse } from '../src/tidy/excused.js';
import { checkFaultPoints } from '../src/tidy/fault-point-sites.js';
import type { Finding } from '../src/tidy/finding.js';
import { checkMetricUses } from '../src/tidy/metric-table.js';
import { checkMachinePaths } from '../src/tidy/machine-paths.js';
import { parseModule } from '../src/tidy/parsed-module.js';
import { checkSizes, softSizeWarnings } from '../src/tidy/size-limits.js';
import { checkTests } from '../src/tidy/test-names.js';

const file = (path: string, text: string) => ({ path, text });
const parse = (path: string, text: string) => parseModule(file(path, text));
const places = (findings: readonly Finding[]) =>
  findings.map(
    ({ check, path, line }) => `${check} ${path}${line === undefined ? '' : `:${line}`}`,
  );

describe('sizes', () => {
  test('a file of 400 lines passes and one of 401 is refused', () => {
    const lines = (count: number) => 'export const x = 1;\n'.repeat(count);
    expect(checkSizes([parse('a.ts', lines(400))])).toEqual([]);
    expect(places(checkSizes([parse('a.ts', lines(401))]))).toEqual(['file-size a.ts']);
  });

  test('a file over 250 lines is only mentioned', () => {
    const long = parse('a.ts', 'export const x = 1;\n'.repeat(251));
    expect(softSizeWarnings([long])).toHaveLength(1);
    expect(checkSizes([long])).toEqual([]);
  });

  test('a function over 70 lines is refused, whatever its form', () => {
    const body = '  f();\n'.repeat(69);
    const forms = [
      `function a() {\n${body}}\n`,
      `const a = () => {\n${body}};\n`,
      `class A {\n  a() {\n${body}}\n}\n`,
    ];
    for (const form of forms) {
      expect(checkSizes([parse('a.ts', form)])).toHaveLength(1);
      expect(checkSizes([parse('a.ts', form.replace('  f();\n', ''))])).toEqual([]);
    }
  });
});

describe('words', () => {
  test.each([
    'src/utils.ts',
    'libs/common/src/x.ts',
    'src/table-manager.ts',
    'src/types.ts',
    'src/Big.ts',
  ])('%s is no name for a file', (path) => {
    expect(places(checkWords([file(path, '')]))).toEqual([`file-name ${path}`]);
  });

  test('unfinished work and silenced compilers are refused', () => {
    const bad = ['// TO' + 'DO: later', '// @ts-' + 'ignore', '/* eslint-' + 'disable */'];
    for (const text of bad) expect(checkWords([file('a.ts', text)])).toHaveLength(1);
  });

  test('a lint rule may be switched off with a reason', () => {
    const text = '// eslint-' + 'disable-next-line no-console -- this is the program output';
    expect(checkWords([file('a.ts', text)])).toEqual([]);
  });

  test('a test that sleeps is refused', () => {
    const text = 'await new Promise((done) => set' + 'Timeout(done, 100));';
    expect(places(checkWords([file('a.unit.spec.ts', text)]))).toEqual(['sleep a.unit.spec.ts:1']);
    expect(checkWords([file('a.ts', text)])).toEqual([]);
  });
});

test('doors list their names and nothing is exported by default', () => {
  const module = parse('index.ts', "export * from './a.js';\nexport default 1;\n");
  expect(places(checkDoors([module]))).toEqual([
    'export-all index.ts:1',
    'default-export index.ts:2',
  ]);
  expect(checkDoors([parse('x.config.ts', 'export default 1;')])).toEqual([]);
});

describe('tests', () => {
  test('a spec without a tier, or without a test, is refused', () => {
    expect(places(checkTests([parse('a.spec.ts', "test('x', f);")]))).toEqual([
      'test-tier a.spec.ts',
    ]);
    expect(places(checkTests([parse('a.unit.spec.ts', '')]))).toEqual(['test-tier a.unit.spec.ts']);
  });

  test('two tests may not promise the same, but the same words in two chapters may', () => {
    const twice = parse('a.unit.spec.ts', "test('x', f);\ntest('x', f);");
    expect(places(checkTests([twice]))).toEqual(['duplicate-test a.unit.spec.ts:2']);
    const chapters =
      "describe('a', () => { test('x', f); });\ndescribe('b', () => { it('x', f); });";
    expect(checkTests([parse('a.unit.spec.ts', chapters)])).toEqual([]);
  });

  test('a unit test does not reach for a server', () => {
    const text = "import pg from 'pg';\ntest('x', f);";
    expect(places(checkTests([parse('a.unit.spec.ts', text)]))).toEqual([
      'test-tier a.unit.spec.ts:1',
    ]);
    expect(checkTests([parse('a.int.spec.ts', text)])).toEqual([]);
  });
});

describe('dead files', () => {
  const tree = [
    file('services/a/src/main.ts', "import './core/used.js';"),
    file('services/a/src/core/used.ts', "import { x } from '@bunnydb/x';"),
    file('services/a/src/core/unused.ts', ''),
    file('libs/x/src/index.ts', "export { x } from './x.js';"),
    file('libs/x/src/x.ts', "export const worker = new URL('./worker.js', import.meta.url);"),
    file('libs/x/src/worker.ts', ''),
    file('tools/src/chore.ts', ''),
    file('tools/src/started.ts', ''),
    file('tools/start.mjs', "await import('./dist/started.js');"),
    file(
      'package.json',
      '{"scripts": {"chore": "node tools/dist/chore.js && node tools/start.mjs"}}',
    ),
  ];

  test('a file that no entry reaches is found; one that is started by its path is not', () => {
    const modules = tree.filter(({ path }) => /\.m?[jt]s$/.test(path)).map(parseModule);
    expect(places(checkDeadFiles(tree, modules))).toEqual([
      'dead-file services/a/src/core/unused.ts',
    ]);
  });
});

describe('dependency graph', () => {
  const manifest = (name: string, dependencies: Record<string, string>) =>
    JSON.stringify({ name, dependencies });
  const tsconfig = (...paths: string[]) =>
    JSON.stringify({ references: paths.map((path) => ({ path })) });
  const base = [
    file('package.json', manifest('root', {})),
    file('tsconfig.json', tsconfig('libs/a', 'libs/b')),
    file('libs/a/package.json', manifest('@bunnydb/a', { '@bunnydb/b': '1' })),
    file('libs/b/package.json', manifest('@bunnydb/b', {})),
    file('libs/b/tsconfig.json', tsconfig()),
  ];
  const a = (text: string) => parse('libs/a/src/index.ts', text);
  const withReferences = [...base, file('libs/a/tsconfig.json', tsconfig('../b'))];

  test('agreement passes', () => {
    expect(checkDependencies(withReferences, [a("import { b } from '@bunnydb/b';")])).toEqual([]);
  });

  test('an import that is not declared, and a declaration that nobody imports, are found', () => {
    expect(places(checkDependencies(withReferences, [a("import pg from 'pg';")]))).toEqual([
      'dependency libs/a/src/index.ts:1',
      'dependency libs/a/package.json',
    ]);
  });

  test('a missing reference of the tsconfig is found', () => {
    const files = [...base, file('libs/a/tsconfig.json', tsconfig())];
    const modules = [a("import { b } from '@bunnydb/b';")];
    expect(places(checkDependencies(files, modules))).toEqual(['dependency libs/a/tsconfig.json']);
  });
});

describe('documents', () => {
  test('links, anchors and paths that lead nowhere are found', () => {
    const page = [
      '# Title here',
      '[a](b.md) [c](gone.md) [d](#title-here) [e](#lost) [f](https://example.org)',
      'See `docs/b.md` and `docs/lost.md`.',
      '```',
      '[not a link](gone.md)',
      '```',
    ].join('\n');
    const found = checkDocLinks([file('docs/a.md', page), file('docs/b.md', '')]);
    expect(found.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '2 the link to gone.md leads nowhere',
      '2 docs/a.md has no heading #lost',
      '3 docs/lost.md does not exist',
    ]);
  });

  test('a document that a comment names must exist', () => {
    const found = checkDocLinks([file('a.ts', '// see docs/' + 'gone.md')]);
    expect(places(found)).toEqual(['doc-link a.ts:1']);
  });
});

test('paths of one machine are found, and paths inside of an image are not', () => {
  const bad = ['/ho' + 'me/me/x', '/tm' + 'p/x', 'C:\\Us' + 'ers\\me'];
  for (const text of bad) expect(checkMachinePaths([file('a.md', text)])).toHaveLength(1);
  expect(checkMachinePaths([file('a.md', 'src/tmp/x and /app/dist and ./work/x')])).toEqual([]);
});

test('a lock file ties no package to a registry', () => {
  const line = (from: string) => file('package-lock.json', `"resolved": "${from}"`);
  expect(checkMachinePaths([line('libs/failure')])).toEqual([]);
  expect(checkMachinePaths([line('https://npm.example.org/x.tgz')])).toHaveLength(1);
});

test('a dashboard or rule names only metrics that somebody tells', () => {
  const rules = 'bunny_mirror_lag_bytes > 0 and bunny_gone_total > bunny_stream_bytes_bucket';
  const found = checkMetricUses([file('infra/prometheus/rules.yml', rules)]);
  expect(found.map(({ message }) => message)).toEqual([
    'nobody tells bunny_gone_total',
    'nobody tells bunny_stream_bytes_bucket',
  ]);
  const histogram = 'rate(bunny_capture_batch_bytes_bucket[5m])';
  expect(checkMetricUses([file('infra/grafana/dashboards/x.json', histogram)])).toEqual([]);
});

test('the environment table and the code name the same variables', () => {
  const page = file('docs/operations/environment.md', '| `BUNNY_A` | x |\n| `BUNNY_OLD` | x |\n');
  const code = file('libs/x/src/config.ts', 'env.BUNNY_A; env.BUNNY_NEW;');
  expect(places(checkEnvironmentTable([page, code]))).toEqual([
    'environment libs/x/src/config.ts',
    'environment docs/operations/environment.md',
  ]);
});

test('a fault point that nothing passes, or that no test crashes at, is found', () => {
  const program = file('services/a/src/loop.ts', "faultPoint('a.one');");
  const spec = file('e2e/test/crash.e2e.spec.ts', "'a.one'");
  expect(checkFaultPoints([program, spec], ['a.one'])).toEqual([]);
  expect(checkFaultPoints([program, spec], ['a.two'])).toHaveLength(2);
});

describe('the excused list', () => {
  const finding: Finding = { check: 'file-size', path: 'a.ts', message: 'long' };

  test('takes out what it names and nothing else', () => {
    const other: Finding = { ...finding, path: 'b.ts' };
    const { remaining, excused } = excuse([finding, other], { 'file-size': ['a.ts'] }, 'list');
    expect(excused).toEqual([finding]);
    expect(remaining).toEqual([other]);
  });

  test('an entry that is no longer needed is itself a finding', () => {
    expect(places(excuse([], { 'file-size': ['a.ts'] }, 'list').remaining)).toEqual([
      'excused-list list',
    ]);
  });

  test('may lose entries but not gain any', () => {
    expect(addedEntries({ x: ['a', 'b'] }, { x: ['a'] })).toEqual([]);
    expect(addedEntries({ x: ['a'] }, { x: ['a', 'b'], y: ['a'] })).toEqual(['x: b', 'y: a']);
  });
});
