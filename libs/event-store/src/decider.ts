/**
 * What a decider answers. A decider is pure: `decide` judges a command against the present state of one stream and answers
 * with the events that follow from it, or with a refusal; `evolve` folds one event into the state.
 */
export type Decision<Event, Refusal> =
  | { readonly tag: 'accepted'; readonly events: readonly Event[] }
  | { readonly tag: 'refused'; readonly refusal: Refusal };

export interface Decider<State, Command, Event, Refusal> {
  readonly initialState: State;
  readonly decide: (state: State, command: Command) => Decision<Event, Refusal>;
  readonly evolve: (state: State, event: Event) => State;
}

/**
 * The second half of a process: what has to be sent because of a change, and the events that record that it was. It is asked after every
 * decision and stored in the same transaction, so that a step is recorded exactly if its effects are in the outbox.
 */
export interface Reaction<Event, Effect> {
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
}

export type Saga<State, Event, Effect> = (
  before: State,
  changes: readonly Event[],
  after: State,
) => Reaction<Event, Effect>;
