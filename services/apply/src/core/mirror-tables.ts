import type { TableMapping } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { DestinationTable } from './destination-table.js';
import { type RowLayout, type TablePlan, layoutId, planTable } from './table-plan.js';

/** A table of the mirror: its mapping, and since when the stream counts for it. */
export interface MirrorTable {
  readonly mapping: TableMapping;
  readonly copyLsn: Lsn;
}

/** The mirror's tables and how to write them: what the destination's catalog says, and the plans made from it. */
export class MirrorTables {
  readonly #tables: ReadonlyMap<string, MirrorTable>;
  readonly #facts = new Map<string, DestinationTable>();
  readonly #plans = new Map<string, TablePlan>();

  constructor(tables: readonly MirrorTable[]) {
    this.#tables = new Map(
      tables.map((table) => [formatQualifiedName(table.mapping.source), table]),
    );
  }

  get destinations(): readonly QualifiedName[] {
    return [...this.#tables.values()].map((table) => table.mapping.destination);
  }

  /**
   * Since when the stream counts for a table.
   *
   * @throws MirrorError `table_renamed` when the mirror has no such table. Capture sends what the mirror's publication holds, and that follows
   * a table under any name; to pass its changes over would be to lose them.
   */
  copyLsnOf(source: QualifiedName): Lsn {
    return this.#tableOf(source).copyLsn;
  }

  /** Takes what the catalog says now. Plans are made anew; the old ones are never returned again. */
  learn(facts: readonly DestinationTable[]): void {
    this.#facts.clear();
    this.#plans.clear();
    for (const table of facts) this.#facts.set(formatQualifiedName(table.name), table);
  }

  /**
   * How to write rows of this layout; the same object each time until the catalog is read again.
   *
   * @throws MirrorError `table_missing` or `schema_mismatch`.
   */
  planOf(source: QualifiedName, layout: RowLayout): TablePlan {
    const id = `${formatQualifiedName(source)} ${layoutId(layout)}`;
    const known = this.#plans.get(id);
    if (known) return known;
    const plan = planTable(layout, this.#mappingOf(source), this.factsOf(source));
    this.#plans.set(id, plan);
    return plan;
  }

  /** @throws MirrorError `table_missing` when the destination has no such table. */
  factsOf(source: QualifiedName): DestinationTable {
    const name = formatQualifiedName(this.#mappingOf(source).destination);
    const facts = this.#facts.get(name);
    if (facts) return facts;
    throw new MirrorError('table_missing', 'the destination table does not exist', {
      detail: { table: name },
    });
  }

  #mappingOf(source: QualifiedName): TableMapping {
    return this.#tableOf(source).mapping;
  }

  #tableOf(source: QualifiedName): MirrorTable {
    const name = formatQualifiedName(source);
    const table = this.#tables.get(name);
    if (table) return table;
    throw new MirrorError(
      'table_renamed',
      'the source sends changes of a table that the mirror does not have under this name',
      { detail: { table: name } },
    );
  }
}
