import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type NatsServer,
  type ServiceProcess,
  type TestDatabase,
  createDatabase,
  freePort,
  startNats,
  startService,
  until,
} from '@bunnydb/testkit';
import openapiTS, { astToString } from 'openapi-typescript';
import { format } from 'prettier';
import { afterAll, beforeAll, expect, it } from 'vitest';

const CLIENT = join(import.meta.dirname, '..', 'console', 'api', 'schema.d.ts');

let nats: NatsServer;
let catalog: TestDatabase;
let control: ServiceProcess;
let gateway: string;

beforeAll(async () => {
  [nats, catalog] = await Promise.all([startNats(), createDatabase({ prefix: 'ui' })]);
  const port = await freePort();
  gateway = `http://127.0.0.1:${port}`;
  control = startService('control', {
    NATS_URL: nats.url,
    BUNNY_SECRET_KEY: '5a'.repeat(32),
    BUNNY_JWT_SECRET: 'j'.repeat(40),
    BUNNY_ADMIN_PASSWORD: 'a good password',
    BUNNY_API_PORT: String(port),
    BUNNY_CATALOG_HOST: catalog.host,
    BUNNY_CATALOG_PORT: String(catalog.port),
    BUNNY_CATALOG_USER: catalog.user,
    BUNNY_CATALOG_DATABASE: catalog.name,
    ...(catalog.password === undefined ? {} : { BUNNY_CATALOG_PASSWORD: catalog.password }),
  });
  await until(
    async () => {
      if (!control.running) throw new Error(`control ended:\n${control.tail()}`);
      return (await fetch(`${gateway}/health`).catch(() => undefined))?.ok === true;
    },
    { timeoutMs: 60_000, what: () => `the gateway to answer:\n${control.tail()}` },
  );
});
afterAll(async () => {
  await control?.kill();
  await Promise.all([nats?.stop(), catalog?.drop()]);
});

it('the client of the console is made from the contract that the gateway serves', async () => {
  const document = new URL(`${gateway}/v1/openapi.json`);
  const made = await typed(astToString(await openapiTS(document)));
  const kept = await typed(readFileSync(CLIENT, 'utf8'));
  expect(kept, MEND).toBe(made);
});

const MEND = 'run "npm run api:write -w services/ui" beside "npm start", and let the console fit';

/** In one style, without the remark that the command puts on top. */
function typed(source: string): Promise<string> {
  const text = source.replace(/^\/\*\*[\s\S]*?\*\/\s*/, (remark) =>
    remark.includes('auto-generated') ? '' : remark,
  );
  return format(text, { parser: 'typescript', printWidth: 100, singleQuote: true });
}
