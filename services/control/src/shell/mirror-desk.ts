import type {
  CreateMirrorRequest,
  MirrorOptions,
  TableMapping,
  ValidateRequest,
} from '@bunnydb/contracts';
import { defaultPublicationName, defaultSlotName } from '@bunnydb/contracts';
import type { EventMetadata } from '@bunnydb/event-store';
import type { Messaging } from '@bunnydb/messaging';
import { mirrorStream } from '../core/control-event.js';
import { decideResync } from '../core/mirror/decide-tables.js';
import type { MirrorCommand, Resync } from '../core/mirror/mirror-command.js';
import { optionsOf } from '../core/mirror/mirror-config.js';
import type { MirrorCreated } from '../core/mirror/mirror-event.js';
import type { MirrorState, Streaming } from '../core/mirror/mirror-state.js';
import { commandSpecOf } from '../core/mirror/mirror-spec-of.js';
import { configOf } from '../core/request/config-of.js';
import { patternsOf } from '../core/request/patterns-of.js';
import { wishesOf } from '../core/request/wishes-of.js';
import { type Preflight, askPreflight, failedPreflight } from './ask-preflight.js';
import { checkLoops } from './check-loops.js';
import { checkSwap } from './check-swap.js';
import type { ControlStore } from './catalog/control-store.js';
import { type MirrorRow, readMirror } from './catalog/read-mirrors.js';
import { readPeer } from './catalog/read-peers.js';
import { Problem, invalidRequest, refusalProblem, valueOrProblem } from './http/problem.js';
import { nameTaken } from './peer-desk.js';
import { readMirrorPeers } from './process/spec-publisher.js';

/** What can be done with mirrors. */
export class MirrorDesk {
  readonly #store: ControlStore;
  readonly #messaging: Messaging;
  readonly #newMirrorId: () => string;
  readonly #now: () => Date;

  constructor(options: {
    readonly store: ControlStore;
    readonly messaging: Messaging;
    readonly newMirrorId: () => string;
    readonly now: () => Date;
  }) {
    this.#store = options.store;
    this.#messaging = options.messaging;
    this.#newMirrorId = options.newMirrorId;
    this.#now = options.now;
  }

  /** The mirror of a name, or 404. */
  async find(name: string): Promise<MirrorRow> {
    const row = await readMirror(this.#store.catalog, name);
    if (!row) throw new Problem(404, `there is no mirror ${name}`);
    return row;
  }

  /** Looks at both servers with the eyes of the schema service: everything that would keep the mirror from running, and its fix. */
  async preflight(request: CreateMirrorRequest): Promise<Preflight> {
    const question = await this.#preflightRequest(request);
    const { ok, checks, tables } = await askPreflight(this.#messaging, question);
    const { name: mirror, source, destination } = question;
    const flow = { mirror, source, destination, tables };
    const loops = await checkLoops(this.#store.catalog, flow);
    return { ok: ok && loops.ok, checks: [...checks, loops], tables };
  }

  /** Creates a mirror whose pre-flight passes; the provision saga takes it from there. */
  async create(request: CreateMirrorRequest, metadata: EventMetadata): Promise<MirrorRow> {
    const { name } = request;
    // Asked again under the lock; here it spares the pre-flight.
    const taken = await nameTaken(readMirror(this.#store.catalog, name), name);
    if (taken) throw refusalProblem(taken);
    const preflight = await this.preflight(request);
    if (!preflight.ok) throw failedPreflight(preflight.checks);
    const body = this.#newMirror(request, preflight.tables);
    const result = await this.#store.mirrors.handle(
      mirrorStream(body.id),
      { type: 'create', body },
      {
        metadata,
        check: async (tx) => {
          const refusal = await nameTaken(readMirror(tx, name), name);
          if (refusal) return refusal;
          for (const peer of [body.source_peer, body.destination_peer]) {
            if (!(await readPeer(tx, peer))) {
              return { reason: 'conflict', detail: `the peer ${peer} was deleted meanwhile` };
            }
          }
          return undefined;
        },
      },
    );
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return this.find(name);
  }

  /** Runs a person's wish on a mirror; what its state does not allow is 409. */
  async wish(
    row: MirrorRow,
    command: MirrorCommand,
    metadata: EventMetadata,
  ): Promise<MirrorState> {
    const result = await this.#store.mirrors.handle(mirrorStream(row.mirror_id), command, {
      metadata,
    });
    if (result.tag === 'refused') throw refusalProblem(result.refusal);
    return this.#store.mirrors.load(mirrorStream(row.mirror_id));
  }

  /** Has one table copied again, or all; 422 when it is to be by swap and something stands against that. */
  async resync(
    row: MirrorRow,
    wish: Omit<Resync, 'type' | 'now'>,
    metadata: EventMetadata,
  ): Promise<MirrorState> {
    const command: Resync = { type: 'resync', now: this.#now(), ...wish };
    const state = await this.#store.mirrors.load(mirrorStream(row.mirror_id));
    // What is refused in any case need not wait for the destination.
    const early = decideResync(state, command);
    if (early.tag === 'refused') throw refusalProblem(early.refusal);
    if (state.tag === 'streaming' && isSwap(state, command)) {
      const spec = commandSpecOf(state, await readMirrorPeers(this.#store.catalog, row));
      await checkSwap(this.#messaging, spec, command.table);
    }
    return this.wish(row, command, metadata);
  }

  /** The state of a mirror that may be dropped already. */
  async stateOf(row: MirrorRow): Promise<MirrorState> {
    return this.#store.mirrors.load(mirrorStream(row.mirror_id));
  }

  async changeOptions(
    row: MirrorRow,
    options: Partial<MirrorOptions>,
    metadata: EventMetadata,
  ): Promise<MirrorRow> {
    await this.wish(row, { type: 'change_options', options }, metadata);
    return this.find(row.name);
  }

  async #preflightRequest(request: CreateMirrorRequest): Promise<ValidateRequest> {
    const { catalog } = this.#store;
    const source = await readPeer(catalog, request.source_peer);
    const destination = await readPeer(catalog, request.destination_peer);
    const missing = [
      ...(source ? [] : ['source_peer']),
      ...(destination ? [] : ['destination_peer']),
    ].map((path) => ({ path, message: 'there is no peer of this name' }));
    if (!source || !destination) throw invalidRequest(missing);
    return {
      name: request.name,
      source: source.connection,
      destination: destination.connection,
      wishes: valueOrProblem(wishesOf(request)),
      all_tables: false,
      options: optionsOf(configOf(request)),
      ...(request.publication_name ? { publication_name: request.publication_name } : {}),
      ...(request.replication_slot_name
        ? { replication_slot_name: request.replication_slot_name }
        : {}),
    };
  }

  #newMirror(request: CreateMirrorRequest, tables: readonly TableMapping[]): MirrorCreated['body'] {
    const id = this.#newMirrorId();
    const config = configOf(request);
    return {
      id,
      name: request.name,
      source_peer: request.source_peer,
      destination_peer: request.destination_peer,
      tables,
      patterns: patternsOf(valueOrProblem(wishesOf(request))),
      options: optionsOf(config),
      config,
      slot_name: request.replication_slot_name ?? defaultSlotName(id),
      publication_name: request.publication_name ?? defaultPublicationName(id),
      own_publication: Boolean(request.publication_name),
    };
  }
}

const isSwap = ({ mirror }: Streaming, { strategy }: Resync): boolean =>
  (strategy ?? mirror.options.resync_strategy) === 'swap';
