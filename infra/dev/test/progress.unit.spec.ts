import { describe, expect, it } from 'vitest';
import { parseMirror } from '../src/mirror-view.js';
import { barWords, byteWords, countWords, durationWords } from '../src/number-words.js';
import { Screen } from '../src/screen.js';
import { RateMeter, copyLines } from '../src/watch-copy.js';
import { liveLine } from '../src/watch-live.js';

describe('the progress of a copy', () => {
  const mirror = parseMirror({
    status: 'snapshotting',
    snapshot: {
      tables_done: 1,
      tables_total: 2,
      rows_done: 1500,
      rows_total: 3000,
      eta_seconds: null,
    },
    tables: [
      {
        table_name: 'public.a',
        destination_table: 'public.a',
        status: 'running',
        copy: { rows_done: 1000, rows_estimated: 1100 },
      },
      {
        table_name: 'public.longer',
        destination_table: 'public.b',
        status: 'copying',
        copy: { rows_done: 500, rows_estimated: 2000 },
      },
    ],
  });

  it('has a bar for each table and one for all, with rows, rate and the time left', () => {
    expect(copyLines('shop', mirror, 500, 80)).toEqual([
      `public.a      ${barWords(1, 30)} 1,000 rows, done`,
      `public.longer ${barWords(0.25, 30)} 500/2,000 rows`,
      `copying ${barWords(0.5, 30)} 1,500/3,000 rows  500 rows/s  3.0 s left`,
    ]);
  });

  it('says what the mirror does before it copies', () => {
    const settingUp = parseMirror({ status: 'setting_up', phase: 'creating tables' });
    expect(copyLines('shop', settingUp, 0, 80)).toEqual(['shop: creating tables …']);
  });
});

describe('the live line', () => {
  it('shows lag and rates, and says when the lag is not known', () => {
    const running = parseMirror({
      status: 'running',
      lag_seconds: 0.012,
      lag_bytes: 2048,
      rows_per_second: 1234.4,
    });
    expect(liveLine('shop', running, 99.7)).toBe(
      'shop: running   lag 12 ms, 2.0 KiB   1,234 rows/s   writers 100 tx/s',
    );
    expect(liveLine('shop', parseMirror(null), undefined)).toBe('shop: unknown   lag unknown');
  });
});

describe('numbers in words', () => {
  it('are short', () => {
    expect([
      countWords(1234567),
      byteWords(0),
      byteWords(1536),
      durationWords(0.2),
      durationWords(3.44),
      durationWords(125),
    ]).toEqual(['1,234,567', '0 B', '1.5 KiB', '200 ms', '3.4 s', '2 min 5 s']);
  });
});

describe('the rate', () => {
  it('is that of the last five seconds', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    expect(meter.perSecond).toBe(0);
    meter.add(1_000_000, 1_000);
    meter.add(1_000_000, 8_000);
    meter.add(1_000_400, 10_000);
    expect(meter.perSecond).toBe(200);
  });
});

describe('the screen', () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    let nowMs = 0;
    const screen = new Screen(
      { isTTY, columns: 40, write: (text) => written.push(text) },
      () => nowMs,
    );
    return { screen, written, wait: (ms: number) => (nowMs += ms) };
  };

  it('draws its block in place below the lines that stay', () => {
    const { screen, written } = record(true);
    screen.show(['one', 'two'], 'plain');
    screen.say('stays');
    expect(written).toEqual(['one\ntwo\n', '\x1b[2A\r\x1b[J', 'stays\n', 'one\ntwo\n']);
  });

  it('draws no block again once it is closed', () => {
    const { screen, written } = record(true);
    screen.close();
    screen.show(['late'], 'late');
    screen.say('stopped');
    expect(written).toEqual(['stopped\n']);
  });

  it('cuts a line that would wrap', () => {
    const { screen, written } = record(true);
    screen.show(['x'.repeat(100)], '');
    expect(written).toEqual([`${'x'.repeat(39)}\n`]);
  });

  it('writes plain lines from time to time when there is no terminal', () => {
    const { screen, written, wait } = record(false);
    screen.show(['a'], 'first');
    wait(1_000);
    screen.show(['b'], 'too soon');
    screen.say('stays');
    wait(5_000);
    screen.show(['c'], 'third');
    expect(written).toEqual(['first\n', 'stays\n', 'third\n']);
  });
});
