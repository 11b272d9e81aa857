import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renameSequences, renameWholeRow } from '../src/core/expression-names.js';

describe('a sequence in an expression', () => {
  const rename = (reference: string): string | undefined =>
    reference === 'shop."T\'s"' ? '"to"."T\'s"' : undefined;

  it('is renamed where it stands as a constant, and nowhere else', () => {
    expect(renameSequences(`('T' || nextval('shop."T''s"'::regclass))`, rename)).toBe(
      `('T' || nextval('"to"."T''s"'::regclass))`,
    );
    for (const expression of [
      `'shop."T''s"'::text`,
      `nextval('other'::regclass)`,
      `f(' ''shop."T''''s"''::regclass ')`,
      `"'shop.T's'::regclass"`,
    ]) {
      expect(renameSequences(expression, rename)).toBe(expression);
    }
  });

  it('is not found in any other text, which stays as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(renameSequences(text, () => undefined)).toBe(text);
        expect(renameWholeRow(text, 'no such table', 'other')).toBe(text);
      }),
    );
  });
});

describe('the whole row of a table in an expression', () => {
  it.each([
    ['(t.* IS NOT NULL)', '("u".* IS NOT NULL)'],
    ['(hash("t".*) > 0)', '(hash("u".*) > 0)'],
    ['(a.t.* IS NULL)', '(a.t.* IS NULL)'],
    ['((t).a * 2)', '((t).a * 2)'],
    [`('t.*' <> name)`, `('t.*' <> name)`],
    ['("t.*" > 0)', '("t.*" > 0)'],
    ['(tt.* IS NULL)', '(tt.* IS NULL)'],
    ['((t * 2) > 0)', '((t * 2) > 0)'],
  ])('%s becomes %s', (from, to) => {
    expect(renameWholeRow(from, 't', 'u')).toBe(to);
  });
});
