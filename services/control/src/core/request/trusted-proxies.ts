/** Words for ranges of addresses that Express knows. */
const WORDS = new Set(['loopback', 'linklocal', 'uniquelocal']);
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)(?:\/\d{1,3})?$/;

/** Reads a list of addresses, ranges (`10.0.0.0/8`) and words, separated by commas; undefined when a part is none of them. */
export function parseTrustedProxies(list: string): readonly string[] | undefined {
  const parts = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts.every((part) => WORDS.has(part) || ADDRESS.test(part)) ? parts : undefined;
}
