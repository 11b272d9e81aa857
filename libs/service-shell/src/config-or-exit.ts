import { InvalidEnvironment } from './environment.js';

const EXIT_CODE = 2;

/** Reads the configuration of a service; a wrong environment is told in plain words and ends the process with code 2. */
export function configOrExit<Config>(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidEnvironment)) {
      throw error;
    }
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_CODE);
  }
}
