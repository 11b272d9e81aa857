import {
  type QualifiedName,
  quoteIdentifier,
  quoteLiteral,
  quoteQualifiedName,
} from '@bunnydb/pg-model';
import { aclStatements, columnAclStatements } from './acl-ddl.js';
import { policyStatements, triggerStatements } from './row-rules-ddl.js';
import { keyOf } from './relation-facts.js';
import { indexNameOnShadow } from './shadow-create.js';
import { statisticsNameOnShadow } from './shadow-build.js';
import type { ColumnSequenceFacts, ForeignKeyFacts, TableFacts } from './table-facts.js';

/** A destination table, and the loaded and built shadow that takes its place. */
export interface SwapPair {
  readonly table: TableFacts;
  readonly shadow: TableFacts;
}

export interface SwapPlan {
  /** In one transaction, in this order. */
  readonly statements: readonly string[];
  /** Keys that hold for new rows only after the swap, and held for all before. */
  readonly keysToValidate: readonly ForeignKeyFacts[];
}

/**
 * Puts each shadow in its table's place, under its name and with all that was the table's: owner, privileges, comments, triggers, policies, publications, sequences and
 * their positions, and the foreign keys of both directions. Old tables are dropped without CASCADE: should anything lean on them that is not known here,
 * nothing happens. Definitions that name the table are made after it has got its name, so they hold as PostgreSQL wrote them.
 */
export function planSwap(pairs: readonly SwapPair[]): SwapPlan {
  const swapped = new Set(pairs.map(({ table }) => keyOf(table.name)));
  const inbound = pairs
    .flatMap(({ table }) => table.inboundKeys)
    .filter((key) => !swapped.has(keyOf({ schema: key.schema, table: key.table })));
  const keys = [...pairs.flatMap(({ table }) => table.foreignKeys), ...inbound];
  return {
    statements: [
      ...pairs.flatMap(takeSequences),
      ...inbound.map(
        (key) =>
          `alter table ${quoteQualifiedName(key)} drop constraint ${quoteIdentifier(key.name)}`,
      ),
      `drop table ${pairs.map(({ table }) => quoteQualifiedName(table.name)).join(', ')} restrict`,
      ...pairs.flatMap(takeNames),
      ...pairs.flatMap(takeProperties),
      ...keys.flatMap(addForeignKey),
    ],
    keysToValidate: keys.filter((key) => key.isValidated && key.isEnforced),
  };
}

/** An owned sequence changes its table; that of an identity column cannot, so the shadow's goes to its position. */
function takeSequences({ table, shadow }: SwapPair): readonly string[] {
  const name = quoteQualifiedName(shadow.name);
  const owner = quoteIdentifier(table.owner);
  const statements = shadow.owner === table.owner ? [] : [`alter table ${name} owner to ${owner}`];
  for (const sequence of table.sequences) {
    const old = sequenceSql(sequence);
    if (!sequence.isIdentity) {
      statements.push(`alter sequence ${old} owned by ${name}.${quoteIdentifier(sequence.column)}`);
      continue;
    }
    const own = identitySequence(shadow, sequence.column);
    if (own === undefined) continue;
    const target = quoteLiteral(sequenceSql(own)).trim();
    statements.push(
      `select pg_catalog.setval(${target}::pg_catalog.regclass, last_value, is_called) from ${old}`,
    );
  }
  return statements;
}

function takeNames({ table, shadow }: SwapPair): readonly string[] {
  const name = quoteQualifiedName(table.name);
  const { schema } = shadow.name;
  const statements = [
    `alter table ${quoteQualifiedName(shadow.name)} rename to ${quoteIdentifier(table.name.table)}`,
  ];
  for (const index of table.indexes) {
    if (!index.isValid) continue;
    const plainName = indexNameOnShadow(index, shadow.name);
    const old = quoteIdentifier(plainName);
    // Renaming a constraint renames its index.
    statements.push(
      index.constraint === null
        ? `alter index ${quoteQualifiedName({ schema, table: plainName })} rename to ${quoteIdentifier(index.name)}`
        : `alter table ${name} rename constraint ${old} to ${quoteIdentifier(index.constraint)}`,
    );
  }
  for (const statistics of table.statistics) {
    const old = {
      schema: statistics.schema,
      table: statisticsNameOnShadow(statistics, shadow.name),
    };
    const renamed = quoteQualifiedName({ schema: statistics.schema, table: statistics.name });
    statements.push(
      `alter statistics ${quoteQualifiedName(old)} rename to ${quoteIdentifier(statistics.name)}`,
      `alter statistics ${renamed} owner to ${quoteIdentifier(statistics.owner)}`,
      ...commentOn(`statistics ${renamed}`, statistics.comment),
    );
  }
  for (const sequence of table.sequences.filter((candidate) => candidate.isIdentity)) {
    const own = identitySequence(shadow, sequence.column);
    if (own === undefined) continue;
    const renamed = sequenceSql(sequence);
    const object = { sql: `sequence ${renamed}`, owner: table.owner, current: own.acl };
    statements.push(
      `alter sequence ${sequenceSql(own)} rename to ${quoteIdentifier(sequence.name)}`,
      ...aclStatements(object, sequence.acl),
      ...commentOn(`sequence ${renamed}`, sequence.comment),
    );
  }
  return statements;
}

