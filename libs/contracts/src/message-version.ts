/**
 * The version that every message between services bears as `v`. It grows only when a message can no longer be read as before: a field more is none.
 */
export const MESSAGE_VERSION = 1;

/** Whether a newer program wrote it, whose meaning this one would have to guess. */
export function isOfNewerVersion(message: { readonly v?: unknown }): boolean {
  return typeof message.v === 'number' && message.v > MESSAGE_VERSION;
}
