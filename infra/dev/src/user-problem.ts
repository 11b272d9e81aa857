/** Something that the user can mend: one sentence that says what and how, shown without a stack. */
export class UserProblem extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, cause === undefined ? undefined : { cause });
    this.name = 'UserProblem';
  }
}
