import { hostname } from 'node:os';
import {
  InvalidSetting,
  choice,
  integer,
  optionalInteger,
  optionalSecret,
  optionalText,
  secret,
  text,
  type Setting,
} from './environment.js';
import { type SamplerSettings, TRACE_SAMPLERS, samplerSettingsOf } from './trace-sampler.js';
import { parseFaultPlan, type FaultPlan } from './fault-plan.js';
import { NATS_SETTINGS } from './nats-settings.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where tests end the process; see `installFaultPoints`. */
function faultPlan(variable: string): Setting<FaultPlan> {
  const named = optionalText(variable);
  return { read: (environment) => parseFaultPlan(variable, named.read(environment) ?? '') };
}

/** Which traces are recorded. */
function traceSampler(variable: string, argumentVariable: string): Setting<SamplerSettings> {
  const name = choice(variable, TRACE_SAMPLERS, 'parentbased_ratelimited');
  const argument = optionalText(argumentVariable);
  return {
    read: (environment) => {
      const settings = samplerSettingsOf(name.read(environment), argument.read(environment));
      if (settings !== undefined) return settings;
      throw new InvalidSetting(
        argumentVariable,
        'must be a share from 0 to 1, or traces a second for a rate limit',
      );
    },
  };
}

/** What every service reads from the environment; a service's own `config.ts` spreads it into its schema. */
export const SHELL_SETTINGS = {
  ...NATS_SETTINGS,
  instance: text('BUNNY_INSTANCE', `${hostname()}-${process.pid}`),
  logLevel: choice('BUNNY_LOG_LEVEL', LOG_LEVELS, 'info'),
  leaseTtlMs: integer('BUNNY_LEASE_TTL_MS', { min: 500, max: 600_000 }, 5_000),
  natsReplicas: integer('BUNNY_NATS_REPLICAS', { min: 1, max: 5 }, 1),
  faultPoints: faultPlan('BUNNY_FAULT_POINTS'),
  healthPort: optionalInteger('BUNNY_HEALTH_PORT', { min: 0, max: 65_535 }),
  metricTablesMax: integer('BUNNY_METRICS_TABLES_MAX', { min: 0, max: 100_000 }, 500),
  otlpEndpoint: optionalText('OTEL_EXPORTER_OTLP_ENDPOINT'),
  traceSampler: traceSampler('OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** The key that seals passwords, for the services that open them. */
export const SECRET_KEY_SETTING = secret(
  'BUNNY_SECRET_KEY',
  'make a key with `openssl rand -hex 32` and give the same one to every service',
);

/** Keys that were in use before, separated by commas; set while the key is being changed. */
export const PREVIOUS_SECRET_KEY_SETTING = optionalSecret('BUNNY_SECRET_KEY_PREVIOUS');

export type ShellConfig = {
  readonly [Name in keyof typeof SHELL_SETTINGS]: ReturnType<(typeof SHELL_SETTINGS)[Name]['read']>;
};
