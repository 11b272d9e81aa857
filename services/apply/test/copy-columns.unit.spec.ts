import { describe, expect, it } from 'vitest';
import { type CopyColumn, chooseColumns, isBinarySafe } from '../src/core/copy-columns.js';

function column(name: string, overrides: Partial<CopyColumn> = {}): CopyColumn {
  return {
    name,
    isGenerated: false,
    typeOid: 23,
    typeKind: 'b',
    elementOid: 0,
    elementKind: '',
    ...overrides,
  };
}

describe('chooseColumns', () => {
  it('leaves out excluded columns and those generated on either side', () => {
    const source = [column('id'), column('sum', { isGenerated: true }), column('a'), column('b')];
    const destination = [column('b', { isGenerated: true }), column('id'), column('sum')];
    expect(chooseColumns(source, destination, ['a'])).toEqual({
      ok: true,
      columns: ['id'],
      format: 'binary',
    });
  });

  it('refuses, with their names, when the destination lacks columns', () => {
    expect(chooseColumns([column('id'), column('x'), column('y')], [column('id')], [])).toEqual({
      ok: false,
      missing: ['x', 'y'],
    });
  });

  it('copies in text as soon as one column is not safe in binary', () => {
    const source = [column('id'), column('big')];
    const destination = [column('id'), column('big', { typeOid: 20 })];
    expect(chooseColumns(source, destination, [])).toMatchObject({ format: 'text' });
  });
});

describe('isBinarySafe', () => {
  const same = (overrides: Partial<CopyColumn>): boolean =>
    isBinarySafe(column('c', overrides), column('c', overrides));

  it('trusts built-in types, their arrays, ranges, and enums', () => {
    expect(same({ typeOid: 1700 })).toBe(true);
    expect(same({ typeOid: 1007, elementOid: 23, elementKind: 'b' })).toBe(true);
    expect(same({ typeOid: 3904, typeKind: 'r' })).toBe(true);
    const enumOf = (typeOid: number): CopyColumn => column('c', { typeOid, typeKind: 'e' });
    expect(isBinarySafe(enumOf(16_500), enumOf(20_000))).toBe(true);
  });

  it('does not trust what holds an OID or depends on an extension', () => {
    const regclass = { typeOid: 2205 };
    const enumArray = { typeOid: 16_501, elementOid: 16_500, elementKind: 'e' };
    const composite = { typeOid: 16_600, typeKind: 'c' };
    const extensionType = { typeOid: 16_700 };
    const regclassArray = { typeOid: 2210, elementOid: 2205, elementKind: 'b' };
    for (const type of [regclass, enumArray, composite, extensionType, regclassArray]) {
      expect(same(type)).toBe(false);
    }
  });

  it('does not trust an enum that becomes a text', () => {
    const label = column('c', { typeOid: 16_500, typeKind: 'e' });
    expect(isBinarySafe(label, column('c', { typeOid: 25 }))).toBe(false);
  });
});
