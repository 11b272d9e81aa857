import {
  DEFAULT_MIRROR_OPTIONS,
  type MirrorOptions,
  type MirrorSpec,
  type PeerConnection,
  type PreflightCheck,
  type SchemaDiffReply,
  type SchemaSyncReply,
  type TableMapping,
  type ValidateReply,
  type ValidateRequest,
} from '@bunnydb/contracts';
import { parseQualifiedName } from '@bunnydb/pg-model';
import { type TestDatabase, createDatabase } from '@bunnydb/testkit';
import type { ProvisionPlan } from '../src/core/provision-plan.js';
import { type BuildResult, buildStructure } from '../src/shell/build-structure.js';
import type { CompareOptions } from '../src/shell/compare-structure.js';
import { type DropResult, dropTables } from '../src/shell/drop-tables.js';
import { provisionTables } from '../src/shell/provision-tables.js';
import { type SyncOptions, diffMirror, syncMirror } from '../src/shell/sync-structure.js';
import { validateMirror } from '../src/shell/validate.js';

/** Two databases of their own, and roles that are dropped with them. */
export class SchemaFixture {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  readonly #roles: string[] = [];

  private constructor(source: TestDatabase, destination: TestDatabase) {
    this.source = source;
    this.destination = destination;
  }

  static async open(
    options: { source?: string; destination?: string } = {},
  ): Promise<SchemaFixture> {
    return new SchemaFixture(
      await createDatabase({ prefix: 'schema_src', serverUrl: options.source }),
      await createDatabase({ prefix: 'schema_dst', serverUrl: options.destination }),
    );
  }

  async close(): Promise<void> {
    for (const role of this.#roles) {
      for (const database of [this.source, this.destination]) {
        await database.query(`drop owned by ${role} cascade`);
      }
      await this.source.query(`drop role ${role}`);
    }
    await this.source.drop();
    await this.destination.drop();
  }

  /** A role that may log in and nothing else, on the server of both databases. */
  async role(): Promise<string> {
    const role = `least_${Math.random().toString(36).slice(2)}`;
    await this.source.query(`create role ${role} login password 'x'`);
    this.#roles.push(role);
    return role;
  }

  async provision(tables: readonly (string | TableMapping)[]): Promise<ProvisionPlan> {
    return await provisionTables({
      spec: this.spec(tables),
      openSecret,
      signal: new AbortController().signal,
    });
  }

  /** Builds what provisioning left out, as the command does. */
  async build(
    tables: readonly (string | TableMapping)[],
    options: Partial<MirrorOptions> = {},
  ): Promise<BuildResult> {
    return await buildStructure({
      ...this.#structure(tables, options),
      onProgress: () => undefined,
    });
  }

  async diff(
    tables: readonly (string | TableMapping)[],
    options: Partial<MirrorOptions> = {},
  ): Promise<SchemaDiffReply & { readonly ok: true }> {
    const reply = await diffMirror(this.#structure(tables, options));
    if (!reply.ok) throw new Error(reply.failure.message);
    return reply;
  }

  async sync(
    tables: readonly (string | TableMapping)[],
    wishes: SyncOptions['wishes'],
  ): Promise<SchemaSyncReply & { readonly ok: true }> {
    const reply = await syncMirror({ ...this.#structure(tables), wishes });
    if (!reply.ok) throw new Error(reply.failure.message);
    return reply;
  }

  #structure(
    tables: readonly (string | TableMapping)[],
    options: Partial<MirrorOptions> = {},
  ): CompareOptions {
    const spec = this.spec(tables);
    return {
      spec: { ...spec, options: { ...spec.options, ...options } },
      openSecret,
      signal: new AbortController().signal,
    };
  }

  async drop(tables: readonly string[], force = false, port?: number): Promise<DropResult> {
    const spec = this.spec(tables);
    const destination = port === undefined ? spec.destination : { ...spec.destination, port };
    return await dropTables({
      spec: { ...spec, destination },
      force,
      openSecret,
      signal: new AbortController().signal,
    });
  }

  async validate(
    request: Partial<ValidateRequest>,
    user?: string,
  ): Promise<ValidateReply & { readonly ok: true }> {
    const reply = await validateMirror(
      {
        name: 'm',
        source: peerOf(this.source, user),
        destination: peerOf(this.destination, user),
        wishes: [],
        all_tables: request.wishes === undefined,
        options: DEFAULT_MIRROR_OPTIONS,
        ...request,
      },
      openSecret,
    );
    if (!reply.ok) throw new Error(reply.failure.message);
    return reply;
  }

  spec(tables: readonly (string | TableMapping)[]): MirrorSpec {
    return {
      v: 1,
      id: 'schematest',
      name: 'schema-test',
      generation: 1,
      desired: 'hold',
      source: peerOf(this.source),
      destination: peerOf(this.destination),
      slot_name: 'unused',
      publication_name: 'unused',
      own_publication: false,
      tables: tables.map((table) => {
        if (typeof table !== 'string') return table;
        const name = parseQualifiedName(table);
        return { source: name, destination: name, exclude_columns: [] };
      }),
      options: DEFAULT_MIRROR_OPTIONS,
    };
  }
}

/** The checks that failed, by name. */
export function failedChecks(checks: readonly PreflightCheck[]): Record<string, PreflightCheck> {
  return Object.fromEntries(
    checks.filter((check) => !check.ok).map((check) => [check.name, check]),
  );
}

export function peerOf(database: TestDatabase, user?: string): PeerConnection {
  return {
    name: 'peer',
    host: database.host,
    port: database.port,
    user: user ?? database.user,
    database: database.name,
    password: user === undefined ? database.password : 'x',
    ssl_mode: 'disable',
  };
}

/** Tests send passwords as they are. */
function openSecret(sealed: string): string {
  return sealed;
}