function takeProperties({ table, shadow }: SwapPair): readonly string[] {
  const name = quoteQualifiedName(table.name);
  const inSchema = (object: string): string =>
    quoteQualifiedName({ schema: table.name.schema, table: object });
  const object = { sql: `table ${name}`, owner: table.owner, current: shadow.acl };
  const on = `on ${name}`;
  const clustered = table.indexes.find((index) => index.isClustered && index.isValid);
  const publications = table.publications.map(({ name: publication, columns, filter }) => {
    const list = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`;
    const where = filter === null ? '' : ` where (${filter})`;
    return `alter publication ${quoteIdentifier(publication)} add table ${name}${list}${where}`;
  });
  return [
    // The shadow has a comment of its own, by which it was known.
    `comment on table ${name} is ${literalOrNull(table.comment)}`,
    ...aclStatements(object, table.acl),
    ...table.columns.flatMap((column) => [
      ...columnAclStatements(name, column.name, column.acl),
      // The shadow's may be older.
      `comment on column ${name}.${quoteIdentifier(column.name)} is ${literalOrNull(column.comment)}`,
    ]),
    ...table.indexes.flatMap((index) =>
      index.isValid
        ? [
            ...commentOn(`index ${inSchema(index.name)}`, index.comment),
            ...(index.constraint === null
              ? []
              : commentOn(constraintOn(index.constraint, name), index.constraintComment)),
          ]
        : [],
    ),
    ...table.checks.flatMap((check) => commentOn(constraintOn(check.name, name), check.comment)),
    `alter table ${name} ${replicaIdentity(table)}`,
    ...(clustered ? [`alter table ${name} cluster on ${quoteIdentifier(clustered.name)}`] : []),
    ...(table.hasRowSecurity ? [`alter table ${name} enable row level security`] : []),
    ...(table.forcesRowSecurity ? [`alter table ${name} force row level security`] : []),
    ...table.policies.flatMap((policy) => [
      ...policyStatements(policy, name),
      ...commentOn(`policy ${quoteIdentifier(policy.name)} ${on}`, policy.comment),
    ]),
    ...table.triggers.flatMap((trigger) => [
      ...triggerStatements(trigger, name),
      ...commentOn(`trigger ${quoteIdentifier(trigger.name)} ${on}`, trigger.comment),
    ]),
    ...publications,
  ];
}

/** Rows that are there are checked after the swap: it would take long, and the tables may not fit together before the stream has caught up. */
function addForeignKey(key: ForeignKeyFacts): readonly string[] {
  const table = quoteQualifiedName(key);
  const notValid = key.isValidated && key.isEnforced ? ' not valid' : '';
  return [
    `alter table ${table} add constraint ${quoteIdentifier(key.name)} ${key.definition}${notValid}`,
    ...commentOn(constraintOn(key.name, table), key.comment),
  ];
}

function replicaIdentity(table: TableFacts): string {
  const index = table.indexes.find((candidate) => candidate.isReplicaIdentity);
  switch (table.replicaIdentity) {
    case 'f':
      return 'replica identity full';
    case 'n':
      return 'replica identity nothing';
    case 'i':
      // The index may have been dropped; then nothing identifies rows, and the table says so as before.
      return index
        ? `replica identity using index ${quoteIdentifier(index.name)}`
        : 'replica identity nothing';
    default:
      return 'replica identity default';
  }
}

function identitySequence(table: TableFacts, column: string): ColumnSequenceFacts | undefined {
  return table.sequences.find((sequence) => sequence.isIdentity && sequence.column === column);
}

function sequenceSql({ schema, name }: ColumnSequenceFacts): string {
  return quoteQualifiedName({ schema, table: name } satisfies QualifiedName);
}

const constraintOn = (constraint: string, table: string): string =>
  `constraint ${quoteIdentifier(constraint)} on ${table}`;

function commentOn(object: string, comment: string | null): readonly string[] {
  return comment === null ? [] : [`comment on ${object} is ${literalOrNull(comment)}`];
}

function literalOrNull(text: string | null): string {
  return text === null ? 'null' : quoteLiteral(text).trim();
}
