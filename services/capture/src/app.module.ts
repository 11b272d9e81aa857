import { Keyring } from '@bunnydb/secrets';
import { type Loop, type Shell, watchedSessions } from '@bunnydb/service-shell';
import { runMirrorSessions } from '@bunnydb/messaging';
import { type DynamicModule, type INestApplicationContext, Module } from '@nestjs/common';
import type { CaptureConfig } from './config.js';
import { captureSession } from './shell/capture-session.js';
import { ControlResponder, MESSAGING, OPEN_SECRET } from './shell/control-responder.js';

@Module({})
class CaptureModule {}

/** The only place where ports meet adapters: commands come in through the responder, mirrors through the sessions below. */
export function captureModule(shell: Shell<CaptureConfig>): DynamicModule {
  const { secretKey, previousSecretKey } = shell.config;
  const keys = Keyring.parse(secretKey.reveal(), previousSecretKey?.reveal());
  return {
    module: CaptureModule,
    controllers: [ControlResponder],
    providers: [
      { provide: OPEN_SECRET, useFactory: () => (sealed: string) => keys.open(sealed) },
      { provide: MESSAGING, useFactory: () => shell.messaging },
    ],
  };
}

/** One session per mirror that this instance holds the lease of. */
export function captureLoops(
  app: INestApplicationContext,
  shell: Shell<CaptureConfig>,
): readonly Loop[] {
  const { messaging, instance, version, metrics, liveness } = shell;
  const open: (sealed: string) => string = app.get(OPEN_SECRET);
  const session = captureSession({ messaging, open, metrics, liveness });
  const openSession = watchedSessions(session, shell);
  return [
    {
      name: 'mirror sessions',
      run: (signal) =>
        runMirrorSessions({
          messaging,
          service: 'capture',
          instance,
          version,
          openSession,
          signal,
        }),
    },
  ];
}
