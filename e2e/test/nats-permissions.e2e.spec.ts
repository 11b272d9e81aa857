import { natsUsers, samePair } from '@bunnydb/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyAgain } from '../src/fresh-copy.js';
import { dropSlotByHand, waitForStop } from '../src/lost-source.js';
import { type Stack, startStack } from '../src/stack.js';

const passwordOf = (user: string): string => `password-of-${user}`;

describe('a nats-server with permissions', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack('nats_permissions', {
      natsConfig: natsUsers(passwordOf),
      natsLogin: { user: 'operator', pass: passwordOf('operator') },
      environmentOf: (service) => ({ NATS_USER: service, NATS_PASSWORD: passwordOf(service) }),
    });
  });
  afterAll(() => stack?.stop());

  it('lets a mirror live its whole life: copy, stream, structure, edits, resync, a lost slot, pause, rewind, end', async () => {
    const pair = await stack.createPair({
      source: `create table customer (id bigint primary key, name text not null);
        create table purchase (id bigint primary key, customer_id bigint references customer, amount int);
        create table late (id bigint primary key);
        insert into customer select i, 'name ' || i from generate_series(1, 500) i;
        insert into purchase select i, i, i from generate_series(1, 500) i;`,
    });
    const mirror = await pair.createMirror({
      table_mappings: ['public.customer', 'public.purchase'],
    });
    await mirror.waitForStatus('running');
    const tables = [samePair('public', 'customer'), samePair('public', 'purchase')];
    await pair.source.query(`insert into purchase select i, 1, i from generate_series(501, 900) i;
      update customer set name = upper(name) where id % 3 = 0; delete from purchase where id % 7 = 0`);
    await mirror.waitForEqual(tables);

    // A change of structure asks schema at its place in the stream.
    await pair.source.query(`alter table customer add column note text default 'none'`);
    await pair.source.query(`update customer set note = 'some' where id < 10`);
    await mirror.waitForEqual(tables);
    const diff = await stack.api.call('GET', `/v1/mirrors/${mirror.name}/schema-diff`);
    expect(diff).toMatchObject({ status: 200, body: { in_sync: true } });

    // A table edit and a resync go by commands, lanes and publications.
    const edit = await stack.api.call('PUT', `/v1/mirrors/${mirror.name}/tables`, {
      table_mappings: ['public.customer', 'public.purchase', 'public.late', 'public.e2e_mark'],
    });
    expect(edit.status).toBe(200);
    await mirror.waitForTable('public.late', 'running');
    await copyAgain(stack, pair, mirror, { table: 'public.purchase', strategy: 'swap' });
    await pair.source.query('insert into purchase select i, 1, i from generate_series(901, 999) i');
    await mirror.waitForEqual([...tables, samePair('public', 'late')]);

    // A slot that was lost is made anew, with its stream.
    await dropSlotByHand(pair.source, (await mirror.view()).slot_name);
    await waitForStop(() => mirror.view(), 'the replication slot does not exist');
    const rebuilt = await stack.api.call('POST', `/v1/mirrors/${mirror.name}/resync`, {});
    expect(rebuilt.status).toBe(200);
    await mirror.waitForStatus('running');
    await pair.source.query('update purchase set amount = amount + 1 where id % 5 = 0');
    await mirror.waitForEqual(tables);

    // The gateway shows the changes of a table out of the stream.
    const path = `/v1/mirrors/${mirror.name}/changes/stream?table=public.purchase&latest=true`;
    expect(await stack.api.readStreamUntil(path, '"operation"')).toContain('event: changes');

    // Leases change hands, and the stream is written and read on.
    await stack.api.pause(mirror.name);
    await mirror.waitForStatus('paused');
    await stack.api.resume(mirror.name);
    await stack.restart('capture');
    await stack.restart('apply');
    await stack.restart('schema');
    await stack.restart('control');
    await pair.source.query('insert into purchase values (1000, 1, 1)');
    await mirror.waitForEqual(tables);

    await mirror.remove();
    expect(await stack.changeStreams()).toEqual([]);
    for (const service of ['capture', 'apply', 'schema', 'control'] as const) {
      const refused = stack
        .linesOf(service)
        .filter((line) => /PermissionViolation|privilege_missing/.test(line))
        // A worker that comes up first finds out that it may not make the streams.
        .filter((line) => !line.includes('$JS.API.STREAM.CREATE.BUNNY_COMMANDS'));
      expect({ service, refused }).toEqual({ service, refused: [] });
    }
  });
});
