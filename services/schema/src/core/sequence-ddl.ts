import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { SequenceModel, SequenceOptions } from './catalog-model.js';

/** The parenthesised options of an identity column; `name` for its sequence, where PostgreSQL shall not choose one. */
export function identityOptions(options: SequenceOptions | null, name?: QualifiedName): string {
  if (options === null) return '';
  const called = name ? `sequence name ${quoteQualifiedName(name)} ` : '';
  return ` (${called}${sequenceOptions(options)})`;
}

/** Creates a sequence at the destination under `name`. */
export function createSequenceStatement(name: QualifiedName, sequence: SequenceModel): string {
  return `create sequence ${quoteQualifiedName(name)} as ${sequence.dataType} ${sequenceOptions(sequence)}`;
}

/** Ties a sequence to its column, so that it goes when the table goes. */
export function ownSequenceStatement(
  name: QualifiedName,
  table: QualifiedName,
  column: string,
): string {
  return `alter sequence ${quoteQualifiedName(name)} owned by ${quoteQualifiedName(table)}.${quoteIdentifier(column)}`;
}

/** The options as CREATE SEQUENCE and ALTER SEQUENCE take them. */
export function sequenceOptions(options: SequenceOptions): string {
  return [
    `start with ${options.start}`,
    `increment by ${options.increment}`,
    `minvalue ${options.minimum}`,
    `maxvalue ${options.maximum}`,
    `cache ${options.cache}`,
    options.cycles ? 'cycle' : 'no cycle',
  ].join(' ');
}
