import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';
import { isModulePath } from './parsed-module.js';

/** Refused anywhere in a name. */
const EMPTY_WORDS = new Set(['util', 'utils', 'common', 'helper', 'helpers', 'manager', 'misc']);
/** Refused as the whole name of a file or a folder: PostgreSQL has types, so `select-types` says something. */
const EMPTY_NAMES = new Set(['types', 'interfaces', 'shared', 'constants']);

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
const SLEEP = /\bnew Promise\b.*\bsetTimeou[t]\(|\bawait (?:slee[p]|dela[y]|setTimeou[t])\(/;

/** File and folder names that say nothing, and words that say "not finished". */
export function checkWords(files: readonly TextFile[]): Finding[] {
  return files
    .filter((file) => isModulePath(file.path))
    .flatMap((file) => [...checkName(file.path), ...checkText(file)]);
}

function checkName(path: string): Finding[] {
  const names = path.replace(/\.[^/]*$/, '').split('/');
  const word =
    names.flatMap((name) => name.split('-')).find((part) => EMPTY_WORDS.has(part)) ??
    (path.endsWith('.spec.ts') ? undefined : names.find((name) => EMPTY_NAMES.has(name)));
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
