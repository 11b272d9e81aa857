import { type QualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import type { ColumnModel } from './catalog-model.js';
import { sequenceName } from './column-ddl.js';
import type { SettingPlace } from './setting-writers.js';
import { SETTING_WRITERS, type SettingWriter } from './setting-writers.js';
import type { FoundObject } from './carried-objects.js';
import { blocking, changeOf, dropTraits, online } from './structure-change.js';
import type { SettingModel } from './structure-model.js';
import {
  type DiffSink,
  type TablePair,
  foundObject,
  objectText,
  tableSql,
  tableText,
} from './table-pair.js';

/**
 * What is set on a table and its parts: storage parameters, storage, compression, statistics targets, replica identity, the cluster mark, comments. It comes
 * after all that makes, finds or renames the parts.
 *
 * @param versionNumber of the destination.
 */
export function diffSettings(pair: TablePair, versionNumber: number, sink: DiffSink): void {
  const unmatched = new Map(
    pair.destination.settings
      .filter((setting) => !isGone(pair, setting, sink))
      .map((setting) => [slotOf(setting, sequenceKey(pair, setting, 'destination')), setting]),
  );
  for (const setting of pair.source.settings) {
    const writer = SETTING_WRITERS[setting.kind];
    // Partitions take from the sequences of their root, where they are compared.
    if (writer.part === 'sequence' && !pair.source.isRoot) continue;
    const found = placeOf(pair, setting, writer, sink);
    if (found === undefined) continue;
    const { place, object } = found;
    const wanted = { ...setting, object };
    const slot = slotOf(wanted, sequenceKey(pair, setting, 'source'));
    const existing = unmatched.get(slot);
    unmatched.delete(slot);
    if (existing && existing.value === setting.value && existing.object === object) {
      sink.carried.note(foundSetting(pair, existing));
      continue;
    }
    if (existing) sink.carried.isOurs(foundSetting(pair, existing));
    const add = writer.blocksWriters ? blocking : online;
    sink.changes.push(
      changeOf({
        kind: writer.kind,
        object: settingText(pair, wanted),
        table: tableText(pair),
        statements: [add(writer.set(place, setting.value))],
        overwrites: existing !== undefined,
        locks: locksOf(writer),
        reason:
          existing === undefined
            ? `the source has ${wordOf(setting)}, the destination has not`
            : `${wordOf(setting)} differs`,
      }),
    );
  }
  for (const setting of unmatched.values()) {
    if (setting.kind === 'sequence_comment' && !pair.source.isRoot) continue;
    reset(pair, setting, versionNumber, sink);
  }
}

function foundSetting(pair: TablePair, { kind, object, key, value }: SettingModel): FoundObject {
  return foundObject(pair, 'setting', [kind, object, key].join(' '), value);
}

/** Whether it goes with the part that it is set on, which is made anew. */
function isGone({ destination }: TablePair, setting: SettingModel, sink: DiffSink): boolean {
  const { part } = SETTING_WRITERS[setting.kind];
  if (part !== 'index' && part !== 'constraint') return false;
  return sink.counterparts.isReplaced(destination.name, part, setting.object);
}

/** What only the destination has set. */
function reset(
  pair: TablePair,
  setting: SettingModel,
  versionNumber: number,
  sink: DiffSink,
): void {
  const writer = SETTING_WRITERS[setting.kind];
  const object = writer.part === 'sequence' ? setting.key : objectSql(pair, writer, setting.object);
  const sql = writer.reset({ table: tableSql(pair), object, key: setting.key }, versionNumber);
  if (sql === null) {
    const reason = `only the destination has ${wordOf(setting)}`;
    sink.notes.push({ object: settingText(pair, setting), reason });
    return;
  }
  const add = writer.blocksWriters ? blocking : online;
  sink.changes.push(
    changeOf({
      kind: writer.kind === 'set_comment' ? 'drop_comment' : 'reset_option',
      object: settingText(pair, setting),
      table: tableText(pair),
      statements: [add(sql)],
      locks: locksOf(writer),
      ...dropTraits(sink.carried.find(foundSetting(pair, setting)), wordOf(setting)),
    }),
  );
}

/** Undefined where the destination lacks what it is set on, or leaves it out. */
function placeOf(
  pair: TablePair,
  setting: SettingModel,
  writer: SettingWriter,
  sink: DiffSink,
): { readonly place: SettingPlace; readonly object: string } | undefined {
  const table = tableSql(pair);
  const { key } = setting;
  if (setting.object === '') return { place: { table, object: '', key }, object: '' };
  if (writer.part === 'column' || writer.part === 'sequence') {
    if (pair.mapping.exclude_columns.includes(setting.object)) return undefined;
    const column = pair.source.columns.find((other) => other.name === setting.object);
    if (column === undefined) return undefined;
    const object =
      writer.part === 'column'
        ? quoteIdentifier(setting.object)
        : quoteQualifiedName(sequenceOf(pair, column, key));
    return { place: { table, object, key }, object: setting.object };
  }
  const part = writer.part === 'constraint' ? 'constraint' : 'index';
  const name =
    sink.counterparts.get(pair.destination.name, part, setting.object) ??
    (part === 'constraint' ? notNullCounterpart(pair, setting.object) : undefined);
  if (name === undefined) return undefined;
  return { place: { table, object: objectSql(pair, writer, name), key }, object: name };
}

/** CLUSTER ON and REPLICA IDENTITY take the bare name of an index. */
function objectSql(pair: TablePair, writer: SettingWriter, name: string): string {
  const isQualified = writer.kind === 'set_index_option' || writer.kind === 'set_comment';
  return writer.part === 'index' && isQualified
    ? quoteQualifiedName({ schema: pair.destination.name.schema, table: name })
    : quoteIdentifier(name);
}

/** NOT NULL has a name where the version gives it one; it is known by its column. */
function notNullCounterpart({ source, destination }: TablePair, name: string): string | undefined {
  const column = source.columns.find((other) => other.notNullConstraint?.name === name);
  const theirs = destination.columns.find((other) => other.name === column?.name);
  return column && theirs?.notNullConstraint?.name;
}

/** Where a sequence of a source column is at the destination. */
function sequenceOf(pair: TablePair, column: ColumnModel, reference: string): QualifiedName {
  const { source, destination } = pair;
  const used = column.sequences.find((sequence) => sequence.reference === reference);
  if (used) return sequenceName(used, column.name, source.name, destination.name);
  const theirs = destination.columns.find((other) => other.name === column.name);
  const identity = theirs?.identityOptions ?? column.identityOptions;
  return {
    schema: identity?.schema ?? destination.name.schema,
    table: identity?.name ?? reference,
  };
}

/** A sequence's comment is the same setting on both sides when it is on the sequence that stands for it. */
function sequenceKey(
  pair: TablePair,
  { kind, object, key }: SettingModel,
  side: 'source' | 'destination',
): string | undefined {
  if (kind !== 'sequence_comment') return undefined;
  const column = pair[side].columns.find((other) => other.name === object);
  if (column === undefined) return undefined;
  if (side === 'source') return quoteQualifiedName(sequenceOf(pair, column, key));
  const used = column.sequences.find((sequence) => sequence.reference === key);
  const name = used ?? column.identityOptions;
  return name ? quoteQualifiedName({ schema: name.schema, table: name.name }) : undefined;
}

/** What there can be one of: a table has one replica identity, whatever index it names. */
function slotOf({ kind, object, key }: SettingModel, sequence: string | undefined): string {
  const isOne = kind === 'replica_identity' || kind === 'cluster';
  return `${kind}\0${isOne ? '' : object}\0${sequence ?? key}`;
}

function settingText(pair: TablePair, { kind, object, key }: SettingModel): string {
  const part = object === '' ? tableText(pair) : objectText(pair, object);
  return key === '' || kind === 'sequence_comment' ? part : `${part} ${key}`;
}

const wordOf = ({ kind, key }: SettingModel): string =>
  kind.endsWith('_option') ? `the option ${key}` : kind.replaceAll('_', ' ');

const locksOf = (writer: SettingWriter): string =>
  writer.blocksWriters
    ? 'ACCESS EXCLUSIVE on the table, briefly'
    : 'SHARE UPDATE EXCLUSIVE on the table: rows can be written meanwhile';
