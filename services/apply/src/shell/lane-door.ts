import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { SessionContext } from '@bunnydb/messaging';
import type { ConnectionSettings, PipelinedSession } from '@bunnydb/pg-client';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import type { ApplyProgress } from '../core/apply-progress.js';
import type { MirrorTable, MirrorTables } from '../core/mirror-tables.js';
import type { WorkTally } from '../core/work-tally.js';
import type { ApplyLoop } from './apply-loop.js';
import { learnTables } from './destination-catalog.js';
import type { DestinationTransactions } from './destination-transaction.js';
import { joinLane } from './lane-join.js';
import type { MainLane } from './main-lane.js';
import type { TableNotes } from './table-notes.js';
import { reloadTables } from './table-states.js';

export interface LaneDoorOptions {
  readonly spec: MirrorSpec;
  readonly context: SessionContext;
  readonly destination: ConnectionSettings;
  readonly progress: ApplyProgress;
  readonly loop: ApplyLoop;
  readonly session: PipelinedSession;
  readonly tables: MirrorTables;
  readonly transactions: DestinationTransactions;
  readonly notes: TableNotes;
  /** What was replayed with a table that joined. */
  readonly onJoined: (tally: WorkTally) => void;
}

/** Where tables go in and out of the main lane: as errands of the loop, between two transactions. */
export class LaneDoor implements MainLane {
  readonly #options: LaneDoorOptions;

  constructor(options: LaneDoorOptions) {
    this.#options = options;
  }

  async join(name: QualifiedName): Promise<void> {
    const { loop, context, progress } = this.#options;
    await loop.runErrand(() => this.#join(name));
    const table = formatQualifiedName(name);
    progress.setTableStatus(table, 'running');
    context.emit('table_state_changed', { table, status: 'running' }).catch(() => undefined);
  }

  async leave(commit: () => Promise<void>): Promise<void> {
    await this.#options.loop.runErrand(async () => {
      try {
        await commit();
      } finally {
        await this.#reloadLanes();
      }
    });
  }

  async #join(name: QualifiedName): Promise<void> {
    const { spec, context, destination, loop, session, tables, transactions, notes } =
      this.#options;
    try {
      const [table] = await this.#reload([name]);
      // The main lane may have held it, or want it copied again, while its lane waited for its turn.
      if (table?.state !== 'catching_up')
        throw new MirrorError('unexpected', 'a table that is to join is not catching up any more', {
          detail: { ...name },
        });
      const tally = await joinLane({
        mirrorId: spec.id,
        ...{ table, destination, transactions, notes },
        signal: context.signal,
        standstill: loop.standstill,
        refreshTable: () => learnTables(session, tables, spec.id, [name]),
      });
      this.#options.onJoined(tally);
      this.#options.progress.addRows(tally, new Date().toISOString());
    } finally {
      // Whatever went wrong: the destination says whether the table is in.
      await this.#reloadLanes([name]);
    }
  }

  /** Lets changes go where the destination says that they go. A lost session ends the loop at its next transaction. */
  async #reloadLanes(only?: readonly QualifiedName[]): Promise<void> {
    for (const { mapping, ...facts } of await this.#reload(only))
      this.#options.tables.update(mapping.source, facts);
  }

  async #reload(only?: readonly QualifiedName[]): Promise<readonly MirrorTable[]> {
    return await reloadTables(this.#options.session, this.#options.spec, only);
  }
}
