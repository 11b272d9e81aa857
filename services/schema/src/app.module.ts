import { runMirrorSessions } from '@bunnydb/messaging';
import { Keyring } from '@bunnydb/secrets';
import { type Loop, type Shell, type ShutdownStep, watchedSessions } from '@bunnydb/service-shell';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import type { SchemaConfig } from './config.js';
import { FOLLOW_SESSIONS, FollowResponder } from './shell/follow-responder.js';
import { FollowSessions } from './shell/follow-sessions.js';
import { ControlResponder, LOG, MESSAGING, OPEN_SECRET, RUN } from './shell/control-responder.js';
import { schemaSession } from './shell/schema-session.js';

@Module({})
class SchemaModule {}

/** The only place where ports meet adapters: requests come in through the responder, mirrors through the sessions below. */
export function schemaModule(shell: Shell<SchemaConfig>): DynamicModule {
  const { secretKey, previousSecretKey } = shell.config;
  const keys = Keyring.parse(secretKey.reveal(), previousSecretKey?.reveal());
  const openSecret = (sealed: string): string => keys.open(sealed);
  return {
    module: SchemaModule,
    controllers: [ControlResponder, FollowResponder],
    providers: [
      { provide: OPEN_SECRET, useFactory: () => openSecret },
      {
        provide: FOLLOW_SESSIONS,
        useFactory: () => new FollowSessions(openSecret, shell.signal),
      },
      { provide: LOG, useFactory: () => shell.log },
      { provide: MESSAGING, useFactory: () => shell.messaging },
      {
        provide: RUN,
        useFactory: () => ({ instance: shell.instance, signal: shell.signal }),
      },
    ],
  };
}

/** Sessions that are kept warm for those who ask are closed before the process ends. */
export function closeFollowSessions(app: INestApplicationContext): ShutdownStep {
  const sessions = app.get<FollowSessions>(FOLLOW_SESSIONS);
  return { name: 'follow sessions', deadlineMs: 5000, run: () => sessions.close() };
}

/** One session per mirror that this instance holds the lease of. */
export function schemaLoops(
  app: INestApplicationContext,
  shell: Shell<SchemaConfig>,
): readonly Loop[] {
  const { messaging, instance, version, config } = shell;
  const { structurePollMs, sequencePollMs } = config;
  const openSecret = app.get<(sealed: string) => string>(OPEN_SECRET);
  const follow = app.get<FollowSessions>(FOLLOW_SESSIONS);
  const session = schemaSession({
    messaging,
    openSecret,
    follow,
    structurePollMs,
    sequencePollMs,
  });
  const openSession = watchedSessions(session, shell);
  return [
    {
      name: 'mirror sessions',
      run: (signal) =>
        runMirrorSessions({ messaging, service: 'schema', instance, version, openSession, signal }),
    },
  ];
}
