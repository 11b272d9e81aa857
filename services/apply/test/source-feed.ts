import { encodeCommitHead, encodeTableHead, encodeTransactions } from '@bunnydb/change-stream';
import { changeStreamName, changeSubjects, commitSubject, tableSubject } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { type Lsn, escapeCopyValue, parseLsn } from '@bunnydb/pg-model';
import type { TestDatabase } from '@bunnydb/testkit';
import { headers as newHeaders } from '@nats-io/transport-node';
import { type RowChange, type SourceTransaction, readTransactions } from './pgoutput-rows.js';

/** Feeds a change stream from a slot of a real source, in the way of capture but one query after the other. */
export class SourceFeed {
  readonly #source: TestDatabase;
  readonly #messaging: Messaging;
  readonly #mirrorId: string;
  readonly startLsn: Lsn;
  #sequence = 0;
  #batch = 0;
  #lastLsn: Lsn;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();

  /** Makes publication, slot and stream; the changes from here on are fed. */
  static async open(
    source: TestDatabase,
    messaging: Messaging,
    mirrorId: string,
  ): Promise<SourceFeed> {
    await source.query(`create publication ${mirrorId} for all tables`);
    const [slot] = await source.query<{ lsn: string }>(
      `select lsn::text from pg_create_logical_replication_slot('${mirrorId}', 'pgoutput')`,
    );
    await messaging.jsm.streams.add({
      name: changeStreamName(mirrorId),
      subjects: [changeSubjects(mirrorId)],
      max_bytes: 512 * 1024 * 1024,
    });
    return new SourceFeed(source, messaging, mirrorId, parseLsn(slot?.lsn ?? ''));
  }

  private constructor(source: TestDatabase, messaging: Messaging, mirrorId: string, startLsn: Lsn) {
    this.#source = source;
    this.#messaging = messaging;
    this.#mirrorId = mirrorId;
    this.startLsn = startLsn;
    this.#lastLsn = startLsn;
  }

  /** Feeds until it is stopped. */
  start(): void {
    this.#running = (async () => {
      while (!this.#isStopping) await this.feed();
    })();
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Publishes what the source has committed, and how far that goes. */
  async feed(): Promise<void> {
    const [now] = await this.#source.query<{ lsn: string }>(
      'select pg_current_wal_flush_lsn()::text as lsn',
    );
    const rows = await this.#source.query<{ data: Buffer }>(
      `select data from pg_logical_slot_get_binary_changes(
         '${this.#mirrorId}', null, null, 'proto_version', '1', 'publication_names', '${this.#mirrorId}')`,
    );
    const transactions = readTransactions(rows.map(({ data }) => data)).filter(
      ({ changes }) => changes.length > 0,
    );
    for (let at = 0; at < transactions.length; at += TRANSACTIONS_PER_BATCH)
      await this.#publish(transactions.slice(at, at + TRANSACTIONS_PER_BATCH));
    const seen = parseLsn(now?.lsn ?? '');
    if (seen > this.#lastLsn) await this.#publish([], seen);
  }

  async #publish(transactions: readonly SourceTransaction[], upTo?: Lsn): Promise<void> {
    const batch = `1000-${this.#batch++}`;
    const parts = new Map<string, OpenPart>();
    let seq = 0;
    const marks = transactions.map(({ xid, commitLsn, endLsn, changes }) => {
      for (const change of changes) {
        const key = JSON.stringify([change.relation, change.old !== undefined]);
        const part = parts.get(key) ?? { change, lines: [], seqs: [], lsns: [], ops: [0, 0, 0] };
        parts.set(key, part);
        part.lines.push(lineOf(change, ++seq));
        part.seqs.push(seq);
        part.lsns.push(commitLsn);
        const kind = 'IUD'.indexOf(change.op);
        part.ops[kind] = (part.ops[kind] ?? 0) + 1;
      }
      return { xid, commitLsn, endLsn, commitTime: new Date().toISOString(), lastSeq: seq };
    });
    const firstSeq = this.#sequence + 1;
    let bytes = 0;
    for (const part of parts.values()) bytes += await this.#publishPart(batch, part);
    const lastLsn = marks.at(-1)?.endLsn ?? upTo ?? this.#lastLsn;
    const head = encodeCommitHead({
      epoch: '1000',
      batch,
      prevLsn: this.#lastLsn,
      firstLsn: marks[0]?.commitLsn ?? this.#lastLsn,
      lastLsn,
      firstSeq,
      messages: parts.size,
      changes: seq,
      bytes,
    });
    await this.#send(commitSubject(this.#mirrorId), head, Buffer.from(encodeTransactions(marks)));
    this.#lastLsn = lastLsn;
  }

  async #publishPart(batch: string, part: OpenPart): Promise<number> {
    const { relation, old } = part.change;
    const payload = Buffer.from(part.lines.join(''));
    const head = encodeTableHead({
      epoch: '1000',
      batch,
      segment: 0,
      table: relation.name,
      columns: relation.columns,
      key: relation.key,
      identity: relation.identity,
      old: old ? relation.key : [],
      ops: { inserts: part.ops[0] ?? 0, updates: part.ops[1] ?? 0, deletes: part.ops[2] ?? 0 },
      firstSeq: part.seqs[0] ?? 0,
      lastSeq: part.seqs.at(-1) ?? 0,
      hasUnchanged: part.lines.some((line) => line.split('\t')[2] !== '\\N'),
      continues: false,
      truncate: null,
      firstLsn: part.lsns[0] ?? this.#lastLsn,
      lastLsn: part.lsns.at(-1) ?? this.#lastLsn,
    });
    const { schema, table } = relation.name;
    await this.#send(tableSubject(this.#mirrorId, schema, table), head, payload);
    return payload.length;
  }

  async #send(subject: string, head: readonly [string, string][], payload: Buffer): Promise<void> {
    const header = newHeaders();
    for (const [name, value] of head) header.append(name, value);
    const ack = await this.#messaging.js.publish(subject, payload, { headers: header });
    this.#sequence = ack.seq;
  }
}

interface OpenPart {
  readonly change: RowChange;
  readonly lines: string[];
  readonly seqs: number[];
  readonly lsns: Lsn[];
  readonly ops: number[];
}

function lineOf({ op, row, old }: RowChange, seq: number): string {
  const unchanged = row.flatMap((value, index) => (value === undefined ? [index + 1] : []));
  const values = [...row, ...(old ?? [])].map((value) => escapeCopyValue(value ?? null));
  return `${[op, seq, unchanged.length > 0 ? unchanged.join() : '\\N', ...values].join('\t')}\n`;
}

const TRANSACTIONS_PER_BATCH = 50;
