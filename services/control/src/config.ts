import { Keyring } from '@bunnydb/secrets';
import {
  type Environment,
  InvalidEnvironment,
  PREVIOUS_SECRET_KEY_SETTING,
  SECRET_KEY_SETTING,
  SHELL_SETTINGS,
  type Secret,
  type ShellConfig,
  choice,
  flag,
  integer,
  optionalFile,
  optionalSecret,
  optionalText,
  readEnvironment,
  text,
} from '@bunnydb/service-shell';
import type { CatalogSettings, CatalogTls } from '@bunnydb/event-store';
import { parseTrustedProxies } from './core/request/trusted-proxies.js';
import type { AlertLimits } from './core/alert/mirror-alerts.js';
import type { AlertWebhook } from './shell/alert-webhook.js';

export interface ControlConfig extends ShellConfig {
  readonly production: boolean;
  readonly catalog: CatalogSettings;
  readonly keyring: Keyring;
  /** Signs tokens; undefined outside of production makes one up for the life of the process. */
  readonly jwtSecret: Secret | undefined;
  readonly adminUser: string;
  readonly adminPassword: Secret | undefined;
  readonly apiHost: string;
  readonly apiPort: number;
  /** Fills the read models anew from the events at this start. */
  readonly rebuildProjections: boolean;
  /** Browser origins that may call the gateway. */
  readonly consoleOrigins: readonly string[];
  /** Proxies before the gateway, whose word on the client's address counts. */
  readonly trustedProxies: readonly string[];
  /** Where alerts are posted to. */
  readonly alertWebhooks: readonly AlertWebhook[];
  readonly alertLimits: AlertLimits;
}

const JWT_SECRET_CHARS_MIN = 32;
const SPAN = { min: 1, max: 30 * 86_400 };
const PORT = { min: 1, max: 65_535 };

const SETTINGS = {
  ...SHELL_SETTINGS,
  environment: optionalText('NODE_ENV'),
  secretKey: SECRET_KEY_SETTING,
  previousSecretKey: PREVIOUS_SECRET_KEY_SETTING,
  jwtSecret: optionalSecret('BUNNY_JWT_SECRET'),
  adminUser: text('BUNNY_ADMIN_USER', 'admin'),
  adminPassword: optionalSecret('BUNNY_ADMIN_PASSWORD'),
  apiPort: integer('BUNNY_API_PORT', { min: 0, max: 65_535 }, 8112),
  apiHost: optionalText('BUNNY_API_HOST'),
  uiPort: integer('BUNNY_UI_PORT', PORT, 3000),
  consoleOrigin: optionalText('BUNNY_CONSOLE_ORIGIN'),
  trustedProxies: text('BUNNY_TRUSTED_PROXIES', 'loopback'),
  rebuildProjections: flag('BUNNY_REBUILD_PROJECTIONS', false),
  alertWebhook: optionalSecret('BUNNY_ALERT_WEBHOOK'),
  alertWebhookSecret: optionalSecret('BUNNY_ALERT_WEBHOOK_SECRET'),
  alertWalBytes: integer(
    'BUNNY_ALERT_WAL_BYTES',
    { min: 1, max: Number.MAX_SAFE_INTEGER },
    50 * 1024 ** 3,
  ),
  alertForecastSeconds: integer('BUNNY_ALERT_FORECAST_SECONDS', SPAN, 10_800),
  alertNoProgressSeconds: integer('BUNNY_ALERT_NO_PROGRESS_SECONDS', SPAN, 300),
  catalogHost: text('BUNNY_CATALOG_HOST', '127.0.0.1'),
  catalogPort: integer('BUNNY_CATALOG_PORT', PORT, 5432),
  catalogUser: text('BUNNY_CATALOG_USER', 'postgres'),
  catalogPassword: optionalSecret('BUNNY_CATALOG_PASSWORD'),
  catalogDatabase: text('BUNNY_CATALOG_DATABASE', 'bunny'),
  catalogPool: integer('BUNNY_CATALOG_POOL_MAX', { min: 2, max: 100 }, 10),
  catalogSsl: choice('BUNNY_CATALOG_SSL', ['disable', 'require', 'verify-full'], 'disable'),
  catalogSslRootCert: optionalFile('BUNNY_CATALOG_SSL_ROOT_CERT'),
} as const;

