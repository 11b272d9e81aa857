import type { MirrorSpec } from '@bunnydb/contracts';
import type pg from 'pg';
import type { TypeModel } from '../core/catalog-model.js';
import { EnumLabels, type KnownLabel, labelsToNote } from '../core/enum-labels.js';
import { typeKey } from '../core/type-order.js';

/** What the labels of the source's enums are called at the destination, as far as it is noted. */
export async function readEnumLabels(client: pg.Client, spec: MirrorSpec): Promise<EnumLabels> {
  if (!(await hasEnumLabels(client))) return new EnumLabels(spec.id, new Map());
  const { rows } = await client.query<LabelRow>(SELECT_LABELS, [spec.id]);
  const byType = new Map<string, KnownLabel[]>();
  for (const { type_schema: schema, type_name: name, label_oid: oid, name: label } of rows) {
    const key = typeKey({ schema, name });
    const known = { oid: Number(oid), name: label };
    const ofType = byType.get(key);
    if (ofType) ofType.push(known);
    else byType.set(key, [known]);
  }
  return new EnumLabels(spec.id, byType);
}

/**
 * Notes the labels that both sides have, and forgets those that the source does not have any more.
 *
 * @param present labels of the destination's enums, by `typeKey`.
 */
export async function noteEnumLabels(
  client: pg.Client,
  spec: MirrorSpec,
  types: readonly TypeModel[],
  present: ReadonlyMap<string, readonly string[]>,
  known: EnumLabels,
): Promise<void> {
  const noted: LabelRow[] = [];
  const gone: Omit<LabelRow, 'name'>[] = [];
  for (const type of types) {
    const labels = present.get(typeKey(type));
    if (type.kind !== 'enum' || labels === undefined) continue;
    const row = { type_schema: type.schema, type_name: type.name };
    const found = labelsToNote(type, labels, known.of(type));
    for (const { oid, name } of found.noted) noted.push({ ...row, label_oid: String(oid), name });
    for (const oid of found.gone) gone.push({ ...row, label_oid: String(oid) });
  }
  if (noted.length + gone.length === 0 || !(await hasEnumLabels(client))) return;
  await client.query(DELETE_LABELS, [spec.id, JSON.stringify(gone)]);
  await client.query(UPSERT_LABELS, [spec.id, JSON.stringify(noted)]);
}

/** Whether anything could be noted here. */
export async function hasEnumLabels(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    `select pg_catalog.to_regclass('_bunny.enum_label') is not null as present`,
  );
  return rows[0]?.present === true;
}

interface LabelRow {
  readonly type_schema: string;
  readonly type_name: string;
  readonly label_oid: string;
  readonly name: string;
}

const SELECT_LABELS = `
  select type_schema, type_name, label_oid::text, name from _bunny.enum_label where mirror_id = $1`;
const UPSERT_LABELS = `
  insert into _bunny.enum_label (mirror_id, type_schema, type_name, label_oid, name)
  select $1, w.type_schema, w.type_name, w.label_oid, w.name
    from json_to_recordset($2::json) as w (type_schema text, type_name text, label_oid bigint, name text)
  on conflict (mirror_id, type_schema, type_name, label_oid) do update set name = excluded.name`;
const DELETE_LABELS = `
  delete from _bunny.enum_label as known
   using json_to_recordset($2::json) as w (type_schema text, type_name text, label_oid bigint)
   where known.mirror_id = $1
     and (known.type_schema, known.type_name, known.label_oid) = (w.type_schema, w.type_name, w.label_oid)`;
