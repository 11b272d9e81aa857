import { describe, expect, it } from 'vitest';
import { withCatalogRetries } from '../src/shell/catalog-race.js';
import { constraintOf, indexOf } from '../src/shell/structure-rows.js';

const index = (body: string | null) => ({
  ...{ table_oid: '1', name: 'i', is_unique: false, is_valid: true, body },
  ...{ children: [], constraint_name: null, columns: ['a'] },
});
const constraint = (definition: string | null) => ({
  ...{ table_oid: '1', name: 'c', kind: 'c', definition, is_validated: true, is_enforced: true },
  ...{ is_deferrable: false, is_initially_deferred: false, expression: null, columns: ['a'] },
});

describe('a catalog that somebody alters while it is read', () => {
  it('is read again when an object is gone before its definition was asked for', async () => {
    const bodies = [null, null, 'USING btree (a)'];
    const read = () => Promise.resolve(indexOf(index(bodies.shift() ?? null)));
    expect((await withCatalogRetries(read)).body).toBe('USING btree (a)');
    const definitions = [null, 'CHECK (a > 0)'];
    const readRule = () => Promise.resolve(constraintOf(constraint(definitions.shift() ?? null)));
    expect((await withCatalogRetries(readRule)).definition).toBe('CHECK (a > 0)');
  });

  it('is given up when it never holds still, and any other failure is told at once', async () => {
    let reads = 0;
    const torn = async () => {
      reads += 1;
      return indexOf(index(null));
    };
    await expect(withCatalogRetries(torn)).rejects.toThrow('altered while the catalog was read');
    expect(reads).toBe(6);
    const broken = () => Promise.reject(new TypeError('broken'));
    await expect(withCatalogRetries(broken)).rejects.toThrow('broken');
  });
});
