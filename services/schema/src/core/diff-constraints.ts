import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import {
  childNames,
  createStatements,
  dropStatement,
  findAlike,
  noteCounterpart,
} from './diff-indexes.js';
import type { FoundObject } from './carried-objects.js';
import { renameConstraint } from './diff-renamed-objects.js';
import {
  type ChangeStatement,
  blocking,
  changeOf,
  dropTraits,
  online,
} from './structure-change.js';
import type { ConstraintKind, ConstraintModel, IndexModel } from './structure-model.js';
import {
  type DiffSink,
  type TablePair,
  excludedColumn,
  foundObject,
  meetCounterpart,
  objectText,
  pickAlike,
  tableSql,
  tableText,
} from './table-pair.js';

/** Primary keys, unique and exclusion constraints (`what: 'keys'`), or checks. */
export function diffConstraints(pair: TablePair, what: 'keys' | 'checks', sink: DiffSink): void {
  const isMeant = (constraint: ConstraintModel): boolean =>
    (constraint.kind === 'check') === (what === 'checks');
  const unmatched = new Set(pair.destination.constraints.filter(isMeant));
  const missing = pair.source.constraints.filter(isMeant).filter((constraint) => {
    const alike = [...unmatched].filter((other) => isAlike(constraint, other));
    const match = pickAlike(constraint, alike, pair.source.constraints);
    if (match === undefined) return true;
    unmatched.delete(match);
    noteMatch(pair, constraint, match, sink);
    if (constraint.isValidated && !match.isValidated && constraint.isEnforced) {
      validateCheck(pair, match.name, constraint, sink);
    }
    return false;
  });
  for (const constraint of missing) {
    const excluded = excludedColumn(pair, constraint.columns);
    if (excluded !== undefined) {
      const reason = `the constraint needs the column ${excluded}, which the mirror leaves out`;
      sink.notes.push({ object: objectText(pair, constraint.name), reason });
      continue;
    }
    const inTheWay = [...unmatched].find((other) => stands(other, constraint));
    if (inTheWay) {
      unmatched.delete(inTheWay);
      for (const part of ['index', 'constraint'] as const) {
        sink.counterparts.replace(pair.destination.name, part, inTheWay.name);
      }
    }
    if (constraint.kind === 'check') addCheck(pair, constraint, inTheWay, sink);
    else addKey(pair, constraint, inTheWay, sink);
  }
  for (const constraint of unmatched) dropConstraint(pair, constraint, sink);
}

/** Comments of the constraint and settings of its index find their way by it. */
function noteMatch(
  pair: TablePair,
  constraint: ConstraintModel,
  match: ConstraintModel,
  sink: DiffSink,
): void {
  sink.counterparts.set(pair.destination.name, 'constraint', constraint.name, match.name);
  const index = pair.source.indexes.find((other) => other.constraint === constraint.name);
  const theirs = pair.destination.indexes.find((other) => other.constraint === match.name);
  if (index && theirs) noteCounterpart(pair, index, theirs, sink);
  const found = foundConstraint(pair, match);
  if (meetCounterpart(pair, constraint.name, found, sink)) {
    renameConstraint(pair, match.name, constraint.name, sink);
  }
}

function foundConstraint(pair: TablePair, constraint: ConstraintModel): FoundObject {
  const definition = `${constraint.kind} ${constraint.definition}`;
  return foundObject(pair, 'constraint', constraint.name, definition);
}

function isAlike(one: ConstraintModel, other: ConstraintModel): boolean {
  return one.kind === other.kind && one.definition === other.definition;
}

/** Whether a constraint of the destination keeps the source's from being added. */
function stands(other: ConstraintModel, wanted: ConstraintModel): boolean {
  const bothPrimary = other.kind === 'primary_key' && wanted.kind === 'primary_key';
  return other.name === wanted.name || bothPrimary;
}

function addCheck(
  pair: TablePair,
  check: ConstraintModel,
  inTheWay: ConstraintModel | undefined,
  sink: DiffSink,
): void {
  sink.counterparts.set(pair.destination.name, 'constraint', check.name, check.name);
  const notValid = check.isEnforced ? ' not valid' : '';
  sink.changes.push(
    changeOf({
      kind: inTheWay ? 'replace_check' : 'add_check',
      object: objectText(pair, check.name),
      table: tableText(pair),
      statements: [
        ...(inTheWay ? [dropConstraintStatement(pair, inTheWay.name)] : []),
        blocking(
          `alter table ${tableSql(pair)} add constraint ${quoteIdentifier(check.name)} ${check.definition}${notValid}`,
        ),
      ],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      overwrites: overwritesOwn(pair, inTheWay, sink),
      reason: inTheWay ? 'the check is defined otherwise' : 'the destination lacks the check',
    }),
  );
  if (check.isValidated && check.isEnforced) validateCheck(pair, check.name, check, sink);
}

function validateCheck(
  pair: TablePair,
  name: string,
  check: ConstraintModel,
  sink: DiffSink,
): void {
  const table = tableSql(pair);
  sink.changes.push(
    changeOf({
      kind: 'validate_check',
      object: objectText(pair, name),
      table: tableText(pair),
      statements: [online(`alter table ${table} validate constraint ${quoteIdentifier(name)}`)],
      locks: 'SHARE UPDATE EXCLUSIVE on the table: rows can be written meanwhile',
      reason: 'the check holds for new rows only',
      countOffending: `select pg_catalog.count(*)::pg_catalog.text as rows from ${table} where not (${check.expression ?? 'true'})`,
    }),
  );
}

