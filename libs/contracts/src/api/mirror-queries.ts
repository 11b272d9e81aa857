import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { QueryFlag, QueryNumber, about } from './field-rules.js';

/** `POST /v1/mirrors?…` */
export class CreateMirrorQuery {
  @IsOptional()
  @QueryFlag()
  @IsBoolean(about('Only run the pre-flight.'))
  readonly validate_only?: boolean;
}

/** `DELETE /v1/mirrors/{name}?…` */
export class DeleteMirrorQuery {
  @IsOptional()
  @QueryFlag()
  @IsBoolean(about('Drop the tables of the destination, too.'))
  readonly drop_tables?: boolean;

  @IsOptional()
  @QueryFlag()
  @IsBoolean(about('Give up on what cannot be reached, and say what is left there.'))
  readonly force?: boolean;
}

/** `GET /v1/mirrors/{name}/logs?…` */
export class ListLogsQuery {
  @IsOptional()
  @QueryNumber()
  @IsInt(about('Default 50.'))
  @Min(1)
  @Max(500)
  readonly limit?: number;

  @IsOptional()
  @QueryNumber()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  readonly offset?: number;

  @IsOptional()
  @IsString(about('Lines whose message holds this text, whatever its case.'))
  @MaxLength(200)
  readonly search?: string;

  @IsOptional()
  @IsIn(['info', 'warn', 'error'])
  readonly level?: 'info' | 'warn' | 'error';

  @IsOptional()
  @IsIn(['setup', 'snapshot', 'replication', 'schema', 'resync', 'error', 'user'])
  readonly category?: 'setup' | 'snapshot' | 'replication' | 'schema' | 'resync' | 'error' | 'user';
}

/** `GET /v1/mirrors/{name}/events?…` */
export class ListEventsQuery {
  @IsOptional()
  @QueryNumber()
  @IsInt(about('Only events behind this id.'))
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly after?: number;

  @IsOptional()
  @QueryNumber()
  @IsInt(about('Only events before this id, for the next page.'))
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly before?: number;

  @IsOptional()
  @QueryNumber()
  @IsInt(about('Default 50.'))
  @Min(1)
  @Max(500)
  readonly limit?: number;
}

/** `GET /v1/audit?…` */
export class ListAuditQuery {
  @IsOptional()
  @IsString(about('Only what this user did.'))
  @MaxLength(200)
  readonly actor?: string;

  @IsOptional()
  @QueryNumber()
  @IsInt(about('Only entries before this id, for the next page.'))
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly before?: number;

  @IsOptional()
  @QueryNumber()
  @IsInt(about('Default 50.'))
  @Min(1)
  @Max(500)
  readonly limit?: number;
}

/** `GET /v1/mirrors/{name}/changes/stream?…` */
export class FollowChangesQuery {
  @IsString(about('The name at the source, `schema.table`.'))
  @MaxLength(300)
  readonly table!: string;

  @IsOptional()
  @QueryFlag()
  @IsBoolean(about('Begin with the latest changes that the change stream still has.'))
  readonly latest?: boolean;
}

/** `GET /v1/mirrors/{name}/metrics?…` */
export class MetricsQuery {
  @IsOptional()
  @Matches(/^[1-9]\d{0,3}[smh]$/, {
    message: 'must be a span like 30s, 15m or 1h',
    ...about('Adds the series of this span, at most 1h.'),
  })
  readonly window?: string;
}
