import { Keyring, keyIdOf } from '@bunnydb/secrets';
import { describe, expect, it } from 'vitest';
import { resealJson } from '../src/core/secret/reseal-json.js';

const OLD = '11'.repeat(32);
const NEW = '22'.repeat(32);
const LOST = '33'.repeat(32);

const keyring = Keyring.parse(NEW, OLD);
const resealer = {
  id: keyring.id,
  reseal: (sealed: string) => keyring.reseal(sealed),
  keyIdOf,
};

describe('sealing what is stored with another key', () => {
  it('finds a secret wherever it stands, and leaves all else to the letter', () => {
    const secret = Keyring.parse(OLD).seal('pässword');
    const before = `{"a": [1, {"password": "${secret}", "n": 12345678901234567890.10}], "t": "v1.no", "s": "\\u0001\\"v1.x\\""}`;
    const { json, resealed, left } = resealJson(before, resealer);
    expect({ resealed, left }).toEqual({ resealed: 1, left: 0 });
    const fresh = /"password": "([^"]+)"/.exec(json)?.[1] ?? '';
    expect(Keyring.parse(NEW).open(fresh)).toBe('pässword');
    expect(json.replace(fresh, secret)).toBe(before);
  });

  it('changes nothing a second time', () => {
    const once = resealJson(JSON.stringify([Keyring.parse(OLD).seal('a')]), resealer);
    expect(resealJson(once.json, resealer)).toEqual({ json: once.json, resealed: 0, left: 0 });
  });

  it('leaves and counts what no key opens', () => {
    const lost = Keyring.parse(LOST).seal('a');
    const json = JSON.stringify({ lost, own: Keyring.parse(NEW).seal('b') });
    expect(resealJson(json, resealer)).toEqual({ json, resealed: 0, left: 1 });
  });
});
