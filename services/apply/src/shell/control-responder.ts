import type { CleanDestination } from '@bunnydb/contracts';
import type { CommandAnswer } from '@bunnydb/messaging';
import { settingsOf } from '@bunnydb/pg-client';
import { HandleCommand } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import { applicationName } from './application-name.js';
import { cleanDestination } from './clean-destination.js';

/** Opens a sealed secret. */
export const OPEN_SECRET = Symbol('open secret');

/** Control's commands to this service. */
@Controller()
export class ControlResponder {
  readonly #open: (sealed: string) => string;

  constructor(@Inject(OPEN_SECRET) open: (sealed: string) => string) {
    this.#open = open;
  }

  @HandleCommand('clean_destination')
  async handleCleanDestination(command: CleanDestination): Promise<CommandAnswer> {
    const { spec, force } = command.body;
    const settings = settingsOf(spec.destination, this.#open, applicationName(spec.id));
    const left = await cleanDestination(settings, spec, force);
    return { type: 'destination_cleaned', body: { left } };
  }
}
