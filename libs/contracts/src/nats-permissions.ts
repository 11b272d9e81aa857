/**
 * Who may say and hear what on NATS. Each service has a user of its own, so that one that is taken over cannot speak for another: only
 * control sends commands and wishes (and the schema service two), only a worker answers for itself, and nobody hears what is not meant for it.
 *
 * Subjects of JetStream's interface hold a stream's name as one token, of which NATS matches the whole or nothing. What is needed for the
 * streams of changes (`BUNNY_CDC_<mirror id>`) is therefore allowed for every stream and denied for those of control; a denial wins.
 */
import {
  ALL_COMMANDS,
  ALL_EVENTS,
  ALL_HEARTBEATS,
  ALL_STATS,
  COMMAND_STREAM,
  EVENT_STREAM,
  LEASE_BUCKET,
  Query,
  SERVICE_NAMES,
  SPEC_BUCKET,
  type ServiceName,
  commandConsumer,
  commandFilter,
  commandSubject,
  eventSubject,
  heartbeatSubject,
  lanesSubject,
  logLevelSubject,
  lookSubject,
  positionSubject,
  progressSubject,
  retrySubject,
  statsSubject,
} from './subjects.js';

export interface SubjectRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface NatsPermissions {
  readonly publish: SubjectRules;
  readonly subscribe: SubjectRules;
}

/** Durable consumer of control on the event stream. */
export const EVENT_CONSUMER = 'bunny_control';

const SPEC_STREAM = `KV_${SPEC_BUCKET}`;
const LEASE_STREAM = `KV_${LEASE_BUCKET}`;
/** The streams that control makes and keeps; everybody else finds them. */
const CONTROL_STREAMS = [COMMAND_STREAM, EVENT_STREAM, SPEC_STREAM, LEASE_STREAM] as const;

/** Every client has replies sent to a prefix of its own, so that nobody hears another's. */
export const inboxPrefix = (service: ServiceName): string => `_INBOX_${service}`;

/** What the user of a service may publish and subscribe to; beside that it may answer a request, at the request's own reply subject, once. */
export function natsPermissionsOf(service: ServiceName): NatsPermissions {
  const { publish, subscribe, deny = [] } = RULES[service];
  return {
    publish: { allow: [...publish, heartbeatSubject(service, '*')], deny },
    subscribe: {
      allow: [
        `${inboxPrefix(service)}.>`,
        ...levels(service),
        // Instances of a service share its mirrors by what they hear of each other; control hears everybody.
        ...(service === 'control' ? [] : [heartbeatSubject(service, '*')]),
        ...subscribe,
      ],
      deny: [],
    },
  };
}

/** Where people ask for another level of the log, of all instances or of one. */
const levels = (service: ServiceName): readonly string[] => [
  logLevelSubject(service),
  `${logLevelSubject(service)}.*`,
];

/** JetStream's interface. */
const api = (verb: string, ...tokens: readonly string[]): string =>
  ['$JS.API', verb, ...tokens].join('.');
const onEach = (
  verbs: readonly string[],
  streams: readonly string[],
  rest: readonly string[] = [],
) => verbs.flatMap((verb) => streams.map((stream) => api(verb, stream, ...rest)));

/** Pulls from one durable consumer with one filter, and settles what was pulled. */
const pullsFrom = (stream: string, durable: string, filter: string): readonly string[] => [
  api('CONSUMER.CREATE', stream, durable, filter),
  api('CONSUMER.INFO', stream, durable),
  api('CONSUMER.MSG.NEXT', stream, durable),
  `$JS.ACK.${stream}.${durable}.>`,
  // The form of clusters with a domain: the domain and the account come first.
  `$JS.ACK.*.*.${stream}.${durable}.>`,
];

/** Watches and reads the desired state of mirrors. */
const READS_SPECS = [
  api('STREAM.MSG.GET', SPEC_STREAM),
  api('CONSUMER.CREATE', SPEC_STREAM, '*', `$KV.${SPEC_BUCKET}.>`),
  api('CONSUMER.INFO', SPEC_STREAM, '*'),
  api('CONSUMER.DELETE', SPEC_STREAM, '*'),
  `$JS.FC.${SPEC_STREAM}.>`,
];

/** A worker: takes its commands, tells its events, holds leases on mirrors. */
const works = (service: ServiceName): readonly string[] => [
  eventSubject('*', service, '*'),
  ...pullsFrom(COMMAND_STREAM, commandConsumer(service), commandFilter(service)),
  ...READS_SPECS,
  `$KV.${LEASE_BUCKET}.${service}.*`,
  api('STREAM.MSG.GET', LEASE_STREAM),
];

