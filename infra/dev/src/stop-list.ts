/** What was started, to be stopped in reverse order. */
export class StopList {
  readonly #steps: { readonly name: string; readonly stop: () => Promise<void> }[] = [];

  add(name: string, stop: () => Promise<void>): void {
    this.#steps.push({ name, stop });
  }

  /** Stops everything; a step that fails is reported and does not keep the others from stopping. */
  async stopAll(report: (name: string, error?: unknown) => void): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.stop();
        report(step.name);
      } catch (error) {
        report(step.name, error);
      }
    }
  }
}
