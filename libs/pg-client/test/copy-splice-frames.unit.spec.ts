import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyFrameScanner } from '../src/copy-splice-frames.js';

function frame(type: string, body: string | Buffer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const header = Buffer.alloc(5);
  header.write(type, 0, 'latin1');
  header.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([header, bytes]);
}

function scanAll(chunks: readonly Buffer[]): { copy: Buffer; other: Buffer; frames: number } {
  const scanner = new CopyFrameScanner();
  const copy: Buffer[] = [];
  const other: Buffer[] = [];
  let frames = 0;
  for (const chunk of chunks) {
    scanner.scan(chunk, {
      onCopy: (bytes, count) => {
        copy.push(Buffer.from(bytes));
        frames += count;
      },
      onOther: (bytes) => other.push(Buffer.from(bytes)),
    });
  }
  return { copy: Buffer.concat(copy), other: Buffer.concat(other), frames };
}

describe('CopyFrameScanner', () => {
  it('hands a chunk of whole rows on as one slice of it', () => {
    const chunk = Buffer.concat([frame('d', 'row 1\n'), frame('d', 'row 2\n')]);
    const slices: Buffer[] = [];
    new CopyFrameScanner().scan(chunk, {
      onCopy: (bytes) => slices.push(bytes),
      onOther: () => expect.unreachable(),
    });
    expect(slices).toHaveLength(1);
    expect(slices[0]?.buffer).toBe(chunk.buffer);
  });

  it('separates rows from the messages of the server wherever the socket cuts them', () => {
    const message = fc.record({
      type: fc.constantFrom('H', 'd', 'd', 'd', 'N', 'c', 'C', 'Z', 'E'),
      body: fc.uint8Array({ maxLength: 30 }),
    });
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat(40)), (messages, cuts) => {
        const frames = messages.map(({ type, body }) => frame(type, Buffer.from(body)));
        const isCopy = (_: Buffer, index: number): boolean =>
          'dc'.includes(messages[index]?.type ?? '');
        const chunks = cutUp(Buffer.concat(frames), cuts);
        const seen = scanAll(chunks);
        expect(seen.copy).toEqual(Buffer.concat(frames.filter(isCopy)));
        expect(seen.other).toEqual(
          Buffer.concat(frames.filter((bytes, index) => !isCopy(bytes, index))),
        );
        expect(seen.frames).toBe(frames.filter(isCopy).length);
      }),
    );
  });

  it('knows whether the destination has been left inside a row', () => {
    const scanner = new CopyFrameScanner();
    const sink = { onCopy: () => undefined, onOther: () => undefined };
    const row = frame('d', 'a row that is cut');
    expect(scanner.isAtCopyBorder).toBe(true);
    scanner.scan(row.subarray(0, 9), sink);
    expect(scanner.isAtCopyBorder).toBe(false);
    scanner.scan(row.subarray(9), sink);
    expect(scanner.isAtCopyBorder).toBe(true);
  });

  it('keeps the start of a header back until the rest comes', () => {
    const scanner = new CopyFrameScanner();
    const sink = { onCopy: () => expect.unreachable(), onOther: () => expect.unreachable() };
    scanner.scan(frame('d', 'x').subarray(0, 3), sink);
    expect(scanner.isAtCopyBorder).toBe(true);
    expect(scanner.takeTail()).toHaveLength(3);
    expect(scanner.takeTail()).toHaveLength(0);
  });

  it('refuses a length that no message of PostgreSQL has', () => {
    const bytes = Buffer.from([0x64, 0, 0, 0, 1]);
    expect(() => scanAll([bytes])).toThrow('impossible length');
  });
});

function cutUp(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const cut of cuts) {
    chunks.push(Buffer.from(bytes.subarray(at, at + cut)));
    at += cut;
  }
  chunks.push(Buffer.from(bytes.subarray(at)));
  return chunks;
}