/** Secrets that production does not make up, with how to make them. */
const PRODUCTION_SECRETS = [
  ['jwtSecret', 'BUNNY_JWT_SECRET', 'make one with `openssl rand -hex 32`'],
  ['adminPassword', 'BUNNY_ADMIN_PASSWORD', 'choose the password of the first administrator'],
] as const;

/** The environment of this process, for the programs that run beside control. */
export const readOwnConfig = (): ControlConfig => readConfig(process.env);

/** Reads control's environment; what is wrong or missing is listed in the error's message, all at one go. */
export function readConfig(environment: Environment): ControlConfig {
  const values = readEnvironment(environment, SETTINGS);
  const production = values.environment === 'production';
  const problems = production
    ? PRODUCTION_SECRETS.filter(([name]) => values[name] === undefined).map(
        ([, variable, advice]) => `${variable} is not set, and production makes none up: ${advice}`,
      )
    : [];
  const signingKey = values.jwtSecret?.reveal();
  if (signingKey !== undefined && signingKey.length < JWT_SECRET_CHARS_MIN) {
    problems.push('BUNNY_JWT_SECRET must have at least 32 characters: openssl rand -hex 32');
  }
  const webhookUrls = (values.alertWebhook?.reveal() ?? '').split(',').map((url) => url.trim());
  if (!webhookUrls.filter(Boolean).every(isHttpUrl)) {
    problems.push(
      'BUNNY_ALERT_WEBHOOK must be one or more http or https URLs, with commas between',
    );
  }
  const trustedProxies = parseTrustedProxies(values.trustedProxies);
  if (trustedProxies === undefined) {
    problems.push(
      'BUNNY_TRUSTED_PROXIES must be addresses, ranges like 10.0.0.0/8, or loopback, linklocal, uniquelocal',
    );
  }
  if (problems.length > 0) throw new InvalidEnvironment(problems);
  const { catalogPassword } = values;
  return {
    ...values,
    production,
    keyring: Keyring.parse(values.secretKey.reveal(), values.previousSecretKey?.reveal()),
    // A container has to be reached from outside; a developer's machine need not be.
    apiHost: values.apiHost ?? (production ? '0.0.0.0' : '127.0.0.1'),
    consoleOrigins: originsOf(values.consoleOrigin, values.uiPort),
    trustedProxies: trustedProxies ?? [],
    alertWebhooks: webhookUrls
      .filter(Boolean)
      .map((url) => ({ url, secret: values.alertWebhookSecret })),
    alertLimits: {
      walBytesMax: values.alertWalBytes,
      forecastSeconds: values.alertForecastSeconds,
      noProgressSeconds: values.alertNoProgressSeconds,
    },
    catalog: {
      host: values.catalogHost,
      port: values.catalogPort,
      user: values.catalogUser,
      password: catalogPassword && (() => catalogPassword.reveal()),
      database: values.catalogDatabase,
      tls: catalogTlsOf(values.catalogSsl, values.catalogSslRootCert?.reveal()),
      applicationName: `bunny-control ${values.instance}`.slice(0, 63),
      poolSizeMax: values.catalogPool,
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 30_000,
    },
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function catalogTlsOf(mode: 'disable' | 'require' | 'verify-full', ca?: string): CatalogTls {
  if (mode === 'disable') return { tag: 'none' };
  if (mode === 'require') return { tag: 'encrypted' };
  return { tag: 'verified', ...(ca === undefined ? {} : { ca }) };
}

function originsOf(consoleOrigin: string | undefined, uiPort: number): readonly string[] {
  if (consoleOrigin !== undefined) return consoleOrigin.split(',').map((origin) => origin.trim());
  return [`http://localhost:${uiPort}`, `http://127.0.0.1:${uiPort}`];
}
