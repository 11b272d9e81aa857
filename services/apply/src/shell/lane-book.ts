import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import { type FailureReport, MirrorError } from '@bunnydb/failure';
import { type Lsn, formatLsn, formatQualifiedName, parseLsn } from '@bunnydb/pg-model';
import type pg from 'pg';
import { formatNote, parseNote } from '../core/lane-note.js';
import type { LaneRow } from '../core/lane-plan.js';
import { type LaneState, laneStateOf } from '../core/lane-state.js';
import { requireEpoch } from './copy-ledger.js';

/** A lane's row of `_bunny.table_state`. */
export interface LaneEntry extends LaneRow {
  readonly mapping: TableMapping;
  readonly copyLsn: Lsn | null;
  /** Commit LSNs of source transactions whose changes of this table are not to be applied. */
  readonly skippedLsns: readonly Lsn[];
  /** Failures in a row. */
  readonly attempts: number;
}

/** What is to become of a row; what is left out stays. */
export type LaneChange = Partial<
  Pick<LaneEntry, 'state' | 'note' | 'copyLsn' | 'attempts' | 'nextRetryAtMs'>
> & {
  readonly reason?: FailureReport | null;
};

/**
 * The lanes' rows at the destination, on a session of its own. A change reads its rows under lock, so that a wish that is noted meanwhile is not
 * lost, and is fenced: a session that was replaced changes nothing any more. One change runs at a time.
 */
export class LaneBook {
  readonly #client: pg.Client;
  readonly #spec: MirrorSpec;
  readonly #epoch: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: pg.Client, spec: MirrorSpec, epoch: string) {
    this.#client = client;
    this.#spec = spec;
    this.#epoch = epoch;
  }

  /** All tables of the spec, in its order. */
  async read(): Promise<readonly LaneEntry[]> {
    return await this.#inTurn(() => this.#select(this.#spec.tables, ''));
  }

  /**
   * Changes rows in one transaction, durably. `change` gives undefined for a row that stays; when it gives undefined for any while `all` is set,
   * nothing is changed.
   *
   * @returns the tables that were changed.
   */
  async change(
    tables: readonly string[],
    change: (entry: LaneEntry) => LaneChange | undefined,
    options: { readonly all?: boolean } = {},
  ): Promise<readonly string[]> {
    return await this.#inTurn(async () => {
      await this.#client.query('begin');
      try {
        const wanted = new Set(tables);
        const mappings = this.#spec.tables.filter(({ source }) =>
          wanted.has(formatQualifiedName(source)),
        );
        const entries = await this.#select(mappings, 'for update');
        const changed: string[] = [];
        for (const entry of entries) {
          const wanted = change(entry);
          if (!wanted) continue;
          await this.#update(entry, wanted);
          changed.push(entry.table);
        }
        const isRefused = options.all === true && changed.length < tables.length;
        if (!isRefused) await requireEpoch(this.#client, this.#spec.id, this.#epoch);
        await this.#client.query(isRefused ? 'rollback' : 'commit');
        return isRefused ? [] : changed;
      } catch (error) {
        await this.#client.query('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  /** Whether the main lane has everything that a copy of this LSN holds, so that no reader sees the table ahead of the others. */
  async hasReached(lsn: Lsn): Promise<boolean> {
    return await this.#inTurn(async () => {
      const { rows } = await this.#client.query<{ lsn: string }>(
        'select lsn::text as lsn from _bunny.position where mirror_id = $1',
        [this.#spec.id],
      );
      return rows[0] !== undefined && parseLsn(rows[0].lsn) >= lsn;
    });
  }

  /** How many bytes of changes wait for each table that is outside the main lane. */
  async parkedBytes(): Promise<ReadonlyMap<string, number>> {
    return await this.#inTurn(async () => {
      const { rows } = await this.#client.query<{ schema: string; table: string; bytes: number }>(
        `select s.source_schema as schema, s.source_table as table,
                coalesce(sum(octet_length(p.payload)), 0)::float8 as bytes
           from _bunny.table_state s
           left join _bunny.parked_change p using (mirror_id, source_schema, source_table)
          where s.mirror_id = $1 and s.state <> 'running'
          group by s.source_schema, s.source_table`,
        [this.#spec.id],
      );
      return new Map(rows.map((row) => [formatQualifiedName(row), row.bytes]));
    });
  }

  async #select(
    mappings: readonly TableMapping[],
    lock: '' | 'for update',
  ): Promise<readonly LaneEntry[]> {
    const { rows } = await this.#client.query<StateRow>(
      `select source_schema as schema, source_table as table, state, copy_lsn::text as copy_lsn, wish::text as wish,
              skipped_lsns::text[] as skipped_lsns, attempts,
              extract(epoch from next_retry_at)::float8 * 1000 as next_retry_at_ms
         from _bunny.table_state
        where mirror_id = $1
          and (source_schema, source_table) in (select * from unnest($2::text[], $3::text[]))
        order by source_schema, source_table ${lock}`,
      [
        this.#spec.id,
        mappings.map(({ source }) => source.schema),
        mappings.map(({ source }) => source.table),
      ],
    );
    // A mirror may have thousands of tables.
    const byName = new Map(rows.map((row) => [formatQualifiedName(row), row]));
    return mappings.flatMap((mapping) => {
      const row = byName.get(formatQualifiedName(mapping.source));
      return row ? [this.#entryOf(mapping, row)] : [];
    });
  }

  #entryOf(mapping: TableMapping, row: StateRow): LaneEntry {
    const note = parseNote(row.wish);
    return {
      table: formatQualifiedName(mapping.source),
      mapping,
      note,
      state: laneStateOf(row.state, note, {
        isCopied: row.copy_lsn !== null,
        defaultStrategy: this.#spec.options.resync_strategy,
      }),
      copyLsn: row.copy_lsn === null ? null : parseLsn(row.copy_lsn),
      skippedLsns: row.skipped_lsns.map(parseLsn),
      attempts: row.attempts,
      nextRetryAtMs: row.next_retry_at_ms,
    };
  }

  async #update(entry: LaneEntry, change: LaneChange): Promise<void> {
    const next = { ...entry, ...change };
    const { source } = entry.mapping;
    const { rowCount } = await this.#client.query(
      `update _bunny.table_state
          set state = $4, wish = $5::json, attempts = $6, next_retry_at = to_timestamp($7::float8 / 1000),
              copy_lsn = $8::pg_lsn, reason = case when $9 then $10::json else reason end, updated_at = now()
        where mirror_id = $1 and source_schema = $2 and source_table = $3`,
      [
        this.#spec.id,
        source.schema,
        source.table,
        next.state.tag,
        formatNote(next.note),
        next.attempts,
        next.nextRetryAtMs,
        next.copyLsn === null ? null : formatLsn(next.copyLsn),
        change.reason !== undefined,
        change.reason ? JSON.stringify(change.reason) : null,
      ],
    );
    if (rowCount !== 1) throw new MirrorError('unexpected', 'a table has no row in table_state');
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }
}

interface StateRow {
  readonly schema: string;
  readonly table: string;
  readonly state: LaneState['tag'];
  readonly copy_lsn: string | null;
  readonly wish: string | null;
  readonly skipped_lsns: readonly string[];
  readonly attempts: number;
  readonly next_retry_at_ms: number | null;
}
