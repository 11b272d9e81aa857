import { quoteIdentifier } from '@bunnydb/pg-model';
import type { Acl, Grant } from './table-facts.js';

export interface AclObject {
  /** As GRANT names it: `table a.b`, `sequence a.b`. */
  readonly sql: string;
  readonly owner: string;
  /** The access control list that it has now. */
  readonly current: Acl;
}

/** The statements that give an object the privileges of another: first nobody has any, then each what it had. */
export function aclStatements(object: AclObject, wanted: Acl): readonly string[] {
  if (wanted === null && object.current === null) return [];
  const roles = new Set<string | null>([null, object.owner]);
  for (const grant of object.current ?? []) roles.add(grant.role);
  const revokes = [...roles].map((role) => `revoke all on ${object.sql} from ${roleSql(role)}`);
  if (wanted === null)
    return [...revokes, `grant all on ${object.sql} to ${roleSql(object.owner)}`];
  return [...revokes, ...wanted.map((grant) => grantStatement(grant, '', object.sql))];
}

/** The statements that grant privileges on one column of a table that has none granted. */
export function columnAclStatements(table: string, column: string, acl: Acl): readonly string[] {
  const columns = ` (${quoteIdentifier(column)})`;
  return (acl ?? []).map((grant) => grantStatement(grant, columns, `table ${table}`));
}

function grantStatement(grant: Grant, columns: string, object: string): string {
  const option = grant.grantable ? ' with grant option' : '';
  return `grant ${grant.privilege}${columns} on ${object} to ${roleSql(grant.role)}${option}`;
}

function roleSql(role: string | null): string {
  return role === null ? 'public' : quoteIdentifier(role);
}
