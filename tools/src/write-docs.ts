/** Writes the pages that are made from code: `npm run docs:write`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAILURE_PAGE, failurePage } from './tidy/failure-table.js';
import { NATS_USERS_FILE, natsUsersFile } from './tidy/nats-users-file.js';
import { METRIC_PAGE, metricPage } from './tidy/metric-table.js';

const PAGES = [
  [FAILURE_PAGE, failurePage()],
  [METRIC_PAGE, metricPage()],
] as const;

for (const [path, text] of PAGES) {
  writeFileSync(join(process.cwd(), path), text);
  console.log(`wrote ${path}`);
}
writeFileSync(join(process.cwd(), NATS_USERS_FILE), natsUsersFile());
console.log(`wrote ${NATS_USERS_FILE}`);
