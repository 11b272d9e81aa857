import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { about } from './field-rules.js';

/** `POST /v1/mirrors/{name}/retry` */
export class RetryMirrorRequest {
  @IsOptional()
  @IsString(about('A held table, `schema.table`; the whole mirror unless given.'))
  @MinLength(1)
  @MaxLength(255)
  readonly table?: string | null;
}
