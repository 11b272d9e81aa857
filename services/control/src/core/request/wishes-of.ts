import type { TableMappingRequest, TableWish } from '@bunnydb/contracts';
import { formatQualifiedName, parseQualifiedName } from '@bunnydb/pg-model';
import { type FieldError, type Parsed, invalid, memberPath, parsed } from './field-error.js';

/** Turns the mappings of a request into table wishes: names in one form, patterns as they are. */
export function wishesOf(mappings: readonly TableMappingRequest[]): Parsed<readonly TableWish[]> {
  const errors: FieldError[] = [];
  const wishes = mappings.map((mapping, index): TableWish => {
    const path = memberPath('table_mappings', index);
    const source = nameOf(
      mapping.source_schema,
      mapping.source_table,
      `${path}.source_table`,
      errors,
      true,
    );
    const destination =
      mapping.destination_table === undefined || mapping.destination_table === null
        ? defaultDestination(mapping, path, errors)
        : nameOf(
            mapping.destination_schema,
            mapping.destination_table,
            `${path}.destination_table`,
            errors,
            // Only what stands for many can go to many.
            isPattern(mapping),
          );
    return {
      source,
      ...(destination === undefined ? {} : { destination }),
      ...(mapping.exclude_columns?.length ? { exclude_columns: mapping.exclude_columns } : {}),
      ...(mapping.row_filter ? { row_filter: mapping.row_filter } : {}),
    };
  });
  return errors.length > 0 ? invalid(...errors) : parsed(wishes);
}

/** A source that stands for many tables; with a schema beside it, a star is part of a name. */
function isPattern({ source_schema: schema, source_table: table }: TableMappingRequest): boolean {
  return (schema ?? undefined) === undefined && table.includes('*');
}

/** A destination schema alone keeps the table's name. */
function defaultDestination(
  mapping: TableMappingRequest,
  path: string,
  errors: FieldError[],
): string | undefined {
  const { destination_schema: schema, source_table: table } = mapping;
  if (schema === undefined || schema === null) return undefined;
  if (mapping.source_schema) return formatQualifiedName({ schema, table });
  const name = tryParse(table);
  if (name) return formatQualifiedName({ schema, table: name.table });
  errors.push({ path: `${path}.destination_table`, message: 'must be given with this source' });
  return undefined;
}

function nameOf(
  schema: string | null | undefined,
  table: string,
  path: string,
  errors: FieldError[],
  mayBePattern: boolean,
): string {
  if (schema !== undefined && schema !== null) return formatQualifiedName({ schema, table });
  // A pattern is resolved by whoever can see the catalog of the source.
  if (mayBePattern && table.includes('*')) return table;
  const name = tryParse(table);
  if (name) return formatQualifiedName(name);
  errors.push({ path, message: 'must be schema.table; quote a part that holds a dot' });
  return table;
}

function tryParse(text: string) {
  try {
    return parseQualifiedName(text);
  } catch {
    return undefined;
  }
}
