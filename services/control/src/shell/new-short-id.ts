import { randomInt } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const LENGTH = 12;

/** A prefix and 12 random letters or digits: fits the name of a slot, a stream and a subject. */
export function newShortId(prefix: string): string {
  let id = prefix;
  for (let count = 0; count < LENGTH; count += 1) id += ALPHABET[randomInt(ALPHABET.length)];
  return id;
}
