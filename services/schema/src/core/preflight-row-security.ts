import type { PreflightCheck } from '@bunnydb/contracts';
import { type QualifiedName, formatQualifiedName } from '@bunnydb/pg-model';
import { roleName, summarize } from './preflight-check.js';
import type { RelationIndex } from './relation-facts.js';

/**
 * Row level security of the tables on one side. Our sessions turn it off, so that a server refuses what policies would touch rather than hide rows
 * without a word; whoever is subject to policies can therefore neither copy nor write such a table.
 */
export function checkRowSecurity(
  name: string,
  { relations, user }: { readonly relations: RelationIndex; readonly user: string },
  tables: readonly QualifiedName[],
): PreflightCheck {
  const findings = tables.flatMap((table) => {
    const relation = relations.find(table);
    const all = relation ? [relation, ...relations.leavesOf(relation)] : [];
    const guarded = all.find(({ hasPoliciesForUser }) => hasPoliciesForUser);
    if (guarded === undefined) return [];
    return [
      {
        detail: `row level security of ${formatQualifiedName(guarded.name)} holds for ${user}`,
        fix: `ALTER ROLE ${roleName(user)} BYPASSRLS; -- or let it own the table without FORCE ROW LEVEL SECURITY`,
      },
    ];
  });
  return summarize(name, findings, 'no row level security is in the way');
}
