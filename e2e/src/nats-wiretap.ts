import { type NatsConnection, connect } from '@nats-io/transport-node';

export interface HeardMessage {
  readonly subject: string;
  readonly text: string;
}

/** Hears everything that passes a nats-server from now on, replies and JetStream's interface too. */
export class NatsWiretap {
  readonly #connection: NatsConnection;
  readonly #heard: HeardMessage[] = [];

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe('>', {
      callback: (_error, message) => {
        const headers = [...(message.headers ?? [])].map(
          ([key, values]) => `${key}: ${values.join()}`,
        );
        const text = [...headers, message.string()].join('\n');
        this.#heard.push({ subject: message.subject, text });
      },
    });
  }

  static async start(
    natsUrl: string,
    login: { readonly user: string; readonly pass: string },
  ): Promise<NatsWiretap> {
    const connection = await connect({ servers: natsUrl, ...login });
    const tap = new NatsWiretap(connection);
    await connection.flush();
    return tap;
  }

  heard(): readonly HeardMessage[] {
    return this.#heard;
  }

  async stop(): Promise<void> {
    await this.#connection.close();
  }
}
