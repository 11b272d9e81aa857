import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplicationFrameReader } from '../src/replication-frames.js';

interface Seen {
  readonly frames: string[];
  readonly errors: string[];
  done: boolean;
}

/** Reads chunks; a large message is put together again, so that both ways compare. */
function readAll(
  chunks: readonly Buffer[],
  largeFrameBytes: number,
  pauseAfter: (count: number) => boolean = () => false,
): Seen {
  const seen: Seen = { frames: [], errors: [], done: false };
  let large: Buffer[] = [];
  const noted = (text: string): void => {
    seen.frames.push(text);
    if (pauseAfter(seen.frames.length)) reader.pause();
  };
  const reader = new ReplicationFrameReader({
    largeFrameBytes,
    handler: {
      message: (bytes, start, end) => noted(bytes.toString('latin1', start, end)),
      largeStart: (bytes, start) => {
        large = [Buffer.from(bytes.subarray(start, start + 5))];
        return start + 5;
      },
      largePiece: (bytes, start, end) => {
        large.push(Buffer.from(bytes.subarray(start, end)));
      },
      largeEnd: () => noted(Buffer.concat(large).toString('latin1')),
      keepalive: (walEnd, replyRequested) => noted(`keepalive ${walEnd} ${replyRequested}`),
      drained: () => undefined,
    },
    control: {
      serverStarted: () => undefined,
      serverError: (body) => seen.errors.push(body.toString('latin1')),
      serverDone: () => {
        seen.done = true;
      },
    },
  });
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.isPaused) reader.resume();
  }
  return seen;
}

function xlog(message: string): Buffer {
  const bytes = Buffer.alloc(5 + 25 + message.length);
  bytes.write('d');
  bytes.writeUInt32BE(bytes.length - 1, 1);
  bytes.write('w', 5);
  bytes.write(message, 30, 'latin1');
  return bytes;
}

function keepalive(walEnd: bigint, reply: boolean): Buffer {
  const bytes = Buffer.alloc(5 + 18);
  bytes.write('d');
  bytes.writeUInt32BE(22, 1);
  bytes.write('k', 5);
  bytes.writeBigUInt64BE(walEnd, 6);
  bytes[22] = reply ? 1 : 0;
  return bytes;
}

const message = fc.string({
  unit: fc.constantFrom('a', 'b', 'd', 'w', '\0', '\xff'),
  minLength: 16,
  maxLength: 300,
});

describe('the frame reader', () => {
  it('hands over the same messages however the bytes are cut and wherever it pauses', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(60, 150, 100_000),
        fc.integer({ min: 1, max: 4 }),
        (messages, sizes, largeFrameBytes, pauseEvery) => {
          const frames = messages.flatMap((text, index) =>
            index % 3 === 2 ? [keepalive(BigInt(index), true), xlog(text)] : [xlog(text)],
          );
          const bytes = Buffer.concat(frames);
          const chunks: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            // A copy: a chunk of a socket is not used again, but the reader must not rely on its neighbours.
            chunks.push(Buffer.from(bytes.subarray(at, at + size)));
            at += size;
          }
          const wanted = messages.flatMap((text, index) =>
            index % 3 === 2 ? [`keepalive ${index} true`, text] : [text],
          );
          const seen = readAll(chunks, largeFrameBytes, (count) => count % pauseEvery === 0);
          expect(seen.frames).toEqual(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('tells an error and an end of the server, and passes over a notice', () => {
    const frame = (kind: string, body: string): Buffer => {
      const bytes = Buffer.alloc(5 + body.length);
      bytes.write(kind);
      bytes.writeUInt32BE(4 + body.length, 1);
      bytes.write(body, 5);
      return bytes;
    };
    const seen = readAll(
      [Buffer.concat([frame('W', '\0\0\0'), frame('N', 'x'), frame('E', 'oops'), frame('c', '')])],
      1_000,
    );
    expect(seen).toEqual({ frames: [], errors: ['oops'], done: true });
  });
});
