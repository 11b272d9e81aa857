import type { PreflightCheck, TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { type Finding, roleName, summarize } from './preflight-check.js';
import type { PreflightFacts, SourceFacts } from './preflight-facts.js';
import { checkRowSecurity } from './preflight-row-security.js';
import { type RelationFacts, keyOf } from './relation-facts.js';

/** Checks of the source tables that the mirror would take. */
export function tableChecks(source: SourceFacts, facts: PreflightFacts): PreflightCheck[] {
  return [
    checkTables(source, facts),
    checkSelect(source, facts),
    checkRowSecurity(
      'table_row_security',
      { relations: source.relations, user: source.server.user },
      facts.tables.map((table) => table.source),
    ),
    checkReplicaIdentity(source, facts),
    checkExcludedColumns(source, facts),
    checkRowFilters(source),
  ];
}

function checkTables(
  { relations }: SourceFacts,
  { wishProblems, tables }: PreflightFacts,
): PreflightCheck {
  const findings: Finding[] = [...wishProblems];
  if (tables.length === 0 && wishProblems.length === 0) {
    findings.push({ detail: 'no table is chosen', fix: 'List tables, or set all_tables.' });
  }
  for (const { source } of tables) {
    const relation = relations.find(source);
    const leaves = relation ? relations.leavesOf(relation) : [];
    for (const leaf of leaves) {
      if (leaf.kind === 'table' && leaf.persistence === 'permanent') continue;
      findings.push({
        detail: `the partition ${formatQualifiedName(leaf.name)} is ${leaf.kind === 'foreign' ? 'a foreign table' : leaf.persistence}, whose changes are not in the WAL`,
        fix: `ALTER TABLE ${quoteQualifiedName(leaf.partitionOf ?? source)} DETACH PARTITION ${quoteQualifiedName(leaf.name)};`,
      });
    }
  }
  return summarize('tables', findings, `${tables.length} tables are chosen`);
}

function checkSelect(
  { relations, server }: SourceFacts,
  { tables }: PreflightFacts,
): PreflightCheck {
  const findings = tables
    .filter(({ source }) => relations.find(source)?.canSelect === false)
    .map(({ source }) => ({
      detail: `${server.user} may not read ${formatQualifiedName(source)}`,
      fix: `GRANT USAGE ON SCHEMA ${quoteIdentifier(source.schema)} TO ${roleName(server.user)}; GRANT SELECT ON ${quoteQualifiedName(source)} TO ${roleName(server.user)};`,
    }));
  return summarize('table_select', findings, 'every table can be read');
}

/**
 * A published table without a replica identity is worse than unreplicable: from the moment it is published, the source refuses the
 * application's own updates and deletes. So it never gets that far. Partitions count one by one, since PostgreSQL judges the partition.
 */
function checkReplicaIdentity(
  { relations, publication }: SourceFacts,
  { tables }: PreflightFacts,
): PreflightCheck {
  const findings: Finding[] = [];
  for (const { source } of tables) {
    const relation = relations.find(source);
    if (relation === undefined) continue;
    for (const leaf of relations.leavesOf(relation)) {
      const published = publication?.tables.get(keyOf(source))?.columns ?? [];
      findings.push(...computedIdentityFindings(leaf, published));
      if (identifiesRows(leaf)) continue;
      const name = formatQualifiedName(leaf.name);
      findings.push({
        detail: `${name} ${whyUnidentified(leaf)}; once published, its updates and deletes would be refused on the source`,
        fix: `ALTER TABLE ${quoteQualifiedName(leaf.name)} REPLICA IDENTITY FULL; -- or give it a primary key; for a table that is only ever inserted into, FULL costs nothing`,
      });
    }
  }
  return summarize('replica_identity', findings, 'every table identifies its rows');
}

/** A publication of the user's may send what a table computes, but rows are not looked up by it. */
function computedIdentityFindings(
  { name, computedIdentity, replicaIdentity }: RelationFacts,
  published: readonly string[],
): readonly Finding[] {
  const isWhole = replicaIdentity === 'full';
  const columns = computedIdentity.filter((column) => !isWhole || !published.includes(column));
  if (columns.length === 0) return [];
  const [shown, alter] = [formatQualifiedName(name), `ALTER TABLE ${quoteQualifiedName(name)}`];
  return [
    {
      detail: `${shown} identifies its rows by ${columns.join(', ')}, which the source computes and does not send; once published, its updates and deletes would be refused on the source, or not find their rows`,
      fix: isWhole
        ? `${alter} REPLICA IDENTITY DEFAULT; -- with a primary key; or give publication_name of a publication WITH (publish_generated_columns = stored), which sends columns that are STORED`
        : `${alter} REPLICA IDENTITY USING INDEX …; -- a unique index over NOT NULL columns that are not computed`,
    },
  ];
}

function identifiesRows(relation: RelationFacts): boolean {
  return relation.replicaIdentity === 'full' || relation.identityColumns.length > 0;
}

function whyUnidentified(relation: RelationFacts): string {
  switch (relation.replicaIdentity) {
    case 'nothing':
      return 'has REPLICA IDENTITY NOTHING';
    case 'index':
      return 'has a replica identity whose index is gone';
    case 'default':
    case 'full':
      return relation.hasPrimaryKey
        ? 'has a deferrable primary key, which cannot identify rows'
        : 'has no primary key';
  }
}

function checkExcludedColumns(
  { relations }: SourceFacts,
  { tables }: PreflightFacts,
): PreflightCheck {
  const findings = tables.flatMap((table) => {
    const relation = relations.find(table.source);
    return relation ? excludedColumnFindings(table, relation) : [];
  });
  return summarize('exclude_columns', findings, 'no needed column is excluded');
}

function excludedColumnFindings(table: TableMapping, relation: RelationFacts): Finding[] {
  const name = formatQualifiedName(relation.name);
  const columns = new Set(relation.columns.map((column) => column.name));
  const findings: Finding[] = [];
  for (const column of table.exclude_columns) {
    if (!columns.has(column)) {
      findings.push({
        detail: `${name} has no column ${column}`,
        fix: 'Correct exclude_columns.',
      });
    } else if (relation.identityColumns.includes(column)) {
      findings.push({
        detail: `${name} identifies its rows by ${column}`,
        fix: 'Take it out of exclude_columns.',
      });
    }
  }
  if (table.exclude_columns.length > 0 && relation.replicaIdentity === 'full') {
    findings.push({
      detail: `${name} has REPLICA IDENTITY FULL, which needs every column`,
      fix: `ALTER TABLE ${quoteQualifiedName(relation.name)} REPLICA IDENTITY DEFAULT; -- with a primary key, or exclude no column`,
    });
  }
  return findings;
}

/** Like a missing identity, a filter on other columns than the identity's makes the source refuse updates and deletes. */
function checkRowFilters({ rowFilters }: SourceFacts): PreflightCheck {
  const findings: Finding[] = [];
  for (const { table, sqlstate, columns } of rowFilters) {
    const name = formatQualifiedName(table.name);
    if (sqlstate !== null) {
      findings.push({
        detail: `the row filter of ${name} was refused by the source (SQLSTATE ${sqlstate})`,
        fix: 'Write a condition on columns of the table with built-in immutable functions only, as CREATE PUBLICATION … WHERE takes it.',
      });
      continue;
    }
    if (table.replicaIdentity === 'full') continue;
    const others = columns.filter((column) => !table.identityColumns.includes(column));
    if (others.length > 0) {
      findings.push({
        detail: `the row filter of ${name} reads ${others.join(', ')}, which the replica identity does not cover; the source would refuse updates`,
        fix: `ALTER TABLE ${quoteQualifiedName(table.name)} REPLICA IDENTITY FULL;`,
      });
    }
  }
  return summarize('row_filters', findings, 'every row filter is valid');
}
