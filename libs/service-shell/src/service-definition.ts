import type { ServiceName } from '@bunnydb/contracts';
import type { Messaging } from '@bunnydb/messaging';
import type {
  DynamicModule,
  INestApplication,
  INestApplicationContext,
  Type,
} from '@nestjs/common';
import type { ServiceLog } from './create-log.js';
import type { Readiness } from './health-endpoint.js';
import type { Liveness } from './liveness.js';
import type { MetricBoard } from './metric-board.js';
import type { ShellConfig } from './shell-settings.js';
import type { ShutdownStep } from './shutdown.js';

/** What the shell has ready before the service's module is built. */
export interface Shell<Config extends ShellConfig = ShellConfig> {
  readonly service: ServiceName;
  readonly instance: string;
  readonly version: string;
  readonly config: Config;
  readonly log: ServiceLog;
  readonly messaging: Messaging;
  /** What the process tells in numbers at `/metrics`. */
  readonly metrics: MetricBoard;
  /** Tells a stuck loop from one that waits, for `/health`. */
  readonly liveness: Liveness;
  /** Aborts when the process is to stop. */
  readonly signal: AbortSignal;
}

/** Work that goes on as long as the process lives. It ends when the signal aborts; if it ends or throws before, the process stops. */
export interface Loop {
  readonly name: string;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** For the one service that also speaks HTTP (control): Nest's Express application beside the messaging transport. */
export interface HttpDoor {
  readonly port: number;
  readonly host: string;
  /** Sets up pipes, filters, CORS, documents … before the port opens. */
  readonly prepare?: (app: INestApplication) => void | Promise<void>;
}

export interface ServiceDefinition<Config extends ShellConfig = ShellConfig> {
  readonly name: ServiceName;
  readonly version: string;
  readonly config: Config;
  /** Builds the one module of the service; the only place where ports meet adapters. */
  readonly module: (shell: Shell<Config>) => DynamicModule | Type<unknown>;
  /** Started after the transports listen. */
  readonly loops?: (app: INestApplicationContext, shell: Shell<Config>) => readonly Loop[];
  /** Run once before anything listens: migrations, say. */
  readonly prepare?: (app: INestApplicationContext, shell: Shell<Config>) => Promise<void>;
  readonly http?: HttpDoor;
  /** What the service depends on beside NATS, for `/ready`. */
  readonly readiness?: (app: INestApplicationContext) => Readiness | Promise<Readiness>;
  /** Closes what the service opened, after its loops have ended and before the connection to NATS closes. */
  readonly closing?: (
    app: INestApplicationContext,
    shell: Shell<Config>,
  ) => readonly ShutdownStep[];
}
