import { changeStreamName, commitSubject } from '@bunnydb/contracts';
import { type TestDatabase, createDatabase, until } from '@bunnydb/testkit';
import { headers } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readStreamFacts } from '../src/shell/change-stream.js';
import { CapturedMirror } from './mirror-fixture.js';
import { testNatsUrl } from './nats-url.js';
import type { StoredMessage } from './stored-changes.js';

describe('the last commit message of the change stream', () => {
  let database: TestDatabase;
  let mirror: CapturedMirror;

  beforeEach(async () => {
    database = await createDatabase({ prefix: 'commit' });
    await database.query('create table t (id int primary key, v text)');
    mirror = await CapturedMirror.prepare(testNatsUrl(), database, { tables: ['public.t'] });
  });
  afterEach(async () => {
    await mirror.close();
    await database.drop();
  });

  async function stored(count: number): Promise<StoredMessage[]> {
    await until(async () => (await mirror.changes()).length >= count, {
      what: `${count} changes`,
    });
    return mirror.messages();
  }

  async function strangers(count: number): Promise<void> {
    const disguised = headers();
    disguised.append('Bunny-Epoch', 'tomorrow');
    disguised.append('Bunny-Last-Lsn', 'F/F');
    const subject = commitSubject(mirror.spec.name);
    const sent: Promise<unknown>[] = [];
    for (let n = 0; n < count; n++) {
      const options = n % 2 === 0 ? {} : { headers: disguised };
      sent.push(mirror.messaging.js.publish(subject, 'hello', options));
    }
    await Promise.all(sent);
  }

  it('is found behind those of strangers, also when a large batch lies between', async () => {
    mirror.start();
    await database.query('insert into t values (1)');
    await stored(1);
    await database.query(
      `insert into t select g, repeat('v', 300) from generate_series(2, 20000) g`,
    );
    await stored(20_000);
    await mirror.stop();
    const last = (await mirror.messages()).findLast((message) => message.commit);
    await strangers(60);
    const facts = await readStreamFacts(mirror.messaging, mirror.spec);
    expect(facts.lastCommit?.sequence).toBe(last?.sequence);
    expect(facts.lastSequence).toBeGreaterThan((last?.sequence ?? 0) + 59);
  });

  it('of a stranger does not stop a session, which goes on where it was', async () => {
    mirror.start();
    await database.query('insert into t values (1)');
    await stored(1);
    await strangers(3);
    await database.query('insert into t values (2)');
    const commits = (await stored(2)).flatMap((m) => (m.commit ? [m.commit.head] : []));
    expect(mirror.failure).toBeUndefined();
    expect(commits.slice(1).map((head) => head.prevLsn)).toEqual(
      commits.slice(0, -1).map((head) => head.lastLsn),
    );
  });

  it('is none when only strangers wrote, and looking for it has an end', async () => {
    await strangers(3);
    const none = await readStreamFacts(mirror.messaging, mirror.spec);
    expect(none).toMatchObject({ lastSequence: 3, lastCommit: undefined });
    await strangers(2_500);
    await expect(readStreamFacts(mirror.messaging, mirror.spec)).rejects.toMatchObject({
      kind: 'protocol_violation',
      detail: { stream: changeStreamName(mirror.spec.id) },
    });
  });
});
