import { expect, it } from 'vitest';
import { parseTrustedProxies } from '../src/core/request/trusted-proxies.js';

it('trusted proxies are addresses, ranges and a few words', () => {
  expect(parseTrustedProxies('loopback, 10.0.0.0/8,::1,fc00::/7')).toEqual([
    'loopback',
    '10.0.0.0/8',
    '::1',
    'fc00::/7',
  ]);
  expect(parseTrustedProxies('')).toEqual([]);
  for (const list of ['true', '1', '*', 'nginx', 'loopback,10.0.0.0/8/8', '10.0.0']) {
    expect(parseTrustedProxies(list)).toBeUndefined();
  }
});
