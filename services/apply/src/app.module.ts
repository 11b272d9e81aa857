import { runMirrorSessions } from '@bunnydb/messaging';
import { Keyring } from '@bunnydb/secrets';
import { type Loop, type Shell, watchedSessions } from '@bunnydb/service-shell';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import type { ApplyConfig } from './config.js';
import { applySession } from './shell/apply-session.js';
import { ControlResponder, MESSAGING, OPEN_SECRET } from './shell/control-responder.js';

@Module({})
class ApplyModule {}

/** The only place where ports meet adapters: commands come in through the responder, mirrors through the sessions below. */
export function applyModule(shell: Shell<ApplyConfig>): DynamicModule {
  const { secretKey, previousSecretKey } = shell.config;
  const keys = Keyring.parse(secretKey.reveal(), previousSecretKey?.reveal());
  return {
    module: ApplyModule,
    controllers: [ControlResponder],
    providers: [
      { provide: OPEN_SECRET, useFactory: () => (sealed: string) => keys.open(sealed) },
      { provide: MESSAGING, useValue: shell.messaging },
    ],
  };
}

/** One session per mirror that this instance holds the lease of. */
export function applyLoops(
  app: INestApplicationContext,
  shell: Shell<ApplyConfig>,
): readonly Loop[] {
  const { messaging, instance, version, metrics, liveness } = shell;
  const open: (sealed: string) => string = app.get(OPEN_SECRET);
  const session = applySession({ messaging, open, metrics, liveness });
  const openSession = watchedSessions(session, shell);
  return [
    {
      name: 'mirror sessions',
      run: (signal) =>
        runMirrorSessions({ messaging, service: 'apply', instance, version, openSession, signal }),
    },
  ];
}
