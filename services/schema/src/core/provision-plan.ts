import type { TableMapping } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName, quoteIdentifier } from '@bunnydb/pg-model';
import type {
  CatalogModel,
  CollationModel,
  ExtensionModel,
  TableModel,
  TypeModel,
} from './catalog-model.js';
import type { Finding } from './preflight-check.js';
import { columnFindings } from './preflight-destination.js';
import { type RelationIndex, keyOf } from './relation-facts.js';
import { partitionName, sequenceName } from './column-ddl.js';
import { createTableDdl } from './table-ddl.js';
import { type MappedTable, inheritanceOf, orderByInheritance } from './table-inheritance.js';
import { createCollationStatement, createTypeStatements } from './type-ddl.js';
import { orderTypes, typeKey } from './type-order.js';

/** What the destination has already. */
export interface DestinationState {
  readonly versionNumber: number;
  readonly schemas: ReadonlySet<string>;
  readonly relations: RelationIndex;
  /** Types by `typeKey`; labels for enums. */
  readonly types: ReadonlyMap<string, readonly string[]>;
  /** By `typeKey`. */
  readonly collations: ReadonlySet<string>;
  readonly extensionsInstalled: ReadonlySet<string>;
  readonly extensionsAvailable: ReadonlySet<string>;
  /** By `keyOf`. */
  readonly sequences: ReadonlySet<string>;
  /** By `keyOf`. */
  readonly indexes: ReadonlySet<string>;
  /** By signature. */
  readonly functions: ReadonlySet<string>;
}

/** Statements that belong in one transaction. */
export interface ProvisionStep {
  readonly kind: 'schema' | 'extension' | 'collation' | 'type' | 'table';
  readonly name: string;
  readonly statements: readonly string[];
}

export interface ProvisionPlan {
  readonly steps: readonly ProvisionStep[];
  /** Destination tables to be created, and those that are there. */
  readonly created: readonly string[];
  readonly existing: readonly string[];
  /** What makes the plan impossible; nothing is done when there is any. */
  readonly findings: readonly Finding[];
  /** Columns created without their default, since it calls a function that the destination lacks. */
  readonly defaultsLeftOut: readonly string[];
}

/**
 * What has to be done so that every mapped table exists at the destination, in order: schemas, extensions, types, tables. What is
 * there is compared and left alone.
 *
 * @param model the source's catalog of the mapped tables.
 */
export function planProvision(
  model: CatalogModel,
  mappings: readonly TableMapping[],
  state: DestinationState,
): ProvisionPlan {
  const tables = new Map(model.tables.map((table) => [keyOf(table.name), table]));
  const findings: Finding[] = [];
  const existing: string[] = [];
  const missing: MappedTable[] = [];
  const carried: MappedTable[] = [];
  for (const mapping of mappings) {
    const table = tables.get(keyOf(mapping.source));
    const target = state.relations.find(mapping.destination);
    const name = formatQualifiedName(mapping.destination);
    if (table === undefined) {
      findings.push(missingSource(mapping));
      continue;
    }
    carried.push({ table, mapping });
    if (target === undefined) missing.push({ table, mapping });
    else if (target.kind === 'table' || target.kind === 'partitioned') {
      existing.push(name);
      findings.push(...columnFindings(mapping, { columns: sentColumns(table) }, target));
    } else findings.push({ detail: `${name} is not a table`, fix: 'Map it to another name.' });
  }
  const collations = missing.length > 0 ? planCollations(model.collations, state) : [];
  const types = missing.length > 0 ? planTypes(model.types, state, findings) : [];
  const extensions = missing.length > 0 ? planExtensions(model.extensions, state, findings) : [];
  const schemas = planSchemas(neededSchemas(missing, model, extensions), state);
  const defaultsLeftOut: string[] = [];
  const sequences = new Set(state.sequences);
  const objects = {
    hasSequence: (name: QualifiedName) => sequences.has(keyOf(name)),
    hasIndex: (name: QualifiedName) => state.indexes.has(keyOf(name)),
    hasFunction: (signature: string) => state.functions.has(signature),
    hasVirtualColumns: state.versionNumber >= VIRTUAL_COLUMNS_VERSION,
    hasNotNullConstraints: state.versionNumber >= VIRTUAL_COLUMNS_VERSION,
  };
  const tableSteps = orderByInheritance(missing).map((entry): ProvisionStep => {
    const { table, mapping } = entry;
    const ddl = createTableDdl(table, mapping, objects, inheritanceOf(entry, carried));
    const name = formatQualifiedName(mapping.destination);
    for (const sequence of ddl.sequences) sequences.add(keyOf(sequence));
    defaultsLeftOut.push(...ddl.defaultsLeftOut.map((column) => `${name}.${column}`));
    return { kind: 'table', name, statements: ddl.statements };
  });
  return {
    steps: [...schemas, ...extensions, ...collations, ...types, ...tableSteps],
    created: tableSteps.map((step) => step.name),
    existing,
    findings,
    defaultsLeftOut,
  };
}

