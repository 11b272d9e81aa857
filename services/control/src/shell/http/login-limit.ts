import type { Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Problem } from './problem.js';
import { sendProblem } from './problem-filter.js';

const FAILURES_MAX = 10;
const WINDOW_MS = 60_000;

/**
 * Lets an address guess passwords ten times a minute; what succeeds does not count. Behind a proxy the address is the client's only where
 * the proxy is trusted (BUNNY_TRUSTED_PROXIES); else the proxy's, and all of its clients count as one.
 */
export function limitFailures(what: string): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_MS,
    limit: FAILURES_MAX,
    skipSuccessfulRequests: true,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // It would complain of a forwarded address of a proxy that is not trusted, which is no mistake here.
    validate: { xForwardedForHeader: false },
    handler: (_request: Request, response: Response) => {
      const retryAfterSeconds = WINDOW_MS / 1000;
      const detail = `too many failed ${what} from this address; wait a minute`;
      sendProblem(response, new Problem(429, detail, { retryAfterSeconds }));
    },
  });
}
