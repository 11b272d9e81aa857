import { equalDatabases, samePair } from '@bunnydb/testkit';
import { type DatabaseAddress, addressUrl } from './drain-target.js';

/**
 * A run whose result is wrong is no measurement.
 *
 * @throws Error with what differs.
 */
export async function assertEqual(
  source: DatabaseAddress,
  destination: DatabaseAddress,
  tables: readonly string[],
): Promise<void> {
  const pairs = tables.map((table) => samePair('public', table));
  const { equal, tables: compared } = await equalDatabases(
    addressUrl(source),
    addressUrl(destination),
    pairs,
  );
  if (equal) return;
  const differences = compared.map(({ difference }) => difference).filter((text) => text !== '');
  throw new Error(`source and destination differ: ${differences.join('; ')}`);
}
