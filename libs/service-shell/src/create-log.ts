import pino, { type DestinationStream, type Logger } from 'pino';
import { activeTraceId } from '@bunnydb/messaging';
import { errorRecordOf } from './error-record.js';

/** The log of a service: JSON lines on standard output. */
export type ServiceLog = Logger;

export interface LogOptions {
  readonly level: string;
  readonly service: string;
  readonly instance: string;
}

/** A line has `level`, `time`, `service`, `instance`, `msg`, and where it applies `mirror`, `trace` and `error`. */
export function createLog(options: LogOptions, destination?: DestinationStream): ServiceLog {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service, instance: options.instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    messageKey: 'msg',
    errorKey: 'error',
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => {
      const trace = activeTraceId();
      return trace === undefined ? {} : { trace };
    },
    serializers: { error: errorRecordOf },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}
