import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserProblem } from './user-problem.js';

/** Made up at the first start and kept, so that the next start can open what this one has sealed. */
export interface Secrets {
  readonly secretKey: string;
  readonly jwtSecret: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly catalogPassword: string;
  readonly demoPassword: string;
}

const FILE = 'secrets.json';
/** Readable and typed easily; 20 characters of base64url are 120 bits. */
const PASSWORD_BYTES = 15;

/** Reads `secrets.json` (mode 0600), or makes it; a value from the environment wins at the first start and is kept. */
export function keepSecrets(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): Secrets {
  const file = join(folder, FILE);
  const kept = existsSync(file) ? parseSecrets(file) : {};
  const password = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');
  const secrets: Secrets = {
    secretKey: kept.secretKey ?? environment['BUNNY_SECRET_KEY'] ?? randomBytes(32).toString('hex'),
    jwtSecret: kept.jwtSecret ?? environment['BUNNY_JWT_SECRET'] ?? randomBytes(32).toString('hex'),
    adminUser: kept.adminUser ?? environment['BUNNY_ADMIN_USER'] ?? 'admin',
    adminPassword: kept.adminPassword ?? environment['BUNNY_ADMIN_PASSWORD'] ?? password(),
    catalogPassword: kept.catalogPassword ?? password(),
    demoPassword: kept.demoPassword ?? password(),
  };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

function parseSecrets(file: string): Partial<Record<keyof Secrets, string>> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).filter(([, secret]) => typeof secret === 'string'),
      );
    }
  } catch (error) {
    throw new UserProblem(
      `${file} cannot be read: restore it, or remove the whole folder to start anew.`,
      error,
    );
  }
  throw new UserProblem(
    `${file} holds no secrets: restore it, or remove the whole folder to start anew.`,
  );
}
