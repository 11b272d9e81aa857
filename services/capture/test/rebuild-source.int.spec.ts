import { type MirrorSpec, changeStreamName } from '@bunnydb/contracts';
import { MirrorError, onFaultPoint } from '@bunnydb/failure';
import { deleteSpec, ensureControlStreams, putSpec } from '@bunnydb/messaging';
import { settingsOf } from '@bunnydb/pg-client';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PreparedSource } from '../src/shell/prepare-source.js';
import { rebuildSource } from '../src/shell/rebuild-source.js';
import { CapturedMirror, type FixtureOptions } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';

describe('the source of a mirror that is made anew', () => {
  let database: TestDatabase;
  const mirrors: CapturedMirror[] = [];

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'rebuild' });
    await database.query('create table t (id int primary key, v text)');
  });
  afterEach(async () => {
    onFaultPoint(undefined);
    for (const mirror of mirrors.splice(0)) await mirror.close();
    await database.drop();
  });

  /** A mirror that has read a few changes. */
  async function readMirror(options: Partial<FixtureOptions> = {}): Promise<CapturedMirror> {
    const all = { tables: ['public.t'], ...options };
    const mirror = await CapturedMirror.prepare(testNatsUrl(), database, all);
    mirrors.push(mirror);
    await ensureControlStreams(mirror.messaging);
    mirror.start();
    await database.query(`insert into t select i, 'old' from generate_series(1, 5) i`);
    await until(async () => (await mirror.changes()).length === 5, { what: 'changes' });
    await mirror.stop();
    return mirror;
  }

  function rebuild(
    mirror: CapturedMirror,
    number = 1,
    more: Partial<MirrorSpec> = {},
  ): Promise<PreparedSource> {
    const spec = { ...mirror.spec, ...more };
    const settings = settingsOf(spec.source, (sealed) => sealed, 'rebuild test');
    const { signal } = new AbortController();
    return rebuildSource({ messaging: mirror.messaging, settings, spec, rebuild: number, signal });
  }

  async function refusal(mirror: CapturedMirror, number = 1, more: Partial<MirrorSpec> = {}) {
    return await rebuild(mirror, number, more).then(
      () => 'it was not refused',
      (error: unknown) => (error instanceof MirrorError ? error.kind : error),
    );
  }

  const dropSlot = (mirror: CapturedMirror) =>
    database.query(`select pg_drop_replication_slot('${mirror.spec.slot_name}')`);
  async function slotLsn(mirror: CapturedMirror): Promise<string | undefined> {
    const [row] = await database.query<{ lsn: string }>(
      `select confirmed_flush_lsn::text as lsn from pg_replication_slots where slot_name = '${mirror.spec.slot_name}'`,
    );
    return row?.lsn;
  }

  /** Reads on from the new slot: nothing of before, everything since. */
  async function expectToRead(mirror: CapturedMirror, { identity }: PreparedSource) {
    mirror.spec = { ...mirror.spec, source_identity: identity };
    await database.query(`insert into t values (100, 'new')`);
    mirror.start();
    const found = await until(
      async () => {
        if (mirror.failure) throw mirror.failure;
        const changes = await mirror.changes();
        return changes.length > 0 ? changes : undefined;
      },
      { what: 'the new change' },
    );
    expect(found.map(({ columns }) => columns[0])).toEqual(['100']);
    await mirror.stop();
  }

  it('has a slot, a publication and an empty stream again, and is read from there', async () => {
    const mirror = await readMirror();
    await dropSlot(mirror);
    await database.query(`drop publication "${mirror.spec.publication_name}"`);
    await database.query(`insert into t values (50, 'nobody has read it')`);
    const name = changeStreamName(mirror.spec.id);
    const { state: before } = await mirror.messaging.jsm.streams.info(name);
    const made = await rebuild(mirror);
    expect(made.identity.start_lsn).toBe(await slotLsn(mirror));
    expect(made.identity).toMatchObject({ system_id: mirror.spec.source_identity?.system_id });
    const { state: after } = await mirror.messaging.jsm.streams.info(name);
    expect(after.messages).toBe(0);
    // No reader of before expects a sequence that this stream could have.
    expect(after.last_seq).toBeGreaterThan(before.last_seq + 1_000);
    await expectToRead(mirror, made);
  });

  it('takes a slot of ours that stands too early or too late, and what was changed in our publication', async () => {
    const mirror = await readMirror();
    const { publication_name: publication } = mirror.spec;
    await database.query(`alter publication "${publication}" set (publish = 'insert')`);
    const before = await slotLsn(mirror);
    const made = await rebuild(mirror);
    expect(made.identity.start_lsn).not.toBe(before);
    const [row] = await database.query(
      `select pubinsert and pubupdate and pubdelete and pubtruncate and pubviaroot as whole
       from pg_publication where pubname = '${publication}'`,
    );
    expect(row).toEqual({ whole: true });
    await expectToRead(mirror, made);
  });

  it('is made once, however often the command comes', async () => {
    const mirror = await readMirror();
    await dropSlot(mirror);
    const made = await rebuild(mirror);
    await database.query(`insert into t values (60, 'between the two')`);
    expect(await rebuild(mirror)).toEqual(made);
    expect(await slotLsn(mirror)).toBe(made.identity.start_lsn);
    const second = await rebuild(mirror, 2);
    expect(second.identity.start_lsn).not.toBe(made.identity.start_lsn);
    expect(await refusal(mirror, 1)).toBe('protocol_violation');
    expect(await slotLsn(mirror)).toBe(second.identity.start_lsn);
  });

  it('is left alone while the mirror runs, even when the stream has forgotten the rebuild', async () => {
    const mirror = await readMirror();
    const made = await rebuild(mirror);
    await mirror.messaging.jsm.streams.delete(changeStreamName(mirror.spec.id));
    await putSpec(mirror.messaging, mirror.spec);
    expect(await refusal(mirror)).toBe('protocol_violation');
    expect(await slotLsn(mirror)).toBe(made.identity.start_lsn);
    await deleteSpec(mirror.messaging, mirror.spec.id);
  });

  it('is made anew when the process dies behind the slot', async () => {
    const mirror = await readMirror();
    await dropSlot(mirror);
    onFaultPoint((point) => {
      if (point !== 'capture.after_slot_created') return;
      onFaultPoint(undefined);
      throw new MirrorError('source_unreachable', 'the process died here');
    });
    expect(await refusal(mirror)).toBe('source_unreachable');
    await database.query(`insert into t values (70, 'behind the first slot')`);
    await expectToRead(mirror, await rebuild(mirror));
  });

  it('keeps the name of a slot that the user named', async () => {
    const slot = `my_${database.name}`;
    const mirror = await readMirror({ spec: { slot_name: slot } });
    await dropSlot(mirror);
    const made = await rebuild(mirror);
    expect(made.slot_name).toBe(slot);
    expect(await slotLsn(mirror)).toBe(made.identity.start_lsn);
    // The mirror has read it on this server, so it is the mirror's.
    await rebuild(mirror, 2);
    const elsewhere = { system_id: '1', database: database.name, start_lsn: '0/1' };
    expect(await refusal(mirror, 3, { source_identity: elsewhere })).toBe('slot_in_use');
    await dropSlot(mirror);
    await database.query(`select pg_create_logical_replication_slot('${slot}', 'test_decoding')`);
    expect(await refusal(mirror, 3)).toBe('slot_in_use');
  });

  it('does not take a slot from another reader', async () => {
    const mirror = await readMirror();
    mirror.start();
    const { slot_name: slot } = mirror.spec;
    await until(
      async () =>
        (
          await database.query(
            `select from pg_replication_slots where slot_name = '${slot}' and active`,
          )
        ).length > 0,
      { what: 'the reader' },
    );
    // Its name tells that it is of another mirror.
    const other = { id: `${mirror.spec.id}x`, slot_name: slot };
    expect(await refusal(mirror, 1, other)).toBe('slot_in_use');
    await mirror.stop();
  });

  it('needs a publication of the user, which is never altered', async () => {
    const publication = `mine_${database.name}`;
    await database.query(`create table u (id int primary key)`);
    await database.query(`create publication ${publication} for table t, u`);
    const mirror = await readMirror({
      spec: { publication_name: publication, own_publication: true },
    });
    const oid = async () =>
      (await database.query(`select oid from pg_publication where pubname = '${publication}'`))[0];
    const before = await oid();
    await rebuild(mirror);
    expect(await oid()).toEqual(before);
    await database.query(`alter publication ${publication} drop table t`);
    const made = await slotLsn(mirror);
    expect(await refusal(mirror, 2)).toBe('invalid_input');
    await database.query(`drop publication ${publication}`);
    expect(await refusal(mirror, 2)).toBe('publication_missing');
    // What is refused has destroyed nothing.
    expect(await slotLsn(mirror)).toBe(made);
  });

  it('is refused for a table whose updates the source would refuse, not for one that it lacks', async () => {
    const mirror = await readMirror();
    await dropSlot(mirror);
    await database.query(`drop publication "${mirror.spec.publication_name}"`);
    await database.query('alter table t drop constraint t_pkey');
    expect(await refusal(mirror)).toBe('replica_identity_missing');
    // The application goes on as before.
    await database.query(`update t set v = 'x' where id = 1`);
    await database.query('drop table t; create table t (id int primary key, v text)');
    const gone = { schema: 'public', table: 'gone' };
    const tables = [
      ...mirror.spec.tables,
      { source: gone, destination: gone, exclude_columns: [] },
    ];
    await expectToRead(mirror, await rebuild(mirror, 1, { tables }));
  });
});
