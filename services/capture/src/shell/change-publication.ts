import type { MirrorSpec } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type ConnectionSettings, connectClient, toMirrorError } from '@bunnydb/pg-client';
import {
  type QualifiedName,
  formatQualifiedName,
  quoteIdentifier,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import type pg from 'pg';
import { planPublicationChange } from '../core/publication-change.js';
import { checkIdentities } from './check-identities.js';
import { existingTables } from './existing-tables.js';
import {
  readPublication,
  readPublishableColumns,
  readPublishedTables,
  readUnpublished,
} from './publication-facts.js';

export interface ChangedPublication {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Brings the mirror's own publication in line with its tables, in one transaction; called again it finds nothing to do. Of a table with
 * excluded columns it takes in the columns that were added since. A publication of the user's is only looked at.
 *
 * @throws MirrorError when a table must not be published, or when the user's publication lacks one.
 */
export async function changePublication(
  settings: ConnectionSettings,
  spec: MirrorSpec,
): Promise<ChangedPublication> {
  const client = await connectClient(settings, { role: 'source', lockTimeoutMs: LOCK_TIMEOUT_MS });
  try {
    const { viaRoot, writes } = await readPublication(client, spec.publication_name);
    if (!spec.own_publication) return await changeOurs(client, spec);
    await checkTheirs(client, spec, viaRoot);
    if (writes) await checkIdentities(client, spec.publication_name, sourcesOf(spec));
    return { added: [], removed: [] };
  } catch (error) {
    throw toMirrorError(error, { role: 'source', publication: spec.publication_name });
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function changeOurs(client: pg.Client, spec: MirrorSpec): Promise<ChangedPublication> {
  await client.query('begin');
  try {
    const tables = await existingTables(client, spec.tables);
    const { added, removed, statements } = planPublicationChange(
      spec.publication_name,
      await readPublishedTables(client, spec.publication_name),
      tables,
      await readPublishableColumns(client, tables),
      { keepsUnknown: tables.length < spec.tables.length },
    );
    for (const sql of statements) await client.query(sql);
    // A filter's columns are known to the server only now; a refusal takes all of it back.
    const suspects = tables.filter(
      (table) => added.includes(table) || table.row_filter || table.exclude_columns.length > 0,
    );
    await checkIdentities(
      client,
      spec.publication_name,
      suspects.map(({ source }) => source),
    );
    await client.query('commit');
    return {
      added: added.map(({ source }) => formatQualifiedName(source)),
      removed: removed.map(formatQualifiedName),
    };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** @throws MirrorError when the user's publication lacks a table, with the SQL that mends it. */
export async function checkTheirs(
  client: pg.Client,
  spec: MirrorSpec,
  viaRoot: boolean,
): Promise<void> {
  const missing = await readUnpublished(client, spec.publication_name, sourcesOf(spec));
  if (missing.length === 0) return;
  const alter = `alter publication ${quoteIdentifier(spec.publication_name)}`;
  // Without it a partitioned table is sent under the names of its partitions.
  const lacksRoot = !viaRoot && missing.some(({ partitioned }) => partitioned);
  throw new MirrorError('invalid_input', 'the publication that was named lacks a table', {
    detail: {
      table: missing.slice(0, LISTED_MAX).map(formatQualifiedName),
      fix: lacksRoot
        ? `${alter} set (publish_via_partition_root = true)`
        : `${alter} add table ${missing.slice(0, LISTED_MAX).map(quoteQualifiedName).join(', ')}`,
    },
  });
}

function sourcesOf(spec: MirrorSpec): readonly QualifiedName[] {
  return spec.tables.map(({ source }) => source);
}

const LOCK_TIMEOUT_MS = 30_000;
const LISTED_MAX = 100;
