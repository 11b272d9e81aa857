import type { ChangeTablesRequest, TableMapping, TableWish } from '@bunnydb/contracts';
import type { EventMetadata } from '@bunnydb/event-store';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { mirrorStream } from '../core/control-event.js';
import { decideTables } from '../core/mirror/decide-tables.js';
import type { ChangeTables } from '../core/mirror/mirror-command.js';
import type { MirrorFacts, MirrorState } from '../core/mirror/mirror-state.js';
import { sortWishes, splitResolved, wantedTables } from '../core/mirror/wanted-tables.js';
import { patternsOf } from '../core/request/patterns-of.js';
import { wishesOf } from '../core/request/wishes-of.js';
import { type Preflight, askPreflight, failedPreflight, preflightOf } from './ask-preflight.js';
import { checkLoops } from './check-loops.js';
import type { ControlStore } from './catalog/control-store.js';
import type { MirrorRow } from './catalog/read-mirrors.js';
import { Problem, refusalProblem, valueOrProblem } from './http/problem.js';
import { readMirrorPeers } from './process/spec-publisher.js';

/** Without these nothing can be said about what a pattern stands for. */
const RESOLVING_CHECKS = ['tables', 'tables_found', 'source_reachable'];

export interface TablesChange {
  readonly state: MirrorState;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Changes which tables a mirror has, after a pre-flight of those that it lacks. */
export class TablesDesk {
  readonly #store: ControlStore;
  readonly #messaging: Messaging;

  constructor(options: { readonly store: ControlStore; readonly messaging: Messaging }) {
    this.#store = options.store;
    this.#messaging = options.messaging;
  }

  /** Asks for other tables; they are in the mirror when the saga has made them known to both sides. */
  async change(
    row: MirrorRow,
    request: ChangeTablesRequest,
    dropRemoved: boolean,
    metadata: EventMetadata,
  ): Promise<TablesChange> {
    const stream = mirrorStream(row.mirror_id);
    const state = await this.#store.mirrors.load(stream);
    if (state.tag === 'absent') throw new Problem(404, `there is no mirror ${row.name}`);
    const { mirror } = state;
    const wishes = valueOrProblem(wishesOf(request));
    const command: ChangeTables = {
      type: 'change_tables',
      tables: mirror.tables,
      patterns: patternsOf(wishes),
      basis: mirror.tables,
      dropRemoved,
    };
    // What is refused whatever the tables are need not wait for the servers.
    const early = decideTables(state, command);
    if (early.tag === 'refused') throw refusalProblem(early.refusal);
    const tables = await this.#resolve(row, mirror, wishes);
    const result = await this.#store.mirrors.handle(stream, { ...command, tables }, { metadata });
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    const [before, after] = [namesOf(mirror.tables), namesOf(tables)];
    return {
      state: result.tag === 'done' ? result.state : state,
      added: [...after].filter((name) => !before.has(name)),
      removed: [...before].filter((name) => !after.has(name)),
    };
  }

  async #resolve(
    row: MirrorRow,
    mirror: MirrorFacts,
    wishes: readonly TableWish[],
  ): Promise<readonly TableMapping[]> {
    const { present, named, patterns } = sortWishes(wishes, mirror);
    const resolved =
      patterns.length === 0
        ? { present: [], added: named }
        : splitResolved(await this.#standFor(row, mirror, [...named, ...patterns]), mirror);
    const { added } = resolved;
    const fresh = added.length === 0 ? [] : await this.#check(row, mirror, added);
    const tables = wantedTables(mirror, present, resolved.present, fresh);
    const peers = await readMirrorPeers(this.#store.catalog, row);
    const loops = await checkLoops(this.#store.catalog, { mirror: mirror.name, ...peers, tables });
    const whole = preflightOf([loops], tables);
    if (!whole.ok) throw failedPreflight(whole.checks);
    return tables;
  }

  /** The tables that wishes stand for; whether they can be mirrored is another question. */
  async #standFor(
    row: MirrorRow,
    mirror: MirrorFacts,
    wishes: readonly TableWish[],
  ): Promise<readonly TableMapping[]> {
    const { checks, tables } = await this.#ask(row, mirror, wishes);
    const failed = checks.filter(({ ok, name }) => !ok && RESOLVING_CHECKS.includes(name));
    const isUnanswered = tables.length === 0 && checks.some(({ ok }) => !ok);
    if (failed.length > 0 || isUnanswered) throw failedPreflight(isUnanswered ? checks : failed);
    return tables;
  }

  async #check(
    row: MirrorRow,
    mirror: MirrorFacts,
    wishes: readonly TableWish[],
  ): Promise<readonly TableMapping[]> {
    const preflight = await this.#ask(row, mirror, wishes);
    if (!preflight.ok) throw failedPreflight(preflight.checks);
    return preflight.tables;
  }

  async #ask(
    row: MirrorRow,
    mirror: MirrorFacts,
    wishes: readonly TableWish[],
  ): Promise<Preflight> {
    const { source, destination } = await readMirrorPeers(this.#store.catalog, row);
    return askPreflight(this.#messaging, {
      name: mirror.name,
      source,
      destination,
      wishes,
      all_tables: false,
      options: mirror.options,
      ...(mirror.ownPublication ? { publication_name: mirror.publicationName } : {}),
    });
  }
}

const namesOf = (tables: readonly TableMapping[]): ReadonlySet<string> =>
  new Set(tables.map(({ source }) => formatQualifiedName(source)));
