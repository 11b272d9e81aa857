import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { fullMatch } from './full-match.js';
import { assignedFields, columnList, tableOf, unassignableFields } from './row-statements.js';
import type { RowField, TablePlan } from './table-plan.js';

/**
 * SQL over a staging table: a temporary table of the session that takes a payload as it is. Its columns are named by place (`c1` …, `o1`
 * …), and typed as the destination's, so that the server reads each value once.
 */
export interface StagingStatements {
  readonly create: string;
  readonly copy: string;
  readonly clear: string;
  readonly drop: string;
  readonly delete: string;
  /** Fails with division by zero unless it changes exactly `expected` rows: some are missing, and row by row finds out which. */
  update(expected: number, hasUnchanged: boolean): string;
  readonly insert: string;
  /** For a row too large to be held: updates it, or inserts it if it is missing and complete; the answer is the number of inserts. */
  readonly updateOrInsertOne: string;
  /** The same for a delete by all columns. */
  readonly deleteOne: string;
}

/** @param name of the staging table, without a schema. */
export function stagingStatements(plan: TablePlan, name: string): StagingStatements {
  const staging = `pg_temp.${quoteIdentifier(name)}`;
  const target = quoteQualifiedName(plan.table.name);
  const { columns, old } = plan.layout;
  const definitions = [
    'op "char"',
    'seq int8',
    'unchanged text',
    ...columns.map((_, position) => `c${position + 1} ${typeAt(plan.fields, position)}`),
    ...old.map((_, position) => `o${position + 1} ${typeAt(plan.oldFields, position)}`),
  ];
  const byOld = plan.layout.old.length > 0;
  const insert = `insert into ${target} (${columnList(plan.fields)}) overriding system value
     select ${plan.fields.map(stagedColumn).join(', ')} from ${staging} as s`;
  return {
    create: `create temporary table ${quoteIdentifier(name)} (${definitions.join(', ')}) on commit delete rows`,
    copy: `copy ${staging} from stdin`,
    clear: `truncate ${staging}`,
    drop: `drop table if exists ${staging}`,
    delete: `delete from ${tableOf(plan)} as t using ${staging} as s
       where s.op = 'D' and ${keyCondition(plan, false)}`,
    update: (expected, hasUnchanged) =>
      `with moved as (${updateFrom(plan, staging, hasUnchanged, keyCondition(plan, byOld))} returning 1)
       select 1 / (count(*) = ${expected})::int4 from moved`,
    insert: `${insert} where s.op = 'I'`,
    updateOrInsertOne: `with moved as (${updateFrom(plan, staging, true, oneCondition(plan, byOld, staging))} returning 1)
       ${insert} where s.unchanged is null and not exists (select from moved)`,
    deleteOne: `delete from ${tableOf(plan)} as t using ${staging} as s
       where s.op = 'D' and ${oneCondition(plan, false, staging)}`,
  };
}

function updateFrom(
  plan: TablePlan,
  staging: string,
  hasUnchanged: boolean,
  condition: string,
): string {
  const mayMove = plan.layout.old.length > 0;
  const assignments = assignedFields(plan, mayMove).map((field) => {
    const name = quoteIdentifier(field.column.name);
    if (!hasUnchanged) return `${name} = ${stagedColumn(field)}`;
    return `${name} = case when '${field.position + 1}' = any (string_to_array(s.unchanged, ','))
       then t.${name} else ${stagedColumn(field)} end`;
  });
  const [first] = plan.fields;
  // A table that is all key: the update changes nothing, but counts.
  if (assignments.length === 0 && first) {
    const name = quoteIdentifier(first.column.name);
    assignments.push(`${name} = t.${name}`);
  }
  // An identity that cannot be set has to be what it is; else the count differs, and row by row the row is written anew.
  const kept = unassignableFields(plan, mayMove).map(
    (field) => ` and t.${quoteIdentifier(field.column.name)} = ${stagedColumn(field)}`,
  );
  return `update ${tableOf(plan)} as t set ${assignments.join(', ')} from ${staging} as s
    where s.op = 'U' and ${condition}${kept.join('')}`;
}

function keyCondition(plan: TablePlan, byOld: boolean): string {
  const fields = byOld ? plan.oldKeyFields : plan.keyFields;
  const letter = byOld ? 'o' : 'c';
  return fields
    .map(
      (field) =>
        `t.${quoteIdentifier(field.column.name)} ${field.column.equals} s.${letter}${field.position + 1}`,
    )
    .join(' and ');
}

/** Finds one row, by its key or by all its columns; the staging table holds one row. */
function oneCondition(plan: TablePlan, byOld: boolean, staging: string): string {
  if (plan.matching === 'key') return keyCondition(plan, byOld);
  const letter = byOld ? 'o' : 'c';
  const fields = byOld ? plan.oldFields : plan.fields;
  const values = fields.map((field) => ({
    column: field.column,
    value: `(select s.${letter}${field.position + 1} from ${staging} as s)`,
    mayBeNull: true,
  }));
  return fullMatch(plan.table, values);
}

function stagedColumn(field: RowField): string {
  return `s.c${field.position + 1}`;
}

/** A column that the destination does not take is staged as text and never read. */
function typeAt(fields: readonly RowField[], position: number): string {
  const field = fields.find((candidate) => candidate.position === position);
  return field?.column.typeText ?? 'text';
}
