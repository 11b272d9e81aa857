import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Keyring } from '../src/keyring.js';
import { SealingKey, keyIdOf } from '../src/sealing.js';

const NEW = '22'.repeat(32);
const OLD = '11'.repeat(32);
const OLDER = '00'.repeat(32);

describe('a keyring', () => {
  it('seals with the present key and opens what it or a previous one has sealed', () => {
    const keyring = Keyring.parse(NEW, `${OLD}, ${OLDER}`);
    for (const key of [NEW, OLD, OLDER]) {
      expect(keyring.open(SealingKey.parse(key).seal('plain'))).toBe('plain');
    }
    expect(SealingKey.parse(NEW).open(keyring.seal('plain'))).toBe('plain');
    expect(keyIdOf(keyring.seal('plain'))).toBe(keyring.id);
  });

  it('opens nothing of a key that it does not have', () => {
    const sealed = SealingKey.parse(OLD).seal('plain');
    for (const previous of [undefined, '', OLDER]) {
      expect(() => Keyring.parse(NEW, previous).open(sealed)).toThrowError(
        expect.objectContaining({ kind: 'secret_unreadable' }),
      );
    }
  });

  it('seals anew what a previous key has sealed, and nothing else', () => {
    const keyring = Keyring.parse(NEW, OLD);
    const fresh = keyring.reseal(SealingKey.parse(OLD).seal('plain'));
    expect(SealingKey.parse(NEW).open(fresh ?? '')).toBe('plain');
    expect(keyring.reseal(fresh ?? '')).toBeUndefined();
    expect(keyring.reseal(SealingKey.parse(OLDER).seal('plain'))).toBeUndefined();
  });

  it('names the variable that holds no key', () => {
    expect(() => Keyring.parse(NEW, 'short')).toThrowError(/BUNNY_SECRET_KEY_PREVIOUS must be/);
    expect(() => Keyring.parse('short')).toThrowError(/BUNNY_SECRET_KEY must be/);
  });

  it('shows no key', () => {
    const keyring = Keyring.parse(NEW, OLD);
    const shown = [String(keyring), JSON.stringify({ keyring }), inspect(keyring, { depth: 9 })];
    expect(shown.join()).not.toMatch(/1{16}|2{16}|[\d\s]{40}/);
  });
});
