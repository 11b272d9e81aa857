import {
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
  type QualifiedName,
} from '@bunnydb/pg-model';
import { shadowObjectName } from './shadow-name.js';
import type { IndexFacts, TableFacts } from './table-facts.js';

/**
 * The statements that make an empty shadow of a table: its columns, storage and the unique indexes that changes are looked up by. Everything else would only
 * make the copy slower and comes before the swap. Checks are left for then, too: here they would be enforced even where the table's are NOT VALID.
 *
 * @param identities column lists by which the source tells rows apart.
 */
export function createShadowStatements(
  table: TableFacts,
  shadow: QualifiedName,
  mark: string,
  identities: readonly (readonly string[])[],
): readonly string[] {
  const name = quoteQualifiedName(shadow);
  const like = `like ${quoteQualifiedName(table.name)} ${LIKE_OPTIONS}`;
  const create = [
    `create ${table.isUnlogged ? 'unlogged ' : ''}table ${name} (${like})`,
    `using ${quoteIdentifier(table.accessMethod)}`,
    ...storageOptions(table),
    ...(table.tablespace === null ? [] : [`tablespace ${quoteIdentifier(table.tablespace)}`]),
  ].join(' ');
  const keys = table.indexes.filter((index) => isNeeded(index, identities));
  return [
    create,
    `comment on table ${name} is ${quoteLiteral(mark).trim()}`,
    ...keys.flatMap((index) => buildIndexStatements(index, shadow)),
  ];
}

/** Builds an index, or the constraint that it stands behind, on the shadow, under a name that the swap will change. */
export function buildIndexStatements(index: IndexFacts, shadow: QualifiedName): readonly string[] {
  const table = quoteQualifiedName(shadow);
  const plainName = indexNameOnShadow(index, shadow);
  const name = quoteQualifiedName({ schema: shadow.schema, table: plainName });
  const statements: string[] = [];
  if (index.definition === null) {
    const unique = index.isUnique ? 'unique ' : '';
    statements.push(
      `create ${unique}index ${quoteIdentifier(plainName)} on ${table} ${index.body}`,
    );
  } else {
    statements.push(
      `alter table ${table} add constraint ${quoteIdentifier(plainName)} ${index.definition}`,
    );
    // The definition of an index has its options, that of a constraint has not.
    if (index.options !== null) {
      statements.push(`alter index ${name} set (${index.options.map(optionSql).join(', ')})`);
    }
  }
  if (index.tablespace !== null) {
    statements.push(`alter index ${name} set tablespace ${quoteIdentifier(index.tablespace)}`);
  }
  for (const { position, target } of index.statistics) {
    statements.push(`alter index ${name} alter column ${position} set statistics ${target}`);
  }
  return statements;
}

export function indexNameOnShadow(index: IndexFacts, shadow: QualifiedName): string {
  return shadowObjectName(shadow, index.name, `${index.definition ?? ''}\0${index.body}`);
}

/** `name=value`, as the catalog has it, as SQL. */
export function optionSql(option: string): string {
  const at = option.indexOf('=');
  return `${quoteIdentifier(option.slice(0, at))} = ${quoteLiteral(option.slice(at + 1)).trim()}`;
}

function storageOptions({ options, toastOptions }: TableFacts): readonly string[] {
  const all = [
    ...(options ?? []).map(optionSql),
    ...(toastOptions ?? []).map((option) => `toast.${optionSql(option)}`),
  ];
  return all.length === 0 ? [] : [`with (${all.join(', ')})`];
}

function isNeeded(index: IndexFacts, identities: readonly (readonly string[])[]): boolean {
  if (!index.isUnique || !index.isValid) return false;
  if (index.isPrimary || index.isReplicaIdentity) return true;
  return (
    !index.isPartial && identities.some((identity) => haveSameMembers(identity, index.columns))
  );
}

function haveSameMembers(one: readonly string[], other: readonly (string | null)[]): boolean {
  return one.length === other.length && one.every((member) => other.includes(member));
}

const LIKE_OPTIONS =
  'including defaults including generated including identity including storage including compression including comments';
