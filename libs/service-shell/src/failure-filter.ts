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
      const fields = {
        subject: context.getSubject(),
        ...mirrorOf(host.switchToRpc().getData()),
        kind,
        error: exception,
      };
      this.#log[kind === 'unexpected' ? 'error' : 'warn'](fields, 'a request failed');
    }
    return throwError(() => exception);
  }
}

/** Questions about a mirror bear its spec. */
function mirrorOf(request: unknown): { readonly mirror?: string } {
  if (typeof request !== 'object' || request === null || !('spec' in request)) return {};
  const { spec } = request;
  if (typeof spec !== 'object' || spec === null || !('id' in spec)) return {};
  return typeof spec.id === 'string' ? { mirror: spec.id } : {};
}
