/** What a decider answers: the events that follow, or why the command is not possible. */
export type Decision<Event> =
  | { readonly tag: 'accepted'; readonly events: readonly Event[] }
  | { readonly tag: 'refused'; readonly refusal: Refusal };

/**
 * An expected refusal, in the words that the user reads.
 * `not_found` and `conflict` are the state's, `invalid` is the input's.
 */
export interface Refusal {
  readonly reason: 'not_found' | 'conflict' | 'invalid';
  readonly detail: string;
}

/** The command is allowed; no events mean that nothing changes. */
export function accepted<Event>(...events: readonly Event[]): Decision<Event> {
  return { tag: 'accepted', events };
}

/** The command is not possible in this state. */
export function refused(reason: Refusal['reason'], detail: string): Decision<never> {
  return { tag: 'refused', refusal: { reason, detail } };
}

/** Fails to compile where a union is not handled in full, and stops the process if an unknown member comes in at run time. */
export function assertNever(value: never): never {
  throw new Error(`unhandled member: ${JSON.stringify(value)}`);
}
