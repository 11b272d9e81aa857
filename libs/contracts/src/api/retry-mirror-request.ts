import { IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { about } from './field-rules.js';

const LSN_PATTERN = /^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/;

/** `POST /v1/mirrors/{name}/retry` */
export class RetryMirrorRequest {
  @IsOptional()
  @IsString(about('A held table, `schema.table`; the whole mirror unless given.'))
  @MinLength(1)
  @MaxLength(255)
  readonly table?: string | null;

  @IsOptional()
  @Matches(LSN_PATTERN, {
    message: 'must be an LSN such as 0/1A2B3C4D',
    ...about(
      'The commit LSN of a source transaction: the table is retried without its changes of this table. Needs `table`.',
    ),
  })
  readonly skip_lsn?: string | null;
}
