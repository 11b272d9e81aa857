import { FULL_SCHEMA } from '@bunnydb/contracts';
import { type FieldError, type Parsed, invalid, parsed } from './field-error.js';

/** Other names of the same option. */
const ALIASES = {
  cdc_batch_size: 'max_batch_size',
  cdc_sync_interval_seconds: 'idle_timeout_seconds',
} as const;

/** Options of the contract that this version does not carry out; a request that asks for one is refused rather than half obeyed. */
const NOT_YET = ['soft_delete_column', 'synced_at_column'] as const;

type Body = Readonly<Record<string, unknown>>;

/**
 * Brings the forms that a mirror's body may have to the one that is validated: aliases become the option's name, a pattern becomes
 * a mapping, a list of one pattern may be the pattern itself (of what is excluded, too), `replicate_schema` becomes an object.
 */
export function normalizeMirrorBody(raw: Body): Parsed<Body> {
  const body: Record<string, unknown> = { ...raw };
  const errors: FieldError[] = [];
  for (const [alias, name] of Object.entries(ALIASES)) {
    if (!Object.hasOwn(body, alias)) continue;
    if (Object.hasOwn(body, name)) {
      errors.push({ path: alias, message: `is another name of ${name}; give only one of them` });
    }
    body[name] = body[alias];
    delete body[alias];
  }
  for (const name of NOT_YET) {
    const value = body[name];
    delete body[name];
    if (value === undefined || value === null) continue;
    errors.push({ path: name, message: 'is not supported by this version yet' });
  }
  if (typeof body['replicate_schema'] === 'boolean') {
    body['replicate_schema'] = everyPart(body['replicate_schema']);
  }
  const excluded = body['exclude_tables'];
  if (typeof excluded === 'string') body['exclude_tables'] = [excluded];
  if (Object.hasOwn(body, 'table_mappings')) {
    const mappings = body['table_mappings'];
    const list: readonly unknown[] = Array.isArray(mappings) ? mappings : [mappings];
    body['table_mappings'] = list.map((item, index) => {
      if (typeof item === 'string') return { source_table: item };
      if (isObject(item)) return withoutPartitionKey(item, index, errors);
      errors.push({ path: `table_mappings[${index}]`, message: 'must be an object or a pattern' });
      return {};
    });
  }
  return errors.length > 0 ? invalid(...errors) : parsed(body);
}

function withoutPartitionKey(item: Body, index: number, errors: FieldError[]): Body {
  const { partition_key: partitionKey, ...others } = item;
  if (partitionKey !== undefined && partitionKey !== null && partitionKey !== '') {
    errors.push({
      path: `table_mappings[${index}].partition_key`,
      message: 'is not supported: tables are divided by their physical order, which needs no key',
    });
  }
  return others;
}

function everyPart(value: boolean): Body {
  return Object.fromEntries(Object.keys(FULL_SCHEMA).map((name) => [name, value]));
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
