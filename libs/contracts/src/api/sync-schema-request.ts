import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
} from 'class-validator';
import { about } from './field-rules.js';

/** What changes of structure are about; `include` chooses by it. */
export const SCHEMA_CHANGE_GROUPS = [
  'extensions',
  'columns',
  'types',
  'defaults',
  'not_null',
  'constraints',
  'indexes',
  'checks',
  'foreign_keys',
  'identity',
  'sequences',
  'tables',
  'statistics',
  'settings',
  'comments',
] as const;

/** `POST /v1/mirrors/{name}/sync-schema` */
export class SyncSchemaRequest {
  @IsOptional()
  @IsArray(about('Ids of pending changes; all unless given.'))
  @ArrayNotEmpty()
  @ArrayMaxSize(10_000)
  @IsString({ each: true })
  readonly changes?: readonly string[] | null;

  @IsOptional()
  @IsArray(about('What the changes are about; everything unless given.'))
  @ArrayNotEmpty()
  @IsIn(SCHEMA_CHANGE_GROUPS, { each: true })
  readonly include?: readonly string[] | null;

  @IsOptional()
  @IsBoolean(
    about('Also what may lose data or drops what only the destination has. Default false.'),
  )
  readonly allow_destructive?: boolean | null;

  @IsOptional()
  @IsBoolean(about('Tell what would be done, and do nothing. Default false.'))
  readonly dry_run?: boolean | null;
}
