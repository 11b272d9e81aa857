import type { OptionValues } from '../parts/mirror-options.js';
import { givenOptions } from '../parts/option-values.js';

/** A mirror as far as it has been thought of. */
export interface Draft {
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly isAll: boolean;
  /** Of all tables: names and patterns of those that are left out, with commas between them. */
  readonly except: string;
  /** Source tables, `schema.table`, with their names at the destination. */
  readonly chosen: ReadonlyMap<string, string>;
  readonly options: OptionValues;
}

export interface StepProps {
  readonly draft: Draft;
  readonly change: (part: Partial<Draft>) => void;
}

export const EMPTY_DRAFT: Draft = {
  name: '',
  source: '',
  destination: '',
  isAll: true,
  except: '',
  chosen: new Map(),
  options: {},
};

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** What is wrong with the name, if anything is; nothing is said of one that is not begun. */
export function nameProblem(name: string): string | undefined {
  if (name === '' || NAME.test(name)) return undefined;
  return 'small letters, digits, - and _, beginning with a letter or a digit, 63 at most';
}

export function arePeersChosen({ name, source, destination }: Draft): boolean {
  return NAME.test(name) && source !== '' && destination !== '' && source !== destination;
}

export function areTablesChosen({ isAll, chosen }: Draft): boolean {
  return isAll || (chosen.size > 0 && [...chosen.values()].every((name) => name !== ''));
}

/** What the gateway is asked for. */
export function mirrorRequest(draft: Draft) {
  const except = draft.except
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    name: draft.name,
    source_peer: draft.source,
    destination_peer: draft.destination,
    ...givenOptions(draft.options),
    ...(draft.isAll
      ? { all_tables: true, ...(except.length === 0 ? {} : { exclude_tables: except }) }
      : {
          table_mappings: [...draft.chosen].map(([source_table, destination_table]) => ({
            source_table,
            destination_table,
          })),
        }),
  };
}
