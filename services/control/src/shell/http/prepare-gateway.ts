import type { INestApplication } from '@nestjs/common';
import { type Express, json } from 'express';
import helmet from 'helmet';
import { limitFailures } from './login-limit.js';
import { serveOpenApi } from './open-api.js';
import { giveRequestId } from './request-id.js';
import { WatchedRequests } from './watched-requests.js';

const BODY_BYTES_MAX = 1024 ** 2;

export interface GatewayOptions {
  readonly version: string;
  readonly consoleOrigins: readonly string[];
  /** Whose word on the client's address counts. */
  readonly trustedProxies: readonly string[];
}

/** Sets up what surrounds every route: id, headers, CORS, body limit, login limit, the document. */
export function prepareGateway(app: INestApplication, options: GatewayOptions): void {
  const express: Express = app.getHttpAdapter().getInstance();
  express.set('trust proxy', [...options.trustedProxies]);
  app.use(app.get(WatchedRequests).middleware);
  app.use(giveRequestId);
  app.use(
    helmet({
      contentSecurityPolicy: {
        // The readable page of the API document draws its icons from data URLs.
        directives: { imgSrc: ["'self'", 'data:'], upgradeInsecureRequests: null },
      },
    }),
  );
  app.enableCors({
    origin: [...options.consoleOrigins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'Last-Event-ID',
      'X-Request-Id',
    ],
    exposedHeaders: ['X-Request-Id', 'Retry-After', 'Location', 'Idempotency-Replayed'],
    maxAge: 600,
  });
  app.use('/v1/auth/login', limitFailures('logins'));
  app.use('/v1/auth/change-password', limitFailures('changes of a password'));
  app.use(json({ limit: BODY_BYTES_MAX }));
  serveOpenApi(app, options.version);
}
