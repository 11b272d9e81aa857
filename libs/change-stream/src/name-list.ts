/**
 * Names in headers: percent-encoded like subject tokens (but with no special case for a leading underscore), comma separated,
 * so that any identifier, also one with commas, newlines or non-ASCII characters, fits a NATS header.
 */
export function encodeName(name: string): string {
  if (PLAIN.test(name)) return name;
  let text = '';
  for (const byte of new TextEncoder().encode(name)) {
    const char = String.fromCharCode(byte);
    text += PLAIN.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

export function decodeName(text: string): string {
  return text.includes('%') ? decodeURIComponent(text) : text;
}

export function encodeNames(names: readonly string[]): string {
  return names.map(encodeName).join(',');
}

export function decodeNames(text: string): string[] {
  return text === '' ? [] : text.split(',').map(decodeName);
}

const PLAIN = /^[A-Za-z0-9_-]+$/;
