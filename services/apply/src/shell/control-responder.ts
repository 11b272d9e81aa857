import {
  type ChangeLanes,
  type CleanDestination,
  type RestartPosition,
  lanesSubject,
} from '@bunnydb/contracts';
import type { CommandAnswer, Messaging } from '@bunnydb/messaging';
import { settingsOf } from '@bunnydb/pg-client';
import { HandleCommand } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import { applicationName, commandApplicationName } from './application-name.js';
import { cleanDestination } from './clean-destination.js';
import { noteWish } from './lane-wishes.js';
import { restartPosition } from './restart-position.js';

/** Opens a sealed secret. */
export const OPEN_SECRET = Symbol('open secret');
/** The connection to NATS. */
export const MESSAGING = Symbol('messaging');

/** Control's commands to this service. */
@Controller()
export class ControlResponder {
  readonly #open: (sealed: string) => string;
  readonly #messaging: Messaging;

  constructor(
    @Inject(OPEN_SECRET) open: (sealed: string) => string,
    @Inject(MESSAGING) messaging: Messaging,
  ) {
    this.#open = open;
    this.#messaging = messaging;
  }

  @HandleCommand('clean_destination')
  async handleCleanDestination(command: CleanDestination): Promise<CommandAnswer> {
    const { spec, force } = command.body;
    const settings = settingsOf(spec.destination, this.#open, applicationName(spec.id));
    const left = await cleanDestination(settings, spec, force);
    return { type: 'destination_cleaned', body: { left } };
  }

  /** Notes the wish; the mirror's session is told to look, and finds it anyway when it starts. */
  @HandleCommand('change_lanes')
  async handleChangeLanes(command: ChangeLanes): Promise<CommandAnswer> {
    const { spec, wish } = command.body;
    const settings = settingsOf(spec.destination, this.#open, commandApplicationName(spec.id));
    const tables = await noteWish(settings, command);
    this.#messaging.publishJson(lanesSubject(spec.id), { action: wish.action, tables });
    return { type: 'lanes_changed', body: { action: wish.action, tables } };
  }

  @HandleCommand('restart_position')
  async handleRestartPosition(command: RestartPosition): Promise<CommandAnswer> {
    const { spec } = command.body;
    const settings = settingsOf(spec.destination, this.#open, commandApplicationName(spec.id));
    return { type: 'position_restarted', body: { ...(await restartPosition(settings, command)) } };
  }
}
