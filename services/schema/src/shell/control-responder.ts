import {
  type BuildStructure,
  type DropTables,
  type PeerTablesReply,
  type PeerTestReply,
  type ProvisionTables,
  Query,
  STRUCTURE_LIST_MAX,
  type SchemaDiffReply,
  type SchemaShadowReply,
  type SchemaSwapCheckReply,
  type SchemaSyncReply,
  type SchemaSynced,
  type StructureBuilt,
  type SyncSchema,
  type TablesDropped,
  type TablesProvisioned,
  type ValidateReply,
} from '@bunnydb/contracts';
import type { CommandAnswer, CommandContext, Messaging } from '@bunnydb/messaging';
import { HandleCommand, HandleQuery, type ServiceLog } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import {
  parsePeerRequest,
  parseShadowRequest,
  parseSwapCheckRequest,
  parseStructureRequest,
  parseValidateRequest,
} from '../core/parse-request.js';
import { askLanes } from './ask-lanes.js';
import { buildStructure } from './build-structure.js';
import { dropTables } from './drop-tables.js';
import { findSpec } from './find-spec.js';
import type { OpenSecret } from './peer-session.js';
import { listPeerTables } from './peer-tables.js';
import { testPeer } from './peer-test.js';
import { provisionTables } from './provision-tables.js';
import { checkSwap } from './check-swap.js';
import { serveShadow } from './shadow-tables.js';
import { tellProgress } from './structure-progress.js';
import { syncByCommand } from './sync-by-command.js';
import { diffMirror, syncMirror } from './sync-structure.js';
import { validateMirror } from './validate.js';

export const OPEN_SECRET = Symbol('OPEN_SECRET');
export const LOG = Symbol('LOG');
export const MESSAGING = Symbol('MESSAGING');
export const RUN = Symbol('RUN');

/** This process: its name, and the signal that ends its work. */
export interface Run {
  readonly instance: string;
  readonly signal: AbortSignal;
}

/** What control may ask of this service. */
@Controller()
export class ControlResponder {
  readonly #openSecret: OpenSecret;
  readonly #log: ServiceLog;
  readonly #messaging: Messaging;
  readonly #run: Run;

  constructor(
    @Inject(OPEN_SECRET) openSecret: OpenSecret,
    @Inject(LOG) log: ServiceLog,
    @Inject(MESSAGING) messaging: Messaging,
    @Inject(RUN) run: Run,
  ) {
    this.#openSecret = openSecret;
    this.#log = log;
    this.#messaging = messaging;
    this.#run = run;
  }

  @HandleQuery(Query.SchemaPeerTest)
  async handlePeerTest(request: unknown): Promise<PeerTestReply> {
    return await testPeer(parsePeerRequest(request), this.#openSecret);
  }

  @HandleQuery(Query.SchemaPeerTables)
  async handlePeerTables(request: unknown): Promise<PeerTablesReply> {
    return await listPeerTables(parsePeerRequest(request), this.#openSecret);
  }

  @HandleQuery(Query.SchemaValidate)
  async handleValidate(request: unknown): Promise<ValidateReply> {
    return await validateMirror(parseValidateRequest(request), this.#openSecret);
  }

  @HandleQuery(Query.SchemaDiff)
  async handleDiff(request: unknown): Promise<SchemaDiffReply> {
    const spec = await findSpec(this.#messaging, parseStructureRequest(request));
    return await diffMirror({ spec, openSecret: this.#openSecret, signal: this.#run.signal });
  }

  @HandleQuery(Query.SchemaSync)
  async handleSync(request: unknown): Promise<SchemaSyncReply> {
    const wishes = parseStructureRequest(request);
    const spec = await findSpec(this.#messaging, wishes);
    const { signal } = this.#run;
    const onReleased = (tables: readonly string[]): Promise<void> =>
      askLanes(this.#messaging, spec, { action: 'retry', is_automatic: true }, tables);
    const openSecret = this.#openSecret;
    return await syncMirror({ spec, openSecret, signal, wishes, onReleased });
  }

  @HandleQuery(Query.SchemaShadow)
  async handleShadow(request: unknown): Promise<SchemaShadowReply> {
    const { spec, action, tables } = parseShadowRequest(request);
    const { signal } = this.#run;
    return await serveShadow({ spec, openSecret: this.#openSecret, signal, action, tables });
  }

  @HandleQuery(Query.SchemaSwapCheck)
  async handleSwapCheck(request: unknown): Promise<SchemaSwapCheckReply> {
    const { signal } = this.#run;
    return await checkSwap({
      ...parseSwapCheckRequest(request),
      openSecret: this.#openSecret,
      signal,
    });
  }

  @HandleCommand('build_structure')
  async handleBuildStructure(
    command: BuildStructure,
    { signal }: CommandContext,
  ): Promise<CommandAnswer<StructureBuilt>> {
    const { spec } = command.body;
    const onProgress = tellProgress(this.#messaging, this.#run.instance, spec.id);
    const result = await buildStructure({ spec, openSecret: this.#openSecret, signal, onProgress });
    const { built, skipped, failed, seconds } = result;
    return {
      type: 'structure_built',
      body: {
        built_count: built.length,
        built: built.slice(0, STRUCTURE_LIST_MAX),
        skipped_count: skipped.length,
        skipped: skipped.slice(0, STRUCTURE_LIST_MAX),
        failed_count: failed.length,
        failed: failed.slice(0, STRUCTURE_LIST_MAX),
        seconds,
      },
    };
  }

  @HandleCommand('sync_schema')
  async handleSyncSchema(
    command: SyncSchema,
    { signal }: CommandContext,
  ): Promise<CommandAnswer<SchemaSynced>> {
    const { instance } = this.#run;
    const body = await syncByCommand({
      command,
      openSecret: this.#openSecret,
      signal,
      messaging: this.#messaging,
      instance,
    });
    return { type: 'schema_synced', body };
  }

  @HandleCommand('provision_tables')
  async handleProvisionTables(
    command: ProvisionTables,
    { signal }: CommandContext,
  ): Promise<CommandAnswer<TablesProvisioned>> {
    const { spec } = command.body;
    const plan = await provisionTables({ spec, openSecret: this.#openSecret, signal });
    if (plan.defaultsLeftOut.length > 0) {
      this.#log.warn(
        { mirror: spec.id, columns: plan.defaultsLeftOut },
        'defaults left out, since they call functions that the destination lacks',
      );
    }
    return {
      type: 'tables_provisioned',
      body: { created: plan.created, existing: plan.existing },
    };
  }

  @HandleCommand('drop_tables')
  async handleDropTables(
    command: DropTables,
    { signal }: CommandContext,
  ): Promise<CommandAnswer<TablesDropped>> {
    const { spec, force } = command.body;
    const result = await dropTables({ spec, force, openSecret: this.#openSecret, signal });
    return { type: 'tables_dropped', body: result };
  }
}
