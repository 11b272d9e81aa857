import type { PreflightCheck } from '@bunnydb/contracts';
import type { Kysely } from 'kysely';
import { type Flow, findLoop } from '../core/mirror/find-loop.js';
import type { CatalogTables } from './catalog/catalog-tables.js';
import { readMirrors } from './catalog/read-mirrors.js';
import { readPeers } from './catalog/read-peers.js';

/** Looks whether other mirrors would bring changes back to where this one takes them from. */
export async function checkLoops(
  catalog: Kysely<CatalogTables>,
  wanted: Flow,
): Promise<PreflightCheck> {
  const peers = new Map((await readPeers(catalog)).map((peer) => [peer.name, peer.connection]));
  const flows = (await readMirrors(catalog)).flatMap((row): readonly Flow[] => {
    const source = peers.get(row.source_peer);
    const destination = peers.get(row.destination_peer);
    if (!source || !destination || row.name === wanted.mirror) return [];
    if (row.state.tag === 'absent' || row.state.tag === 'terminating') return [];
    return [{ mirror: row.name, source, destination, tables: row.state.mirror.tables }];
  });
  const name = 'no_loop';
  const loop = findLoop(wanted, flows);
  if (!loop) return { name, ok: true, detail: 'no mirror brings changes back', fix: '' };
  const names = loop.mirrors.join(', ');
  return {
    name,
    ok: false,
    detail: `changes of ${loop.table} would come back by ${loop.mirrors.length === 1 ? 'the mirror' : 'the mirrors'} ${names}, and go round for ever`,
    fix: `Leave ${loop.table} out, here or in ${names}.`,
  };
}
