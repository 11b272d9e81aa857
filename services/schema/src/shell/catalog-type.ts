import type {
  AttributeModel,
  DomainCheck,
  ExtensionModel,
  RangeModel,
  TypeModel,
} from '../core/catalog-model.js';
import { typeKey } from '../core/type-order.js';

/** A row of `SELECT_TYPES`. */
export interface TypeRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly is_array: boolean;
  readonly relation_kind: string | null;
  readonly extension: string | null;
  readonly extension_schema: string | null;
  readonly needs: readonly { readonly schema: string; readonly name: string }[];
  readonly labels: readonly string[] | null;
  readonly label_oids: readonly number[] | null;
  readonly base_type: string | null;
  readonly is_not_null: boolean;
  readonly default_expression: string | null;
  readonly collation_schema: string | null;
  readonly collation_name: string | null;
  readonly checks: readonly DomainCheck[];
  readonly not_null_name: string | null;
  readonly attributes: readonly AttributeModel[] | null;
  readonly range: RangeModel | null;
}

export function typeOf(row: TypeRow): TypeModel {
  const base = { schema: row.schema, name: row.name, needs: row.needs.map(typeKey) };
  if (row.is_array) return { ...base, kind: 'implied' };
  switch (row.kind) {
    case 'e':
      return { ...base, kind: 'enum', labels: row.labels ?? [], labelOids: row.label_oids ?? [] };
    case 'd':
      return {
        ...base,
        kind: 'domain',
        baseType: row.base_type ?? '',
        isNotNull: row.is_not_null,
        defaultExpression: row.default_expression,
        collation:
          row.collation_schema === null || row.collation_name === null
            ? null
            : { schema: row.collation_schema, name: row.collation_name },
        notNullName: row.not_null_name,
        checks: row.checks.map(withoutNotValid),
      };
    case 'c':
      return row.relation_kind === 'c'
        ? { ...base, kind: 'composite', attributes: row.attributes ?? [] }
        : { ...base, kind: 'unsupported', reason: 'it is the row type of a table' };
    case 'r':
      return row.range === null
        ? { ...base, kind: 'unsupported', reason: 'the catalog does not tell its range' }
        : { ...base, kind: 'range', ...row.range };
    case 'm':
      // Made together with its range.
      return { ...base, kind: 'implied' };
    default:
      return { ...base, kind: 'unsupported', reason: 'it is a base type of its own' };
  }
}

/** PostgreSQL writes NOT VALID last, and only for what is not validated. */
function withoutNotValid(check: DomainCheck): DomainCheck {
  return { ...check, definition: check.definition.replace(/ NOT VALID$/, '') };
}

/** The extension that brings a type, if one does. */
export function extensionOf(row: TypeRow): readonly ExtensionModel[] {
  return row.extension === null || row.extension_schema === null
    ? []
    : [{ name: row.extension, schema: row.extension_schema }];
}
