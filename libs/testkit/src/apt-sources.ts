/** One stanza of APT's sources in the deb822 form: field names in lower case, values as they stand. */
export type AptStanza = ReadonlyMap<string, string>;

/** Reads a `*.sources` file: stanzas of `Field: value` lines, values going on in indented lines. */
export function parseDeb822(text: string): AptStanza[] {
  return text
    .split(/\n[ \t]*\n/)
    .map(parseStanza)
    .filter((stanza) => stanza.size > 0);
}

function parseStanza(block: string): AptStanza {
  const fields = new Map<string, string>();
  let field = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('#') || line.trim() === '') continue;
    if (/^[ \t]/.test(line)) {
      fields.set(field, `${fields.get(field) ?? ''}\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    field = line.slice(0, colon).trim().toLowerCase();
    fields.set(field, line.slice(colon + 1).trim());
  }
  return fields;
}

const OPTION_FIELDS: Readonly<Record<string, string>> = { arch: 'architectures' };

/** Reads a `sources.list` file: `deb [option=value …] uri suite component …` lines. */
export function parseOneLine(text: string): AptStanza[] {
  const stanzas: AptStanza[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const fields = new Map([
      ['types', 'deb'],
      ['uris', uri],
      ['suites', suite],
      ['components', components.trim()],
    ]);
    for (const option of options.split(/\s+/).filter((text) => text.includes('='))) {
      const at = option.indexOf('=');
      const name = option.slice(0, at).toLowerCase();
      fields.set(OPTION_FIELDS[name] ?? name, option.slice(at + 1).replaceAll(',', ' '));
    }
    stanzas.push(fields);
  }
  return stanzas;
}

/**
 * The machine's source of its own release's `main` component, turned to another suite; `undefined` when there is none. Everything
 * else (the mirror, the signing key, the architecture, a trust setting) stays as its owner set it.
 */
export function sourceForSuite(
  stanzas: readonly AptStanza[],
  release: string,
  suite: string,
): string | undefined {
  const words = (stanza: AptStanza, field: string): string[] =>
    (stanza.get(field) ?? '').split(/\s+/).filter((word) => word !== '');
  const own = stanzas.find(
    (stanza) =>
      words(stanza, 'types').includes('deb') &&
      words(stanza, 'suites').includes(release) &&
      words(stanza, 'components').includes('main') &&
      stanza.get('enabled')?.toLowerCase() !== 'no',
  );
  if (own === undefined) return undefined;
  const fields = new Map(own);
  fields.set('types', 'deb');
  fields.set('suites', suite);
  fields.set('components', 'main');
  // The key of this release may be named by a file that does not hold the newer suite's key; APT says so then.
  return `${[...fields].map(([name, value]) => `${name}: ${value}`).join('\n')}\n`;
}
