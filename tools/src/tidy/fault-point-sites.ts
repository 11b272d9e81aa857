import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';

const LIST = 'libs/failure/src/fault-points.ts';

/** Every named fault point is passed somewhere in a program, and some test crashes there. */
export function checkFaultPoints(files: readonly TextFile[], points: readonly string[]): Finding[] {
  const program = files.filter(({ path }) => /^(?:libs|services)\/[^/]+\/src\//.test(path));
  const tests = files.filter(({ path }) => path.startsWith('e2e/') || path.endsWith('.spec.ts'));
  return points.flatMap((point) => [
    ...(program.some(({ path, text }) => path !== LIST && passes(text, point))
      ? []
      : [finding(point, 'is passed nowhere')]),
    ...(tests.some(({ text }) => text.includes(`'${point}`))
      ? []
      : [finding(point, 'has no test that crashes there')]),
  ]);
}

function passes(text: string, point: string): boolean {
  return text.includes(`faultPoint('${point}')`);
}

function finding(point: string, message: string): Finding {
  return { check: 'fault-point', path: LIST, message: `${point} ${message}` };
}
