/**
 * The first items that fit into a reply, since a message has a largest size, and how many did not. Ids that are left off can still be asked for; a later
 * difference shows them once those before are made.
 */
export function fitReply<Item>(items: readonly Item[]): {
  readonly items: readonly Item[];
  readonly leftOff: number;
} {
  let bytes = 0;
  const count = items.findIndex((item) => {
    bytes += new TextEncoder().encode(JSON.stringify(item)).length + 1;
    return bytes > LIST_BYTES_MAX;
  });
  return count < 0
    ? { items, leftOff: 0 }
    : { items: items.slice(0, count), leftOff: items.length - count };
}

/** A server takes 1 MiB unless it is told otherwise; a reply has up to three lists. */
const LIST_BYTES_MAX = 300_000;
