import { IsBoolean, IsOptional } from 'class-validator';

/** Which parts of a table's structure are carried along; what is omitted is. */
export class ReplicateSchemaRequest {
  @IsOptional()
  @IsBoolean()
  readonly columns?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly types?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly defaults?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly not_null?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly checks?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly identity?: boolean;

  @IsOptional()
  @IsBoolean()
  readonly sequences?: boolean;
}
