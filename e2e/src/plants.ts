import { randomBytes } from 'node:crypto';

/** Texts that stand nowhere else, so that wherever one is found it was let out. */
export class Plants {
  readonly #texts = new Map<string, string>();

  /** A new text; `name` says in a failed test which one was found. */
  plant(name: string): string {
    return this.keep(name, `planted${randomBytes(12).toString('hex')}`);
  }

  /** A text that was made elsewhere. */
  keep(name: string, text: string): string {
    this.#texts.set(name, text);
    return text;
  }

  /** The names of those that stand in a text, as they are or in base64. */
  findIn(text: string): readonly string[] {
    return [...this.#texts]
      .filter(([, plant]) => formsOf(plant).some((form) => text.includes(form)))
      .map(([name]) => name);
  }
}

/** In base64 a text looks in one of three ways, by where it begins; the ends hang on what is beside it. */
function formsOf(plant: string): readonly string[] {
  const bytes = Buffer.from(plant);
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, encoded.length - 4);
  });
  return [plant, encodeURIComponent(plant), ...shifted];
}
