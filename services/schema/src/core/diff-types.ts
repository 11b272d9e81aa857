import { type QualifiedName, quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type { FoundObject } from './carried-objects.js';
import type { DomainCheck, TypeModel } from './catalog-model.js';
import { type EnumLabels, labelsAfter, planLabelRenames, renameLabelsSql } from './enum-labels.js';
import {
  type StructureChange,
  blocking,
  changeOf,
  dropTraits,
  online,
} from './structure-change.js';
import type { StructureModel } from './structure-model.js';
import type { DiffSink } from './table-pair.js';
import { addDomainCheckStatement, attributeDefinition, createTypeStatements } from './type-ddl.js';
import { orderTypes, typeKey } from './type-order.js';

type TypeOf<Kind extends TypeModel['kind']> = Extract<TypeModel, { readonly kind: Kind }>;

/** Types that columns need. They have the same name on both sides, since tables share them; what only the destination has is not looked for. */
export function diffTypes(
  source: StructureModel,
  destination: StructureModel,
  labels: EnumLabels,
  sink: DiffSink,
): void {
  const theirs = new Map(destination.types.map((type) => [typeKey(type), type]));
  for (const type of orderTypes(source.types)) {
    const existing = theirs.get(typeKey(type));
    if (existing === undefined) createType(type, sink);
    else if (type.kind !== existing.kind) {
      note(type, `it is of the kind ${existing.kind} and is ${type.kind} on the source`, sink);
    } else if (type.kind === 'enum' && existing.kind === 'enum') {
      diffEnum(type, existing, labels, sink);
    } else if (type.kind === 'domain' && existing.kind === 'domain')
      diffDomain(type, existing, sink);
    else if (type.kind === 'composite' && existing.kind === 'composite') {
      diffComposite(type, existing, sink);
    } else if (JSON.stringify(type) !== JSON.stringify(existing)) {
      note(type, 'the type is defined otherwise, and PostgreSQL cannot change it', sink);
    }
  }
}

function createType(type: TypeModel, sink: DiffSink): void {
  if (type.kind === 'implied') return;
  if (type.kind === 'unsupported') {
    note(type, `no column of the destination has the type, and ${type.reason}`, sink);
    return;
  }
  const schema = quoteIdentifier(type.schema);
  push(sink, type, 'create_type', {
    statements: [
      online(`create schema if not exists ${schema}`),
      ...createTypeStatements(type).map((sql) => online(guarded(sql, typeKey(type)))),
    ],
    locks: 'none on tables',
    reason: 'no column of the destination has the type yet',
  });
}

/** The destination may have the type without using it yet; CREATE TYPE knows no IF NOT EXISTS. */
function guarded(sql: string, name: string): string {
  const body = `begin if pg_catalog.to_regtype(${literal(name)}) is null then execute ${literal(sql)}; end if; end`;
  return sql.startsWith('create ') ? `do ${literal(body)}` : sql;
}

function diffEnum(
  type: TypeOf<'enum'>,
  existing: TypeOf<'enum'>,
  labels: EnumLabels,
  sink: DiffSink,
): void {
  const name = typeKey(type);
  const renames = planLabelRenames(type, existing.labels, labels.of(type));
  if (renames.length > 0) {
    push(sink, type, 'rename_enum_value', {
      statements: [online(renameLabelsSql(type, labels.mirrorId, renames))],
      locks: 'none on tables',
      reason: 'the source has renamed a label of the enum',
    });
  }
  const labelsThen = labelsAfter(existing.labels, renames);
  const present = new Set(labelsThen);
  type.labels.forEach((label, at) => {
    if (present.has(label)) return;
    const before = type.labels[at - 1];
    const after = type.labels.slice(at + 1).find((other) => present.has(other));
    const neighbour =
      before !== undefined
        ? ` after ${literal(before)}`
        : after !== undefined
          ? ` before ${literal(after)}`
          : '';
    push(sink, type, 'add_enum_value', {
      statements: [
        online(`alter type ${name} add value if not exists ${literal(label)}${neighbour}`),
      ],
      locks: 'none on tables',
      reason: 'the destination lacks a label of the enum',
    });
  });
  const common = type.labels.filter((label) => present.has(label));
  const theirs = labelsThen.filter((label) => type.labels.includes(label));
  if (theirs.length < labelsThen.length) {
    note(
      type,
      'only the destination has some labels of the enum, and they cannot be dropped',
      sink,
    );
  }
  if (JSON.stringify(common) !== JSON.stringify(theirs)) {
    note(type, 'the labels of the enum are in another order, which cannot be changed', sink);
  }
}

function diffDomain(type: TypeOf<'domain'>, existing: TypeOf<'domain'>, sink: DiffSink): void {
  const name = typeKey(type);
  const alter = (sql: string, reason: string, more: Partial<StructureChange> = {}): void =>
    push(sink, type, 'alter_domain', {
      statements: [blocking(`alter domain ${name} ${sql}`)],
      locks: 'SHARE on every table with a column of the domain while its rows are looked at',
      reason,
      ...more,
    });
  const [base, theirBase] = [type, existing].map((domain) =>
    JSON.stringify([domain.baseType, domain.collation]),
  );
  if (base !== theirBase) note(type, 'the domain is over another type or collation', sink);
  if (type.defaultExpression !== existing.defaultExpression) {
    const { defaultExpression } = type;
    alter(
      defaultExpression === null ? 'drop default' : `set default ${defaultExpression}`,
      'the default of the domain differs',
    );
  }
  if (type.isNotNull !== existing.isNotNull) {
    alter(
      type.isNotNull ? 'set not null' : 'drop not null',
      type.isNotNull ? 'the source refuses NULL' : 'the source takes NULL',
    );
  }
  const { carried } = sink;
  carried.open(domainName(type));
  const unmatched = new Map(existing.checks.map((check) => [check.name, check]));
  for (const check of type.checks) {
    const match = unmatched.get(check.name);
    unmatched.delete(check.name);
    const isSame = match?.definition === check.definition;
    if (isSame) carried.note(foundCheck(type, match));
    else replaceCheck(type, check, match, sink);
    if (check.isValidated && !(isSame && match.isValidated)) {
      push(sink, type, 'validate_domain', {
        statements: [
          blocking(`alter domain ${name} validate constraint ${quoteIdentifier(check.name)}`),
        ],
        locks: 'SHARE on every table with a column of the domain while its rows are looked at',
        reason: 'the check of the domain holds for new values only',
      });
    }
  }
  for (const check of unmatched.values()) {
    const known = carried.find(foundCheck(type, check));
    const { reason, ...traits } = dropTraits(known, 'the check of the domain');
    alter(`drop constraint ${quoteIdentifier(check.name)}`, reason, traits);
  }
}

function foundCheck(type: TypeModel, check: DomainCheck): FoundObject {
  const name = domainName(type);
  const { definition } = check;
  return { source: name, relation: name, kind: 'domain_check', name: check.name, definition };
}

const domainName = ({ schema, name }: TypeModel): QualifiedName => ({ schema, table: name });

function replaceCheck(
  type: TypeOf<'domain'>,
  check: DomainCheck,
  existing: DomainCheck | undefined,
  sink: DiffSink,
): void {
  const name = typeKey(type);
  const replaces = existing !== undefined;
  const drop = blocking(`alter domain ${name} drop constraint ${quoteIdentifier(check.name)}`);
  push(sink, type, 'alter_domain', {
    statements: [...(replaces ? [drop] : []), blocking(addDomainCheckStatement(name, check))],
    locks: 'none on tables',
    overwrites: existing !== undefined && !sink.carried.isOurs(foundCheck(type, existing)),
    reason: replaces
      ? 'the check of the domain is defined otherwise'
      : 'the destination lacks a check of the domain',
  });
}

function diffComposite(
  type: TypeOf<'composite'>,
  existing: TypeOf<'composite'>,
  sink: DiffSink,
): void {
  const alter = (sql: string, reason: string, destructive = false): void =>
    push(sink, type, 'alter_composite', {
      statements: [blocking(`alter type ${typeKey(type)} ${sql}`)],
      destructive,
      locks: 'ACCESS EXCLUSIVE on the type, briefly',
      reason,
    });
  const theirs = new Map(existing.attributes.map((attribute) => [attribute.name, attribute]));
  for (const attribute of type.attributes) {
    const match = theirs.get(attribute.name);
    theirs.delete(attribute.name);
    if (match === undefined) {
      alter(
        `add attribute ${attributeDefinition(attribute)}`,
        'the destination lacks an attribute',
      );
    } else if (attributeDefinition(match) !== attributeDefinition(attribute)) {
      const [, ...parts] = [
        attribute.name,
        attribute.type,
        ...(attribute.collation ? [`collate ${typeKey(attribute.collation)}`] : []),
      ];
      const sql = `alter attribute ${quoteIdentifier(attribute.name)} type ${parts.join(' ')}`;
      alter(sql, 'an attribute is of another type', true);
    }
  }
  for (const name of theirs.keys()) {
    alter(
      `drop attribute ${quoteIdentifier(name)}`,
      'only the destination has the attribute',
      true,
    );
  }
}

function push(
  sink: DiffSink,
  type: TypeModel,
  kind: StructureChange['kind'],
  change: Pick<
    StructureChange,
    'statements' | 'locks' | 'reason' | 'dropsCarried' | 'overwrites'
  > & {
    readonly destructive?: boolean;
  },
): void {
  sink.changes.push(changeOf({ kind, object: typeKey(type), table: '', ...change }));
}

function note(type: TypeModel, reason: string, sink: DiffSink): void {
  sink.notes.push({ object: typeKey(type), reason });
}

const literal = (text: string): string => quoteLiteral(text).trim();
