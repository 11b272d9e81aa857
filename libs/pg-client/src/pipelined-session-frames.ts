import pg from 'pg';

/**
 * The frames of PostgreSQL's protocol that a pipelined session writes and reads; see "Message Formats" in PostgreSQL's
 * documentation. A frame is a letter, a length that counts itself, and a body.
 */
export class FrameWriter {
  readonly #write: (bytes: Uint8Array, onWritten: () => void) => void;
  /** Buffers that the socket has let go of. */
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  #buffer = Buffer.allocUnsafe(SCRATCH_BYTES);
  /** Start of what is not handed over yet, and its end. */
  #from = 0;
  #to = 0;

  /** @param write calls back once the bytes may be changed. */
  constructor(write: (bytes: Uint8Array, onWritten: () => void) => void) {
    this.#write = write;
  }

  /** Hands over what is collected. */
  flush(): void {
    if (this.#to === this.#from) return;
    this.#write(this.#buffer.subarray(this.#from, this.#to), ignore);
    // Never written over while the socket may hold a reference.
    this.#from = this.#to;
  }

  parse(name: string, text: string, parameterTypes: readonly number[]): void {
    const nameBytes = Buffer.byteLength(name);
    const textBytes = Buffer.byteLength(text);
    this.#head(LETTER_P, nameBytes + 1 + textBytes + 1 + 2 + 4 * parameterTypes.length);
    this.#text(name, nameBytes);
    this.#text(text, textBytes);
    this.#int16(parameterTypes.length);
    for (const type of parameterTypes) this.#int32(type);
  }

  /** All parameters and results are in text format; the portal is the unnamed one. */
  bind(statement: string, parameters: readonly (Uint8Array | null)[]): void {
    const statementBytes = Buffer.byteLength(statement);
    let size = 1 + statementBytes + 1 + 2 + 2 + 2;
    for (const parameter of parameters) size += 4 + (parameter?.length ?? 0);
    this.#head(LETTER_B, size);
    this.#text('', 0);
    this.#text(statement, statementBytes);
    this.#int16(0);
    this.#int16(parameters.length);
    for (const parameter of parameters) {
      this.#int32(parameter === null ? -1 : parameter.length);
      if (parameter !== null) this.#bytes(parameter);
    }
    this.#int16(0);
  }

  execute(): void {
    this.#head(LETTER_E, 1 + 4);
    this.#text('', 0);
    this.#int32(0);
  }

  closeStatement(name: string): void {
    const nameBytes = Buffer.byteLength(name);
    this.#head(LETTER_C, 1 + nameBytes + 1);
    this.#byte(LETTER_S);
    this.#text(name, nameBytes);
  }

  copyData(data: Uint8Array): void {
    this.#head(LETTER_d, data.length);
    this.#bytes(data);
  }

  /** A CopyData frame whose content is written in place; `fill` gets the room and returns where it stopped. */
  copyFilled(fill: (buffer: Uint8Array, start: number, end: number) => number): void {
    if (this.#buffer.length - this.#to < FILLED_BYTES_MIN) this.#renew(SCRATCH_BYTES);
    const head = this.#to;
    const end = fill(this.#buffer, head + 5, this.#buffer.length);
    if (end === head + 5) return;
    this.#head(LETTER_d, end - head - 5);
    this.#to = end;
  }

  copyDone(): void {
    this.#head(LETTER_c, 0);
  }

  copyFail(): void {
    this.#head(LETTER_f, 1);
    this.#text('', 0);
  }

  sync(): void {
    this.#head(LETTER_S, 0);
  }

  terminate(): void {
    this.#head(LETTER_X, 0);
  }

  #head(letter: number, bodyBytes: number): void {
    this.#reserve(5);
    this.#buffer[this.#to] = letter;
    this.#buffer.writeInt32BE(bodyBytes + 4, this.#to + 1);
    this.#to += 5;
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#to++] = value;
  }

  #int16(value: number): void {
    this.#reserve(2);
    this.#to = this.#buffer.writeUInt16BE(value, this.#to);
  }

  #int32(value: number): void {
    this.#reserve(4);
    this.#to = this.#buffer.writeInt32BE(value, this.#to);
  }

