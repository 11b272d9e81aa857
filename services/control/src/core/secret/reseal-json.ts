/** What became of a text of JSON whose sealed secrets were to be sealed anew. */
export interface Resealed {
  readonly json: string;
  /** Secrets that are under the present key now. */
  readonly resealed: number;
  /** Secrets that are under another key still, since no key that we have opens them. */
  readonly left: number;
}

/** The part of a keyring that is needed here. */
export interface Resealer {
  /** Id of the present key. */
  readonly id: string;
  /** Undefined for a text that no key opens. */
  reseal(sealed: string): string | undefined;
  /** Id of the key that sealed a text; undefined for a text that is not sealed. */
  keyIdOf(text: string): string | undefined;
}

/** A string of JSON that may be a sealed secret: those have no character that JSON would escape. */
const STRING = /"(v1\.[\w.-]+)"/g;

/**
 * Seals every sealed secret in a text of JSON with the present key, wherever it stands. All else stays as it is to the letter, which a number
 * of many digits would not if the text were read and written.
 */
export function resealJson(json: string, resealer: Resealer): Resealed {
  let resealed = 0;
  let left = 0;
  const fresh = json.replaceAll(STRING, (whole, text: string) => {
    const keyId = resealer.keyIdOf(text);
    if (keyId === undefined || keyId === resealer.id) return whole;
    const sealed = resealer.reseal(text);
    if (sealed === undefined) left += 1;
    else resealed += 1;
    return sealed === undefined ? whole : `"${sealed}"`;
  });
  return { json: fresh, resealed, left };
}
