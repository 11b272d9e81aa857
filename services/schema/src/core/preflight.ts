import type { PreflightCheck } from '@bunnydb/contracts';
import type { FailureReport } from '@bunnydb/failure';
import { failed, passed } from './preflight-check.js';
import { destinationChecks } from './preflight-destination.js';
import type { PreflightFacts } from './preflight-facts.js';
import { sourceChecks } from './preflight-source.js';
import { tableChecks } from './preflight-tables.js';

/** Judges the facts: every check, passed or failed, never only the first. What cannot be known because a server is out of reach is left out. */
export function judgePreflight(facts: PreflightFacts): readonly PreflightCheck[] {
  const { source, destination } = facts;
  const checks: PreflightCheck[] = [];
  if (source.ok) {
    checks.push(passed('source_reachable', 'the source answers'));
    checks.push(...sourceChecks(source.facts, facts), ...tableChecks(source.facts, facts));
  } else checks.push(unreachable('source_reachable', source.failure));
  if (destination.ok) {
    const known = source.ok ? source.facts : undefined;
    checks.push(passed('destination_reachable', 'the destination answers'));
    checks.push(...destinationChecks(destination.facts, facts, known));
  } else checks.push(unreachable('destination_reachable', destination.failure));
  if (source.ok && destination.ok) {
    const from = source.facts.server;
    const to = destination.facts.server;
    checks.push(
      from.identity === to.identity
        ? failed(
            'different_databases',
            'source and destination are the same database',
            'Choose another destination peer.',
          )
        : passed('different_databases', 'source and destination are different databases'),
    );
    checks.push(passed('encoding', encodingDetail(from.encoding, to.encoding)));
  }
  return checks;
}

function encodingDetail(from: string, to: string): string {
  if (from === to) return `both databases are ${from}`;
  if (from === 'SQL_ASCII') {
    return `the source is SQL_ASCII: bytes that are not valid UTF-8 will be refused by the ${to} destination`;
  }
  if (to === 'UTF8' || to === 'SQL_ASCII') return `text is converted from ${from} to ${to}`;
  return `text is converted from ${from} to ${to}: characters that ${to} lacks will be refused`;
}

function unreachable(name: string, failure: FailureReport): PreflightCheck {
  return failed(name, failure.message, failure.hint);
}
