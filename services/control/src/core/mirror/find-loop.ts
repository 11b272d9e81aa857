import type { PeerConnection, TableMapping } from '@bunnydb/contracts';
import { formatQualifiedName } from '@bunnydb/pg-model';

/** What a mirror carries, and from where to where. */
export interface Flow {
  readonly mirror: string;
  readonly source: PeerConnection;
  readonly destination: PeerConnection;
  readonly tables: readonly TableMapping[];
}

export interface Loop {
  /** The source table whose changes would come back to it. */
  readonly table: string;
  /** The mirrors that would bring them back, in order. */
  readonly mirrors: readonly string[];
}

/**
 * The first table among those wanted whose changes the other mirrors would bring back to where they come from, to be carried around for ever. Chains
 * of mirrors are fine. Two addresses of one server count as two servers.
 */
export function findLoop(wanted: Flow, others: readonly Flow[]): Loop | undefined {
  const edges = new Map<string, { readonly to: string; readonly mirror: string }[]>();
  for (const { mirror, source, destination, tables } of others) {
    for (const table of tables) {
      const from = placeOf(source, table.source);
      const edge = { to: placeOf(destination, table.destination), mirror };
      edges.set(from, [...(edges.get(from) ?? []), edge]);
    }
  }
  for (const table of wanted.tables) {
    const home = placeOf(wanted.source, table.source);
    const mirrors = wayBetween(placeOf(wanted.destination, table.destination), home, edges);
    if (mirrors) return { table: formatQualifiedName(table.source), mirrors };
  }
  return undefined;
}

function wayBetween(
  from: string,
  to: string,
  edges: ReadonlyMap<string, readonly { readonly to: string; readonly mirror: string }[]>,
): readonly string[] | undefined {
  const ways: { readonly place: string; readonly mirrors: readonly string[] }[] = [
    { place: from, mirrors: [] },
  ];
  const seen = new Set([from]);
  for (const { place, mirrors } of ways) {
    if (place === to && mirrors.length > 0) return mirrors;
    for (const edge of edges.get(place) ?? []) {
      if (seen.has(edge.to)) continue;
      seen.add(edge.to);
      ways.push({ place: edge.to, mirrors: [...mirrors, edge.mirror] });
    }
  }
  return undefined;
}

function placeOf({ host, port, database }: PeerConnection, table: TableMapping['source']): string {
  return [host.toLowerCase(), port, database, formatQualifiedName(table)].join(' ');
}
