import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import type { ServiceLog } from '@bunnydb/service-shell';
import { type Problem, TITLES, problemOf } from './problem.js';
import { requestIdOf } from './request-id.js';

/** Answers every failure as RFC 9457's `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: ServiceLog;

  constructor(log: ServiceLog) {
    this.#log = log;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const problem = problemOf(error);
    if (problem.status >= 500) {
      const fields = { request_id: requestIdOf(response), error: problem.cause ?? problem };
      this.#log.error(fields, 'a request failed');
    }
    sendProblem(response, problem);
  }
}

/** Writes a problem. After the head of an answer is out (a stream), the connection is ended instead. */
export function sendProblem(response: Response, problem: Problem): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { fields, checks, retryAfterSeconds } = problem.extras;
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', retryAfterSeconds);
  if (problem.status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  response
    .status(problem.status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: TITLES[problem.status] ?? 'Error',
        status: problem.status,
        detail: problem.message,
        error: problem.message,
        request_id: requestIdOf(response),
        ...(fields === undefined ? {} : { fields }),
        ...(checks === undefined ? {} : { checks }),
      }),
    );
}
