import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import type { SessionContext } from '@bunnydb/messaging';
import type pg from 'pg';
import { appearedTables } from '../core/pattern-tables.js';
import { keyOf } from '../core/relation-facts.js';
import { readRelations } from './read-relations.js';
import { SELECT_PUBLICATION } from './sql/select-publication.js';
import { SELECT_TABLES_FINGERPRINT } from './sql/select-structure-fingerprint.js';

/** Finds tables of the source that fit the mirror's patterns. All relations are read only after the list of tables has changed, and once in a while. */
export class PatternWatch {
  readonly #spec: MirrorSpec;
  readonly #emit: SessionContext['emit'];
  #seen = '';
  #toldAtMs = -Infinity;

  constructor(spec: MirrorSpec, emit: SessionContext['emit']) {
    this.#spec = spec;
    this.#emit = emit;
  }

  /** @param ownNumbers of the mirror's tables at the source: under another name they do not appear, they move. */
  async look(source: pg.Client, ownNumbers: ReadonlySet<number>): Promise<void> {
    const { patterns = [], tables } = this.#spec;
    if (patterns.length === 0) return;
    const { rows } = await source.query<{ fingerprint: string }>(SELECT_TABLES_FINGERPRINT);
    const seen = rows[0]?.fingerprint ?? '';
    const isDue = performance.now() - this.#toldAtMs >= TELL_AGAIN_MS;
    if (seen === this.#seen && !isDue) return;
    const relations = await readRelations(source);
    const fitting = appearedTables(patterns, tables, relations);
    const appeared = fitting.filter(
      (table) => !ownNumbers.has(relations.find(table.source)?.oid ?? NO_NUMBER),
    );
    const joining = this.#spec.own_publication ? await this.#published(source, appeared) : appeared;
    // They join by a newer generation of the spec, which ends this session; if they do not, they are told again.
    if (joining.length > 0) await this.#emit('tables_appeared', { tables: joining });
    // Who has moved may make room for another one: that is seen once the mirror has followed.
    this.#seen = appeared.length === fitting.length ? seen : '';
    this.#toldAtMs = performance.now();
  }

  /** A publication of the user's is never altered: only what is in it can join. */
  async #published(
    source: pg.Client,
    tables: readonly TableMapping[],
  ): Promise<readonly TableMapping[]> {
    const { rows } = await source.query<{
      tables: readonly { readonly schema: string; readonly table: string }[];
    }>(SELECT_PUBLICATION, [this.#spec.publication_name]);
    const published = new Set((rows[0]?.tables ?? []).map(keyOf));
    return tables.filter((table) => published.has(keyOf(table.source)));
  }
}

const NO_NUMBER = 0;
const TELL_AGAIN_MS = 300_000;
