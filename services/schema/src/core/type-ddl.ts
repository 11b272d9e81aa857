import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type {
  AttributeModel,
  CollationModel,
  DomainCheck,
  RangeModel,
  TypeModel,
} from './catalog-model.js';
import { typeKey } from './type-order.js';

/** The statements that create a type; none where PostgreSQL makes it by itself or we cannot. */
export function createTypeStatements(type: TypeModel): readonly string[] {
  const name = typeKey(type);
  switch (type.kind) {
    case 'enum':
      return [`create type ${name} as enum (${type.labels.map(literal).join(', ')})`];
    case 'domain':
      return [
        [
          `create domain ${name} as ${type.baseType}`,
          type.collation && `collate ${typeKey(type.collation)}`,
          type.defaultExpression !== null && `default ${type.defaultExpression}`,
          type.isNotNull && `${notNullName(type)}not null`,
          ...type.checks
            .filter((check) => check.isValidated)
            .map((check) => `constraint ${quoteIdentifier(check.name)} ${check.definition}`),
        ]
          .filter(Boolean)
          .join(' '),
        ...type.checks
          .filter((check) => !check.isValidated)
          .map((check) => addDomainCheckStatement(name, check)),
      ];
    case 'composite':
      return [`create type ${name} as (${type.attributes.map(attributeDefinition).join(', ')})`];
    case 'range':
      return [`create type ${name} as range (${rangeOptions(type.schema, type)})`];
    case 'implied':
    case 'unsupported':
      return [];
  }
}

/** Adds a check to a domain without looking at the values that are there. */
export function addDomainCheckStatement(domain: string, check: DomainCheck): string {
  return `alter domain ${domain} add constraint ${quoteIdentifier(check.name)} ${check.definition} not valid`;
}

/** An attribute as CREATE TYPE and ADD ATTRIBUTE take it. */
export function attributeDefinition({ name, type, collation }: AttributeModel): string {
  const collate = collation ? ` collate ${typeKey(collation)}` : '';
  return `${quoteIdentifier(name)} ${type}${collate}`;
}

/** Makes a collation. */
export function createCollationStatement(collation: CollationModel, ifNotExists = ''): string {
  const { provider, isDeterministic, locale, rules, collate, ctype } = collation;
  const options = [
    `provider = ${provider}`,
    locale !== null && `locale = ${literal(locale)}`,
    provider === 'libc' && `lc_collate = ${literal(collate ?? 'C')}`,
    provider === 'libc' && `lc_ctype = ${literal(ctype ?? 'C')}`,
    rules !== null && `rules = ${literal(rules)}`,
    // Not told where it is the default, since only ICU takes it.
    !isDeterministic && 'deterministic = false',
  ];
  return `create collation ${ifNotExists}${typeKey(collation)} (${options.filter(Boolean).join(', ')})`;
}

function rangeOptions(schema: string, range: RangeModel): string {
  return [
    `subtype = ${range.subtype}`,
    range.operatorClass !== null && `subtype_opclass = ${range.operatorClass}`,
    range.collation !== null && `collation = ${typeKey(range.collation)}`,
    range.canonical !== null && `canonical = ${range.canonical}`,
    range.subtypeDiff !== null && `subtype_diff = ${range.subtypeDiff}`,
    `multirange_type_name = ${typeKey({ schema, name: range.multirangeName })}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** A name of its own; PostgreSQL gives `<domain>_not_null` by itself. */
function notNullName(domain: {
  readonly name: string;
  readonly notNullName: string | null;
}): string {
  const { name, notNullName: own } = domain;
  return own === null || own === `${name}_not_null` ? '' : `constraint ${quoteIdentifier(own)} `;
}

function literal(text: string): string {
  return quoteLiteral(text).trim();
}
