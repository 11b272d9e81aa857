import {
  type Environment,
  PREVIOUS_SECRET_KEY_SETTING,
  SECRET_KEY_SETTING,
  SHELL_SETTINGS,
  readEnvironment,
} from '@bunnydb/service-shell';

export type ApplyConfig = ReturnType<typeof readConfig>;

/** @throws InvalidEnvironment that names every wrong variable. */
export function readConfig(environment: Environment) {
  return readEnvironment(environment, {
    ...SHELL_SETTINGS,
    secretKey: SECRET_KEY_SETTING,
    previousSecretKey: PREVIOUS_SECRET_KEY_SETTING,
  });
}
