/** Writes the pages that are made from code: `npm run docs:write`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILURE_PAGE, failurePage } from './tidy/failure-table.js';

writeFileSync(join(process.cwd(), FAILURE_PAGE), failurePage());
console.log(`wrote ${FAILURE_PAGE}`);
