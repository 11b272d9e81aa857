import {
  type DropTables,
  type PeerTablesReply,
  type PeerTestReply,
  type ProvisionTables,
  Query,
  type TablesDropped,
  type TablesProvisioned,
  type ValidateReply,
} from '@bunnydb/contracts';
import type { CommandAnswer, CommandContext } from '@bunnydb/messaging';
import { HandleCommand, HandleQuery, type ServiceLog } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import { parsePeerRequest, parseValidateRequest } from '../core/parse-request.js';
import { dropTables } from './drop-tables.js';
import type { OpenSecret } from './peer-session.js';
import { listPeerTables } from './peer-tables.js';
import { testPeer } from './peer-test.js';
import { provisionTables } from './provision-tables.js';
import { validateMirror } from './validate.js';

export const OPEN_SECRET = Symbol('OPEN_SECRET');
export const LOG = Symbol('LOG');

/** What control may ask of this service. */
@Controller()
export class ControlResponder {
  readonly #openSecret: OpenSecret;
  readonly #log: ServiceLog;

  constructor(@Inject(OPEN_SECRET) openSecret: OpenSecret, @Inject(LOG) log: ServiceLog) {
    this.#openSecret = openSecret;
    this.#log = log;
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

  @HandleCommand('provision_tables')
  async handleProvisionTables(
    command: ProvisionTables,
    { signal }: CommandContext,
  ): Promise<CommandAnswer<TablesProvisioned>> {
    const { spec } = command.body;
    const plan = await provisionTables({ spec, openSecret: this.#openSecret, signal });
    if (plan.defaultsLeftOut.length > 0) {
      this.#log.warn(
        { mirror: spec.name, columns: plan.defaultsLeftOut },
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
