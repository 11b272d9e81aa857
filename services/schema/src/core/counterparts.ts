import type { QualifiedName } from '@bunnydb/pg-model';
import { keyOf } from './relation-facts.js';

/** What has a name within a table that may be another at the destination. Indexes and constraints are named apart. */
export type NamedPart = 'index' | 'constraint';

/** Which index or constraint of a destination table stands, or is about to stand, for one of the source's. */
export class Counterparts {
  readonly #names = new Map<string, string>();
  readonly #replaced = new Set<string>();

  set(table: QualifiedName, part: NamedPart, source: string, destination: string): void {
    this.#names.set(`${keyOf(table)}\0${part}\0${source}`, destination);
  }

  /** Undefined when the destination has none and gets none. */
  get(table: QualifiedName, part: NamedPart, source: string): string | undefined {
    return this.#names.get(`${keyOf(table)}\0${part}\0${source}`);
  }

  /** Notes that a part of the destination is dropped to be made anew: what is set on it goes along. */
  replace(table: QualifiedName, part: NamedPart, destination: string): void {
    this.#replaced.add(`${keyOf(table)}\0${part}\0${destination}`);
  }

  isReplaced(table: QualifiedName, part: NamedPart, destination: string): boolean {
    return this.#replaced.has(`${keyOf(table)}\0${part}\0${destination}`);
  }
}
