import type {
  ChangePublication,
  CleanSource,
  PrepareSource,
  RebuildSource,
} from '@bunnydb/contracts';
import type { CommandAnswer, CommandContext, Messaging } from '@bunnydb/messaging';
import { settingsOf } from '@bunnydb/pg-client';
import { HandleCommand } from '@bunnydb/service-shell';
import { Controller, Inject } from '@nestjs/common';
import { changePublication } from './change-publication.js';
import { cleanSource } from './clean-source.js';
import { prepareSource } from './prepare-source.js';
import { rebuildSource } from './rebuild-source.js';

/** Opens a sealed secret. */
export const OPEN_SECRET = Symbol('open a sealed secret');
export const MESSAGING = Symbol('messaging');

/** The one-off work that control's sagas ask for; each command is idempotent. */
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

  @HandleCommand('prepare_source')
  async prepareSource({ body: { spec } }: PrepareSource): Promise<CommandAnswer> {
    const settings = settingsOf(spec.source, this.#open, 'bunnydb capture');
    return { type: 'source_prepared', body: await prepareSource(this.#messaging, settings, spec) };
  }

  @HandleCommand('change_publication')
  async changePublication({ body: { spec } }: ChangePublication): Promise<CommandAnswer> {
    const settings = settingsOf(spec.source, this.#open, 'bunnydb capture');
    return { type: 'publication_changed', body: { ...(await changePublication(settings, spec)) } };
  }

  @HandleCommand('rebuild_source')
  async rebuildSource({ body }: RebuildSource, { signal }: CommandContext): Promise<CommandAnswer> {
    const { spec, rebuild } = body;
    const settings = settingsOf(spec.source, this.#open, 'bunnydb capture');
    const request = { messaging: this.#messaging, settings, spec, rebuild, signal };
    return { type: 'source_rebuilt', body: await rebuildSource(request) };
  }

  @HandleCommand('clean_source')
  async cleanSource({ body }: CleanSource, { signal }: CommandContext): Promise<CommandAnswer> {
    const { spec, force } = body;
    const settings = settingsOf(spec.source, this.#open, 'bunnydb capture');
    const left = await cleanSource({ messaging: this.#messaging, settings, spec, force, signal });
    return { type: 'source_cleaned', body: { left } };
  }
}
