import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type { TypeModel } from './catalog-model.js';
import { typeKey } from './type-order.js';

/** The statement that creates a type, or null where PostgreSQL makes it by itself or we cannot. */
export function createTypeStatement(type: TypeModel): string | null {
  const name = typeKey(type);
  switch (type.kind) {
    case 'enum':
      return `create type ${name} as enum (${type.labels.map(literal).join(', ')})`;
    case 'domain':
      return [
        `create domain ${name} as ${type.baseType}`,
        type.collation && `collate ${typeKey(type.collation)}`,
        type.defaultExpression !== null && `default ${type.defaultExpression}`,
        type.isNotNull && 'not null',
        ...type.checks.map(
          (check) => `constraint ${quoteIdentifier(check.name)} ${check.definition}`,
        ),
      ]
        .filter(Boolean)
        .join(' ');
    case 'composite': {
      const attributes = type.attributes.map(
        (attribute) => `${quoteIdentifier(attribute.name)} ${attribute.type}`,
      );
      return `create type ${name} as (${attributes.join(', ')})`;
    }
    case 'range':
      return `create type ${name} as range (subtype = ${type.subtype}, multirange_type_name = ${quoteIdentifier(type.schema)}.${quoteIdentifier(type.multirangeName)})`;
    case 'implied':
    case 'unsupported':
      return null;
  }
}

function literal(text: string): string {
  return quoteLiteral(text).trim();
}