function planCollations(
  collations: readonly CollationModel[],
  state: DestinationState,
): ProvisionStep[] {
  return collations
    .filter((collation) => !state.collations.has(typeKey(collation)))
    .map((collation) => ({
      kind: 'collation',
      name: typeKey(collation),
      statements: [createCollationStatement(collation)],
    }));
}

function planTypes(
  types: readonly TypeModel[],
  state: DestinationState,
  findings: Finding[],
): ProvisionStep[] {
  const steps: ProvisionStep[] = [];
  for (const type of orderTypes(types)) {
    const name = typeKey(type);
    const labels = state.types.get(name);
    if (labels !== undefined) {
      findings.push(...labelFindings(type, labels));
      continue;
    }
    if (type.kind === 'unsupported') {
      findings.push({
        detail: `the type ${name} cannot be created at the destination: ${type.reason}`,
        fix: `Create the type ${name} at the destination.`,
      });
    }
    const statements = createTypeStatements(type);
    if (statements.length > 0) steps.push({ kind: 'type', name, statements });
  }
  return steps;
}

function labelFindings(type: TypeModel, labels: readonly string[]): Finding[] {
  if (type.kind !== 'enum') return [];
  return type.labels
    .filter((label) => !labels.includes(label))
    .map((label) => ({
      detail: `the enum ${typeKey(type)} lacks a label that the source has`,
      fix: `ALTER TYPE ${typeKey(type)} ADD VALUE '${label.replaceAll("'", "''")}';`,
    }));
}

function planExtensions(
  extensions: readonly ExtensionModel[],
  state: DestinationState,
  findings: Finding[],
): (ProvisionStep & { readonly schema: string })[] {
  return extensions
    .filter((extension) => !state.extensionsInstalled.has(extension.name))
    .map((extension) => {
      if (!state.extensionsAvailable.has(extension.name)) {
        findings.push({
          detail: `the extension ${extension.name} is not available at the destination server`,
          fix: `Install the package that brings the extension ${extension.name} on the destination server; it is made then by: ${createExtensionStatement(extension)};`,
        });
      }
      return {
        kind: 'extension',
        name: extension.name,
        schema: extension.schema,
        statements: [createExtensionStatement(extension)],
      };
    });
}

/** Makes an extension where the source has it. */
export function createExtensionStatement({ name, schema }: ExtensionModel): string {
  return `create extension if not exists ${quoteIdentifier(name)} with schema ${quoteIdentifier(schema)}`;
}

function planSchemas(schemas: ReadonlySet<string>, state: DestinationState): ProvisionStep[] {
  return [...schemas]
    .filter((schema) => !state.schemas.has(schema))
    .map((schema) => ({
      kind: 'schema',
      name: schema,
      statements: [`create schema ${quoteIdentifier(schema)}`],
    }));
}

function neededSchemas(
  missing: readonly MappedTable[],
  model: CatalogModel,
  extensions: readonly { readonly schema: string }[],
): ReadonlySet<string> {
  const schemas = new Set<string>();
  for (const { table, mapping } of missing) {
    const names: QualifiedName[] = [
      mapping.destination,
      ...table.partitions.map((part) => partitionName(part.name, table.name, mapping.destination)),
      ...table.columns.flatMap((column) =>
        column.sequences.map((sequence) =>
          sequenceName(sequence, column.name, table.name, mapping.destination),
        ),
      ),
    ];
    for (const name of names) schemas.add(name.schema);
  }
  if (missing.length > 0) {
    for (const { schema } of [...model.types, ...model.collations]) schemas.add(schema);
  }
  extensions.forEach((extension) => schemas.add(extension.schema));
  return schemas;
}

function sentColumns(
  table: TableModel,
): readonly { readonly name: string; readonly type: string; readonly isGenerated: boolean }[] {
  return table.columns.map((column) => ({
    name: column.name,
    type: column.type,
    isGenerated: column.generation !== 'none',
  }));
}

function missingSource(mapping: TableMapping): Finding {
  return {
    detail: `${formatQualifiedName(mapping.source)} does not exist on the source`,
    fix: 'Create it, or take it out of the mirror.',
  };
}

const VIRTUAL_COLUMNS_VERSION = 180_000;
