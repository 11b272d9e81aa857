import { describe, expect, it } from 'vitest';
import { parsePeerUrl } from '../src/core/peer/peer-url.js';
import { ABSENT_PEER, type PeerEvent, decidePeer, evolvePeer } from '../src/core/peer/peer.js';
import { peer } from './mirror-examples.js';

describe('the url of a peer', () => {
  it('gives every part, decoded', () => {
    const url = 'postgresql://us%40er:p%3Ass@db.example:6543/my%2Fdb?sslmode=verify-full';
    expect(parsePeerUrl(url)).toEqual({
      tag: 'parsed',
      address: {
        host: 'db.example',
        port: 6543,
        user: 'us@er',
        password: 'p:ss',
        database: 'my/db',
        ssl_mode: 'verify-full',
      },
    });
  });

  it('has the defaults of libpq', () => {
    expect(parsePeerUrl('postgres://u@[::1]')).toEqual({
      tag: 'parsed',
      address: { host: '::1', port: 5432, user: 'u', database: 'u' },
    });
  });

  it.each([
    'mysql://u@h/d',
    'postgresql://h/d',
    'postgresql://u@/d',
    'postgresql://u:%zz@h/d',
    'postgresql://u@h/d?sslmode=maybe',
    'postgresql://u@h/d?options=-c%20x',
    'postgresql://u@h:99999/d',
    'not a url',
  ])('%s is refused without repeating it', (url) => {
    const parsed = parsePeerUrl(url);
    expect(parsed.tag).toBe('malformed');
    expect(JSON.stringify(parsed)).not.toContain(url);
  });
});

describe('a peer', () => {
  const created: PeerEvent = { type: 'peer_created', body: { id: 'p1', connection: peer('src') } };
  const deleted: PeerEvent = { type: 'peer_deleted', body: {} };

  it.each([
    ['absent', [], ['accepted', 'refused', 'refused']],
    ['present', [created], ['refused', 'accepted', 'accepted']],
    ['deleted', [created, deleted], ['refused', 'refused', 'refused']],
  ] as const)('that is %s judges create, change and delete', (_name, history, expected) => {
    const state = history.reduce(evolvePeer, ABSENT_PEER);
    const answers = [
      decidePeer(state, { type: 'create', id: 'p1', connection: peer('src') }),
      decidePeer(state, { type: 'change', connection: peer('src') }),
      decidePeer(state, { type: 'delete' }),
    ];
    expect(answers.map((answer) => answer.tag)).toEqual(expected);
  });
});
