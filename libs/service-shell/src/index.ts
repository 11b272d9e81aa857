export { runService } from './run-service.js';
export { configOrExit } from './config-or-exit.js';
export type { HttpDoor, Loop, ServiceDefinition, Shell } from './service-definition.js';
export {
  InvalidEnvironment,
  InvalidSetting,
  choice,
  flag,
  integer,
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
  SECRET_KEY_SETTING,
  SHELL_SETTINGS,
  type ShellConfig,
} from './shell-settings.js';
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
export type { ShutdownStep } from './shutdown.js';
