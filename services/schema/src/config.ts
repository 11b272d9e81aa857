import {
  PREVIOUS_SECRET_KEY_SETTING,
  SECRET_KEY_SETTING,
  SHELL_SETTINGS,
  type Environment,
  integer,
  readEnvironment,
} from '@bunnydb/service-shell';

export type SchemaConfig = ReturnType<typeof readConfig>;

/** @throws InvalidEnvironment that names every wrong variable. */
export function readConfig(environment: Environment) {
  return readEnvironment(environment, {
    ...SHELL_SETTINGS,
    secretKey: SECRET_KEY_SETTING,
    previousSecretKey: PREVIOUS_SECRET_KEY_SETTING,
    /** How often the source's structure is looked at, when nobody says that it has changed. */
    structurePollMs: integer('BUNNY_SCHEMA_POLL_MS', { min: 100, max: 3_600_000 }, 10_000),
    /** How often sequences are looked at; their head-room covers what is given out meanwhile. */
    sequencePollMs: integer('BUNNY_SEQUENCE_POLL_MS', { min: 100, max: 3_600_000 }, 5_000),
  });
}
