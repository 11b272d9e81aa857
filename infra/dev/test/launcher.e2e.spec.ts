import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDatabase,
  freePort,
  removeTemporaryFolder,
  repositoryRoot,
  temporaryFolder,
  until,
} from '@bunnydb/testkit';

/** One launcher process with ports and a data folder of its own. */
class Launcher {
  output = '';
  readonly exitCode: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(environment: Readonly<Record<string, string>>, ...words: readonly string[]) {
    const program = join(repositoryRoot(), 'infra', 'dev', 'dist', 'main.js');
    this.#child = spawn(process.execPath, [program, ...words], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.exitCode = new Promise((resolve) => this.#child.once('close', resolve));
  }

  async says(text: string): Promise<void> {
    await until(() => this.output.includes(text) || this.#child.exitCode !== null, {
      timeoutMs: 150_000,
      what: () => `the launcher to say "${text}"; it said:\n${this.output}`,
    });
    expect(this.output).toContain(text);
  }

  interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.exitCode;
  }
}

let folder = '';
let environment: Record<string, string> = {};

beforeAll(async () => {
  folder = temporaryFolder('launcher');
  chmodSync(folder, 0o711);
  environment = { BUNNY_DATA_DIR: folder };
  for (const name of ['UI', 'API', 'NATS', 'CATALOG', 'SOURCE', 'DESTINATION']) {
    environment[`BUNNY_${name}_PORT`] = String(await freePort());
  }
});

afterAll(() => removeTemporaryFolder(folder));

describe('npm start', () => {
  it('brings the demo up, proves that both sides are equal, and goes on with the same data at the next start', async () => {
    const first = new Launcher(environment, '--prove-after', '3');
    await first.says('✔ both sides equal: 5 tables');
    const page = await fetch(`http://127.0.0.1:${environment['BUNNY_UI_PORT']}/`);
    expect(await page.text()).toContain('<title>BunnyDB</title>');
    expect(await first.interrupt()).toBe(0);
    expect(first.output).toMatch(/made a shop of \d+,\d+ rows/);
    expect(first.output).toContain(`Console: http://127.0.0.1:${environment['BUNNY_UI_PORT']}`);
    expect(first.output).toMatch(/Log in as admin with password \S+/);
    expect(first.output.trimEnd().split('\n').at(-1)).toBe('stopped the launcher');

    const second = new Launcher(environment, '--prove-after', '3');
    await second.says('the mirror "shop" goes on where it stopped');
    await second.says('✔ both sides equal: 5 tables');
    expect(await second.interrupt()).toBe(0);
    expect(second.output).not.toContain('made a shop');
  });

  it('mirrors databases of one’s own', async () => {
    const [source, destination] = [await createDatabase(), await createDatabase()];
    await source.query(
      `create table note (id int primary key, body text); insert into note select i, 'note ' || i from generate_series(1, 500) i`,
    );
    const launcher = new Launcher(
      environment,
      '--source',
      source.url,
      '--destination',
      destination.url,
    );
    await launcher.says('✔ both sides equal: 1 table, 500 rows');
    expect(await launcher.interrupt()).toBe(0);
    await Promise.all([source.drop(), destination.drop()]);
  });

  it('says how to mend tables without a key, and mends them when it is told to', async () => {
    const [source, destination] = [await createDatabase(), await createDatabase()];
    await source.query(
      `create table account (id int primary key); create table history (account int, delta int);
       create table "Other log" (line text); insert into history select i, i from generate_series(1, 300) i`,
    );
    const words = ['--name', 'keyless', '--source', source.url, '--destination', destination.url];
    const refused = new Launcher(environment, ...words);
    expect(await refused.exitCode).toBe(1);
    for (const text of [
      '  ALTER TABLE "public"."Other log" REPLICA IDENTITY FULL;',
      '  ALTER TABLE "public"."history" REPLICA IDENTITY FULL;',
      'Start again with --fix,',
    ])
      expect(refused.output).toContain(text);
    const mended = new Launcher(environment, ...words, '--fix');
    await mended.says('ran at the source: ALTER TABLE "public"."history" REPLICA IDENTITY FULL;');
    await mended.says('✔ both sides equal: 3 tables, 300 rows');
    expect(await mended.interrupt()).toBe(0);
    await Promise.all([source.drop(), destination.drop()]);
  });

  it('says in one sentence that a server is out of reach, and leaves nothing running', async () => {
    const nowhere = `postgresql://nobody@127.0.0.1:${await freePort()}/nothing`;
    const launcher = new Launcher(
      environment,
      '--name',
      'other',
      '--source',
      nowhere,
      '--destination',
      nowhere,
    );
    expect(await launcher.exitCode).toBe(1);
    expect(launcher.output).toMatch(/^The source at 127\.0\.0\.1:\d+\/nothing cannot be used: /m);
    expect(launcher.output).not.toMatch(/^\s+at .*\.js/m);
  });

  it('runs a cluster of NATS nodes, and does not mix its data with a lone server’s', async () => {
    const words = ['--no-demo', '--data-dir', join(folder, 'cluster')];
    const launcher = new Launcher(environment, ...words, '--nats-nodes', '3');
    await launcher.says('BunnyDB runs.');
    const nc = await connect({ servers: `nats://127.0.0.1:${environment['BUNNY_NATS_PORT']}` });
    const { config, cluster } = await (await jetstreamManager(nc)).streams.info('BUNNY_EVENTS');
    await nc.close();
    expect([config.num_replicas, cluster?.replicas?.length]).toEqual([3, 2]);
    expect(await launcher.interrupt()).toBe(0);
    expect(launcher.output).toContain('stopped nats-server (3 nodes)');
    const alone = new Launcher(environment, ...words);
    expect(await alone.exitCode).toBe(1);
    expect(alone.output).toMatch(/^The data in \S+ is of 3 NATS nodes: start with --nats-nodes 3/m);
  });

  it('says which port is in use and how to choose another', async () => {
    const words = ['--no-demo', '--api-port', new URL(process.env['BUNNY_TEST_PG_URL'] ?? '').port];
    const launcher = new Launcher(environment, ...words);
    expect(await launcher.exitCode).toBe(1);
    expect(launcher.output).toMatch(
      /^Port \d+, wanted for the REST gateway, is in use: .* --api-port/m,
    );
  });
});
