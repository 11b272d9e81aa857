/**
 * `npm test`: every test, tier by tier, against real servers that the tests start themselves. The last line of the output is always
 * `N passed, N failed`, with `, N skipped` where there are any; before it stand the failures of all tiers, one per line, and what passed with a
 * second try only, since a wait had run out.
 *
 *     npm test                     all tiers
 *     npm test -- unit int         some of them
 *     npm test -- int libs/testkit some files of one
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { SetUpProblem, installBrowser, prepare, root } from './prepare.mjs';

const TIERS = ['unit', 'int', 'e2e'];
const CONSOLE_TEST = 'e2e/test/console.e2e.spec.ts';
/** How `until` and Vitest say that time ran out. */
const RAN_OUT = /: (?:Error: )?(?:waited \d+ ms in vain|Test timed out in|Hook timed out in)/;
/** In characters. */
const LONGEST_MESSAGE = 300;
const words = process.argv.slice(2);
const wanted = TIERS.filter((tier) => words.includes(tier));
const filters = words.filter((word) => !TIERS.includes(word));
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const secondTries = [];

try {
  await prepare();
  if (isBrowserNeeded()) await installBrowser();
  for (const tier of wanted.length > 0 ? wanted : TIERS) await runTier(tier);
  if (totals.passed + totals.failed === 0) {
    process.stderr.write('no test ran\n');
    process.exitCode = 1;
  }
} catch (error) {
  totals.failed += 1;
  process.stderr.write(error instanceof SetUpProblem ? `${error.message}\n` : `${error.stack}\n`);
}
if (totals.failed > 0) process.exitCode = 1;
for (const failure of secondTries) process.stdout.write(`second try: ${failure}\n`);
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed${skipped}\n`);

/** Only the console's test opens one. */
function isBrowserNeeded() {
  const isTierWanted = wanted.length === 0 || wanted.includes('e2e');
  const isFileWanted =
    filters.length === 0 || filters.some((filter) => CONSOLE_TEST.includes(filter));
  return isTierWanted && isFileWanted;
}

async function runTier(tier) {
  const first = await run(tier, filters);
  const slow = [...first.files].filter(([, file]) => isOnlySlow(file)).map(([name]) => name);
  secondTries.push(...slow.flatMap((name) => first.files.get(name).failures));
  let { isFailedOutside } = first;
  if (slow.length > 0) {
    process.stdout.write(
      `\na second try, alone, for what only waited too long: ${slow.join(', ')}\n`,
    );
    const second = await run(tier, slow);
    for (const [name, file] of second.files) first.files.set(name, file);
    isFailedOutside ||= second.isFailedOutside;
  }
  for (const file of first.files.values()) {
    totals.passed += file.passed;
    totals.failed += file.failures.length;
    totals.skipped += file.skipped;
    failures.push(...file.failures);
  }
  if (isFailedOutside) {
    process.stderr.write(`${tier}: the run failed outside of a test, or no test was found\n`);
    totals.failed += 1;
  }
}

/**
 * On a busy machine a wait may run out although nothing is wrong. Whatever else a test found is its result: content that differs, an answer that is not the expected one.
 */
function isOnlySlow({ failures: found }) {
  return found.length > 0 && found.every((failure) => RAN_OUT.test(failure));
}

async function run(tier, files) {
  const folder = mkdtempSync(join(tmpdir(), 'bunnydb-test-'));
  const report = join(folder, 'report.json');
  try {
    const code = await vitest([
      ...['run', '--project', tier, '--reporter=default', '--reporter=json'],
      `--outputFile.json=${report}`,
      ...files,
    ]);
    const results = readReport(report);
    const isFailed = [...results.values()].some((file) => file.failures.length > 0);
    // An error outside of any test (a file that does not load, a server that does not start) must not pass unseen.
    return { files: results, isFailedOutside: code !== 0 && !isFailed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function vitest(vitestArguments) {
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [program, ...vitestArguments], {
    cwd: root,
    stdio: 'inherit',
  });
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => {
      process.off('SIGINT', forward);
      process.off('SIGTERM', forward);
      resolve(code);
    });
  });
}

/** What became of each file. */
function readReport(report) {
  const files = new Map();
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return files;
  }
  for (const { name, status, message, assertionResults } of result.testResults) {
    const file = relative(root, name);
    const of = (...wantedStatus) =>
      assertionResults.filter((test) => wantedStatus.includes(test.status));
    const found = of('failed').map((test) =>
      describeFailure(`${file} > ${test.fullName}`, test.failureMessages[0]),
    );
    // A file that could not be loaded, or whose set-up failed, has no test that failed.
    if (status === 'failed' && found.length === 0) found.push(describeFailure(file, message));
    const [passed, skippedTests] = [of('passed'), of('pending', 'skipped', 'todo', 'disabled')];
    files.set(file, { passed: passed.length, skipped: skippedTests.length, failures: found });
  }
  return files;
}

function describeFailure(place, message = '') {
  return `${place}: ${message.split('\n', 1)[0].slice(0, LONGEST_MESSAGE)}`;
}
