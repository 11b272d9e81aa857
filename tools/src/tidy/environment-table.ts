import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { isModulePath } from './parsed-module.js';

export const ENVIRONMENT_PAGE = 'docs/operations/environment.md';

/** A variable as code reads it: `env.NAME`, `env['NAME']`, or a quoted name in a table of settings. */
const READ =
  /(?:\benv(?:ironment)?(?:\.|\[['"])|['"]|^\s*)((?:BUNNY|NATS|OTEL)_[A-Z0-9_]+)(?=['"\]:,);\s.]|$)/gm;
/** A row of the table: the variable in backticks in the first column. */
const ROW = /^\| `([A-Z][A-Z0-9_]+)`/gm;
/** Names of streams and of test knobs look like variables. */
const NO_VARIABLE = /^BUNNY_(?:CDC_|CDC|COMMANDS|EVENTS|TEST_\w+)$/;

/** Every variable that the program reads stands in the table of the operations guide, and the other way round. */
export function checkEnvironmentTable(files: readonly TextFile[]): Finding[] {
  const page = files.find(({ path }) => path === ENVIRONMENT_PAGE);
  if (!page) return [];
  const told = new Set([...page.text.matchAll(ROW)].map((match) => match[1] ?? ''));
  const read = new Map<string, string>();
  for (const file of files) {
    if (!isProgram(file.path)) continue;
    for (const match of file.text.matchAll(READ)) {
      const name = match[1] ?? '';
      if (!NO_VARIABLE.test(name)) read.set(name, file.path);
    }
  }
  const untold = [...read].filter(([name]) => !told.has(name));
  // A secret may also be in the file that `<name>_FILE` names; code spells only the name.
  const unread = [...told].filter((name) => !read.has(name.replace(/_FILE$/, '')));
  return [
    ...untold.map(([name, path]) => ({
      check: 'environment',
      path,
      message: `${name} is missing in ${ENVIRONMENT_PAGE}`,
    })),
    ...unread.map((name) => ({
      check: 'environment',
      path: ENVIRONMENT_PAGE,
      message: `nothing reads ${name}`,
    })),
  ];
}

function isProgram(path: string): boolean {
  return isModulePath(path) && /^(?:(?:libs|services)\/[^/]+\/src|infra\/dev)\//.test(path);
}
