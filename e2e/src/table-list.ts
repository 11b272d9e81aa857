import { until } from '@bunnydb/testkit';
import type { TableMappingRequest } from './api-client.js';
import { MARK_TABLE, type MirrorFixture } from './mirror-fixture.js';
import type { Stack } from './stack.js';

export interface TableListChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Gives the mirror these tables (and the mark), as a client that tries again when nobody answers. */
export async function putTables(
  stack: Stack,
  mirror: MirrorFixture,
  tables: readonly TableMappingRequest[],
  options: { readonly dropRemoved?: boolean } = {},
): Promise<TableListChange> {
  const path = `/v1/mirrors/${mirror.name}/tables${options.dropRemoved === true ? '?drop_removed=true' : ''}`;
  const body = { table_mappings: [...tables, MARK_TABLE] };
  const answer = await until(
    async () => {
      try {
        const one = await stack.api.call('PUT', path, body);
        // One change of the tables after the other.
        const isBusy = one.status === 409 && JSON.stringify(one.body).includes('under way');
        return one.status === 503 || isBusy ? null : one;
      } catch {
        return null;
      }
    },
    { intervalMs: 200, timeoutMs: 60_000, what: 'the gateway to take the tables' },
  );
  if (answer.status !== 200)
    throw new Error(`no other tables: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as TableListChange;
}

/** Waits until the mirror has exactly these tables (and the mark), and all of them stream. */
export async function waitForTables(
  mirror: MirrorFixture,
  tables: readonly string[],
): Promise<void> {
  const wanted = [...tables, MARK_TABLE].sort().join(', ');
  let seen = '';
  await until(
    async () => {
      const view = await mirror.view();
      const list = view.tables ?? [];
      seen = list.map((table) => `${table.table_name} ${table.status}`).join(', ');
      const names = list.map((table) => table.table_name).sort();
      return names.join(', ') === wanted && list.every(({ status }) => status === 'running');
    },
    { timeoutMs: 60_000, intervalMs: 100, what: () => `tables ${wanted}; there are ${seen}` },
  );
}
