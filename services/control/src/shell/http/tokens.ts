import { randomUUID } from 'node:crypto';
import { SignJWT, errors, jwtVerify } from 'jose';

const ISSUER = 'bunnydb';
const LIFETIME_SECONDS = 12 * 3600;

export interface TokenClaims {
  readonly username: string;
  /** A name may be given to somebody else after its user is gone. */
  readonly userId: string;
  readonly tokenId: string;
  /** Tokens of an earlier generation of the user ended with a change of the password. */
  readonly generation: number;
  readonly expiresAt: Date;
}

/** Makes and reads the gateway's bearer tokens: JWT, HS256, 12 hours. */
export class Tokens {
  readonly #key: Uint8Array;
  readonly #now: () => Date;

  constructor(secret: string, now: () => Date) {
    this.#key = new TextEncoder().encode(secret);
    this.#now = now;
  }

  async issue(
    username: string,
    userId: string,
    generation: number,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const issuedAt = Math.floor(this.#now().getTime() / 1000);
    const expiresAt = issuedAt + LIFETIME_SECONDS;
    const token = await new SignJWT({ gen: generation, uid: userId })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(ISSUER)
      .setSubject(username)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(this.#key);
    return { token, expiresAt: new Date(expiresAt * 1000) };
  }

  /** The claims of a token that this gateway made and that has not expired; undefined for any other text. */
  async read(token: string): Promise<TokenClaims | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        requiredClaims: ['sub', 'jti', 'exp', 'gen', 'uid'],
        currentDate: this.#now(),
      });
      const { sub, jti, exp, gen, uid } = payload;
      if (sub === undefined || jti === undefined || exp === undefined) return undefined;
      if (typeof gen !== 'number' || typeof uid !== 'string') return undefined;
      return {
        username: sub,
        userId: uid,
        tokenId: jti,
        generation: gen,
        expiresAt: new Date(exp * 1000),
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
