import { randomUUID } from 'node:crypto';
import {
  type AnyCommand,
  type AnyWorkerEvent,
  type PreflightCheck,
  Query,
  type SchemaChange,
  type SchemaDiffRequest,
  type SchemaSwapCheckReply,
  type SchemaSyncRequest,
  type ServiceName,
  type TableMapping,
  type ValidateRequest,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { parseQualifiedName } from '@bunnydb/pg-model';
import {
  type CommandHandlers,
  type Messaging,
  type Stop,
  emitEvent,
  newWorkerEvent,
  runCommandLoop,
  startHeartbeat,
} from '@bunnydb/messaging';
import type { WorkerEventBody, WorkerEventType } from '@bunnydb/messaging';
import { structureBuilt } from './mirror-examples.js';

const PENDING: SchemaChange = {
  id: 'c1',
  kind: 'create_index',
  group: 'indexes',
  object: 'public.users.users_name_idx',
  sql: 'create index …',
  destructive: false,
  locks: 'none',
  reason: 'the destination lacks the index',
};

const tableOf = (source: string, destination = source): TableMapping => ({
  source: parseQualifiedName(source),
  destination: parseQualifiedName(destination),
  exclude_columns: [],
});

/**
 * Stands in for schema, capture and apply: answers queries and commands over real NATS as they would, without any server to look at.
 * What it was asked is kept, and each verb can be made to fail.
 */
export class Workers {
  readonly #messaging: Messaging;
  readonly #stopping = new AbortController();
  readonly #stops: Stop[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly commands: AnyCommand[] = [];
  readonly questions: ValidateRequest[] = [];
  /** Verbs that fail, with how often they still do. */
  readonly failing = new Map<AnyCommand['verb'], number>();
  checks: readonly PreflightCheck[] = [];
  /** What every pattern stands for. */
  sourceTables: readonly string[] = ['public.users'];
  /** What stands against a swap. */
  obstacles: Extract<SchemaSwapCheckReply, { ok: true }>['obstacles'] = [];
  /** What the sync of the schema finds no longer pending. */
  stale: readonly string[] = [];
  /** Verbs that are not answered until they are let go. */
  readonly holding = new Map<AnyCommand['verb'], Promise<void>>();

  constructor(messaging: Messaging) {
    this.#messaging = messaging;
  }

  /** Answers queries only: peers can be looked at and mirrors validated. */
  answerQueries(): void {
    const respondJson = this.#messaging.respondJson.bind(this.#messaging);
    this.#stops.push(
      respondJson(Query.SchemaPeerTest, () => ({
        ok: true,
        version: '17.0',
        server_version_num: 170000,
        latency_ms: 1,
        is_standby: false,
        wal_level: 'logical',
        can_replicate: true,
        can_create: true,
        max_replication_slots: 10,
        used_replication_slots: 0,
      })),
      respondJson(Query.SchemaPeerTables, () => ({ ok: true, tables: [] })),
      respondJson<ValidateRequest, object>(Query.SchemaValidate, (question) => {
        this.questions.push(question);
        return { ok: true, checks: this.checks, tables: this.#resolve(question) };
      }),
      respondJson<SchemaDiffRequest, object>(Query.SchemaDiff, ({ spec }) => ({
        ok: true,
        tables: spec?.tables.map((table) => table.destination.table) ?? [],
        changes: [PENDING],
        notes: [],
        in_sync: false,
        left_off: 0,
      })),
      respondJson<SchemaSyncRequest, object>(Query.SchemaSync, ({ changes, dry_run: dry }) => ({
        ok: true,
        applied: dry ? [] : [PENDING],
        skipped: [],
        failed: [],
        left_off: 0,
        stale: (changes ?? []).filter((id) => id !== PENDING.id),
      })),
      respondJson(Query.SchemaSwapCheck, () => ({ ok: true, obstacles: this.obstacles })),
      ...(['schema', 'capture', 'apply'] as const).map(
        (service) =>
          startHeartbeat({
            messaging: this.#messaging,
            service,
            instance: `${service}-1`,
            version: 'test',
            mirrors: () => [],
          }).stop,
      ),
    );
  }

  #resolve({ wishes, all_tables }: ValidateRequest): readonly TableMapping[] {
    const isPattern = (text: string): boolean => text.includes('*');
    const named = wishes.filter(({ source }) => !isPattern(source));
    const taken = new Set(named.map(({ source }) => source));
    const rest =
      all_tables || named.length < wishes.length
        ? this.sourceTables.filter((table) => !taken.has(table))
        : [];
    return [
      ...named.map(({ source, destination }) => tableOf(source, destination)),
      ...rest.map((table) => tableOf(table)),
    ];
  }

  /** Works off commands, as the services would. */
  answerCommands(): void {
    const done: CommandHandlers = {
      provision_tables: (command) =>
        this.#answer(command, { type: 'tables_provisioned', body: { created: [], existing: [] } }),
      drop_tables: (command) =>
        this.#answer(command, { type: 'tables_dropped', body: { dropped: [], left: [] } }),
      build_structure: (command) =>
        this.#answer(command, { type: 'structure_built', body: structureBuilt }),
      prepare_source: (command) =>
        this.#answer(command, {
          type: 'source_prepared',
          body: {
            slot_name: command.body.spec.slot_name,
            publication_name: command.body.spec.publication_name,
            identity: { system_id: '7', database: 'src', start_lsn: '0/10' },
            server_version: 170000,
          },
        }),
      change_publication: (command) =>
        this.#answer(command, { type: 'publication_changed', body: { added: [], removed: [] } }),
      change_lanes: (command) =>
        this.#answer(command, {
          type: 'lanes_changed',
          body: { action: command.body.wish.action, tables: command.body.tables },
        }),
      rebuild_source: (command) =>
        this.#answer(command, {
          type: 'source_rebuilt',
          body: {
            slot_name: command.body.spec.slot_name,
            publication_name: command.body.spec.publication_name,
            identity: { system_id: '8', database: 'src', start_lsn: '0/99' },
            server_version: 170000,
          },
        }),
      restart_position: (command) =>
        this.#answer(command, {
          type: 'position_restarted',
          body: { start_lsn: '0/99', tables: command.body.spec.tables.length },
        }),
      sync_schema: (command) =>
        this.#answer(command, {
          type: 'schema_synced',
          body: { applied: [PENDING.object], skipped: [], failed: [], stale: this.stale },
        }),
      clean_source: (command) =>
        this.#answer(command, { type: 'source_cleaned', body: { left: [] } }),
      clean_destination: (command) =>
        this.#answer(command, { type: 'destination_cleaned', body: { left: [] } }),
    };
    for (const service of ['schema', 'capture', 'apply'] as const) {
      const loop = runCommandLoop({
        messaging: this.#messaging,
        service,
        instance: `${service}-1`,
        handlers: done,
        signal: this.#stopping.signal,
      });
      this.#loops.push(loop);
    }
  }

  /** Tells an event of a mirror, as a session would. */
  async tell<Type extends WorkerEventType>(
    mirrorId: string,
    type: Type,
    body: WorkerEventBody<Type>,
    service: ServiceName = 'apply',
  ): Promise<AnyWorkerEvent> {
    const origin = { service, instance: `${service}-1` };
    const event = newWorkerEvent(origin, mirrorId, type, body);
    await emitEvent(this.#messaging, event);
    return event;
  }

  /** Tells an event a second time, in a message that JetStream takes for a new one. */
  async repeat(event: AnyWorkerEvent): Promise<void> {
    await this.#messaging.js.publish(
      `bunny.evt.${event.mirror_id}.${event.service}.${event.type}`,
      JSON.stringify(event),
      { msgID: randomUUID() },
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const stop of this.#stops) stop();
    await Promise.all(this.#loops);
  }

  async #answer<Answer>(command: AnyCommand, answer: Answer): Promise<Answer> {
    this.commands.push(command);
    await this.holding.get(command.verb);
    const failures = this.failing.get(command.verb) ?? 0;
    if (failures > 0) {
      this.failing.set(command.verb, failures - 1);
      throw new MirrorError('source_unreachable', 'the source cannot be reached');
    }
    return answer;
  }
}
