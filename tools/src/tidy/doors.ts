import type { Finding } from './finding.js';
import type { ParsedModule } from './parsed-module.js';

/** Doors list their names: no `export *`, and no default export, whose name every importer makes up. */
export function checkDoors(modules: readonly ParsedModule[]): Finding[] {
  return modules.flatMap((module) => [
    ...module.exportAllLines.map((line) => ({
      check: 'export-all',
      path: module.path,
      line,
      message: 'list the exported names one by one',
    })),
    ...(isConfigFile(module.path) ? [] : module.defaultExportLines).map((line) => ({
      check: 'default-export',
      path: module.path,
      line,
      message: 'export by name',
    })),
  ]);
}

/** Tools look for their config in a default export. */
function isConfigFile(path: string): boolean {
  return /\.config\.(?:ts|mjs|js)$/.test(path) || path.endsWith('vitest-global-setup.ts');
}
