import {
  type LogLevelReply,
  type LogLevelRequest,
  type ServiceName,
  logLevelSubject,
} from '@bunnydb/contracts';
import { MirrorError } from '@bunnydb/failure';
import type { Messaging } from '@bunnydb/messaging';
import type { ServiceLog } from './create-log.js';
import { LOG_LEVELS, type LogLevel } from './shell-settings.js';

export interface LogLevelDoorOptions {
  readonly log: ServiceLog;
  /** The level of the environment. */
  readonly level: LogLevel;
  readonly service: ServiceName;
  readonly instance: string;
}

/**
 * Changes the log's level while the process runs:
 *
 *     nats req --replies=0 bunny.apply.log_level '{"level":"debug","seconds":300}'   every instance of a service
 *     nats req bunny.apply.log_level.<instance> '{"level":"info"}'                   one
 *     kill -USR2 <pid>                                                               debug, and back at the next one
 *
 * Without a level the present one is told. `seconds` ends by itself, so that no `debug` is forgotten.
 */
export class LogLevelDoor {
  readonly #options: LogLevelDoorOptions;
  #back: NodeJS.Timeout | undefined;

  constructor(options: LogLevelDoorOptions) {
    this.#options = options;
  }

  /** @returns how to close it again. */
  listen(messaging: Messaging): () => void {
    const { service, instance } = this.#options;
    const onSignal = (): void => this.#toggle();
    process.on('SIGUSR2', onSignal);
    const stops = [logLevelSubject(service), logLevelSubject(service, instance)].map((subject) =>
      messaging.respondJson<LogLevelRequest, LogLevelReply>(subject, (request) =>
        this.answer(request),
      ),
    );
    return () => {
      process.removeListener('SIGUSR2', onSignal);
      clearTimeout(this.#back);
      for (const stop of stops) stop();
    };
  }

  /** @throws MirrorError `invalid_input` */
  answer(request: LogLevelRequest): LogLevelReply {
    const { level, seconds } = request;
    if (level !== undefined) {
      const known = LOG_LEVELS.find((word) => word === level);
      if (known === undefined) {
        throw new MirrorError('invalid_input', `the level must be one of ${LOG_LEVELS.join(', ')}`);
      }
      if (seconds !== undefined && !(seconds > 0 && seconds <= SECONDS_MAX)) {
        throw new MirrorError('invalid_input', `seconds must be from 1 to ${SECONDS_MAX}`);
      }
      this.#set(known, seconds);
    }
    const { service, instance, log } = this.#options;
    return { ok: true, service, instance, level: log.level };
  }

  #toggle(): void {
    const { log, level } = this.#options;
    this.#set(log.level === 'debug' && level !== 'debug' ? level : 'debug');
  }

  #set(level: LogLevel, seconds?: number): void {
    const { log } = this.#options;
    clearTimeout(this.#back);
    const before = log.level;
    log.level = level;
    log.info({ from: before, to: level }, 'the log level was changed');
    if (seconds === undefined) return;
    this.#back = setTimeout(() => this.#set(this.#options.level), seconds * 1_000);
    this.#back.unref();
  }
}

const SECONDS_MAX = 86_400;
