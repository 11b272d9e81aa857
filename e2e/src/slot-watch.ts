import type { DatabasePair } from './database-pair.js';
import type { MirrorFixture } from './mirror-fixture.js';
import { startWatch } from './watch.js';

const SAMPLE_MS = 50;

export interface SlotHistory {
  readonly samples: number;
  /** What a slot that lives on never shows: gone, another one, moved back. */
  readonly breaks: readonly string[];
}

/** Looks at the mirror's slot all the time: it has to live on, and its positions must never go back. */
export async function watchSlot(
  pair: DatabasePair,
  mirror: MirrorFixture,
): Promise<{ stop(): Promise<SlotHistory> }> {
  const { slot_name: slot } = await mirror.view();
  const breaks: string[] = [];
  let samples = 0;
  let last: { readonly restart: bigint; readonly confirmed: bigint } | undefined;
  const watch = await startWatch(pair.sourceUrl, SAMPLE_MS, async (client) => {
    const { rows } = await client.query<{ restart: string; confirmed: string }>(
      `select (restart_lsn - '0/0')::text as restart, (confirmed_flush_lsn - '0/0')::text as confirmed
       from pg_replication_slots where slot_name = $1 and not temporary`,
      [slot],
    );
    samples += 1;
    const row = rows[0];
    if (!row) {
      breaks.push('the slot is gone');
      return;
    }
    const now = { restart: BigInt(row.restart), confirmed: BigInt(row.confirmed) };
    if (last && now.restart < last.restart) breaks.push('restart_lsn went back');
    if (last && now.confirmed < last.confirmed) breaks.push('confirmed_flush_lsn went back');
    last = now;
  });
  return {
    async stop() {
      await watch.stop();
      return { samples, breaks };
    },
  };
}
