import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { isModulePath } from './parsed-module.js';

const BANNED_IN_NAMES = new Set([
  'util',
  'utils',
  'common',
  'helper',
  'helpers',
  'types',
  'interfaces',
  'manager',
  'misc',
  'shared',
]);

/** Words that a finished source file does not hold. Each is spelled so that this file does not match itself. */
const BANNED_IN_CODE: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  { pattern: /\b(?:TO[D]O|FIX[M]E|HA[C]K|X[X]X)\b/, message: 'finish it, or open an issue' },
  { pattern: /@ts-(?:ignore|no[c]heck)\b/, message: 'mend the type' },
  {
    pattern: /eslint-disabl[e](?!.*--\s*\S)/,
    message: 'say after `--` why the rule does not apply here',
  },
  {
    pattern: /\b(?:test|it|describe)\.(?:onl[y]|ski[p]|tod[o])\b/,
    message: 'every test runs, or says with `skipIf` on what it depends',
  },
];

/** A sleeping test is slow when it passes and flaky when it does not. Where time itself is the cause, a comment above says so. */
const SLEEP = /\bsetTimeou[t]\(|\bslee[p]\(/;

/** File and folder names that say nothing, and words that say "not finished". */
export function checkWords(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isModulePath(file.path))
    .flatMap((file) => [...checkName(file.path), ...checkText(file)]);
}

function checkName(path: string): Finding[] {
  // A spec is named after what it tests, and PostgreSQL has types.
  const word = path
    .replace(/[^/]*\.spec\.ts$/, '')
    .replace(/\.[^/]*$/, '')
    .split(/[/.-]/)
    .find((part) => BANNED_IN_NAMES.has(part.toLowerCase()));
  if (word !== undefined) {
    return [{ check: 'file-name', path, message: `"${word}" names no concept` }];
  }
  const name = path.split('/').at(-1) ?? '';
  if (!/^[a-z0-9]+(?:[-.][a-z0-9]+)*$/.test(name)) {
    return [{ check: 'file-name', path, message: 'file names are kebab-case' }];
  }
  return [];
}

function checkText(file: TextFile): Finding[] {
  const lines = file.text.split('\n');
  return lines.flatMap((text, index) => {
    const banned = BANNED_IN_CODE.filter(({ pattern }) => pattern.test(text)).map((rule) => ({
      check: 'banned-word',
      path: file.path,
      line: index + 1,
      message: rule.message,
    }));
    const explained = lines[index - 1]?.trim().startsWith('//') ?? false;
    const sleeps = file.path.endsWith('.spec.ts') && SLEEP.test(text) && !explained;
    if (!sleeps) return banned;
    const message = 'wait for the thing itself, with a deadline; or say above why time must pass';
    return [...banned, { check: 'sleep', path: file.path, line: index + 1, message }];
  });
}
