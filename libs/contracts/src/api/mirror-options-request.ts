import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { FOREIGN_KEY_STRATEGIES, type ForeignKeyStrategy } from '../mirror-spec.js';
import { Nested, about } from './field-rules.js';
import { ReplicateSchemaRequest } from './replicate-schema-request.js';

const GIBIBYTE = 1024 ** 3;

/** The options of a mirror, as create and change take them. */
export class MirrorOptionsRequest {
  @IsOptional()
  @IsBoolean(about('Copy what is in the tables before changes are applied. Default true.'))
  readonly do_initial_snapshot?: boolean | null;

  @IsOptional()
  @IsInt(about('Rows that one part of a copied table holds, about. Default 250000.'))
  @Min(1)
  @Max(1_000_000_000)
  readonly snapshot_num_rows_per_partition?: number | null;

  @IsOptional()
  @IsInt(about('Copies at a time over all tables. Default 4.'))
  @Min(1)
  @Max(64)
  readonly snapshot_max_parallel_workers?: number | null;

  @IsOptional()
  @IsInt(about('Tables that are copied at a time. Default 4.'))
  @Min(1)
  @Max(64)
  readonly snapshot_num_tables_in_parallel?: number | null;

  @IsOptional()
  @IsInt(
    about(
      'Most changes in one destination transaction when catching up; a source transaction is never split. Default 10000. Alias: cdc_batch_size.',
    ),
  )
  @Min(1)
  @Max(10_000_000)
  readonly max_batch_size?: number | null;

  @IsOptional()
  @IsNumber(
    { allowNaN: false, allowInfinity: false },
    about(
      'Longest a change may wait to fill a batch; 0 applies it as soon as it commits. Default 0. Alias: cdc_sync_interval_seconds.',
    ),
  )
  @Min(0)
  @Max(86_400)
  readonly idle_timeout_seconds?: number | null;

  @IsOptional()
  @ValidateNested(about('`false`, or the parts. Default: all true.'))
  @Nested(ReplicateSchemaRequest)
  readonly replicate_schema?: ReplicateSchemaRequest | null;

  @IsOptional()
  @IsIn(
    ['auto', 'manual', 'ignore'],
    about('What a schema change on the source does. Default auto.'),
  )
  readonly schema_changes?: 'auto' | 'manual' | 'ignore' | null;

  @IsOptional()
  @IsBoolean(about('Default true.'))
  readonly replicate_indexes?: boolean | null;

  @IsOptional()
  @IsBoolean(about('Default true.'))
  readonly replicate_foreign_keys?: boolean | null;

  @IsOptional()
  @IsIn(FOREIGN_KEY_STRATEGIES, about('Default defer.'))
  readonly foreign_key_strategy?: ForeignKeyStrategy | null;

  @IsOptional()
  @IsIn(['truncate', 'swap'], about('Default truncate.'))
  readonly resync_strategy?: 'truncate' | 'swap' | null;

  @IsOptional()
  @IsIn(
    ['hold', 'stop'],
    about('Hold a failing table and let the others go on, or stop. Default hold.'),
  )
  readonly on_table_error?: 'hold' | 'stop' | null;

  @IsOptional()
  @IsBoolean(
    about(
      'Have DDL of the source told by an event trigger, where the role may create one. Default true.',
    ),
  )
  readonly ddl_event_trigger?: boolean | null;

  @IsOptional()
  @IsNumber(
    { allowNaN: false, allowInfinity: false },
    about(
      'How long the source may be silent before a logical message proves that it is still heard; 0: never. Default 60.',
    ),
  )
  @Min(0)
  @Max(86_400)
  readonly heartbeat_interval_seconds?: number | null;

  @IsOptional()
  @IsInt(about('Largest size of the change stream. Default 4 GiB.'))
  @Min(16 * 1024 ** 2)
  @Max(1024 * GIBIBYTE)
  readonly stream_max_bytes?: number | null;

  @IsOptional()
  @IsInt(about('How much of what is applied already the change stream keeps. Default 256 MiB.'))
  @Min(0)
  @Max(1024 * GIBIBYTE)
  readonly stream_tail_bytes?: number | null;
}
