import type { TableMapping } from '@bunnydb/contracts';
import type { QualifiedName } from '@bunnydb/pg-model';

/** What is known of one table of the mirror, and what the source has of it now. */
export interface SourcePlace {
  readonly mapping: TableMapping;
  /** The number of the table that has the name now; null when none has. */
  readonly oid: number | null;
  /** The number that was noted for it; null before it is. */
  readonly noted: number | null;
  /** The number of the table whose rows the stream brought last; null when there were none. */
  readonly followed: number | null;
  /** What the table that was noted is called now, when nothing has the mapping's name. */
  readonly calledNow: QualifiedName | null;
  readonly isPublished: boolean;
  /** Columns that the publication's list leaves out; empty when it has no list. */
  readonly unlisted: readonly string[];
}

/** What there is to do about a table of the source that is not where, or what, it was. */
export interface PlaceFindings {
  /** Tables, or columns of theirs, that the publication has to take in. */
  readonly unpublished: readonly SourcePlace[];
  /** Tables that have to be copied again, since rows of theirs were not in the stream. */
  readonly recopied: readonly SourcePlace[];
  /** Tables that have another name. */
  readonly moved: readonly (SourcePlace & { readonly calledNow: QualifiedName })[];
  readonly gone: readonly SourcePlace[];
}

/**
 * A table that was dropped and made anew under the same name, in one transaction perhaps, is another table: the publication does not have it, and nothing of the old
 * one's rows is in it. A column that is added to a table with a list of columns is not in the list.
 *
 * @param options.ownPublication whether the publication is the user's, which nobody alters.
 * @param options.takesColumns whether columns that are added come along.
 */
export function judgePlaces(
  places: readonly SourcePlace[],
  options: { readonly ownPublication: boolean; readonly takesColumns: boolean },
): PlaceFindings {
  const present = places.filter(({ oid }) => oid !== null);
  const lacksColumns = ({ mapping, unlisted }: SourcePlace): boolean =>
    options.takesColumns && unlisted.some((column) => !mapping.exclude_columns.includes(column));
  const unpublished = options.ownPublication
    ? []
    : present.filter((place) => !place.isPublished || lacksColumns(place));
  const isRemade = ({ oid, noted, followed }: SourcePlace): boolean =>
    noted !== null && noted !== oid && followed !== oid;
  return {
    unpublished,
    recopied: [...new Set([...unpublished, ...present.filter(isRemade)])],
    moved: places.flatMap((place) =>
      place.calledNow === null ? [] : [{ ...place, calledNow: place.calledNow }],
    ),
    gone: places.filter(({ oid, calledNow }) => oid === null && calledNow === null),
  };
}
