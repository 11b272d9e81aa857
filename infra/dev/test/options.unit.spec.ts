import { describe, expect, it } from 'vitest';
import { readOptions } from '../src/options.js';

const read = (...words: string[]) => readOptions(words, {}, '/data');

describe('the command line', () => {
  it('starts the demo when nothing is said', () => {
    expect(read()).toEqual({
      dataDir: '/data',
      ports: { ui: 3000, api: 8112, nats: 4222, catalog: 5433, source: 5434, destination: 5435 },
      natsNodes: 1,
      plan: { kind: 'demo', transactionsPerSecond: 100, proveAfterSeconds: 60 },
    });
  });

  it('mirrors databases of one’s own, bare table names being those of the schema public', () => {
    const { plan } = read(
      '--source',
      'postgresql://a@h/x',
      '--destination=postgres://b@h/y',
      '--tables',
      'users, app.*',
      '--exclude',
      'app.tmp_*,log_*',
    );
    expect(plan).toEqual({
      kind: 'own',
      name: 'main',
      source: 'postgresql://a@h/x',
      destination: 'postgres://b@h/y',
      tables: ['public.users', 'app.*'],
      exclude: ['app.tmp_*', 'public.log_*'],
      fix: false,
    });
  });

  it('starts the bare stack without the demo', () => {
    expect(read('--no-demo').plan).toEqual({ kind: 'bare' });
  });

  it('takes a port from the environment, and rather from a flag', () => {
    const environment = { BUNNY_API_PORT: '9000', BUNNY_NATS_PORT: '9001' };
    const { ports } = readOptions(['--nats-port', '9002'], environment, '/data');
    expect(ports).toMatchObject({ api: 9000, nats: 9002 });
  });

  it.each([
    [['--source', 'postgresql://a@h/x'], /both --source and --destination/],
    [['--source', 'h:5432', '--destination', 'postgres://b@h/y'], /--source is no URL like/],
    [['--source', 'postgres://u:hunter2@h', '--destination', 'postgres://b@h/y'], /^(?!.*hunter2)/],
    [['--tables', 'a'], /go with --source and --destination/],
    [['--exclude', 'a'], /go with --source and --destination/],
    [['--fix'], /go with --source and --destination/],
    [['--api-port', '0'], /--api-port \(or BUNNY_API_PORT\) must be a port/],
    [['--api-port', '4222'], /Two of the ports are the same/],
    [['--nats-nodes', '2'], /--nats-nodes must be 1, 3, 5/],
    [['--rate', 'fast'], /--rate must be a number/],
    [['--nonsense'], /--help lists what there is/],
    [
      ['--source', 'postgres://a@h/x', '--destination', 'postgres://b@h/y', '--name', 'A b'],
      /--name A b will not do/,
    ],
  ])('says in one sentence what is wrong with %j', (words, sentence) => {
    expect(() => read(...words)).toThrow(sentence);
  });
});
