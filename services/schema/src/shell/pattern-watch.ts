import type { MirrorSpec, TableMapping } from '@bunnydb/contracts';
import type { SessionContext } from '@bunnydb/messaging';
import type { QualifiedName } from '@bunnydb/pg-model';
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

  /** @param movedTo names that tables of the mirror have now: they do not appear, they move. */
  async look(source: pg.Client, movedTo: readonly QualifiedName[] = []): Promise<void> {
    const { patterns = [], tables } = this.#spec;
    if (patterns.length === 0) return;
    const { rows } = await source.query<{ fingerprint: string }>(SELECT_TABLES_FINGERPRINT);
    const seen = rows[0]?.fingerprint ?? '';
    const isDue = performance.now() - this.#toldAtMs >= TELL_AGAIN_MS;
    if (seen === this.#seen && !isDue) return;
    const moved = new Set(movedTo.map(keyOf));
    const appeared = appearedTables(patterns, tables, await readRelations(source)).filter(
      (table) => !moved.has(keyOf(table.source)),
    );
    const joining = this.#spec.own_publication ? await this.#published(source, appeared) : appeared;
    // They join by a newer generation of the spec, which ends this session; if they do not, they are told again.
    if (joining.length > 0) await this.#emit('tables_appeared', { tables: joining });
    this.#seen = seen;
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

const TELL_AGAIN_MS = 300_000;
