import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min, MinLength } from 'class-validator';
import { SSL_MODES, type SslMode } from '../mirror-spec.js';
import { about } from './field-rules.js';

/** `PUT /v1/peers/{name}`: what is omitted stays as it is; null takes an optional part away. */
export class UpdatePeerRequest {
  @IsOptional()
  @IsString(about('Replaces the parts that it names.'))
  @MaxLength(4096)
  readonly url?: string | null;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly host?: string | null;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(65_535)
  readonly port?: number | null;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly user?: string | null;

  @IsOptional()
  @IsString(about('Stored sealed and never returned; omitted, the present one stays.'))
  @MaxLength(1024)
  readonly password?: string | null;

  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly database?: string | null;

  @IsOptional()
  @IsIn(SSL_MODES)
  readonly ssl_mode?: SslMode | null;

  @IsOptional()
  @IsString()
  @MaxLength(65_536)
  readonly ssl_root_cert?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(65_536)
  readonly ssl_cert?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(65_536)
  readonly ssl_key?: string | null;
}
