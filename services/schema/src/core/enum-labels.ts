import { quoteLiteral } from '@bunnydb/pg-model';
import type { SharedName, TypeModel } from './catalog-model.js';
import { type Rename, orderRenames } from './order-renames.js';
import { typeKey } from './type-order.js';

/** The name that a label of a source's enum has at the destination, by the OID of the label: that stays the same when the label is renamed. */
export interface KnownLabel {
  readonly oid: number;
  readonly name: string;
}

/** What `_bunny.enum_label` says of a mirror's types. */
export class EnumLabels {
  readonly mirrorId: string;
  readonly #byType: ReadonlyMap<string, readonly KnownLabel[]>;

  constructor(mirrorId: string, byType: ReadonlyMap<string, readonly KnownLabel[]>) {
    this.mirrorId = mirrorId;
    this.#byType = byType;
  }

  of(type: SharedName): readonly KnownLabel[] {
    return this.#byType.get(typeKey(type)) ?? [];
  }
}

/** Nothing is known of any label. */
export const NO_ENUM_LABELS = new EnumLabels('', new Map());

type EnumType = Extract<TypeModel, { readonly kind: 'enum' }>;

/**
 * Labels of the destination that the source calls otherwise now, in an order in which each name is free when it is taken. A label of that name
 * that is the destination's own stays as it is, and so does the one that would need the name.
 */
export function planLabelRenames(
  type: EnumType,
  present: readonly string[],
  known: readonly KnownLabel[],
): readonly Rename[] {
  const names = new Map(known.map(({ oid, name }) => [oid, name]));
  let wanted = type.labels.flatMap((to, at): readonly Rename[] => {
    const number = type.labelOids?.[at];
    const from = number === undefined ? undefined : names.get(number);
    if (number === undefined || from === undefined) return [];
    return from !== to && present.includes(from) ? [{ from, to, number }] : [];
  });
  for (;;) {
    const leaving = new Set(wanted.map(({ from }) => from));
    const possible = wanted.filter(({ to }) => !present.includes(to) || leaving.has(to));
    if (possible.length === wanted.length) return orderRenames(wanted, new Set(present));
    wanted = possible;
  }
}

/** What labels are called once the renames are made. */
export function labelsAfter(
  present: readonly string[],
  renames: readonly Pick<Rename, 'from' | 'to'>[],
): readonly string[] {
  return renames.reduce(
    (labels, { from, to }) => labels.map((label) => (label === from ? to : label)),
    present,
  );
}

/**
 * Renames labels of an enum and notes it: sent as one text, PostgreSQL does both or none. That a label was renamed stays noted, since rows from before may
 * still come with the former name.
 */
export function renameLabelsSql(
  type: SharedName,
  mirrorId: string,
  renames: readonly Rename[],
): string {
  const ofType = `mirror_id = ${text(mirrorId)} and type_schema = ${text(type.schema)} and type_name = ${text(type.name)}`;
  return [
    ...renames.map(
      ({ from, to }) => `alter type ${typeKey(type)} rename value ${text(from)} to ${text(to)}`,
    ),
    ...renames.flatMap(({ to, number }) =>
      number === null
        ? []
        : [
            `update _bunny.enum_label set name = ${text(to)}, is_renamed = true, renamed_lsn = null where ${ofType} and label_oid = ${number}`,
          ],
    ),
  ].join(';\n');
}

/** What is to be noted of a type's labels: those that both sides have under one name, and that are not about to get another. */
export function labelsToNote(
  type: EnumType,
  present: readonly string[],
  known: readonly KnownLabel[],
): { readonly noted: readonly KnownLabel[]; readonly gone: readonly number[] } {
  const names = new Map(known.map(({ oid, name }) => [oid, name]));
  const leaving = new Set(
    planLabelRenames(type, present, known).flatMap(({ from, to }) => [from, to]),
  );
  const living = new Set(type.labelOids);
  return {
    noted: type.labels.flatMap((name, at) => {
      const oid = type.labelOids?.[at];
      const isSettled = oid !== undefined && present.includes(name) && !leaving.has(name);
      return isSettled && names.get(oid) !== name ? [{ oid, name }] : [];
    }),
    gone: known.flatMap(({ oid }) => (living.has(oid) ? [] : [oid])),
  };
}

const text = (value: string): string => quoteLiteral(value).trim();
