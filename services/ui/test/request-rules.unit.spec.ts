import { describe, expect, it } from 'vitest';
import { headersToPassBack, headersToPassOn, isFromConsole } from '../src/core/request-rules.js';
import { beginSession, endSession, tokenOf } from '../src/core/session-cookie.js';

const OWN = { 'x-bunny-console': '1', host: 'console.example' };

describe('a request that changes something', () => {
  it('comes from our own pages, whether or not the browser tells where from', () => {
    expect(isFromConsole('POST', OWN)).toBe(true);
    const told = { origin: 'https://console.example', 'sec-fetch-site': 'same-origin' };
    expect(isFromConsole('DELETE', { ...OWN, ...told })).toBe(true);
  });

  it.each([
    ['without our header', { host: 'console.example' }],
    ['from another origin', { ...OWN, origin: 'https://elsewhere.example' }],
    ['from an origin that is none', { ...OWN, origin: 'null' }],
    ['from another site', { ...OWN, 'sec-fetch-site': 'cross-site' }],
    ['from a neighbour on the same site', { ...OWN, 'sec-fetch-site': 'same-site' }],
  ])('is refused %s', (_, headers) => {
    expect(isFromConsole('POST', headers)).toBe(false);
  });

  it('is not one that only reads', () => {
    expect([isFromConsole('GET', {}), isFromConsole('HEAD', {})]).toEqual([true, true]);
  });
});

describe('headers', () => {
  it('that the gateway sees are few, and none of them a token or a cookie', () => {
    const headers = {
      accept: 'application/json',
      authorization: 'Bearer forged',
      cookie: 'bunny_session=a.b.c',
      'last-event-id': '17',
      'x-forwarded-for': '10.0.0.1',
      'set-cookie': ['a', 'b'],
    };
    expect(headersToPassOn(headers)).toEqual({ accept: 'application/json', 'last-event-id': '17' });
  });

  it('that the browser sees set no cookie', () => {
    const headers = { 'content-type': 'text/event-stream', 'set-cookie': ['x=y'], server: 'z' };
    expect(headersToPassBack(headers)).toEqual({ 'content-type': 'text/event-stream' });
  });
});

describe('the cookie of a session', () => {
  it('is out of reach of scripts and other sites, and for TLS alone where there is TLS', () => {
    const expires = new Date('2030-01-01T00:00:00Z');
    const plain = beginSession('a.b.c', expires, false);
    expect(plain).toBe(
      'bunny_session=a.b.c; Expires=Tue, 01 Jan 2030 00:00:00 GMT; Path=/; HttpOnly; SameSite=Strict',
    );
    expect(beginSession('a.b.c', expires, true)).toBe(`${plain}; Secure`);
    expect(endSession(true)).toContain('Max-Age=0');
  });

  it('is found among others, and passed on only if it could be a token', () => {
    expect(tokenOf('theme=dark; bunny_session=aa.bb.cc ; x=1')).toBe('aa.bb.cc');
    for (const cookie of [
      undefined,
      '',
      'bunny_session',
      'bunny_session=',
      'bunny_session=one.two',
      'bunny_session=a.b.c\r\nX: 1',
      'other_bunny_session=a.b.c',
    ])
      expect(tokenOf(cookie)).toBeUndefined();
  });
});
