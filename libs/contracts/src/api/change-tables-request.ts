import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { Nested, QueryFlag, about } from './field-rules.js';
import { TableMappingRequest } from './table-mapping-request.js';

/** `PUT /v1/mirrors/{name}/tables`: all tables that the mirror shall have. */
export class ChangeTablesRequest {
  @ValidateIf((request: ChangeTablesRequest) => request.all_tables !== true)
  @IsArray(about('Tables and patterns (`public.*`); needed unless all_tables is true.'))
  @ArrayMinSize(1)
  @ArrayMaxSize(20_000)
  @ValidateNested({ each: true })
  @Nested(TableMappingRequest)
  readonly table_mappings?: readonly TableMappingRequest[];

  @IsOptional()
  @IsBoolean(about('Every table of the source that can be mirrored. Default false.'))
  readonly all_tables?: boolean | null;

  @IsOptional()
  @IsArray(
    about(
      'Names and patterns (`public.log_*`) of tables that the patterns, or all_tables, do not stand for, now and later.',
    ),
  )
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  readonly exclude_tables?: readonly string[] | null;
}

/** `PUT /v1/mirrors/{name}/tables?…` */
export class ChangeTablesQuery {
  @IsOptional()
  @QueryFlag()
  @IsBoolean(about('Drop the destination tables of those that leave the mirror.'))
  readonly drop_removed?: boolean;
}
