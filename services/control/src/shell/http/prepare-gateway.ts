import type { INestApplication } from '@nestjs/common';
import { type Request, type Response, json } from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { serveOpenApi } from './open-api.js';
import { Problem } from './problem.js';
import { sendProblem } from './problem-filter.js';
import { giveRequestId } from './request-id.js';
import { WatchedRequests } from './watched-requests.js';

const BODY_BYTES_MAX = 1024 ** 2;
const LOGIN_FAILURES_MAX = 10;
const LOGIN_WINDOW_MS = 60_000;

export interface GatewayOptions {
  readonly version: string;
  readonly consoleOrigins: readonly string[];
}

/** Sets up what surrounds every route: id, headers, CORS, body limit, login limit, the document. */
export function prepareGateway(app: INestApplication, options: GatewayOptions): void {
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
  app.use('/v1/auth/login', loginLimit());
  app.use(json({ limit: BODY_BYTES_MAX }));
  serveOpenApi(app, options.version);
}

/** Failed logins are few per address; successful ones do not count. */
function loginLimit() {
  return rateLimit({
    windowMs: LOGIN_WINDOW_MS,
    limit: LOGIN_FAILURES_MAX,
    skipSuccessfulRequests: true,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request: Request, response: Response) => {
      const retryAfterSeconds = LOGIN_WINDOW_MS / 1000;
      const detail = 'too many failed logins from this address; wait a minute';
      sendProblem(response, new Problem(429, detail, { retryAfterSeconds }));
    },
  });
}
