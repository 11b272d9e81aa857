import { SealingKey } from '@bunnydb/secrets';
import type { Shell } from '@bunnydb/service-shell';
import { type DynamicModule, Module } from '@nestjs/common';
import type { SchemaConfig } from './config.js';
import { ControlResponder, LOG, MESSAGING, OPEN_SECRET, RUN } from './shell/control-responder.js';

@Module({})
class SchemaModule {}

/** Wires the responder to the sealing key and the log; the rest of the service is functions. */
export function schemaModule(shell: Shell<SchemaConfig>): DynamicModule {
  const key = SealingKey.parse(shell.config.secretKey.reveal());
  return {
    module: SchemaModule,
    controllers: [ControlResponder],
    providers: [
      { provide: OPEN_SECRET, useFactory: () => (sealed: string) => key.open(sealed) },
      { provide: LOG, useFactory: () => shell.log },
      { provide: MESSAGING, useFactory: () => shell.messaging },
      {
        provide: RUN,
        useFactory: () => ({ instance: shell.instance, signal: shell.signal }),
      },
    ],
  };
}
