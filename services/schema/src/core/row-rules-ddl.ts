import { quoteIdentifier } from '@bunnydb/pg-model';
import type { PolicyFacts, TriggerFacts } from './table-facts.js';

/** The statements that make a row security policy on a table again. */
export function policyStatements(policy: PolicyFacts, table: string): readonly string[] {
  const roles = policy.roles.map((role) => (role === null ? 'public' : quoteIdentifier(role)));
  return [
    [
      `create policy ${quoteIdentifier(policy.name)} on ${table}`,
      `as ${policy.isPermissive ? 'permissive' : 'restrictive'} for ${policy.command}`,
      `to ${roles.join(', ')}`,
      ...(policy.using === null ? [] : [`using (${policy.using})`]),
      ...(policy.withCheck === null ? [] : [`with check (${policy.withCheck})`]),
    ].join(' '),
  ];
}

/** The statements that make a trigger again; its definition names the table, which has its name by now. */
export function triggerStatements(trigger: TriggerFacts, table: string): readonly string[] {
  const state = STATES[trigger.enabled];
  return state === undefined
    ? [trigger.definition]
    : [
        trigger.definition,
        `alter table ${table} ${state} trigger ${quoteIdentifier(trigger.name)}`,
      ];
}

/** By `pg_trigger.tgenabled`; a trigger that was just made fires for the origin. */
const STATES: Readonly<Record<string, string>> = {
  D: 'disable',
  R: 'enable replica',
  A: 'enable always',
};
