import {
  type KeyObject,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import * as der from './der.js';

/** A certificate and its private key, as PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateWish {
  readonly commonName: string;
  /** DNS names and IPv4 addresses that it is good for; none for a client's. */
  readonly hosts?: readonly string[];
  /** Days from now until it ends; below zero, it has ended. */
  readonly days?: number;
}

const DAY_MS = 86_400_000;
const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
} as const;

/** An authority that signs X.509 certificates (P-256) for tests of TLS; nothing outside of this process is needed for it. */
export class CertificateAuthority {
  readonly #name: string;
  readonly #key: KeyObject;
  /** Its own certificate: what the other side has to trust. */
  readonly cert: string;

  constructor(name: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#key = privateKey;
    const isAuthority = extension(OID.basicConstraints, der.sequence(der.boolean(true)), true);
    this.cert = this.#certify({ commonName: name }, publicKey, [isAuthority]);
  }

  issue(wish: CertificateWish): Certificate {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const hosts = wish.hosts ?? [];
    const extensions =
      hosts.length === 0
        ? []
        : [extension(OID.subjectAltName, der.sequence(...hosts.map(hostName)), false)];
    return {
      cert: this.#certify(wish, publicKey, extensions),
      key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    };
  }

  #certify(wish: CertificateWish, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
    const endsAt = new Date(Date.now() + (wish.days ?? 30) * DAY_MS);
    const beginsAt = new Date(Math.min(Date.now(), endsAt.getTime()) - DAY_MS);
    const body = der.sequence(
      der.tagged(0, der.integer(Buffer.from([2]))),
      der.integer(randomBytes(8)),
      algorithm,
      distinguishedName(this.#name),
      der.sequence(der.time(beginsAt), der.time(endsAt)),
      distinguishedName(wish.commonName),
      createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })).export({
        format: 'der',
        type: 'spki',
      }),
      ...(extensions.length === 0 ? [] : [der.tagged(3, der.sequence(...extensions))]),
    );
    const signature = sign('sha256', body, { key: this.#key, dsaEncoding: 'der' });
    return pem(der.sequence(body, algorithm, der.bits(signature)));
  }
}

function distinguishedName(commonName: string): Buffer {
  return der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.text(commonName))));
}

function extension(oid: string, value: Buffer, critical: boolean): Buffer {
  return der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value));
}

/** A `GeneralName`: 2 is a DNS name, 7 an address. */
function hostName(host: string): Buffer {
  return /^\d+(\.\d+){3}$/.test(host)
    ? der.implicit(7, Buffer.from(host.split('.').map(Number)))
    : der.implicit(2, Buffer.from(host, 'ascii'));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
