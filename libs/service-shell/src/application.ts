import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import type { INestApplication, INestApplicationContext } from '@nestjs/common';
import type { ServiceLog } from './create-log.js';
import { FailureFilter } from './failure-filter.js';
import { MessagingTransport } from './messaging-transport.js';
import { NestLog } from './nest-log.js';
import type { HttpDoor, ServiceDefinition, Shell } from './service-definition.js';
import type { ShellConfig } from './shell-settings.js';

/** A Nest application that does not listen yet. */
export interface Application {
  readonly context: INestApplicationContext;
  /** Opens the doors: request/reply, commands, and HTTP where there is one. */
  readonly listen: () => Promise<void>;
  /** Closes the doors and waits for what is in hand. */
  readonly stopIntake: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Builds the service's Nest application: a microservice, or for a service with an HTTP door both in one. */
export async function openApplication<Config extends ShellConfig>(
  definition: ServiceDefinition<Config>,
  shell: Shell<Config>,
): Promise<Application> {
  const transport = new MessagingTransport(shell);
  const module = definition.module(shell);
  const logger = new NestLog(shell.log);
  if (definition.http !== undefined) {
    const app = await NestFactory.create(module, {
      logger,
      abortOnError: false,
      forceCloseConnections: true,
    });
    return hybridApplication(app, transport, definition.http, shell.log);
  }
  const app = await NestFactory.createMicroservice(module, {
    strategy: transport,
    logger,
    abortOnError: false,
  });
  app.useGlobalFilters(new FailureFilter(shell.log));
  await app.init();
  return {
    context: app,
    listen: async () => {
      await app.listen();
    },
    stopIntake: () => transport.close(),
    close: () => app.close(),
  };
}

async function hybridApplication(
  app: INestApplication,
  transport: MessagingTransport,
  door: HttpDoor,
  log: ServiceLog,
): Promise<Application> {
  // Its own configuration: what the HTTP side sets up globally (its exception filter) is not for messages.
  const microservice = app.connectMicroservice(
    { strategy: transport },
    { inheritAppConfig: false, deferInitialization: true },
  );
  microservice.useGlobalFilters(new FailureFilter(log));
  const httpServer: Server = app.getHttpServer();
  await door.prepare?.(app);
  await app.init();
  return {
    context: app,
    listen: async () => {
      await app.startAllMicroservices();
      await app.listen(door.port, door.host);
    },
    stopIntake: async () => {
      // No new request; those in hand go on until the application closes.
      httpServer.close();
      await transport.close();
    },
    close: () => app.close(),
  };
}
