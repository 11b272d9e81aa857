import { changeStreamName } from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import { type Messaging, toMessagingError } from '@bunnydb/messaging';
import { type ChangeMessage, type TableMessage, readMessage } from '../core/change-message.js';

/** Reads single messages of a mirror's change stream by their sequence. */
export class StoredMessages {
  readonly #messaging: Messaging;
  readonly #stream: string;

  constructor(messaging: Messaging, mirrorId: string) {
    this.#messaging = messaging;
    this.#stream = changeStreamName(mirrorId);
  }

  /** Undefined when there is no such message, or none of ours. @throws MirrorError `messaging_unavailable`. */
  async find(streamSeq: number): Promise<ChangeMessage | undefined> {
    try {
      const stored = await this.#messaging.jsm.streams.getMessage(this.#stream, { seq: streamSeq });
      if (!stored) return undefined;
      const headers = { get: (name: string) => stored.header.get(name) };
      return readMessage({ subject: stored.subject, streamSeq, headers, payload: stored.data });
    } catch (error) {
      const failure = toMessagingError(error, { stream: this.#stream });
      if (failure.kind === 'stream_lost' || failure.kind === 'protocol_violation') return undefined;
      throw failure;
    }
  }

  /** A message of rows that is known to be there. @throws MirrorError `stream_lost` when it is not any more. */
  async getRows(streamSeq: number): Promise<TableMessage> {
    const message = await this.find(streamSeq);
    if (message?.kind === 'table') return message;
    throw new MirrorError('stream_lost', 'the change stream changed while a batch was read again', {
      detail: { stream: this.#stream },
    });
  }
}
