import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { NAME_ADVICE, NAME_PATTERN, SLOT_NAME_PATTERN, Nested, about } from './field-rules.js';
import { MirrorOptionsRequest } from './mirror-options-request.js';
import { TableMappingRequest } from './table-mapping-request.js';

/** `POST /v1/mirrors` and `POST /v1/mirrors/validate`. */
export class CreateMirrorRequest extends MirrorOptionsRequest {
  @Matches(NAME_PATTERN, { message: NAME_ADVICE })
  readonly name!: string;

  @Matches(NAME_PATTERN, { message: NAME_ADVICE })
  readonly source_peer!: string;

  @Matches(NAME_PATTERN, { message: NAME_ADVICE })
  readonly destination_peer!: string;

  @ValidateIf((request: CreateMirrorRequest) => request.all_tables !== true)
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

  @IsOptional()
  @IsString(about('An existing publication; it is never altered or dropped.'))
  @MinLength(1)
  @MaxLength(63)
  readonly publication_name?: string | null;

  @IsOptional()
  @Matches(SLOT_NAME_PATTERN, {
    message: 'must be 1 to 63 of a-z, 0-9 and _',
    ...about('Derived from the id of the mirror unless given.'),
  })
  readonly replication_slot_name?: string | null;
}
