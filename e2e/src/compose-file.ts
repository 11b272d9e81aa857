import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@bunnydb/testkit';
import { parse } from 'yaml';

/** A service of docker-compose.yml, as far as it is run here. */
export interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?:
    Readonly<Record<string, { readonly condition: string }>> | readonly string[];
  readonly profiles?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
}

/** Reads docker-compose.yml with the variables of an .env file filled in, as compose does. @throws Error that names a required one. */
export function readComposeFile(variables: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(repositoryRoot(), 'docker-compose.yml'), 'utf8');
  // What is filled in stays text, also when nothing is.
  return parse(
    text,
    (_key, value: unknown) => (typeof value === 'string' ? fillIn(value, variables) : value),
    { merge: true },
  ) as ComposeFile;
}

/** The variables of `.env.example`, and how each is set there. */
export function exampleVariables(): ReadonlyMap<string, string> {
  const text = readFileSync(join(repositoryRoot(), '.env.example'), 'utf8');
  return new Map(
    [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

function fillIn(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(VARIABLE, (_all, name: string, form?: string, rest?: string) => {
    const value = variables[name] ?? '';
    if (value !== '') return value;
    if (form === ':?') throw new Error(`${name}: ${rest}`);
    return rest ?? '';
  });
}

/** `${NAME}`, `${NAME:-default}`, `${NAME:?why it is needed}`. */
const VARIABLE = /\$\{([A-Z_]+)(?:(:[-?])([^}]*))?\}/g;
