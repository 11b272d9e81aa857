import pg from 'pg';
import { BENCH_APPLICATION } from './bench-servers.js';
import { quoteIdentifier, quoteLiteral } from '@bunnydb/pg-model';
import { type DatabaseAddress, type DrainTarget, type Peer, addressUrl } from './drain-target.js';

/** PostgreSQL's own logical replication: a subscription that takes over the run's slot. */
export const nativePeer: Peer = {
  name: 'native',
  async prepare(target: DrainTarget) {
    const client = new pg.Client({
      connectionString: addressUrl(target.destination),
      application_name: BENCH_APPLICATION,
    });
    await client.connect();
    const name = quoteIdentifier(`bench_${target.run}`);
    await client.query(
      `create subscription ${name} connection ${quoteLiteral(keywords(target.source))}
       publication ${quoteIdentifier(target.publication)}
       with (enabled = false, create_slot = false, copy_data = ${target.copy}, slot_name = ${quoteLiteral(target.slot)})`,
    );
    return {
      async go() {
        await client.query(`alter subscription ${name} enable`);
      },
      async isCopied() {
        const { rows } = await client.query<{ copied: boolean }>(
          `select coalesce(bool_and(srsubstate in ('r', 's')), false) as copied from pg_subscription_rel`,
        );
        return rows[0]?.copied === true;
      },
      // The walsender and the apply worker are backends, which the caller samples.
      sample: () => undefined,
      peakRss: () => new Map(),
      log: () => '',
      async stop() {
        await client.query(`alter subscription ${name} disable`);
        await client.query(`alter subscription ${name} set (slot_name = none)`);
        await client.query(`drop subscription ${name}`);
        await client.end();
      },
    };
  },
};

function keywords(address: DatabaseAddress): string {
  return `host=${address.host} port=${address.port} user=${address.user} password='${address.password}' dbname=${address.database} sslmode=disable`;
}
