import { describe, expect, it } from 'vitest';
import { type SourcePlace, judgePlaces } from '../src/core/source-places.js';

const NAME = { schema: 'public', table: 't' };

function place(more: Partial<SourcePlace> = {}): SourcePlace {
  return {
    mapping: { source: NAME, destination: NAME, exclude_columns: ['secret'] },
    oid: 100,
    noted: 100,
    followed: null,
    calledNow: null,
    isPublished: true,
    unlisted: ['secret'],
    ...more,
  };
}

const OURS = { ownPublication: false, takesColumns: true };

describe('a table of the source', () => {
  it('that is what it was calls for nothing', () => {
    const nothing = { unpublished: [], recopied: [], moved: [], gone: [] };
    expect(judgePlaces([place(), place({ noted: null })], OURS)).toEqual(nothing);
  });

  it('that the publication lacks, or a column of it, is published and copied again', () => {
    const unpublished = place({ isPublished: false });
    const unlisted = place({ unlisted: ['secret', 'b'] });
    const findings = judgePlaces([unpublished, unlisted], OURS);
    expect(findings).toMatchObject({
      unpublished: [unpublished, unlisted],
      recopied: [unpublished, unlisted],
    });
  });

  it('of a mirror that takes no new columns does not come with them', () => {
    const unlisted = place({ unlisted: ['secret', 'b'] });
    expect(judgePlaces([unlisted], { ...OURS, takesColumns: false }).unpublished).toEqual([]);
  });

  it('in a publication of the user’s is left to the user', () => {
    const findings = judgePlaces([place({ isPublished: false })], {
      ...OURS,
      ownPublication: true,
    });
    expect(findings).toMatchObject({ unpublished: [], recopied: [] });
  });

  it('that was made anew is copied again, unless the stream has brought that already', () => {
    const remade = place({ oid: 200 });
    const followed = place({ oid: 200, followed: 200 });
    expect(judgePlaces([remade, followed], OURS).recopied).toEqual([remade]);
  });

  it('that has another name now has moved, one that has none is gone', () => {
    const moved = place({ oid: null, calledNow: { schema: 'public', table: 'u' } });
    const gone = place({ oid: null });
    expect(judgePlaces([moved, gone], OURS)).toMatchObject({ moved: [moved], gone: [gone] });
  });
});
