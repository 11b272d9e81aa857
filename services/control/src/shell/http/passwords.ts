import { hash, verify } from '@node-rs/argon2';
import { passwordProblem } from '../../core/user/password-policy.js';
import { invalidRequest } from './problem.js';

/** Argon2id with the cost that OWASP recommends: 19 MiB, two passes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1, algorithm: 2 } as const;

let decoy: Promise<string> | undefined;

/** Hashes a password for storing. */
export async function hashPassword(password: string): Promise<string> {
  return hash(password, COST);
}

/** @throws Problem 400 for a password that is tried first; `path` names it in the request. */
export function requireGoodPassword(password: string, username: string, path: string): void {
  const message = passwordProblem(password, username);
  if (message !== undefined) throw invalidRequest([{ path, message }]);
}

/**
 * Whether the password is right. For an unknown user (no hash) it does the same work on a decoy and says no, so that the time of the
 * answer does not tell which names exist.
 */
export async function checkPassword(
  stored: string | undefined,
  password: string,
): Promise<boolean> {
  decoy ??= hash('a password that nobody has', COST);
  const matches = await verify(stored ?? (await decoy), password);
  return stored !== undefined && matches;
}
