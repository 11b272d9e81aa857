import { type NatsConnection, connect } from '@nats-io/transport-node';

interface Heartbeat {
  readonly service: string;
  readonly instance: string;
  readonly mirrors: readonly string[];
}

/** What the instances of the services tell by their heartbeats. */
export class HeardInstances {
  readonly #connection: NatsConnection;
  readonly #last = new Map<string, Heartbeat>();

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe('bunny.heartbeat.>', {
      callback: (_error, message) => {
        const beat = message.json<Heartbeat>();
        this.#last.set(beat.instance, beat);
      },
    });
  }

  static async listen(natsUrl: string): Promise<HeardInstances> {
    return new HeardInstances(await connect({ servers: natsUrl.split(',') }));
  }

  /** Drops what was heard: who is gone does not speak again. */
  forget(): void {
    this.#last.clear();
  }

  /** How many mirrors each instance of a service has, fewest first. */
  loadsOf(service: string): number[] {
    return [...this.#last.values()]
      .filter((beat) => beat.service === service)
      .map((beat) => beat.mirrors.length)
      .toSorted((a, b) => a - b);
  }

  async stop(): Promise<void> {
    await this.#connection.close();
  }
}
