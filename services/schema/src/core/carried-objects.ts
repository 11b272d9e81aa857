import type { QualifiedName } from '@bunnydb/pg-model';
import { fingerprintOf } from './fingerprint.js';
import { keyOf } from './relation-facts.js';

/** What a table, or a domain, has by name and can lose again. */
export const CARRIED_KINDS = [
  'constraint',
  'index',
  'statistics',
  'setting',
  'domain_check',
] as const;
export type CarriedKind = (typeof CARRIED_KINDS)[number];

/** Something of the destination that the source had as well: under the same name, defined alike, at the same time. */
export interface CarriedObject {
  /** The mirror's table at the source; for the check of a domain, the domain. */
  readonly source: QualifiedName;
  /** What has it at the destination: the table, one of its partitions, the domain. */
  readonly relation: QualifiedName;
  readonly kind: CarriedKind;
  /** As the destination calls it. */
  readonly name: string;
  /** Of its definition at the destination. */
  readonly fingerprint: string;
}

/** What a comparison says of an object; the fingerprint is made of the definition. */
export type FoundObject = Omit<CarriedObject, 'fingerprint'> & { readonly definition: string };

/**
 * Which objects of the destination came from the source. A comparison fills it: what both sides have has come from there, and what is known
 * from before stays so as long as it is defined as it was. Anything else is the user's own, also under a name that something of ours had once.
 */
export class CarriedBook {
  readonly #known: ReadonlyMap<string, CarriedObject>;
  readonly #changedByUs: ReadonlySet<string>;
  readonly #found = new Map<string, CarriedObject>();
  readonly #relations = new Set<string>();

  /**
   * @param known what was noted.
   * @param before what was ours when we last looked: it still is, however our own changes have left it since.
   */
  constructor(known: readonly CarriedObject[] = [], before: readonly CarriedObject[] = []) {
    this.#known = new Map(known.map((object) => [placeOf(object), object]));
    this.#changedByUs = new Set(before.map(placeOf));
  }

  /** Says that a relation of the destination is compared: of what is noted of it, what is not found is gone. */
  open(relation: QualifiedName): void {
    this.#relations.add(keyOf(relation));
  }

  /** Notes what both sides have. */
  note(object: FoundObject): void {
    this.#keep(carriedOf(object));
  }

  /** What is known of something that the source lacks, or has otherwise; undefined when it did not come from there. */
  find(object: FoundObject): CarriedObject | undefined {
    const carried = carriedOf(object);
    const place = placeOf(carried);
    const isKnown = this.#known.get(place)?.fingerprint === carried.fingerprint;
    if (!isKnown && !this.#changedByUs.has(place)) return undefined;
    this.#keep(carried);
    return carried;
  }

  isOurs(object: FoundObject): boolean {
    return this.find(object) !== undefined;
  }

  /** All of the destination that is known to have come from the source, as it is now. */
  get found(): readonly CarriedObject[] {
    return [...this.#found.values()];
  }

  /** What has to be written down. */
  get changed(): readonly CarriedObject[] {
    return this.found.filter(
      (object) => this.#known.get(placeOf(object))?.fingerprint !== object.fingerprint,
    );
  }

  /** What is noted and no longer so. */
  get gone(): readonly CarriedObject[] {
    return [...this.#known]
      .filter(
        ([place, object]) => this.#relations.has(keyOf(object.relation)) && !this.#found.has(place),
      )
      .map(([, object]) => object);
  }

  #keep(object: CarriedObject): void {
    // What is about to be made is not there yet.
    if (this.#relations.has(keyOf(object.relation))) this.#found.set(placeOf(object), object);
  }
}

/** What is left when some are dropped: what has their name afterwards is somebody else's. */
export function withoutDropped(
  objects: readonly CarriedObject[],
  dropped: readonly CarriedObject[],
): readonly CarriedObject[] {
  const places = new Set(dropped.map(placeOf));
  return objects.filter((object) => !places.has(placeOf(object)));
}

function carriedOf({ definition, ...place }: FoundObject): CarriedObject {
  return { ...place, fingerprint: fingerprintOf(definition) };
}

function placeOf({ relation, kind, name }: Omit<CarriedObject, 'fingerprint'>): string {
  return `${keyOf(relation)}\0${kind}\0${name}`;
}