function addKey(
  pair: TablePair,
  constraint: ConstraintModel,
  inTheWay: ConstraintModel | undefined,
  sink: DiffSink,
): void {
  if (inTheWay) {
    const { schema } = pair.destination.name;
    sink.names.release({ schema, table: inTheWay.name });
  }
  const { statements, name } = keyStatements(pair, constraint, sink);
  for (const part of ['index', 'constraint'] as const) {
    sink.counterparts.set(pair.destination.name, part, constraint.name, name);
  }
  const isBuiltOnline = !statements[0]?.blocksWriters;
  sink.changes.push(
    changeOf({
      kind: inTheWay ? 'replace_constraint' : ADD_KIND[constraint.kind],
      object: objectText(pair, name),
      table: tableText(pair),
      statements: [
        ...(inTheWay ? [dropConstraintStatement(pair, inTheWay.name)] : []),
        ...statements,
      ],
      locks: isBuiltOnline
        ? 'SHARE UPDATE EXCLUSIVE while the index is built, then ACCESS EXCLUSIVE briefly'
        : 'ACCESS EXCLUSIVE on the table, as long as it takes to build the index',
      overwrites: overwritesOwn(pair, inTheWay, sink),
      reason: inTheWay
        ? 'the constraint is defined otherwise'
        : 'the destination lacks the constraint',
    }),
  );
}

/**
 * A unique index is built beside writers and becomes the constraint. What PostgreSQL can only make in one go: exclusions, keys of partitioned tables, and
 * deferrable keys, since their index would check at once until it has become the constraint, and rows that come in might be refused.
 */
function keyStatements(
  pair: TablePair,
  constraint: ConstraintModel,
  sink: DiffSink,
): { readonly statements: readonly ChangeStatement[]; readonly name: string } {
  const table = tableSql(pair);
  const index = pair.source.indexes.find((other) => other.constraint === constraint.name);
  const isDirect =
    index === undefined ||
    constraint.kind === 'exclusion' ||
    constraint.isDeferrable ||
    pair.destination.isPartitioned ||
    !index.isUnique;
  if (isDirect) {
    const name = sink.names.claim(pair, constraint.name);
    const add = (target: QualifiedName, as: string): ChangeStatement =>
      blocking(
        `alter table ${quoteQualifiedName(target)} add constraint ${quoteIdentifier(as)} ${constraint.definition}`,
      );
    // Partitions first, each under the source's name: what is above takes them.
    const below =
      index && pair.destination.isPartitioned ? childNames(pair, index, name, sink) : [];
    const statements = below.map((child) => add(child.table.name, child.name));
    return { statements: [...statements, add(pair.destination.name, name)], name };
  }
  const standIns = pair.destination.indexes.filter((other) => other.constraint === null);
  const built = findAlike(index, new Set(standIns));
  const left = standIns.find((other) => !other.isValid && other.name === constraint.name);
  const dropLeft = left ? [dropLeftOver(pair, left, sink)] : [];
  const name = built?.name ?? sink.names.claim(pair, constraint.name);
  const word = constraint.kind === 'primary_key' ? 'primary key' : 'unique';
  const adopt = `alter table ${table} add constraint ${quoteIdentifier(name)} ${word} using index ${quoteIdentifier(name)}`;
  const build = built ? [] : createStatements(pair, index, name, sink);
  return { statements: [...dropLeft, ...build, blocking(adopt)], name };
}

function dropLeftOver(pair: TablePair, index: IndexModel, sink: DiffSink): ChangeStatement {
  const name = { schema: pair.destination.name.schema, table: index.name };
  sink.names.release(name);
  return dropStatement(name, false);
}

/** Whether what is in the way did not come from the source. */
function overwritesOwn(
  pair: TablePair,
  inTheWay: ConstraintModel | undefined,
  sink: DiffSink,
): boolean {
  return inTheWay !== undefined && !sink.carried.isOurs(foundConstraint(pair, inTheWay));
}

function dropConstraint(pair: TablePair, constraint: ConstraintModel, sink: DiffSink): void {
  const carried = sink.carried.find(foundConstraint(pair, constraint));
  if (carried) {
    // Its comment and the settings of its index go along.
    for (const part of ['index', 'constraint'] as const) {
      sink.counterparts.replace(pair.destination.name, part, constraint.name);
    }
  }
  sink.changes.push(
    changeOf({
      kind: constraint.kind === 'check' ? 'drop_check' : 'drop_constraint',
      object: objectText(pair, constraint.name),
      table: tableText(pair),
      statements: [dropConstraintStatement(pair, constraint.name)],
      locks: 'ACCESS EXCLUSIVE on the table, briefly',
      ...dropTraits(carried, 'the constraint'),
    }),
  );
}

function dropConstraintStatement(pair: TablePair, name: string): ChangeStatement {
  return blocking(`alter table ${tableSql(pair)} drop constraint ${quoteIdentifier(name)}`);
}

const ADD_KIND = {
  primary_key: 'add_primary_key',
  unique: 'add_unique',
  exclusion: 'add_exclusion',
  check: 'add_check',
} as const satisfies Record<ConstraintKind, string>;
