import type { TableMapping, TableStatus } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Lsn, type QualifiedName, ZERO_LSN, formatQualifiedName } from '@bunnydb/pg-model';
import type { DestinationTable } from './destination-table.js';
import { type RowLayout, type TablePlan, layoutId, planTable } from './table-plan.js';
import type { TableLane } from './work-step.js';

/** A table of the mirror: its mapping, where its changes go, and since when the stream counts for it. */
export interface MirrorTable {
  readonly mapping: TableMapping;
  readonly copyLsn: Lsn;
  /** `running` when left out: the table is in the main lane. In any other state its changes are parked. */
  readonly state?: TableStatus;
  /** Signature of the shape that was followed last. */
  readonly relation?: string | null;
  /** The name that the source has it under now, if it was renamed there. */
  readonly renamedTo?: QualifiedName | null;
  /** Commit LSNs of transactions whose changes are not to be applied. */
  readonly skippedLsns?: ReadonlySet<Lsn>;
}

/** Former names of a table's columns, as the schema service notes them. */
export interface ColumnNames {
  readonly table: QualifiedName;
  /** By former name: the name now. */
  readonly renamed: ReadonlyMap<string, string>;
}

/** The mirror's tables, their lanes, and how to write them: what the destination's catalog says, and the plans made from it. */
export class MirrorTables {
  readonly #tables: Map<string, MirrorTable>;
  /** Names that the source has tables of the mirror under, beside the mirror's own. */
  readonly #aliases = new Map<string, QualifiedName>();
  /** Names of tables that are not in the mirror any more. */
  readonly #left = new Set<string>();
  readonly #leavesOut: boolean;
  readonly #facts = new Map<string, DestinationTable>();
  readonly #renamed = new Map<string, ReadonlyMap<string, string>>();
  /** By table and layout. */
  readonly #plans = new Map<string, Map<string, TablePlan>>();

