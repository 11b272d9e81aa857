import { IsIn, IsOptional } from 'class-validator';
import { about } from './field-rules.js';

/** `POST /v1/mirrors/{name}/resync` and `…/resync/{table}` */
export class ResyncRequest {
  @IsOptional()
  @IsIn(
    ['truncate', 'swap'],
    about(
      'Empty the table and fill it, or fill another and swap. Default: the resync_strategy of the mirror.',
    ),
  )
  readonly strategy?: 'truncate' | 'swap' | null;
}
