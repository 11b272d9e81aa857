export { runService } from './run-service.js';
export { configOrExit } from './config-or-exit.js';
export type { HttpDoor, Loop, ServiceDefinition, Shell } from './service-definition.js';
export {
  InvalidEnvironment,
  InvalidSetting,
  choice,
  flag,
  integer,
  optionalFile,
  optionalInteger,
  optionalSecret,
  optionalText,
  readEnvironment,
  secret,
  text,
  type Environment,
  type IntegerBounds,
  type Setting,
} from './environment.js';
export {
  LOG_LEVELS,
  PREVIOUS_SECRET_KEY_SETTING,
  SECRET_KEY_SETTING,
  SHELL_SETTINGS,
  type ShellConfig,
} from './shell-settings.js';
export { NATS_SETTINGS, natsAddressOf, type NatsConfig } from './nats-settings.js';
export { Secret } from './secret.js';
export { createLog, type LogOptions, type ServiceLog } from './create-log.js';
export { errorRecordOf, type ErrorRecord } from './error-record.js';
export { HandleCommand, HandleQuery } from './handler-patterns.js';
export { FailureFilter } from './failure-filter.js';
export { MessagingTransport, type TransportOptions } from './messaging-transport.js';
export { PlainJsonDeserializer, PlainJsonSerializer } from './plain-json.js';
export {
  openHealthEndpoint,
  type HealthEndpoint,
  type HealthOptions,
  type Readiness,
} from './health-endpoint.js';
export { parseFaultPlan, type FaultPlan } from './fault-plan.js';
export { installFaultPoints } from './install-fault-points.js';
export {
  Liveness,
  type LivenessDoor,
  type Pulse,
  type PulseOptions,
  pullLoopWatch,
} from './liveness.js';
export { MetricBoard, type MetricDoor, type MetricSource } from './metric-board.js';
export { BYTES_BOUNDS, COUNT_BOUNDS, SECONDS_BOUNDS, ValueBuckets } from './value-buckets.js';
export { watchedSessions } from './watched-sessions.js';
export type { SamplerSettings } from './trace-sampler.js';
export type { ShutdownStep } from './shutdown.js';
