import {
  type PreflightCheck,
  Query,
  type TableMapping,
  type ValidateReply,
  type ValidateRequest,
} from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import { formatQualifiedName } from '@bunnydb/pg-model';
import { Problem } from './http/problem.js';

/** Pre-flight looks at every table on both servers. */
const PREFLIGHT_TIMEOUT_MS = 60_000;

export interface Preflight {
  readonly ok: boolean;
  readonly checks: readonly PreflightCheck[];
  readonly tables: readonly TableMapping[];
}

/** Looks at both servers with the eyes of the schema service: everything that would keep the mirror from running, and its fix. */
export async function askPreflight(
  messaging: Messaging,
  question: ValidateRequest,
): Promise<Preflight> {
  const reply = await messaging.request<ValidateReply>(Query.SchemaValidate, question, {
    timeoutMs: PREFLIGHT_TIMEOUT_MS,
  });
  if (!reply.ok) {
    const { kind, message, hint } = reply.failure;
    const checks = [{ name: kind, ok: false, detail: message, fix: hint }];
    return { ok: false, checks, tables: [] };
  }
  return preflightOf(reply.checks, reply.tables);
}

/** The checks of the servers, with those that only the whole list of tables can show. */
export function preflightOf(
  serverChecks: readonly PreflightCheck[],
  tables: readonly TableMapping[],
): Preflight {
  const checks = [...serverChecks, ...mappingChecks(tables)];
  return { ok: checks.every((check) => check.ok), checks, tables };
}

/** 422 with every check that failed, each with what mends it. */
export function failedPreflight(checks: readonly PreflightCheck[]): Problem {
  const failed = checks.filter((check) => !check.ok);
  const detail = failed.map((check) => check.detail).join('; ');
  return new Problem(422, `the pre-flight found what has to be mended first: ${detail}`, {
    checks: failed,
  });
}

function mappingChecks(tables: readonly TableMapping[]): readonly PreflightCheck[] {
  const checks: PreflightCheck[] = [];
  if (tables.length === 0) {
    checks.push({
      name: 'tables_found',
      ok: false,
      detail: 'no table of the source matches',
      fix: 'Name tables that exist, as schema.table or as a pattern such as public.*',
    });
  }
  for (const side of ['source', 'destination'] as const) {
    const names = tables.map((table) => formatQualifiedName(table[side]));
    const twice = [...new Set(duplicatesOf(names))];
    for (const name of twice) {
      checks.push({
        name: `${side}_tables_distinct`,
        ok: false,
        detail: `the ${side} table ${name} is mapped more than once`,
        fix: 'Give every table one mapping, and every mapping a destination of its own.',
      });
    }
  }
  return checks;
}

function duplicatesOf(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name).size);
}
