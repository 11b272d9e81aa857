import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import type { CollationModel } from './catalog-model.js';
import { changeOf, online } from './structure-change.js';
import type { StructureModel } from './structure-model.js';
import type { DiffSink } from './table-pair.js';
import { createCollationStatement } from './type-ddl.js';
import { typeKey } from './type-order.js';

/** Extensions that types and indexes lean on. One that the server has no files of is told with the command that makes it once they are there. */
export function diffExtensions(
  source: StructureModel,
  destination: StructureModel,
  sink: DiffSink,
): void {
  for (const { name, schema } of source.neededExtensions) {
    if (destination.installedExtensions.includes(name)) continue;
    const into = quoteIdentifier(schema);
    const create = `create extension if not exists ${quoteIdentifier(name)} with schema ${into}`;
    if (!destination.availableExtensions.includes(name)) {
      const reason = `the extension is not available at the destination server: install the package that brings it, then run: ${create};`;
      sink.notes.push({ object: name, reason });
      continue;
    }
    sink.changes.push(
      changeOf({
        kind: 'create_extension',
        object: name,
        table: '',
        statements: [online(`create schema if not exists ${into}`), online(create)],
        locks: 'none on tables',
        reason: 'columns take types, or indexes operator classes or methods, from the extension',
      }),
    );
  }
}

/** Collations of the user's. One that is there and differs cannot be changed; its version is the server's matter. */
export function diffCollations(
  source: StructureModel,
  destination: StructureModel,
  sink: DiffSink,
): void {
  const theirs = new Map(destination.collations.map((other) => [typeKey(other), other]));
  for (const collation of source.collations) {
    const object = typeKey(collation);
    const existing = theirs.get(object);
    if (existing === undefined) {
      sink.changes.push(
        changeOf({
          kind: 'create_collation',
          object,
          table: '',
          statements: [
            online(`create schema if not exists ${quoteIdentifier(collation.schema)}`),
            // It may be there without being used yet.
            online(createCollationStatement(collation, 'if not exists ')),
          ],
          locks: 'none on tables',
          reason: 'no column of the destination has the collation yet',
        }),
      );
    } else if (traitsOf(existing) !== traitsOf(collation)) {
      sink.notes.push({ object, reason: 'the collation is defined otherwise' });
    }
  }
}

function traitsOf(collation: CollationModel): string {
  const { provider, isDeterministic, locale, rules, collate, ctype } = collation;
  return JSON.stringify([provider, isDeterministic, locale, rules, collate, ctype]);
}

/** Comments on schemas, types and collations: what has the same name on both sides. */
export function diffSharedComments(
  source: StructureModel,
  destination: StructureModel,
  sink: DiffSink,
): void {
  const theirs = new Map(destination.comments.map(({ target, text }) => [target, text]));
  for (const { target, text } of source.comments) {
    const existing = theirs.get(target);
    if (existing === text || !isAtDestination(target, destination)) continue;
    sink.changes.push(
      changeOf({
        kind: 'set_comment',
        object: target,
        table: '',
        statements: [online(`comment on ${target} is ${quoteLiteral(text).trim()}`)],
        overwrites: existing !== undefined,
        locks: 'none on tables',
        reason:
          existing === undefined ? 'the destination lacks the comment' : 'the comment differs',
      }),
    );
  }
}

/** A schema that the mapping leaves behind gets no comment. All else keeps its name on the other side. */
function isAtDestination(target: string, destination: StructureModel): boolean {
  if (!target.startsWith('schema ')) return true;
  const schema = target.slice('schema '.length);
  return destination.relations.some(
    ({ name }) => schema === name.schema || schema === quoteIdentifier(name.schema),
  );
}
