import { reportOf } from '@bunnydb/failure';
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { NatsContext } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { ServiceLog } from './create-log.js';

/**
 * Hands what a handler threw to the transport as it is, which makes a reply or a `command_failed` of it. The failure of a query is logged
 * here, once; that of a command is logged by the command loop.
 */
@Catch()
export class FailureFilter implements ExceptionFilter<unknown> {
  readonly #log: ServiceLog;

  constructor(log: ServiceLog) {
    this.#log = log;
  }

  catch(exception: unknown, host: ArgumentsHost): Observable<never> {
    const context: unknown = host.switchToRpc().getContext();
    if (context instanceof NatsContext) {
      const { kind } = reportOf(exception);
      const fields = { subject: context.getSubject(), kind, error: exception };
      this.#log[kind === 'unexpected' ? 'error' : 'warn'](fields, 'a request failed');
    }
    return throwError(() => exception);
  }
}
