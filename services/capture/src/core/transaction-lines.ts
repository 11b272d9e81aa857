import { type Lsn, formatLsn } from '@bunnydb/pg-model';

/**
 * The lines of a commit message while they gather. The same text as `encodeTransactions` of the change stream's library
 * (a test compares them), written so that a transaction of one row does not cost more here than its row.
 */
export class TransactionLines {
  #text = '';
  #count = 0;
  #second = Number.NaN;
  #secondText = '';

  get count(): number {
    return this.#count;
  }

  /** How long the text is; it holds ASCII only. */
  get bytes(): number {
    return this.#text.length;
  }

  /** @param commitMicros microseconds since 2000-01-01 UTC. */
  add(xid: number, commitLsn: Lsn, endLsn: Lsn, commitMicros: number, lastSeq: number): void {
    const time = this.#time(commitMicros);
    this.#text += `${xid}\t${lsnText(commitLsn)}\t${lsnText(endLsn)}\t${time}\t${lastSeq}\n`;
    this.#count++;
  }

  /** Hands the text over and starts anew. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    this.#count = 0;
    return text;
  }

  /** RFC 3339 with microseconds. Commits of the same second share the longer part. */
  #time(micros: number): string {
    const second = Math.floor(micros / 1_000_000);
    if (second !== this.#second) {
      this.#second = second;
      const iso = new Date((second + EPOCH_2000_SECONDS) * 1000).toISOString();
      this.#secondText = iso.slice(0, -'000Z'.length);
    }
    return `${this.#secondText}${String(micros - second * 1_000_000).padStart(6, '0')}Z`;
  }
}

/** The text of an LSN. Below 2^53 plain numbers do, which are much cheaper than big ones; that is 8 PiB of WAL. */
function lsnText(lsn: Lsn): string {
  const value = Number(lsn);
  if (value > Number.MAX_SAFE_INTEGER) return formatLsn(lsn);
  const high = Math.floor(value / 0x1_0000_0000);
  const low = value - high * 0x1_0000_0000;
  return `${high.toString(16)}/${low.toString(16)}`.toUpperCase();
}

const EPOCH_2000_SECONDS = 946_684_800;
