import { describe, expect, it } from 'vitest';
import {
  ALL_COMMANDS,
  COMMAND_STREAM,
  EVENT_STREAM,
  LEASE_BUCKET,
  Query,
  SERVICE_NAMES,
  SPEC_BUCKET,
  commandFilter,
  commandSubject,
  progressSubject,
  eventSubject,
  statsSubject,
  tableSubject,
} from '../src/subjects.js';
import { inboxPrefix, natsPermissionsOf, type SubjectRules } from '../src/nats-permissions.js';
import { NATS_USERS, renderNatsUsers } from '../src/nats-users.js';

const CONTROL_STREAMS = [
  COMMAND_STREAM,
  EVENT_STREAM,
  `KV_${SPEC_BUCKET}`,
  `KV_${LEASE_BUCKET}`,
] as const;
const WORKERS = ['capture', 'apply', 'schema'] as const;

describe('who may say what on NATS', () => {
  it('lets only control send commands and wishes for mirrors', () => {
    expect(whoMayPublish(commandSubject('schema', 'provision_tables'))).toEqual(['control']);
    expect(whoMayPublish(`$KV.${SPEC_BUCKET}.m1`)).toEqual(['control']);
    expect(whoMayPublish(Query.SchemaSync)).toEqual(['control']);
  });

  it('lets the schema service have tables copied and published, and ask for nothing else', () => {
    expect(whoMayPublish(commandSubject('apply', 'change_lanes'))).toEqual(['schema', 'control']);
    expect(whoMayPublish(commandSubject('capture', 'change_publication'))).toEqual([
      'schema',
      'control',
    ]);
    expect(whoMayPublish(commandSubject('capture', 'clean_source'))).toEqual(['control']);
    expect(whoMayPublish(progressSubject('m1'))).toEqual(['apply', 'schema']);
  });

  it('lets nobody tell events or statistics of another', () => {
    for (const service of WORKERS) {
      expect(whoMayPublish(eventSubject('m1', service, 'session_failed'))).toEqual([service]);
    }
    expect(whoMayPublish(eventSubject('m1', 'control', 'anything'))).toEqual([]);
    expect(whoMayPublish(statsSubject('m1', 'apply'))).toEqual(['apply']);
    expect(whoMayPublish(`$KV.${LEASE_BUCKET}.apply.m1`)).toEqual(['apply']);
  });

  it('lets only capture write changes, and only apply and control read them', () => {
    expect(whoMayPublish(tableSubject('shop', 'public', 'orders'))).toEqual(['capture']);
    expect(whoMayPublish('$JS.API.CONSUMER.CREATE.BUNNY_CDC_m1')).toEqual(['apply', 'control']);
    expect(whoMaySubscribe('bunny.cdc.shop.public.orders')).toEqual([]);
  });

  it('lets only control make and change its streams, and nobody remove or empty them', () => {
    for (const stream of CONTROL_STREAMS) {
      expect(whoMayPublish(`$JS.API.STREAM.CREATE.${stream}`)).toEqual(['control']);
      expect(whoMayPublish(`$JS.API.STREAM.UPDATE.${stream}`)).toEqual(['control']);
      expect(whoMayPublish(`$JS.API.STREAM.DELETE.${stream}`)).toEqual([]);
      expect(whoMayPublish(`$JS.API.STREAM.PURGE.${stream}`)).toEqual([]);
    }
    for (const stream of [COMMAND_STREAM, EVENT_STREAM]) {
      expect(whoMayPublish(`$JS.API.STREAM.MSG.GET.${stream}`)).toEqual([]);
    }
  });

  it("lets nobody read another's commands", () => {
    for (const service of WORKERS) {
      const durable = `bunny_${service}`;
      const create = `$JS.API.CONSUMER.CREATE.${COMMAND_STREAM}.${durable}`;
      expect(whoMayPublish(`${create}.${commandFilter(service)}`)).toEqual([service]);
      expect(whoMayPublish(`${create}.${ALL_COMMANDS}`)).toEqual([]);
      expect(whoMayPublish(create)).toEqual([]);
      expect(whoMayPublish(`$JS.API.CONSUMER.MSG.NEXT.${COMMAND_STREAM}.${durable}`)).toEqual([
        service,
      ]);
      expect(whoMayPublish(`$JS.API.CONSUMER.DELETE.${COMMAND_STREAM}.${durable}`)).toEqual([]);
      expect(whoMayPublish(`$JS.ACK.${COMMAND_STREAM}.${durable}.1.2.3.4.5`)).toEqual([service]);
    }
    expect(whoMaySubscribe(commandSubject('schema', 'provision_tables'))).toEqual([]);
    expect(whoMayPublish(`$JS.API.DIRECT.GET.${COMMAND_STREAM}`)).toEqual([]);
    expect(
      whoMayPublish(`$JS.API.DIRECT.GET.${COMMAND_STREAM}.bunny.cmd.schema.provision_tables`),
    ).toEqual([]);
  });

  it('lets each hear its own replies only, and nobody listen to everything', () => {
    for (const service of SERVICE_NAMES) {
      expect(whoMaySubscribe(`${inboxPrefix(service)}.abc.1`)).toEqual([service]);
      expect(natsPermissionsOf(service).subscribe.allow).not.toContain('>');
    }
    expect(whoMaySubscribe('_INBOX.abc')).toEqual([]);
    expect(whoMaySubscribe('$SYS.ACCOUNT.x')).toEqual([]);
    expect(whoMayPublish('$SYS.REQ.SERVER.PING')).toEqual([]);
  });
});

describe('the users in the form of the server', () => {
  it('has each with its permissions and a password from the environment, and people without bounds', () => {
    const text = renderNatsUsers((user) => `PASSWORD_OF_${user}`);
    for (const user of NATS_USERS) {
      expect(text).toContain(`user: "${user}", password: $PASSWORD_OF_${user}`);
    }
    expect(text.match(/permissions: \{/g)).toHaveLength(SERVICE_NAMES.length);
    expect(text).toContain('{ user: "operator", password: $PASSWORD_OF_operator }');
  });
});

function whoMayPublish(subject: string): readonly string[] {
  return SERVICE_NAMES.filter((service) => lets(natsPermissionsOf(service).publish, subject));
}

function whoMaySubscribe(subject: string): readonly string[] {
  return SERVICE_NAMES.filter((service) => lets(natsPermissionsOf(service).subscribe, subject));
}

function lets({ allow, deny }: SubjectRules, subject: string): boolean {
  return (
    allow.some((pattern) => matches(pattern, subject)) &&
    !deny.some((pattern) => matches(pattern, subject))
  );
}

/** As NATS matches: `*` is one token, `>` the rest; a wildcard in the subject itself is a plain token here. */
function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const given = subject.split('.');
  const rest = wanted.indexOf('>');
  if (rest >= 0 && rest < wanted.length - 1) throw new Error(`${pattern} is no pattern`);
  if (rest >= 0 ? given.length <= rest : given.length !== wanted.length) return false;
  return wanted.every((token, index) => token === '>' || token === '*' || token === given[index]);
}
