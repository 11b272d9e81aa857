/** `npm start`: installs and builds what is missing, then hands over to the launcher. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetUpProblem, prepare, root } from './prepare.mjs';

const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(readFileSync(join(root, 'infra', 'dev', 'usage.txt'), 'utf8'));
} else if (words.includes('--version')) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  process.stdout.write(`BunnyDB ${version}\n`);
} else {
  try {
    await prepare();
    await import('./dist/main.js');
  } catch (error) {
    if (!(error instanceof SetUpProblem)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
