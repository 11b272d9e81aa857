/** Style as a test: `npm run tidy`. What is looked at stands in `tidy/`, a file per check; what is tolerated in `excused.json`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, readTextFiles } from './source-tree.js';
import { checkTree } from './tidy/check-tree.js';
import { type ExcusedList, excuse } from './tidy/excused.js';
import { checkExcusedHistory } from './tidy/excused-history.js';
import { formatFinding } from './tidy/finding.js';
import { softSizeWarnings } from './tidy/size-limits.js';

const EXCUSED_PATH = 'tools/excused.json';

const root = process.cwd();
const list: ExcusedList = JSON.parse(readFileSync(join(root, EXCUSED_PATH), 'utf8'));
const { modules, findings } = checkTree(readTextFiles(root, listFiles(root)));
const { remaining, excused } = excuse(findings, list, EXCUSED_PATH);
const problems = [...remaining, ...checkExcusedHistory(root, EXCUSED_PATH, list)];

for (const warning of softSizeWarnings(modules)) console.log(`note: ${warning}`);
for (const problem of problems) console.error(formatFinding(problem));
if (modules.length === 0) {
  console.error('tidy: no source file found; run it from the root of the repository');
}
if (problems.length > 0 || modules.length === 0) process.exit(1);
console.log(`tidy: ${modules.length} modules, ${excused.length} excused findings, nothing to mend`);
