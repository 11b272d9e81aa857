import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

export interface StoredMessage {
  readonly stream: string;
  readonly subject: string;
  /** Headers and payload. */
  readonly text: string;
}

/** Every message that is stored on a nats-server, of all streams and buckets. */
export async function readStreams(
  natsUrl: string,
  login: { readonly user?: string; readonly pass?: string } = {},
): Promise<readonly StoredMessage[]> {
  const nc = await connect({ servers: natsUrl, ...login });
  try {
    const jsm = await jetstreamManager(nc);
    const stored: StoredMessage[] = [];
    for await (const info of jsm.streams.list()) {
      const { name } = info.config;
      for (let seq = Math.max(1, info.state.first_seq); seq <= info.state.last_seq; seq += 1) {
        const message = await jsm.streams.getMessage(name, { seq });
        if (message === null) continue;
        const headers = [...message.header].map(([key, values]) => `${key}: ${values.join()}`);
        stored.push({
          stream: name,
          subject: message.subject,
          text: [...headers, message.string()].join('\n'),
        });
      }
    }
    return stored;
  } finally {
    await nc.close();
  }
}
