import type { ChangeTablesRequest, TableMappingRequest, TableWish } from '@bunnydb/contracts';
import {
  formatQualifiedName,
  matchesName,
  parseNamePattern,
  parseQualifiedName,
  standsForMany,
} from '@bunnydb/pg-model';
import { type FieldError, type Parsed, invalid, memberPath, parsed } from './field-error.js';

/**
 * Turns what a request says of tables into table wishes: names in one form, patterns as they are, each with what it does not stand for.
 * `all_tables` is the pattern of everything.
 */
export function wishesOf(request: ChangeTablesRequest): Parsed<readonly TableWish[]> {
  const { table_mappings: mappings, exclude_tables: excluded } = request;
  const isAll = request.all_tables === true;
  if (isAll && mappings?.length) {
    const message = 'leave it out with all_tables, or leave all_tables out';
    return invalid({ path: 'table_mappings', message });
  }
  const errors: FieldError[] = [];
  const wishes = isAll ? [EVERYTHING] : mappedWishes(mappings ?? [], errors);
  const except = exceptionsOf(excluded ?? [], wishes, errors);
  if (errors.length > 0) return invalid(...errors);
  if (except.length === 0) return parsed(wishes);
  return parsed(wishes.map((wish) => (standsForMany(wish.source) ? { ...wish, except } : wish)));
}

function mappedWishes(
  mappings: readonly TableMappingRequest[],
  errors: FieldError[],
): readonly TableWish[] {
  return mappings.map((mapping, index): TableWish => {
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
}

/** What the patterns do not stand for. To name a table and exclude it is a contradiction; to exclude from nothing, a mistake. */
function exceptionsOf(
  texts: readonly string[],
  wishes: readonly TableWish[],
  errors: FieldError[],
): readonly string[] {
  if (texts.length > 0 && !wishes.some(({ source }) => standsForMany(source))) {
    const message = 'needs a pattern in table_mappings, or all_tables, to take tables out of';
    errors.push({ path: 'exclude_tables', message });
  }
  const exceptions = texts.map(parseNamePattern);
  for (const [index, exception] of exceptions.entries()) {
    if (exception !== undefined) continue;
    const message = 'must be schema.table or a pattern; quote a part that holds a dot';
    errors.push({ path: memberPath('exclude_tables', index), message });
  }
  for (const [index, { source }] of wishes.entries()) {
    const name = standsForMany(source) ? undefined : tryParse(source);
    if (name === undefined) continue;
    const by = exceptions.findIndex((exception) => exception && matchesName(exception, name));
    if (by < 0) continue;
    const path = `${memberPath('table_mappings', index)}.source_table`;
    const message = `is excluded by ${memberPath('exclude_tables', by)}: take it out of one of them`;
    errors.push({ path, message });
  }
  return texts.map((text) => text.trim());
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

const EVERYTHING: TableWish = { source: '*.*' };
