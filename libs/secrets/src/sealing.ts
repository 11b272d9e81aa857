import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { MirrorError } from '@bunnydb/failure';

const SEALED = /^v1\.([0-9a-f]{8})\.[\w-]{16}\.[\w-]{22,}$/;

/** Id of the key that a text was sealed with; undefined for a text that is not sealed. */
export function keyIdOf(text: string): string | undefined {
  return SEALED.exec(text)?.[1];
}

/** A key for sealing; made of `BUNNY_SECRET_KEY`, never printed. */
export class SealingKey {
  readonly #key: Buffer;
  /** First bytes of a hash of the key: tells keys apart without telling the key. */
  readonly id: string;

  private constructor(key: Buffer) {
    this.#key = key;
    this.id = createHash('sha256').update('bunnydb key id').update(key).digest('hex').slice(0, 8);
  }

  /**
   * Reads a key of 32 bytes, given as 64 hexadecimal digits or as base64; `variable` is what an error names.
   *
   * @throws MirrorError `invalid_input` for anything else.
   */
  static parse(text: string, variable: string = 'BUNNY_SECRET_KEY'): SealingKey {
    const trimmed = text.trim();
    const key = /^[0-9a-fA-F]{64}$/.test(trimmed)
      ? Buffer.from(trimmed, 'hex')
      : Buffer.from(trimmed, 'base64');
    if (key.length !== 32) {
      throw new MirrorError(
        'invalid_input',
        `${variable} must be 32 bytes as hexadecimal or base64; make one with: openssl rand -hex 32`,
      );
    }
    return new SealingKey(key);
  }

  /** Seals a text with AES-256-GCM: `v1.<key id>.<nonce>.<ciphertext and tag>`, the parts in base64url. */
  seal(plain: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const sealed = Buffer.concat([
      cipher.update(plain, 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return `v1.${this.id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
  }

  /** @throws MirrorError `secret_unreadable` when it was sealed with another key or was altered. */
  open(sealed: string): string {
    const [version, , nonce, body] = sealed.split('.');
    const bytes = Buffer.from(body ?? '', 'base64url');
    if (version !== 'v1' || !nonce || bytes.length < 16) {
      throw new MirrorError('secret_unreadable', 'a sealed secret is malformed');
    }
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(nonce, 'base64url'));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString(
        'utf8',
      );
    } catch {
      throw new MirrorError(
        'secret_unreadable',
        'a secret was sealed with another BUNNY_SECRET_KEY or was altered',
      );
    }
  }

  toJSON(): string {
    return '[secret]';
  }

  toString(): string {
    return '[secret]';
  }
}