  #text(text: string, bytes: number): void {
    this.#reserve(bytes + 1);
    if (bytes > 0) this.#buffer.write(text, this.#to, 'utf8');
    this.#to += bytes;
    this.#buffer[this.#to++] = 0;
  }

  #bytes(data: Uint8Array): void {
    if (data.length > LARGE_PIECE_BYTES) {
      this.flush();
      this.#write(data, ignore);
      return;
    }
    this.#reserve(data.length);
    this.#buffer.set(data, this.#to);
    this.#to += data.length;
  }

  #reserve(bytes: number): void {
    if (this.#to + bytes > this.#buffer.length) this.#renew(bytes);
  }

  /** Hands the buffer over and takes another one, if there is one that was used before. */
  #renew(bytes: number): void {
    const full = this.#buffer;
    const isKept = full.length === SCRATCH_BYTES && this.#spare.length < SPARE_BUFFERS_MAX;
    // Writes are finished in order: when the last piece of a buffer is, the earlier ones are too.
    this.#write(
      full.subarray(this.#from, this.#to),
      isKept ? () => this.#spare.push(full) : ignore,
    );
    this.#buffer =
      (bytes <= SCRATCH_BYTES ? this.#spare.pop() : undefined) ??
      Buffer.allocUnsafe(Math.max(SCRATCH_BYTES, bytes));
    this.#from = 0;
    this.#to = 0;
  }
}

/** Cuts a byte stream into frames; a body is valid only during the call. */
export class FrameReader {
  readonly #onFrame: (letter: number, body: Buffer) => void;
  /** Pieces of a frame that is not complete. */
  #pieces: Buffer[] = [];
  #collected = 0;
  #wanted = 5;

  constructor(onFrame: (letter: number, body: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#collected > 0) {
      this.#pieces.push(chunk);
      this.#collected += chunk.length;
      if (this.#collected < this.#wanted) return;
      bytes = Buffer.concat(this.#pieces, this.#collected);
      this.#pieces = [];
      this.#collected = 0;
    }
    let at = 0;
    this.#wanted = 5;
    while (bytes.length - at >= 5) {
      const size = 1 + bytes.readUInt32BE(at + 1);
      if (bytes.length - at < size) {
        this.#wanted = size;
        break;
      }
      this.#onFrame(bytes[at] ?? 0, bytes.subarray(at + 5, at + size));
      at += size;
    }
    if (at < bytes.length) {
      this.#pieces = [bytes.subarray(at)];
      this.#collected = bytes.length - at;
    }
  }
}

/** Reads an ErrorResponse or NoticeResponse into the driver's own error class. */
export function readServerError(body: Buffer): pg.DatabaseError {
  const fields = new Map<string, string>();
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  const error = new pg.DatabaseError(fields.get('M') ?? 'unknown error', body.length, 'error');
  // V is the severity that is not translated.
  error.severity = fields.get('V') ?? fields.get('S');
  error.code = fields.get('C');
  error.detail = fields.get('D');
  error.hint = fields.get('H');
  error.schema = fields.get('s');
  error.table = fields.get('t');
  error.column = fields.get('c');
  error.dataType = fields.get('d');
  error.constraint = fields.get('n');
  error.routine = fields.get('R');
  return error;
}

/** The row count at the end of a command tag: `INSERT 0 5`, `UPDATE 3`, `COPY 7`; 0 where there is none. */
export function affectedRows(body: Buffer): number {
  let factor = 1;
  let rows = 0;
  // The tag ends with a NUL byte; digits are read backwards from there.
  for (let at = body.length - 2; at >= 0; at--) {
    const digit = (body[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) break;
    rows += digit * factor;
    factor *= 10;
  }
  return rows;
}

/** Reads a DataRow's columns, all in text format. */
export function readDataRow(body: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  let at = 2;
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const size = body.readInt32BE(at);
    at += 4;
    values.push(size < 0 ? null : body.toString('utf8', at, at + size));
    at += Math.max(size, 0);
  }
  return values;
}

const ignore = (): void => undefined;

const SCRATCH_BYTES = 64 * 1024;
const SPARE_BUFFERS_MAX = 32;
/** Less room than this is not worth a frame of rows. */
const FILLED_BYTES_MIN = 16 * 1024;
/** From here on a piece goes to the socket as it is; below, copying it is cheaper than another buffer in the write. */
const LARGE_PIECE_BYTES = 8 * 1024;

const LETTER_B = 0x42;
const LETTER_C = 0x43;
const LETTER_E = 0x45;
const LETTER_P = 0x50;
const LETTER_S = 0x53;
const LETTER_X = 0x58;
const LETTER_c = 0x63;
const LETTER_d = 0x64;
const LETTER_f = 0x66;
