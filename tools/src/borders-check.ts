/**
 * Proves that the borders are guarded. A lint rule that matches no file, or that has lost the project graph, passes in
 * silence; so this command feeds bad source text to the very config that `npm run lint` uses, under the names of real rooms,
 * and fails when a single bad line is let through, when good text is refused, or when there is no core to guard.
 */
import { ESLint, type Linter } from 'eslint';
import { BORDER_CASES, type BorderCase } from './border-cases.js';
import { listFiles } from './source-tree.js';

const SERVICES = ['capture', 'apply', 'schema', 'control'] as const;

const root = process.cwd();
const eslint = new ESLint({
  cwd: root,
  // Text that is not on the disk belongs to no TypeScript program; the rules of borders need none.
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: null } },
    rules: await typedRulesOff(),
  },
});

const problems = [...emptyRooms(), ...(await failedCases())];
for (const problem of problems) console.error(`borders: ${problem}`);
if (problems.length > 0) process.exit(1);
console.log(`borders: ${BORDER_CASES.length} cases, each judged as it should be`);

function emptyRooms(): string[] {
  const files = listFiles(root);
  return SERVICES.filter(
    (service) => !files.some((file) => file.startsWith(`services/${service}/src/core/`)),
  ).map((service) => `services/${service}/src/core holds no file, so its border guards nothing`);
}

async function failedCases(): Promise<string[]> {
  const problems: string[] = [];
  for (const borderCase of BORDER_CASES) {
    const messages = await lint(borderCase);
    const refusals = messages.filter((message) => message.ruleId === borderCase.rule);
    const asExpected = borderCase.refused ? refusals.length > 0 : messages.length === 0;
    if (!asExpected) problems.push(describe(borderCase, messages));
  }
  return problems;
}

async function lint(borderCase: BorderCase): Promise<Linter.LintMessage[]> {
  const results = await eslint.lintText(borderCase.text, { filePath: borderCase.file });
  return results.flatMap((result) => result.messages);
}

function describe(borderCase: BorderCase, messages: readonly Linter.LintMessage[]): string {
  const wanted = borderCase.refused ? `${borderCase.rule} should refuse` : 'nothing should refuse';
  const got = messages.map((message) => message.ruleId ?? message.message).join(', ') || 'no error';
  return `${wanted} \`${borderCase.text.trim()}\` in ${borderCase.file}; got ${got}`;
}

/** The rules that need types, switched off; found in the config itself, so that the list cannot go stale. */
async function typedRulesOff(): Promise<Record<string, 'off'>> {
  const { default: tseslint } = await import('typescript-eslint');
  const disabled: Record<string, 'off'> = {};
  for (const name of Object.keys(tseslint.configs.disableTypeChecked.rules ?? {})) {
    disabled[name] = 'off';
  }
  return disabled;
}
