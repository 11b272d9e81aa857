import { execFileSync } from 'node:child_process';

/** Consumers with several filter subjects came with 2.10. */
export const NATS_VERSION_MIN: readonly [number, number] = [2, 10];

/** What a nats-server binary says of its version, or `undefined` when it does not run here. */
export function natsVersion(binary: string): string | undefined {
  try {
    const output = execFileSync(binary, ['--version'], { encoding: 'utf8', stdio: 'pipe' });
    return /v(\d+\.\d+\.\d+\S*)/.exec(output)?.[1];
  } catch {
    return undefined;
  }
}

/** True for a version that BunnyDB can work with. */
export function isNatsVersionEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = NATS_VERSION_MIN;
  // `>=`: the least version itself is enough.
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
