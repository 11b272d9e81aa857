import type { PipelinedSession } from '@bunnydb/pg-client';
import { type StagingStatements, stagingStatements } from '../core/staging-statements.js';
import type { TablePlan } from '../core/table-plan.js';
import type { WriteLabel } from './write-label.js';

interface Staging {
  readonly statements: StagingStatements;
  /** The transaction that wrote to it last; it is empty again in the next one. */
  usedIn: number;
}

/**
 * The session's staging tables: temporary, one a plan, made when first needed and emptied by each commit. Only so many are kept, since
 * every commit looks at all of them.
 */
export class Stagings {
  readonly #session: PipelinedSession;
  readonly #stagings = new Map<TablePlan, Staging>();
  /** Names that may exist on the server; a rolled back transaction leaves it open which ones do. */
  readonly #names = new Set<string>();
  #nextName = 1;
  #transaction = 0;

  constructor(session: PipelinedSession) {
    this.#session = session;
  }

  beginTransaction(): void {
    this.#transaction += 1;
  }

  /** An empty staging table for the plan, ready to be copied into. */
  open(plan: TablePlan): StagingStatements {
    const label: WriteLabel = { action: 'stage', plan };
    let staging = this.#stagings.get(plan);
    if (!staging) {
      this.#makeRoom(label);
      const name = `bunny_stage_${this.#nextName++}`;
      staging = { statements: stagingStatements(plan, name), usedIn: 0 };
      this.#names.add(name);
      this.#session.run(staging.statements.create, { label });
    } else if (staging.usedIn === this.#transaction) {
      this.#session.run(staging.statements.clear, { label });
    }
    // Set again, so that the map's order is that of use.
    this.#stagings.delete(plan);
    this.#stagings.set(plan, staging);
    staging.usedIn = this.#transaction;
    return staging.statements;
  }

  /** Drops all, outside a transaction. */
  reset(): void {
    for (const name of this.#names) this.#session.run(`drop table if exists pg_temp.${name}`);
    this.#names.clear();
    this.#stagings.clear();
  }

  #makeRoom(label: WriteLabel): void {
    if (this.#stagings.size < STAGINGS_MAX) return;
    const [oldest] = this.#stagings;
    if (!oldest) return;
    const [plan, staging] = oldest;
    this.#stagings.delete(plan);
    this.#session.run(staging.statements.drop, { label });
  }
}

const STAGINGS_MAX = 24;