  /** @param options.leavesOut whether columns that the destination lacks are left out. */
  constructor(tables: readonly MirrorTable[], options: { readonly leavesOut?: boolean } = {}) {
    this.#tables = new Map(tables.map((table) => [keyOf(table.mapping.source), table]));
    this.#leavesOut = options.leavesOut ?? false;
    for (const { mapping, renamedTo } of tables) {
      if (renamedTo) this.#aliases.set(keyOf(renamedTo), mapping.source);
      // Another table may have taken a name of before.
      for (const former of mapping.former_sources ?? [])
        if (!this.#tables.has(keyOf(former))) this.#aliases.set(keyOf(former), mapping.source);
    }
  }

  get all(): readonly MirrorTable[] {
    return [...this.#tables.values()];
  }

  get destinations(): readonly QualifiedName[] {
    return this.all.map((table) => table.mapping.destination);
  }

  /** The table of the mirror that this source name belongs to; undefined when none does. */
  find(source: QualifiedName): MirrorTable | undefined {
    const alias = this.#aliases.size > 0 ? this.#aliases.get(keyOf(source)) : undefined;
    return this.#tables.get(keyOf(alias ?? source));
  }

  /** The table that is written at the destination under this formatted name. */
  findByDestination(destination: string): MirrorTable | undefined {
    return this.all.find(({ mapping }) => formatQualifiedName(mapping.destination) === destination);
  }

  /** Whether it is known what becomes of changes under this source name. */
  knows(source: QualifiedName): boolean {
    return this.find(source) !== undefined || this.#left.has(keyOf(source));
  }

  /** Changes under this name belong to no table of the mirror, and are passed over. */
  passOver(source: QualifiedName): void {
    this.#left.add(keyOf(source));
  }

  /** Changes what is known of a table; its changes go where the new state says, from the next plan on. */
  update(source: QualifiedName, change: Partial<Omit<MirrorTable, 'mapping'>>): void {
    const table = this.#tableOf(source);
    const { source: own } = table.mapping;
    this.#tables.set(keyOf(own), { ...table, ...change });
    if (change.renamedTo) this.#aliases.set(keyOf(change.renamedTo), own);
  }

  /**
   * Where a table's changes go.
   *
   * @throws MirrorError `table_renamed` when the name is not known. Capture sends what the mirror's publication holds, and that follows
   * a table under any name; to pass its changes over would be to lose them.
   */
  laneOf(source: QualifiedName): TableLane {
    if (this.#left.size > 0 && this.#left.has(keyOf(source))) return LEFT;
    const { mapping, state } = this.#tableOf(source);
    return state === undefined || state === 'running'
      ? MAIN
      : { kind: 'parked', table: mapping.source };
  }

  /**
   * Since when the stream counts for a table.
   *
   * @throws MirrorError `table_renamed` when the name is not known.
   */
  copyLsnOf(source: QualifiedName): Lsn {
    return this.#tableOf(source).copyLsn;
  }

  /** Transactions whose changes of the table are not to be applied. */
  skippedLsnsOf(source: QualifiedName): ReadonlySet<Lsn> {
    return this.#tableOf(source).skippedLsns ?? NO_LSNS;
  }

  /** Takes what the catalog says now. Plans are made anew; the old ones are never returned again. */
  learn(facts: readonly DestinationTable[], names: readonly ColumnNames[] = []): void {
    this.#facts.clear();
    this.#renamed.clear();
    this.#plans.clear();
    for (const table of facts) this.#facts.set(formatQualifiedName(table.name), table);
    for (const { table, renamed } of names) this.#renamed.set(keyOf(table), renamed);
  }

  /** The same for single tables, by source name; the plans of all others stay as they are. */
  relearn(
    sources: readonly QualifiedName[],
    facts: readonly DestinationTable[],
    names: readonly ColumnNames[],
  ): void {
    for (const source of sources) {
      const { mapping } = this.#tableOf(source);
      const destination = formatQualifiedName(mapping.destination);
      this.#facts.delete(destination);
      const found = facts.find((table) => formatQualifiedName(table.name) === destination);
      if (found) this.#facts.set(destination, found);
      const own = keyOf(mapping.source);
      this.#renamed.delete(own);
      const renamed = names.find(({ table }) => keyOf(table) === own);
      if (renamed) this.#renamed.set(own, renamed.renamed);
      this.#plans.delete(own);
    }
  }

  /**
   * How to write rows of this layout; the same object each time until the catalog is read again.
   *
   * @throws MirrorError `table_missing` or `schema_mismatch`.
   */
  planOf(source: QualifiedName, layout: RowLayout): TablePlan {
    const { mapping } = this.#tableOf(source);
    const own = keyOf(mapping.source);
    let plans = this.#plans.get(own);
    if (!plans) this.#plans.set(own, (plans = new Map<string, TablePlan>()));
    const id = layoutId(layout);
    const known = plans.get(id);
    if (known) return known;
    const plan = planTable(layout, mapping, this.factsOf(source), {
      renamed: this.#renamed.get(own) ?? NO_NAMES,
      leavesOut: this.#leavesOut,
    });
    plans.set(id, plan);
    return plan;
  }

  /** @throws MirrorError `table_missing` when the destination has no such table. */
  factsOf(source: QualifiedName): DestinationTable {
    const name = formatQualifiedName(this.#tableOf(source).mapping.destination);
    const facts = this.#facts.get(name);
    if (facts) return facts;
    throw new MirrorError('table_missing', 'the destination table does not exist', {
      detail: { table: name },
    });
  }

  /** What a column is called now that may have had another name when its rows were sent. */
  nameNow(source: QualifiedName, column: string): string {
    const { mapping } = this.#tableOf(source);
    return this.#renamed.get(keyOf(mapping.source))?.get(column) ?? column;
  }

  /** Whether rows with these columns find all of them at the destination. */
  hasColumns(source: QualifiedName, columns: readonly string[]): boolean {
    const { mapping } = this.#tableOf(source);
    const facts = this.#facts.get(formatQualifiedName(mapping.destination));
    if (!facts) return false;
    const present = new Set(facts.columns.map((column) => column.name));
    return columns.every((name) => present.has(name) || mapping.exclude_columns.includes(name));
  }

  #tableOf(source: QualifiedName): MirrorTable {
    const table = this.find(source);
    if (table) return table;
    throw new MirrorError(
      'table_renamed',
      'the source sends changes of a table that the mirror does not have under this name',
      { detail: { table: formatQualifiedName(source) } },
    );
  }
}

/** What is not copied yet has no copy LSN; it is parked, and nobody asks. */
export const NOT_COPIED = ZERO_LSN;

/** A name for looking up: a NUL byte is in no identifier. */
function keyOf({ schema, table }: QualifiedName): string {
  return `${schema}\0${table}`;
}

const MAIN: TableLane = { kind: 'main' };
const LEFT: TableLane = { kind: 'none' };
const NO_LSNS: ReadonlySet<Lsn> = new Set();
const NO_NAMES: ReadonlyMap<string, string> = new Map();
