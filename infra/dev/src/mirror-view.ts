import { isRecord } from './api-client.js';

/** The part of the gateway's mirror object that the launcher shows. */
export interface MirrorView {
  readonly status: string;
  readonly phase: string;
  readonly lagBytes: number | null;
  readonly lagSeconds: number | null;
  readonly rowsPerSecond: number | null;
  readonly errorMessage: string | null;
  readonly nextRetryAt: string | null;
  readonly snapshot: CopyView;
  readonly tables: readonly TableView[];
}

export interface CopyView {
  readonly rowsDone: number;
  readonly rowsTotal: number;
  readonly etaSeconds: number | null;
}

export interface TableView {
  readonly source: string;
  readonly destination: string;
  readonly status: string;
  readonly rowsDone: number;
  readonly rowsEstimated: number;
  readonly rowsSynced: number;
}

/** Reads `GET /v1/mirrors/{name}`; what is missing is shown as unknown rather than refused. */
export function parseMirror(answer: unknown): MirrorView {
  const mirror = isRecord(answer) ? answer : {};
  const snapshot = isRecord(mirror['snapshot']) ? mirror['snapshot'] : {};
  const tables = Array.isArray(mirror['tables']) ? mirror['tables'].filter(isRecord) : [];
  return {
    status: textOf(mirror, 'status') ?? 'unknown',
    phase: textOf(mirror, 'phase') ?? '',
    lagBytes: numberOf(mirror, 'lag_bytes'),
    lagSeconds: numberOf(mirror, 'lag_seconds'),
    rowsPerSecond: numberOf(mirror, 'rows_per_second'),
    errorMessage: errorOf(mirror),
    nextRetryAt: textOf(mirror, 'next_retry_at'),
    snapshot: {
      rowsDone: numberOf(snapshot, 'rows_done') ?? 0,
      rowsTotal: numberOf(snapshot, 'rows_total') ?? 0,
      etaSeconds: numberOf(snapshot, 'eta_seconds'),
    },
    tables: tables.map(parseTable),
  };
}

function parseTable(table: Readonly<Record<string, unknown>>): TableView {
  const copy = isRecord(table['copy']) ? table['copy'] : {};
  const source = textOf(table, 'table_name') ?? '';
  return {
    source,
    destination: textOf(table, 'destination_table') ?? source,
    status: textOf(table, 'status') ?? '',
    rowsDone: numberOf(copy, 'rows_done') ?? 0,
    rowsEstimated: numberOf(copy, 'rows_estimated') ?? 0,
    rowsSynced: numberOf(table, 'rows_synced') ?? 0,
  };
}

/** What is wrong, and what to do about it. */
function errorOf(mirror: Readonly<Record<string, unknown>>): string | null {
  const message = textOf(mirror, 'error_message');
  const hint = textOf(mirror, 'error_hint');
  return message === null || hint === null ? message : `${message}. ${hint}`;
}

function textOf(record: Readonly<Record<string, unknown>>, field: string): string | null {
  const value = record[field];
  return typeof value === 'string' ? value : null;
}

function numberOf(record: Readonly<Record<string, unknown>>, field: string): number | null {
  const value = record[field];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
