/**
 * 64 bits of a text, by two sums of 32 bits that know nothing of one another. No secret hangs on it, but there may be many thousands of texts: big integers would take
 * ten times as long.
 */
export function fingerprintOf(text: string): string {
  let one = 0x811c9dc5;
  let two = 0x41c6ce57;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 0x01000193);
    two = Math.imul(two ^ code, 0x5f356495);
    // What overflows at the top is not lost to what comes.
    two ^= two >>> 15;
  }
  return hex(one ^ (one >>> 16)) + hex(two ^ (two >>> 13));
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
