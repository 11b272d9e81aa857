import { ArrayMaxSize, IsArray, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { about } from './field-rules.js';

/** One table of a mirror: `source_table` as `schema.table` or a pattern, or schema and table apart. */
export class TableMappingRequest {
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly source_schema?: string | null;

  @IsString(
    about('`public.users`, a pattern such as `public.*`, or a bare name with source_schema.'),
  )
  @MinLength(1)
  @MaxLength(255)
  readonly source_table!: string;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly destination_schema?: string | null;

  @IsOptional()
  @IsString(about('The same name as at the source unless given.'))
  @MinLength(1)
  @MaxLength(255)
  readonly destination_table?: string | null;

  @IsOptional()
  @IsArray(about('Columns that are left out.'))
  @ArrayMaxSize(1600)
  @IsString({ each: true })
  @MaxLength(63, { each: true })
  readonly exclude_columns?: readonly string[] | null;

  @IsOptional()
  @IsString(about('An SQL condition on the rows; the source must be PostgreSQL 15 or later.'))
  @MinLength(1)
  @MaxLength(8192)
  readonly row_filter?: string | null;
}
