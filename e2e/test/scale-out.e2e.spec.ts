import { type ServiceProcess, freePort, samePair, until } from '@bunnydb/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatabasePair } from '../src/database-pair.js';
import { HeardInstances } from '../src/heard-instances.js';
import { createLedgerPair, runUnderLoad } from '../src/ledger-run.js';
import { LEDGER_SCHEMA, LEDGER_SOURCE } from '../src/ledger.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { PULSE_ROWS, PULSE_SCHEMA, Pulse } from '../src/pulse.js';
import { type Stack, startStack } from '../src/stack.js';

const LEASE_TTL_MS = 4_000;
const TAKE_OVER_MAX_SECONDS = 10;
const SMALL_MIRRORS = 3;
const MOVERS = ['capture', 'apply'] as const;

describe('several instances of each service', () => {
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;
  let heard: HeardInstances;
  let pulse: Pulse;
  let second: Record<(typeof MOVERS)[number], ServiceProcess>;

  beforeAll(async () => {
    stack = await startStack('scale_out', {
      environment: { BUNNY_LEASE_TTL_MS: String(LEASE_TTL_MS) },
    });
    heard = await HeardInstances.listen(stack.natsUrl);
    pair = await createLedgerPair(stack);
    await Promise.all([pair.source.query(PULSE_SCHEMA), pair.destination.query(PULSE_SCHEMA)]);
    await pair.source.query(PULSE_ROWS);
    mirror = await pair.createMirror({ all_tables: true });
    for (let n = 0; n < SMALL_MIRRORS; n += 1) {
      const small = await stack.createPair({
        source: 'create table item (id integer primary key)',
      });
      await (await small.createMirror({ all_tables: true })).waitForStatus('running');
    }
    await mirror.waitForStatus('running');
    pulse = await Pulse.start(pair);
  });
  afterAll(async () => {
    await pulse?.stop().catch(() => undefined);
    await heard?.stop();
    await stack?.stop();
  });

  const shared = (service: string, loads: readonly number[]): Promise<unknown> =>
    until(() => String(heard.loadsOf(service)) === String(loads), {
      timeoutMs: 30_000,
      what: () =>
        `${service} to share ${loads.join(', ')}, not ${heard.loadsOf(service).join(', ')}`,
    });

  test('take their share of the mirrors when they come', async () => {
    await runUnderLoad(pair, mirror, async () => {
      second = { capture: stack.startExtra('capture'), apply: stack.startExtra('apply') };
      await Promise.all(MOVERS.map((service) => shared(service, [2, 2])));
    });
  });

  test('can be restarted one after another, and no pause is as long as a lease', async () => {
    const from = pulse.count;
    await runUnderLoad(pair, mirror, async () => {
      for (const service of MOVERS) {
        expect(await second[service].stop()).toEqual({ code: 0, signal: null });
        await mirror.waitForCatchUp();
        second[service] = stack.startExtra(service);
        heard.forget();
        await shared(service, [2, 2]);
        expect(await stack.terminate(service)).toEqual({ code: 0, signal: null });
        await stack.restart(service);
        await mirror.waitForCatchUp();
      }
    });
    const worst = pulse.worstSince(from);
    process.stdout.write(`rolling restart: furthest behind ${worst.toFixed(2)} s\n`);
    expect(worst).toBeLessThan(LEASE_TTL_MS / 1000);
  });

  test('take over within ten seconds what those of a dead machine had', async () => {
    const from = pulse.count;
    await runUnderLoad(pair, mirror, async () => {
      await Promise.all(MOVERS.map((service) => second[service].kill()));
      await mirror.waitForCatchUp();
      second = { capture: stack.startExtra('capture'), apply: stack.startExtra('apply') };
      await Promise.all(MOVERS.map((service) => stack.kill(service)));
      await mirror.waitForCatchUp();
    });
    const worst = pulse.worstSince(from);
    process.stdout.write(
      `kill -9 of capture and apply at once: furthest behind ${worst.toFixed(2)} s\n`,
    );
    expect(worst).toBeLessThan(TAKE_OVER_MAX_SECONDS);
  });
});

describe('two processes of control', () => {
  let stack: Stack;
  let other: ServiceProcess;

  beforeAll(async () => {
    stack = await startStack('two_controls');
    const port = await freePort();
    other = stack.startExtra('control', { environment: { BUNNY_API_PORT: String(port) } });
    await other.waitForLog('"msg":"ready"');
  });
  afterAll(() => stack?.stop());

  /** Commands that the catalog wanted sent, and those that NATS has stored. */
  const commands = async () => {
    const client = await stack.catalog.connect();
    const nc = await connect({ servers: stack.natsUrl });
    try {
      const { rows } = await client.query<{ count: number }>(
        `select count(*)::integer as count from outbox where kind = 'command'`,
      );
      const { state } = await (await jetstreamManager(nc)).streams.info('BUNNY_COMMANDS');
      return { wanted: rows[0]?.count, stored: state.last_seq };
    } finally {
      await Promise.all([client.end(), nc.close()]);
    }
  };

  test('do every step of a saga once, whichever of them hangs and wakes', async () => {
    const pair = await stack.createPair({ source: LEDGER_SCHEMA + LEDGER_SOURCE });
    const equal = ['account', 'wallet', 'session_counter'].map((table) =>
      samePair('public', table),
    );
    const answers = () =>
      (['schema', 'capture', 'apply'] as const)
        .flatMap((service) => stack.linesOf(service))
        .filter((line) => line.includes('"msg":"a command is done"'));
    const builds = () => answers().filter((line) => line.includes('build_structure')).length;
    let deleted = 0;
    for (const hanging of [undefined, other]) {
      hanging?.suspend();
      const mirror = await pair.createMirror({ all_tables: true });
      await mirror.waitForStatus('running');
      hanging?.resume();
      await mirror.waitForEqual(equal);
      // A mirror that is deleted before its indexes are built never answers that.
      await until(() => builds() > deleted, { what: 'the structure to be built' });
      await mirror.remove();
      deleted += 1;
      await pair.destination.query(
        'drop table movement, session_counter, wallet, account; truncate e2e_mark',
      );
    }
    const { wanted, stored } = await commands();
    expect(wanted).toBeGreaterThan(4);
    expect(stored).toBe(wanted);
    expect(answers().length).toBe(wanted);
    for (const line of [...stack.linesOf('control')]) expect(line).not.toContain('"level":"fatal"');
  });
});