/**
 * Reads streams of changes: single messages, and by consumers without a name. Those that are there on the streams of control are somebody's
 * and stay out of reach.
 */
const READS_CHANGES: SubjectRules = {
  allow: [
    api('STREAM.INFO', '*'),
    api('STREAM.MSG.GET', '*'),
    api('CONSUMER.CREATE', '*'),
    api('CONSUMER.INFO', '*', '*'),
    api('CONSUMER.DELETE', '*', '*'),
    api('CONSUMER.MSG.NEXT', '*', '*'),
  ],
  deny: [
    ...onEach(['STREAM.MSG.GET'], [COMMAND_STREAM, EVENT_STREAM]),
    ...onEach(['CONSUMER.CREATE'], CONTROL_STREAMS),
    ...onEach(['CONSUMER.DELETE'], [COMMAND_STREAM, EVENT_STREAM, LEASE_STREAM], ['*']),
    ...SERVICE_NAMES.map((service) =>
      api('CONSUMER.MSG.NEXT', COMMAND_STREAM, commandConsumer(service)),
    ),
    api('CONSUMER.MSG.NEXT', EVENT_STREAM, EVENT_CONSUMER),
    api('CONSUMER.MSG.NEXT', LEASE_STREAM, '*'),
  ],
};

const PULLS_EVENTS = pullsFrom(EVENT_STREAM, EVENT_CONSUMER, ALL_EVENTS);

interface Rules {
  readonly publish: readonly string[];
  readonly deny?: readonly string[];
  readonly subscribe: readonly string[];
}

const RULES: Readonly<Record<ServiceName, Rules>> = {
  capture: {
    publish: [
      'bunny.cdc.>',
      statsSubject('*', 'capture'),
      `${Query.ApplyPosition}.*`,
      ...works('capture'),
      api('STREAM.INFO', '*'),
      ...onEach(['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.DELETE', 'STREAM.PURGE'], ['*']),
      api('STREAM.MSG.GET', '*'),
      api('DIRECT.GET', '*'),
      api('DIRECT.GET', '*', 'bunny.cdc.>'),
    ],
    deny: [
      ...onEach(
        ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.DELETE', 'STREAM.PURGE', 'DIRECT.GET'],
        CONTROL_STREAMS,
      ),
      ...onEach(['STREAM.MSG.GET'], [COMMAND_STREAM, EVENT_STREAM]),
    ],
    subscribe: [
      positionSubject('*'),
      progressSubject('*'),
      `${Query.CaptureRewind}.*`,
      retrySubject('*'),
    ],
  },
  apply: {
    publish: [
      statsSubject('*', 'apply'),
      positionSubject('*'),
      lanesSubject('*'),
      lookSubject('*'),
      progressSubject('*'),
      `${Query.CaptureRewind}.*`,
      Query.SchemaFollow,
      Query.SchemaShadow,
      ...works('apply'),
      ...READS_CHANGES.allow,
    ],
    deny: READS_CHANGES.deny.filter((subject) => !works('apply').includes(subject)),
    subscribe: [lanesSubject('*'), `${Query.ApplyPosition}.*`, retrySubject('*')],
  },
  schema: {
    publish: [
      ...works('schema'),
      ...onEach(['STREAM.INFO'], CONTROL_STREAMS),
      // What it sees at the source, others have to act on.
      commandSubject('apply', 'change_lanes'),
      commandSubject('capture', 'change_publication'),
      progressSubject('*'),
      lookSubject('*'),
    ],
    subscribe: ['bunny.schema.*', lookSubject('*'), retrySubject('*')],
  },
  control: {
    publish: [
      ALL_COMMANDS,
      retrySubject('*'),
      Query.SchemaPeerTest,
      Query.SchemaPeerTables,
      Query.SchemaValidate,
      Query.SchemaDiff,
      Query.SchemaSync,
      Query.SchemaSwapCheck,
      `$KV.${SPEC_BUCKET}.*`,
      ...READS_SPECS,
      ...onEach(['STREAM.CREATE', 'STREAM.UPDATE'], CONTROL_STREAMS),
      ...PULLS_EVENTS,
      // Shows an administrator the changes of a table.
      ...READS_CHANGES.allow,
    ],
    deny: READS_CHANGES.deny.filter((subject) => !PULLS_EVENTS.includes(subject)),
    subscribe: [ALL_STATS, ALL_HEARTBEATS],
  },
};
