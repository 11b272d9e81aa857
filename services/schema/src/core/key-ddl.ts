import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { KeyModel } from './catalog-model.js';

/** A primary key as an element of CREATE TABLE. */
export function primaryKeyDefinition(key: KeyModel, keepsName: boolean): string {
  const definition =
    key.definition ?? `PRIMARY KEY (${key.columns.map(quoteIdentifier).join(', ')})`;
  return keepsName ? `constraint ${quoteIdentifier(key.name)} ${definition}` : definition;
}

/** The index that REPLICA IDENTITY USING INDEX names, or the constraint that it stands behind: not every such index can be made without it. */
export function identityIndexStatement(
  index: KeyModel,
  destination: QualifiedName,
  keepsName: boolean,
): string {
  if (index.definition !== null) {
    const constraint = keepsName ? `constraint ${quoteIdentifier(index.name)} ` : '';
    return `alter table ${quoteQualifiedName(destination)} add ${constraint}${index.definition}`;
  }
  const name = keepsName ? `${quoteIdentifier(index.name)} ` : '';
  return `create unique index ${name}on ${quoteQualifiedName(destination)} ${index.body}`;
}

/** Whether a key needs only columns that are carried. */
export function isCovered(key: KeyModel, kept: ReadonlySet<string>): boolean {
  return [...key.columns, ...key.includedColumns].every((column) => kept.has(column));
}
