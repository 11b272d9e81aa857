import { posix } from 'node:path';
import type { TextFile } from '../source-tree.js';
import type { Finding } from './finding.js';

/** A path in backticks that names a place of this repository, without placeholders. */
const NAMED_PATH = /`((?:libs|services|tools|docs|infra|e2e|bench)\/[\w./-]+)`/g;
const NAMED_DOC = /\bdocs\/[\w/-]+\.md\b/g;

/** Links and paths in the documents, and documents named in the code, lead somewhere. */
export function checkDocLinks(files: readonly TextFile[]): Finding[] {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const places = new Set([...texts.keys()].flatMap(withFolders));
  return files.flatMap((file) =>
    linesOutsideCode(file).flatMap(({ text, line }) =>
      [
        ...(file.path.endsWith('.md') ? brokenLinks(file.path, text, texts, places) : []),
        ...(file.path.endsWith('.spec.ts') ? [] : lostPaths(file.path, text, places)),
      ].map((message) => ({ check: 'doc-link', path: file.path, line, message })),
    ),
  );
}

function brokenLinks(
  from: string,
  text: string,
  texts: ReadonlyMap<string, string>,
  places: ReadonlySet<string>,
): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const target = match[1] ?? '';
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const place = path === '' ? from : posix.join(posix.dirname(from), path).replace(/\/$/, '');
    if (!places.has(place)) return [`the link to ${target} leads nowhere`];
    const page = texts.get(place);
    if (anchor === undefined || page === undefined || !place.endsWith('.md')) return [];
    return headingAnchors(page).has(anchor) ? [] : [`${place} has no heading #${anchor}`];
  });
}

function lostPaths(from: string, text: string, places: ReadonlySet<string>): string[] {
  const found = from.endsWith('.md')
    ? [...text.matchAll(NAMED_PATH)].map((match) => match[1] ?? '')
    : [...text.matchAll(NAMED_DOC)].map((match) => match[0]);
  return found
    .map((path) => path.replace(/[/.]$/, ''))
    .filter((path) => !places.has(path) && !path.includes('/dist'))
    .map((path) => `${path} does not exist`);
}

/** Anchors as GitHub makes them of headings. */
export function headingAnchors(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const match of page.matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    anchors.add(slug);
  }
  return anchors;
}

function linesOutsideCode(file: TextFile): { text: string; line: number }[] {
  let fenced = false;
  return file.text.split('\n').flatMap((text, index) => {
    if (file.path.endsWith('.md') && /^\s*```/.test(text)) fenced = !fenced;
    return fenced ? [] : [{ text, line: index + 1 }];
  });
}

function withFolders(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
