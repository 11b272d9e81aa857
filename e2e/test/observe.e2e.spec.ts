import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServiceProgram, freePort, repositoryRoot, until } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DatabasePair } from '../src/database-pair.js';
import type { MirrorFixture } from '../src/mirror-fixture.js';
import { type ExportedSpan, OtlpReceiver } from '../src/otlp-receiver.js';
import { STACK_SERVICES, type Stack, startStack } from '../src/stack.js';

const RULES = 'infra/prometheus/rules.yml';
/** What they tell of which numbers; for promtool, where it is installed. */
const RULES_TEST = 'infra/prometheus/rules.test.yml';
const DASHBOARD = 'infra/grafana/dashboards/bunnydb.json';
/** Told only after a minute, or only by a source or a table that is in that state. */
const CONDITIONAL = [
  'bunny_slot_retained_wal_growth_bytes_per_second',
  'bunny_slot_wal_room_bytes',
  'bunny_apply_parked_bytes',
];

describe('a mirror that is observed', () => {
  const receiver = new OtlpReceiver();
  const ports = new Map<string, number>();
  let stack: Stack;
  let pair: DatabasePair;
  let mirror: MirrorFixture;

  beforeAll(async () => {
    const endpoint = await receiver.open();
    for (const service of STACK_SERVICES) ports.set(service, await freePort());
    stack = await startStack('observe', {
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint },
      environmentOf: (service) => ({ BUNNY_HEALTH_PORT: String(ports.get(service)) }),
    });
    pair = await stack.createPair({
      source: `create table orders (id int primary key, v text); insert into orders values (1, 'copied')`,
    });
    mirror = await pair.createMirror({ table_mappings: ['public.orders'] });
    await mirror.waitForStatus('running');
  });
  afterAll(async () => {
    await stack?.stop();
    receiver.close();
  });

  const find = (what: string, matches: (span: ExportedSpan) => boolean): Promise<ExportedSpan> =>
    until(() => receiver.spans.find(matches), {
      what: () => `${what}; there are ${receiver.spans.map(({ name }) => name).join(', ')}`,
    });

  /** Waits for a span of a trace, by its name and the span that it belongs to. */
  const child = (parent: ExportedSpan, name: string): Promise<ExportedSpan> =>
    find(
      `${name} under ${parent.name}`,
      (span) =>
        span.name === name &&
        span.traceId === parent.traceId &&
        span.parentSpanId === parent.spanId,
    );

  /** Runs one transaction at the source, and finds its batch. */
  async function batchOf(sql: string): Promise<ExportedSpan> {
    await pair.source.query('begin');
    await pair.source.query(sql);
    const found = await pair.source.query<{ xid: string }>(
      'select pg_current_xact_id()::text as xid',
    );
    await pair.source.query('commit');
    const xid = found.rows[0]?.xid;
    return find(
      `the batch of transaction ${xid}`,
      ({ name, events }) =>
        name === 'capture.batch' &&
        events.some(({ attributes }) => attributes['bunny.xid'] === xid),
    );
  }

  test('one trace follows a batch from the source to the commit at the destination', async () => {
    // With the first change of a session comes a mark of the table's shape.
    await batchOf(`insert into orders values (100, 'first')`);
    const batch = await batchOf(`insert into orders select n, 'new' from generate_series(2, 4) n`);
    expect(batch).toMatchObject({
      service: 'bunnydb-capture',
      parentSpanId: '',
      isError: false,
      attributes: { 'bunny.mirror': mirror.name, 'bunny.changes': 3, 'bunny.transactions': 1 },
    });
    expect(batch.attributes['bunny.bytes']).toBeGreaterThan(0);
    expect(batch.attributes['bunny.last_lsn']).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    const [transaction] = batch.events;
    expect(transaction).toMatchObject({ name: 'source transaction' });
    expect(transaction?.attributes['bunny.commit_lsn']).toBe(batch.attributes['bunny.first_lsn']);

    const read = await child(batch, 'capture.read');
    const publish = await child(batch, 'capture.publish');
    const apply = await child(batch, 'apply.batch');
    const destination = await child(apply, 'apply.transaction');
    const stage = await child(destination, 'apply.stage');
    const write = await child(destination, 'apply.write');
    const commit = await child(destination, 'apply.commit');
    expect(apply).toMatchObject({
      service: 'bunnydb-apply',
      attributes: { 'bunny.batch': batch.attributes['bunny.batch'], 'bunny.changes': 3 },
    });
    expect(destination.attributes).toMatchObject({
      'bunny.mode': 'fast',
      'bunny.to_lsn': batch.attributes['bunny.last_lsn'],
    });
    // In their order; processes on one machine have one clock, which spans tell by the millisecond.
    const order = [read.startMs, publish.startMs, stage.startMs, write.startMs, commit.startMs];
    for (const [index, start] of order.entries())
      expect(start).toBeGreaterThanOrEqual((order[index - 1] ?? 0) - 2);
    expect(commit.endMs).toBeLessThanOrEqual(destination.endMs + 1);
  });

  test('one trace follows a request through the commands of its saga', async () => {
    const request = await find('the request', ({ name }) => name === 'POST /v1/mirrors');
    const sent = await child(request, 'dispatch provision_tables');
    const worked = await child(sent, 'command provision_tables');
    const recorded = await child(worked, 'record tables_provisioned');
    const sentNext = await child(recorded, 'dispatch prepare_source');
    const workedNext = await child(sentNext, 'command prepare_source');
    await child(workedNext, 'record source_prepared');
    expect([worked.service, workedNext.service]).toEqual(['bunnydb-schema', 'bunnydb-capture']);
    expect(request).toMatchObject({
      service: 'bunnydb-control',
      attributes: { 'http.response.status_code': 201, 'http.request.method': 'POST' },
    });
    const line = linesOf(stack, 'schema').find(({ verb }) => verb === 'provision_tables');
    expect(line).toMatchObject({ msg: 'a command is done', trace: request.traceId });
    expect(line?.['mirror']).toMatch(/^m/);
  });

  test('every line of a session bears the trace that the session has', async () => {
    for (const service of ['capture', 'apply', 'schema'] as const) {
      const session = await find(
        `the session of ${service}`,
        (span) => span.name === 'session' && span.service === `bunnydb-${service}`,
      );
      expect(session.attributes).toMatchObject({
        'bunny.mirror': mirror.name,
        'bunny.service': service,
      });
      const lines = linesOf(stack, service).filter(({ msg }) => msg === 'a session starts');
      expect(lines).toMatchObject([{ mirror: session.attributes['bunny.mirror_id'] }]);
      expect(lines[0]?.['trace']).toBe(session.traceId);
    }
    // What the session's own code says, seconds later and in callbacks.
    const lines = linesOf(stack, 'capture', 'apply', 'schema');
    const told = lines.filter((line) => line['mirror'] !== undefined);
    expect(told.length).toBeGreaterThan(5);
    expect(told.filter((line) => line['trace'] === undefined)).toEqual([]);
    expect(told.map(({ msg }) => msg)).toContain('capture starts');
  });

  test('a refused transaction is told although its trace is not recorded', async () => {
    await stack.restart('capture', { environment: { OTEL_TRACES_SAMPLER: 'always_off' } });
    await pair.source.query(`insert into orders values (101, 'first')`);
    await mirror.waitForCatchUp();
    await pair.destination.query(`insert into orders values (90, 'was there first')`);
    await pair.source.query(`insert into orders values (90, 'in the way')`);
    const refused = await find(
      'the refused transaction',
      ({ name, isError }) => name === 'apply.transaction' && isError,
    );
    expect(refused.attributes).toMatchObject({
      'bunny.kept': true,
      'bunny.failure': 'constraint_violated',
      'bunny.changes': 1,
    });
    expect(receiver.traceOf(refused).map(({ name }) => name)).not.toContain('capture.batch');
    expect(JSON.stringify(receiver.spans)).not.toMatch(/in the way|was there first/);
  });

  test('every metric that dashboard and rules name is told', async () => {
    await mirror.waitForCatchUp();
    const texts = await until(async () => {
      const texts = await Promise.all(
        [...ports.values()].map(async (port) => {
          const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
          return answer.text();
        }),
      );
      const isComplete = texts.some((text) => text.includes('bunny_capture_table_rows_total{'));
      return isComplete ? texts : undefined;
    });
    for (const input of texts) {
      const checked = spawnSync('promtool', ['check', 'metrics'], { input });
      if (checked.error === undefined) expect(String(checked.stderr)).toBe('');
    }
    const told = texts.join('\n');
    const named = [RULES, DASHBOARD].flatMap((path) => read(path).match(/\bbunny_\w+/g) ?? []);
    const names = [...new Set(named)].filter((name) => !CONDITIONAL.includes(name));
    expect(names.length).toBeGreaterThan(30);
    const missing = names.filter((name) => !new RegExp(`^${name}[{ ]`, 'm').test(told));
    expect(missing).toEqual([]);
    const labels = `mirror="${mirror.name}",table="public.orders",operation="insert"`;
    expect(told).toContain(`bunny_apply_table_rows_total{${labels}} `);
    expect(told).toContain(`bunny_mirror_status{mirror="${mirror.name}",status="running"} 1`);
    expect(told).toMatch(/^bunny_apply_refused_transactions_total\{[^}]*\} [1-9]/m);
  });

  test('the alert rules are rules', () => {
    for (const words of [
      ['check', 'rules', RULES],
      ['test', 'rules', RULES_TEST],
    ]) {
      const promtool = spawnSync('promtool', words, { cwd: repositoryRoot(), encoding: 'utf8' });
      if (promtool.error === undefined) expect(promtool).toMatchObject({ status: 0 });
    }
    const { groups } = parse(read(RULES)) as { groups: RuleGroup[] };
    const rules = groups.flatMap(({ rules: own }) => own);
    expect(rules.length).toBeGreaterThan(10);
    for (const rule of rules) {
      expect(rule).toMatchObject({
        alert: expect.stringMatching(/^Bunny[A-Z]\w+$/),
        expr: expect.stringContaining('bunny_'),
        labels: { severity: expect.stringMatching(/^(?:warning|critical)$/) },
        annotations: { summary: expect.any(String) },
      });
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

function linesOf(stack: Stack, ...services: readonly ServiceProgram[]): readonly LogLine[] {
  return services.flatMap((service) =>
    stack.linesOf(service).map((text) => JSON.parse(text) as LogLine),
  );
}

type LogLine = Readonly<Record<string, unknown>>;

interface RuleGroup {
  readonly rules: readonly { readonly alert: string }[];
}

function read(path: string): string {
  return readFileSync(join(repositoryRoot(), path), 'utf8');
}
