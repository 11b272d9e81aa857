import { MirrorError } from '@bunnydb/failure';
import { SealingKey, keyIdOf } from './sealing.js';

/**
 * The key that seals, and those that it follows: while a key is being changed, what the previous one has sealed is still opened.
 */
export class Keyring {
  readonly #current: SealingKey;
  readonly #keys: ReadonlyMap<string, SealingKey>;

  private constructor(current: SealingKey, previous: readonly SealingKey[]) {
    this.#current = current;
    this.#keys = new Map([...previous, current].map((key) => [key.id, key]));
  }

  /**
   * Reads the key, and previous ones separated by commas.
   *
   * @throws MirrorError `invalid_input` for what is no key.
   */
  static parse(current: string, previous: string = ''): Keyring {
    const earlier = previous
      .split(',')
      .filter((text) => text.trim() !== '')
      .map((text) => SealingKey.parse(text, 'BUNNY_SECRET_KEY_PREVIOUS'));
    return new Keyring(SealingKey.parse(current), earlier);
  }

  /** Id of the key that seals. */
  get id(): string {
    return this.#current.id;
  }

  seal(plain: string): string {
    return this.#current.seal(plain);
  }

  /** @throws MirrorError `secret_unreadable` when it was sealed with a key that is not here, or was altered. */
  open(sealed: string): string {
    // A text without a known id is given to the current key, which says what is wrong with it.
    return (this.#keys.get(keyIdOf(sealed) ?? '') ?? this.#current).open(sealed);
  }

  /** The same secret under the current key; undefined when it is already, or when no key here opens it. */
  reseal(sealed: string): string | undefined {
    if (keyIdOf(sealed) === this.id) return undefined;
    try {
      return this.seal(this.open(sealed));
    } catch (error) {
      if (error instanceof MirrorError && error.kind === 'secret_unreadable') return undefined;
      throw error;
    }
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }
}
