import type { PreflightCheck, TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { type Finding, failed, passed, roleName, summarize } from './preflight-check.js';
import type { DestinationFacts, PreflightFacts, SourceFacts } from './preflight-facts.js';
import { checkRowSecurity } from './preflight-row-security.js';
import { type RelationColumn, type RelationFacts, keyOf } from './relation-facts.js';

/** Checks of the destination; `source` is undefined when it was out of reach. */
export function destinationChecks(
  destination: DestinationFacts,
  { tables }: PreflightFacts,
  source: SourceFacts | undefined,
): PreflightCheck[] {
  return [
    checkVersion(destination),
    checkWritable(destination),
    checkCreate(destination, tables),
    checkTriggers(destination),
    checkWritePrivileges(destination, tables),
    checkRowSecurity(
      'destination_row_security',
      { relations: destination.relations, user: destination.server.user },
      tables.map((table) => table.destination),
    ),
    checkEmpty(destination, tables),
    checkColumns(destination, tables, source),
  ];
}

function checkVersion({ server }: DestinationFacts): PreflightCheck {
  const name = 'destination_version';
  if (server.versionNumber >= OLDEST_VERSION_NUMBER) {
    return passed(name, `PostgreSQL ${server.version}`);
  }
  return failed(
    name,
    `the destination is PostgreSQL ${server.version}`,
    'Upgrade the destination to PostgreSQL 15 or later.',
  );
}

function checkWritable({ server }: DestinationFacts): PreflightCheck {
  const name = 'destination_writable';
  if (server.isStandby) {
    return failed(
      name,
      'the destination is a standby',
      'Point the destination peer at the primary server.',
    );
  }
  if (server.isReadOnly) {
    return failed(
      name,
      'the destination is read-only by default',
      `ALTER ROLE ${roleName(server.user)} SET default_transaction_read_only = off; -- or ALTER DATABASE ${quoteIdentifier(server.database)} SET default_transaction_read_only = off;`,
    );
  }
  return passed(name, 'the destination can be written');
}

/** CREATE on the database is needed for schemas that are missing, CREATE on a schema for tables that are. */
function checkCreate(
  { server, relations }: DestinationFacts,
  tables: readonly TableMapping[],
): PreflightCheck {
  const role = roleName(server.user);
  const database = quoteIdentifier(server.database);
  const missing = tables.filter(({ destination }) => !relations.find(destination));
  const wanted = new Set(['_bunny', ...missing.map(({ destination }) => destination.schema)]);
  const findings: Finding[] = [];
  for (const schema of wanted) {
    const canCreate = server.schemas.get(schema);
    if (canCreate === undefined && !server.canCreateInDatabase) {
      findings.push({
        detail: `the schema ${schema} is missing and ${server.user} may not create it`,
        fix: `GRANT CREATE ON DATABASE ${database} TO ${role};`,
      });
    } else if (canCreate === false) {
      findings.push({
        detail: `${server.user} may not create tables in the schema ${schema}`,
        fix: `GRANT USAGE, CREATE ON SCHEMA ${quoteIdentifier(schema)} TO ${role};`,
      });
    }
  }
  return summarize('destination_create', findings, 'schemas and tables can be created');
}

function checkTriggers({ server }: DestinationFacts): PreflightCheck {
  const name = 'destination_triggers';
  if (server.canSetReplicationRole) {
    return passed(name, `${server.user} may set session_replication_role`);
  }
  return failed(
    name,
    `${server.user} may not set session_replication_role, so triggers and foreign keys of the destination would fire`,
    `GRANT SET ON PARAMETER session_replication_role TO ${roleName(server.user)};`,
  );
}

function checkWritePrivileges(
  { server, relations }: DestinationFacts,
  tables: readonly TableMapping[],
): PreflightCheck {
  const findings: Finding[] = [];
  for (const { destination } of tables) {
    const relation = relations.find(destination);
    if (relation === undefined) continue;
    const name = formatQualifiedName(destination);
    if (relation.kind !== 'table' && relation.kind !== 'partitioned') {
      findings.push({
        detail: `${name} exists at the destination and is not a table`,
        fix: 'Map the table to another name.',
      });
    } else if (!relation.canSelect || !relation.canWrite) {
      findings.push({
        detail: `${server.user} may not write ${name}`,
        fix: `GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ${quoteQualifiedName(destination)} TO ${roleName(server.user)};`,
      });
    }
  }
  return summarize('destination_privileges', findings, 'existing tables can be written');
}

function checkEmpty(
  { filledTables }: DestinationFacts,
  tables: readonly TableMapping[],
): PreflightCheck {
  const findings = tables
    .filter(({ destination }) => filledTables.has(keyOf(destination)))
    .map(({ destination }) => ({
      detail: `${formatQualifiedName(destination)} holds rows already`,
      fix: `TRUNCATE ${quoteQualifiedName(destination)}; -- if they may go; otherwise map the table to another name`,
    }));
  return summarize('destination_empty', findings, 'destination tables are empty or missing');
}

/** A table that exists is used as it is, so it must have room for what will come. */
function checkColumns(
  { relations }: DestinationFacts,
  tables: readonly TableMapping[],
  source: SourceFacts | undefined,
): PreflightCheck {
  const findings = tables.flatMap((table) => {
    const target = relations.find(table.destination);
    const relation = source?.relations.find(table.source);
    if (target === undefined || relation === undefined) return [];
    const published = source?.publication?.tables.get(keyOf(table.source))?.columns ?? [];
    return [
      ...columnFindings(table, relation, target),
      ...publishedFindings(table, relation, target, published),
    ];
  });
  return summarize('destination_columns', findings, 'existing tables have the columns needed');
}

/** A source column, as far as its destination matters. */
export interface SentColumn {
  readonly name: string;
  readonly type: string;
  readonly isGenerated: boolean;
}

/** What keeps an existing destination table from holding the source's rows. */
export function columnFindings(
  table: TableMapping,
  source: { readonly columns: readonly SentColumn[] },
  target: RelationFacts,
): Finding[] {
  const name = quoteQualifiedName(table.destination);
  const shown = formatQualifiedName(table.destination);
  const targets = new Map(target.columns.map((column) => [column.name, column]));
  const sent = source.columns.filter(
    (column) => !column.isGenerated && !table.exclude_columns.includes(column.name),
  );
  const findings: Finding[] = [];
  for (const column of sent) {
    if (targets.has(column.name)) continue;
    findings.push({
      detail: `${shown} lacks the column ${column.name}`,
      fix: `ALTER TABLE ${name} ADD COLUMN ${quoteIdentifier(column.name)} ${column.type};`,
    });
  }
  findings.push(...generationFindings(table, source, targets));
  const sentNames = new Set(sent.map((column) => column.name));
  for (const column of target.columns) {
    const fillsItself = column.hasDefault || column.isGenerated;
    if (!column.isNotNull || fillsItself || sentNames.has(column.name)) continue;
    findings.push({
      detail: `${shown} demands a value for ${column.name}, which the source does not send`,
      fix: `ALTER TABLE ${name} ALTER COLUMN ${quoteIdentifier(column.name)} DROP NOT NULL;`,
    });
  }
  return findings;
}

/** A publication of the user's may send what the source computes (PostgreSQL 18): its rows need a place, though nothing is written there. */
function publishedFindings(
  { destination, exclude_columns: excluded }: TableMapping,
  source: { readonly columns: readonly SentColumn[] },
  target: RelationFacts,
  published: readonly string[],
): Finding[] {
  const present = new Set([...target.columns.map((column) => column.name), ...excluded]);
  const shown = formatQualifiedName(destination);
  return source.columns
    .filter(({ name, isGenerated }) => isGenerated && published.includes(name))
    .filter(({ name }) => !present.has(name))
    .map(({ name }) => ({
      detail: `${shown} lacks the column ${name}, which the source computes and the publication sends`,
      fix: `Name ${name} in exclude_columns, or add it to ${shown} as the source has it, GENERATED ALWAYS AS …`,
    }));
}

/** Values that one side computes do not travel: the other side has to compute them, too, or do without. */
function generationFindings(
  { destination, exclude_columns: excluded }: TableMapping,
  source: { readonly columns: readonly SentColumn[] },
  targets: ReadonlyMap<string, RelationColumn>,
): Finding[] {
  const alter = `ALTER TABLE ${quoteQualifiedName(destination)}`;
  return source.columns.flatMap(({ name, isGenerated }): readonly Finding[] => {
    const target = targets.get(name);
    if (target === undefined || target.isGenerated === isGenerated || excluded.includes(name)) {
      return [];
    }
    const shown = `${formatQualifiedName(destination)}.${name}`;
    const column = quoteIdentifier(name);
    return isGenerated
      ? [
          {
            detail: `${shown} is computed at the source and an ordinary column at the destination, where its values would be missing`,
            fix: `${alter} DROP COLUMN ${column}; -- and add it as the source has it, GENERATED ALWAYS AS …; or name it in exclude_columns`,
          },
        ]
      : [
          {
            detail: `${shown} is computed at the destination, so that the source's values cannot be written`,
            fix: `${alter} ALTER COLUMN ${column} DROP EXPRESSION; -- one that is VIRTUAL: drop it and add it as the source has it; or name it in exclude_columns`,
          },
        ];
  });
}

const OLDEST_VERSION_NUMBER = 150_000;
