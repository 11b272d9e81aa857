import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const HEADER = 'X-Request-Id';

/** Gives every request an id and answers with it; a sensible one from the caller is kept. */
export function giveRequestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.header(HEADER);
  response.setHeader(HEADER, given && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID());
  next();
}

/** The id that the request got. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader(HEADER) ?? '');
}
