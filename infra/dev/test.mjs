/**
 * `npm test`: every test, tier by tier, against real servers that the tests start themselves. The last line of the output is always
 * `N passed, N failed`, with `, N skipped` where there are any; before it stand the failures of all tiers, one per line.
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
/** In characters. */
const LONGEST_MESSAGE = 300;
const words = process.argv.slice(2);
const wanted = TIERS.filter((tier) => words.includes(tier));
const filters = words.filter((word) => !TIERS.includes(word));
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

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
  const folder = mkdtempSync(join(tmpdir(), 'bunnydb-test-'));
  const report = join(folder, 'report.json');
  try {
    const code = await vitest([
      ...['run', '--project', tier, '--reporter=default', '--reporter=json'],
      `--outputFile.json=${report}`,
      ...filters,
    ]);
    const failedBefore = totals.failed;
    count(report);
    // An error outside of any test (a file that does not load, a server that does not start) must not pass unseen.
    if (code !== 0 && totals.failed === failedBefore) {
      process.stderr.write(`${tier}: the run failed outside of a test, or no test was found\n`);
      totals.failed += 1;
    }
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

function count(report) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return;
  }
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + result.numTodoTests;
  for (const { name, status, message, assertionResults } of result.testResults) {
    if (status !== 'failed') continue;
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    for (const test of failed) note(`${file} > ${test.fullName}`, test.failureMessages[0]);
    // A file that could not be loaded, or whose set-up failed, has no test that failed.
    if (failed.length === 0) {
      note(file, message);
      totals.failed += 1;
    }
  }
}

function note(place, message = '') {
  failures.push(`${place}: ${message.split('\n', 1)[0].slice(0, LONGEST_MESSAGE)}`);
}
