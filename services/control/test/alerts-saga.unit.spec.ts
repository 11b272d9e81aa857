import { describe, expect, it } from 'vitest';
import type { Alert } from '../src/core/alert/alert.js';
import { logLineOf } from '../src/core/mirror/mirror-log-line.js';
import type { MirrorEvent } from '../src/core/mirror/mirror-event.js';
import { messageOf } from '../src/core/outbox-message.js';
import { HISTORIES, LATER, NOW, stateAfter, when } from './mirror-examples.js';

const ALERT: Alert = {
  condition: 'table_held',
  subject: 'public.users',
  severity: 'warning',
  summary: 'table public.users is held',
  details: { status: 'held' },
};
const note = (raise: readonly string[], resolve: readonly string[] = [], now = NOW) =>
  ({
    type: 'note_alerts',
    raise: raise.map((id) => ({ ...ALERT, id })),
    resolve,
    now,
  }) as const;
const raised: MirrorEvent = {
  type: 'alert_raised',
  body: { ...ALERT, id: 'a1', since: NOW.toISOString() },
};
const RAISED = [...HISTORIES.running, raised];

describe('an alert', () => {
  it('is noted with the mirror and told to the webhooks', () => {
    const { events, effects } = when(HISTORIES.running, note(['a1']));
    expect(events).toEqual([raised]);
    expect(effects).toMatchObject([
      {
        type: 'alert',
        message: {
          id: 'a1',
          state: 'raised',
          mirror: 'shop',
          table: 'public.users',
          text: '[warning] shop: table public.users is held',
        },
      },
    ]);
  });

  it('is noted once, whoever else has seen the same', () => {
    expect(when(RAISED, note(['a2'])).events).toEqual([]);
  });

  it('is resolved once, with how long it lasted', () => {
    const { events, effects } = when(RAISED, note([], ['a1'], LATER));
    expect(events).toMatchObject([{ type: 'alert_resolved', body: { after_seconds: 86_400 } }]);
    expect(effects).toMatchObject([{ message: { id: 'a1', state: 'resolved' } }]);
    expect(when([...RAISED, ...events], note([], ['a1'])).events).toEqual([]);
  });

  it('is replaced when it has become worse', () => {
    const { events } = when(RAISED, note(['a2'], ['a1']));
    expect(events.map(({ type }) => type)).toEqual(['alert_resolved', 'alert_raised']);
    const state = stateAfter([...RAISED, ...events]);
    expect('mirror' in state && state.mirror.alerts?.map(({ id }) => id)).toEqual(['a2']);
  });

  it('ends with its mirror, told once', () => {
    const { effects } = when(RAISED, { type: 'delete', dropTables: false, force: false });
    const [told] = effects.filter(({ type }) => type === 'alert');
    expect(told).toMatchObject({ message: { id: 'a1', state: 'resolved' } });
    const deleted: MirrorEvent = {
      type: 'mirror_delete_requested',
      body: { drop_tables: false, force: false },
    };
    const [again] = when([...RAISED, deleted], note([], ['a1'])).effects;
    // The outbox takes an id once.
    expect(again && messageOf(again).messageId).toBe(told && messageOf(told).messageId);
  });

  it('changes nothing of what workers do, in any state', () => {
    for (const history of Object.values(HISTORIES)) {
      const before = stateAfter(history);
      const after = stateAfter([...history, raised]);
      if (before.tag === 'absent' || after.tag === 'absent') continue;
      expect(after.tag).toBe(before.tag);
      expect(after.mirror.generation).toBe(before.mirror.generation);
    }
  });

  it('stands in the log of the mirror', () => {
    expect(logLineOf(raised)).toMatchObject({
      level: 'warn',
      message: 'alert raised: table public.users is held',
    });
  });
});
