import { quoteLiteral } from '@bunnydb/pg-model';
import type { TypeModel } from './catalog-model.js';
import { type EnumLabels, labelsAfter, planLabelRenames, renameLabelsSql } from './enum-labels.js';
import type { FollowStep } from './follow-step.js';
import { createTypeStatements } from './type-ddl.js';
import { orderTypes, typeKey } from './type-order.js';

/**
 * Makes the types that the source's columns have and the destination lacks, and gives enums the labels that they lack, which harms no row that comes before
 * the change. A row that comes before a rename has the former name, so labels are renamed only where the stream is, or may be, behind that.
 *
 * @param present types of the destination by `typeKey`, with their labels.
 * @param renames whether labels may be renamed now.
 */
export function planTypes(
  types: readonly TypeModel[],
  present: ReadonlyMap<string, readonly string[]>,
  known: EnumLabels,
  renames: boolean,
): readonly FollowStep[] {
  return orderTypes(types).flatMap((type): readonly FollowStep[] => {
    const name = typeKey(type);
    const labels = present.get(name);
    if (labels === undefined) {
      const statements = createTypeStatements(type);
      if (statements.length === 0) return [];
      return [{ what: `create type ${name}`, part: 'types', sql: statements, isNeeded: false }];
    }
    if (type.kind !== 'enum') return [];
    const wanted = planLabelRenames(type, labels, known.of(type));
    if (wanted.length === 0) return addLabels(name, type.labels, labels);
    if (renames) {
      const sql = [renameLabelsSql(type, known.mirrorId, wanted)];
      const what = `rename a value of type ${name}`;
      return [
        { what, part: 'types', sql, isNeeded: false },
        ...addLabels(name, type.labels, labelsAfter(labels, wanted)),
      ];
    }
    // Until then each has the name that the destination knows.
    const formerly = wanted.toReversed().map(({ from, to }) => ({ from: to, to: from }));
    return addLabels(name, labelsAfter(type.labels, formerly), labels);
  });
}

/** Each new label goes where the source has it: after the one before it, which is there by then. */
function addLabels(
  name: string,
  wanted: readonly string[],
  present: readonly string[],
): readonly FollowStep[] {
  const has = new Set(present);
  return wanted.flatMap((label, index): readonly FollowStep[] => {
    if (has.has(label)) return [];
    const before = wanted[index - 1];
    const [first] = present;
    const place =
      before !== undefined
        ? ` after ${literal(before)}`
        : first !== undefined
          ? ` before ${literal(first)}`
          : '';
    return [
      {
        what: `add a value to type ${name}`,
        part: 'types',
        sql: [`alter type ${name} add value if not exists ${literal(label)}${place}`],
        isNeeded: false,
      },
    ];
  });
}

const literal = (text: string): string => quoteLiteral(text).trim();
