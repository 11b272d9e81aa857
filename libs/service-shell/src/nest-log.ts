import type { LoggerService } from '@nestjs/common';
import type { ServiceLog } from './create-log.js';

/** Nest's own messages in the service's log. What Nest tells about its start is worth `debug` only. */
export class NestLog implements LoggerService {
  readonly #log: ServiceLog;

  constructor(log: ServiceLog) {
    this.#log = log;
  }

  log(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.debug(fieldsOf(message, rest), textOf(message));
  }

  debug(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.debug(fieldsOf(message, rest), textOf(message));
  }

  verbose(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.trace(fieldsOf(message, rest), textOf(message));
  }

  warn(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.warn(fieldsOf(message, rest), textOf(message));
  }

  error(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.error(fieldsOf(message, rest), textOf(message));
  }

  fatal(message: unknown, ...rest: readonly unknown[]): void {
    this.#log.fatal(fieldsOf(message, rest), textOf(message));
  }
}

/** Nest passes the context (a class name) last, and for errors a stack before it. */
function fieldsOf(message: unknown, rest: readonly unknown[]): Readonly<Record<string, unknown>> {
  const context = rest.at(-1);
  return {
    ...(typeof context === 'string' && !context.includes('\n') ? { context } : {}),
    ...(message instanceof Error ? { error: message } : {}),
  };
}

function textOf(message: unknown): string {
  if (typeof message === 'string') {
    return message;
  }
  return message instanceof Error ? 'nest reported an error' : 'nest reported something';
}
