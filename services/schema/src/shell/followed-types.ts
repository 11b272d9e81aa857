import type { MirrorSpec, ReplicateSchema } from '@bunnydb/contracts';
import type pg from 'pg';
import type { TypeModel } from '../core/catalog-model.js';
import { NO_ENUM_LABELS } from '../core/enum-labels.js';
import { planTypes } from '../core/follow-types.js';
import { noteEnumLabels, readEnumLabels } from './enum-labels.js';
import { makeFollowStep } from './make-follow-step.js';
import { readPresentTypes } from './read-follow.js';

/** The types that the tables which are followed have on the source. */
export class FollowedTypes {
  readonly #client: pg.Client;
  readonly #spec: MirrorSpec;
  readonly #types: readonly TypeModel[];

  /** @param client a session at the destination. */
  constructor(client: pg.Client, spec: MirrorSpec, types: readonly TypeModel[]) {
    this.#client = client;
    this.#spec = spec;
    this.#types = types;
  }

  /**
   * Makes types that are missing, and labels of enums.
   *
   * @param mayRename whether the stream may be behind the rename of a label.
   * @param table for a failure.
   * @param made is added to, in words.
   * @returns how many differences are left.
   */
  async follow(
    parts: ReadonlySet<keyof ReplicateSchema>,
    mayRename: boolean,
    table: string,
    made: string[],
  ): Promise<number> {
    const present = await readPresentTypes(this.#client, this.#types);
    const labels = this.#hasEnums ? await readEnumLabels(this.#client, this.#spec) : NO_ENUM_LABELS;
    let left = 0;
    for (const step of planTypes(this.#types, present, labels, mayRename)) {
      const isMade =
        parts.has(step.part) && (await makeFollowStep(this.#client, step, table)) === null;
      if (isMade) made.push(step.what);
      else left += 1;
    }
    return left;
  }

  /** Notes what labels are called, of which some may just have been made. */
  async note(): Promise<void> {
    if (!this.#hasEnums) return;
    const labels = await readEnumLabels(this.#client, this.#spec);
    const present = await readPresentTypes(this.#client, this.#types);
    await noteEnumLabels(this.#client, this.#spec, this.#types, present, labels);
  }

  get #hasEnums(): boolean {
    return this.#types.some((type) => type.kind === 'enum');
  }
}
