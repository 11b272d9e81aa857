import type { Finding } from './finding.js';
import type { ParsedModule } from './parsed-module.js';

export const FILE_LINES_MAX = 400;
export const FILE_LINES_SOFT = 250;
export const FUNCTION_LINES_MAX = 70;
/** A component is mostly markup, which the formatter spreads over many short lines. */
export const COMPONENT_LINES_MAX = 110;

/** Files and functions that have grown past what a reader holds in the head. */
export function checkSizes(modules: readonly ParsedModule[]): Finding[] {
  return modules.flatMap((module) => [
    ...(module.lineCount > FILE_LINES_MAX ? [tooLong(module)] : []),
    ...module.functions
      // The callback of a `describe` is a chapter, not a function.
      .filter((site) => site.lines > functionLinesMax(module.path) && !isSpec(module.path))
      .map((site) => ({
        check: 'function-size',
        path: module.path,
        line: site.line,
        message: `${site.name} has ${site.lines} lines; the limit is ${functionLinesMax(module.path)}`,
      })),
  ]);
}

/** Files over the soft limit: shown, not refused. */
export function softSizeWarnings(modules: readonly ParsedModule[]): string[] {
  return modules
    .filter(({ lineCount }) => lineCount > FILE_LINES_SOFT && lineCount <= FILE_LINES_MAX)
    .map(({ path, lineCount }) => `${path} has ${lineCount} lines (soft limit ${FILE_LINES_SOFT})`);
}

function tooLong(module: ParsedModule): Finding {
  return {
    check: 'file-size',
    path: module.path,
    message: `${module.lineCount} lines; the limit is ${FILE_LINES_MAX}`,
  };
}

function functionLinesMax(path: string): number {
  return path.endsWith('.tsx') ? COMPONENT_LINES_MAX : FUNCTION_LINES_MAX;
}

function isSpec(path: string): boolean {
  return path.endsWith('.spec.ts');
}
