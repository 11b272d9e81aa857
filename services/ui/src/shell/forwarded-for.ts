import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** The same words as the gateway's. */
const RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};
const LENGTH_MAX = 1_000;

/** Reads a list of addresses, ranges and words, separated by commas; undefined when a part is none of them. */
export function parseProxies(list: string): BlockList | undefined {
  const proxies = new BlockList();
  const parts = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => RANGES[part] ?? [part]);
  for (const part of parts) {
    const [address = '', bits] = part.split('/');
    const family = familyOf(address);
    const length = bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits);
    if (family === undefined || !(length >= 0 && length <= (family === 'ipv4' ? 32 : 128))) {
      return undefined;
    }
    proxies.addSubnet(address, length, family);
  }
  return proxies;
}

/** The way that a request took, for the gateway: what a trusted proxy says, and whom we see ourselves. */
export function forwardedFor(request: IncomingMessage, trusted: BlockList): string {
  const seen = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const family = familyOf(seen);
  const said = [request.headers['x-forwarded-for'] ?? []].flat().join(', ');
  const isTrusted = family !== undefined && trusted.check(seen, family);
  return isTrusted && said !== '' && said.length <= LENGTH_MAX ? `${said}, ${seen}` : seen;
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
}
