import { quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { fullMatch } from './full-match.js';
import type { RowField, TablePlan } from './table-plan.js';

/** Where a parameter's value stands in a row. */
export interface ParameterPlace {
  readonly source: 'column' | 'old';
  readonly position: number;
}

/** A statement that writes one row. */
export interface RowStatement {
  readonly text: string;
  readonly parameterTypes: readonly number[];
  readonly parameters: readonly ParameterPlace[];
  /** What the number of rows in the answer says; `one_is_missing`: the row was missing and was inserted instead. */
  readonly answer: 'plain' | 'zero_is_missing' | 'one_is_missing';
}

/** Which of a row's values decide the statement's shape, beside the plan. */
export interface RowShape {
  /** Positions of the columns that keep their value. */
  readonly unchanged: readonly number[];
  /** For a match by all columns: whether each field to match is null. */
  readonly nulls: readonly boolean[];
  /** Whether the key that an update leads to is another than the one it comes from. */
  readonly isMoved: boolean;
}

export function insertRow(plan: TablePlan): RowStatement {
  const parameters = new Parameters();
  const target = `insert into ${quoteQualifiedName(plan.table.name)}`;
  const values = plan.fields.map((field) => parameters.add('column', field));
  const text =
    values.length === 0
      ? `${target} default values`
      : `${target} (${columnList(plan.fields)}) overriding system value values (${values.join(', ')})`;
  return parameters.statement(text, 'plain');
}

/**
 * Updates one row. A row that is missing is inserted if the change carries all of it, since the destination should have had it; the
 * answer tells.
 */
export function updateRow(plan: TablePlan, shape: RowShape): RowStatement {
  const parameters = new Parameters();
  const condition = matchCondition(plan, plan.layout.old.length > 0, shape, parameters);
  if (unassignableFields(plan, shape.isMoved).length > 0 && shape.unchanged.length === 0)
    return replaceRow(plan, condition, parameters);
  const changed = assignedFields(plan, shape.isMoved).filter(
    (field) => !shape.unchanged.includes(field.position),
  );
  const target = tableOf(plan);
  const assignments = changed.map(
    (field) => `${quoteIdentifier(field.column.name)} = ${parameters.add('column', field)}`,
  );
  if (assignments.length === 0)
    return parameters.statement(`select from ${target} as t where ${condition}`, 'zero_is_missing');
  const update = `update ${target} as t set ${assignments.join(', ')} where ${condition}`;
  if (shape.unchanged.length > 0) return parameters.statement(update, 'zero_is_missing');
  const values = plan.fields.map((field) => parameters.add('column', field));
  return parameters.statement(
    `with moved as (${update} returning 1)
     insert into ${quoteQualifiedName(plan.table.name)} (${columnList(plan.fields)}) overriding system value
     select ${values.join(', ')} where not exists (select from moved)`,
    'one_is_missing',
  );
}

export function deleteRow(plan: TablePlan, shape: RowShape): RowStatement {
  const parameters = new Parameters();
  const condition = matchCondition(plan, false, shape, parameters);
  return parameters.statement(
    `delete from ${tableOf(plan)} as t where ${condition}`,
    'zero_is_missing',
  );
}

/** The fields whose values find a row when there is no key. */
export function matchedFields(plan: TablePlan, byOld: boolean): readonly RowField[] {
  return byOld ? plan.oldFields : plan.fields;
}

/** `only` keeps off the children of an inherited table, which the source replicates by themselves. */
export function tableOf(plan: TablePlan): string {
  return `${plan.table.isPartitioned ? '' : 'only '}${quoteQualifiedName(plan.table.name)}`;
}

export function columnList(fields: readonly RowField[]): string {
  return fields.map((field) => quoteIdentifier(field.column.name)).join(', ');
}

/**
 * What an update sets. A key that has not moved is left alone, so that the update can stay within its page; so is an
 * identity column that is GENERATED ALWAYS, since UPDATE cannot set it.
 */
export function assignedFields(plan: TablePlan, isMoved: boolean): readonly RowField[] {
  return plan.fields.filter(
    (field) => !field.column.isIdentityAlways && (isMoved || !plan.keyFields.includes(field)),
  );
}

/** Columns that an update would have to set and cannot: GENERATED ALWAYS identities outside an unmoved key. */
export function unassignableFields(plan: TablePlan, isMoved: boolean): readonly RowField[] {
  return plan.fields.filter(
    (field) => field.column.isIdentityAlways && (isMoved || !plan.keyFields.includes(field)),
  );
}

/** An INSERT can override an identity, so the row is written anew. */
function replaceRow(plan: TablePlan, condition: string, parameters: Parameters): RowStatement {
  const values = plan.fields.map((field) => parameters.add('column', field));
  return parameters.statement(
    `with gone as (delete from ${tableOf(plan)} as t where ${condition})
     insert into ${quoteQualifiedName(plan.table.name)} (${columnList(plan.fields)}) overriding system value
     values (${values.join(', ')})`,
    'plain',
  );
}

function matchCondition(
  plan: TablePlan,
  byOld: boolean,
  shape: RowShape,
  parameters: Parameters,
): string {
  const source = byOld ? 'old' : 'column';
  if (plan.matching === 'full') {
    const matched = matchedFields(plan, byOld).map((field, index) => ({
      column: field.column,
      value: shape.nulls[index] === true ? null : parameters.add(source, field),
    }));
    return fullMatch(plan.table, matched);
  }
  const keyFields = byOld ? plan.oldKeyFields : plan.keyFields;
  return keyFields
    .map(
      (field) =>
        `t.${quoteIdentifier(field.column.name)} ${field.column.equals} ${parameters.add(source, field)}`,
    )
    .join(' and ');
}

/** Numbers parameters; the same value of a row is sent once. */
class Parameters {
  readonly #places: ParameterPlace[] = [];
  readonly #types: number[] = [];

  add(source: ParameterPlace['source'], field: RowField): string {
    const known = this.#places.findIndex(
      (place) => place.source === source && place.position === field.position,
    );
    if (known >= 0) return `$${known + 1}`;
    this.#places.push({ source, position: field.position });
    this.#types.push(field.column.typeOid);
    return `$${this.#places.length}`;
  }

  statement(text: string, answer: RowStatement['answer']): RowStatement {
    return { text, parameterTypes: this.#types, parameters: this.#places, answer };
  }
}
