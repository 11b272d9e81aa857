import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SealingKey } from '../src/sealing.js';

const HEX = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff';
const OTHER = 'ff'.repeat(32);

describe('sealing secrets', () => {
  it('opens what it sealed, any text', () => {
    const key = SealingKey.parse(HEX);
    for (const plain of ['', 'p', 'pässwörd ✓', 'x'.repeat(10_000), 'a.b.c']) {
      expect(key.open(key.seal(plain))).toBe(plain);
    }
  });

  it('reads the same key from hexadecimal and from base64, with white space around it', () => {
    const sealed = SealingKey.parse(HEX).seal('plain');
    const base64 = Buffer.from(HEX, 'hex').toString('base64');
    expect(SealingKey.parse(`  ${base64}\n`).open(sealed)).toBe('plain');
    expect(SealingKey.parse(HEX.toUpperCase()).open(sealed)).toBe('plain');
  });

  it('refuses a key of another length and says how to make one', () => {
    for (const text of ['', 'short', HEX.slice(2), `${HEX}00`]) {
      expect(() => SealingKey.parse(text)).toThrowError(/openssl rand -hex 32/);
    }
  });

  it('never seals the same text to the same bytes', () => {
    const key = SealingKey.parse(HEX);
    expect(key.seal('plain')).not.toBe(key.seal('plain'));
  });

  it('does not open what another key sealed', () => {
    const sealed = SealingKey.parse(OTHER).seal('plain');
    expect(() => SealingKey.parse(HEX).open(sealed)).toThrowError(
      expect.objectContaining({ kind: 'secret_unreadable' }),
    );
  });

  it('does not open what was altered, at any byte', () => {
    const key = SealingKey.parse(HEX);
    const [version, id, nonce, body] = key.seal('plain').split('.');
    const bytes = Buffer.from(body ?? '', 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] ?? 0) ^ 1;
      const text = [version, id, nonce, altered.toString('base64url')].join('.');
      expect(() => key.open(text)).toThrowError(
        expect.objectContaining({ kind: 'secret_unreadable' }),
      );
    }
  });

  it('does not open what was never sealed', () => {
    const key = SealingKey.parse(HEX);
    for (const text of ['', 'plain', 'v1...', 'v2.a.b.c', 'v1.00000000.AAAA.AAAA']) {
      expect(() => key.open(text)).toThrowError(
        expect.objectContaining({ kind: 'secret_unreadable' }),
      );
    }
  });

  it('shows the key nowhere', () => {
    const key = SealingKey.parse(HEX);
    const shown = [String(key), JSON.stringify({ key }), inspect(key, { depth: 9 })].join(' ');
    expect(shown).not.toContain(HEX.slice(0, 16));
    expect(shown).toContain('[secret]');
  });
});
