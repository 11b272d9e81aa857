import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';

/**
 * Publishes the last whole batch of a mirror's change stream once more, byte for byte, but without the message ids that JetStream
 * would know it by: what a duplicate outside of the dedupe window looks like.
 *
 * @returns how many messages were published.
 */
export async function republishLastBatch(natsUrl: string, mirrorName: string): Promise<number> {
  const nc = await connect({ servers: natsUrl });
  try {
    const jsm = await jetstreamManager(nc);
    const js = jetstream(nc);
    const commitSubject = `bunny.cdc.${mirrorName}._commit`;
    const stream = await jsm.streams.find(commitSubject);
    const commit = await lastBatchWithRows(jsm, stream, commitSubject);
    let published = 0;
    for (let seq = commit.firstSeq; seq <= commit.seq; seq += 1) {
      const stored = await jsm.streams.getMessage(stream, { seq });
      if (stored === null) throw new Error(`message ${seq} of ${stream} is gone`);
      const copied = headers();
      for (const [key, values] of stored.header) {
        if (key === 'Nats-Msg-Id' || key.startsWith('Nats-Expected')) continue;
        for (const value of values) copied.append(key, value);
      }
      await js.publish(stored.subject, stored.data, { headers: copied });
      published += 1;
    }
    return published;
  } finally {
    await nc.close();
  }
}

/** Publishes a message that is none of capture's on a table's subject, as a person with the NATS CLI might. */
export async function publishStray(natsUrl: string, mirrorName: string): Promise<void> {
  const nc = await connect({ servers: natsUrl });
  try {
    await jetstream(nc).publish(`bunny.cdc.${mirrorName}.public.account`, 'not a row');
  } finally {
    await nc.close();
  }
}

/** Deletes a mirror's whole change stream, as a lost disk of NATS would. */
export async function deleteChangeStream(natsUrl: string, mirrorName: string): Promise<void> {
  const nc = await connect({ servers: natsUrl });
  try {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.delete(await jsm.streams.find(`bunny.cdc.${mirrorName}._commit`));
  } finally {
    await nc.close();
  }
}

interface BatchEnd {
  readonly seq: number;
  readonly firstSeq: number;
}

/** Walks back from the end of the stream to a commit message that ends a batch with changes. */
async function lastBatchWithRows(
  jsm: Awaited<ReturnType<typeof jetstreamManager>>,
  stream: string,
  commitSubject: string,
): Promise<BatchEnd> {
  const info = await jsm.streams.info(stream);
  for (let seq = info.state.last_seq; seq >= info.state.first_seq; seq -= 1) {
    const message = await jsm.streams.getMessage(stream, { seq });
    if (message === null || message.subject !== commitSubject) continue;
    const firstSeq = Number(message.header.get('Bunny-First-Seq'));
    if (firstSeq < seq && firstSeq >= info.state.first_seq) return { seq, firstSeq };
  }
  throw new Error(`stream ${stream} holds no whole batch`);
}
