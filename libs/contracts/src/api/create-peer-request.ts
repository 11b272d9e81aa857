import {
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
} from 'class-validator';
import { SSL_MODES, type SslMode } from '../mirror-spec.js';
import { NAME_ADVICE, NAME_PATTERN, about } from './field-rules.js';

const withoutUrl = (request: CreatePeerRequest): boolean => typeof request.url !== 'string';

/** `POST /v1/peers`: the parts of a connection, or a `url` in their place. */
export class CreatePeerRequest {
  @Matches(NAME_PATTERN, { message: NAME_ADVICE })
  readonly name!: string;

  @IsOptional()
  @IsString(about('postgresql://user:password@host:port/database?sslmode=… in place of the parts.'))
  @MaxLength(4096)
  readonly url?: string | null;

  @ValidateIf(withoutUrl)
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly host?: string;

  @IsOptional()
  @IsInt(about('5432 unless given.'))
  @Min(1)
  @Max(65_535)
  readonly port?: number | null;

  @ValidateIf(withoutUrl)
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly user?: string;

  @IsOptional()
  @IsString(about('Stored sealed and never returned.'))
  @MaxLength(1024)
  readonly password?: string | null;

  @ValidateIf(withoutUrl)
  @IsString()
  @MinLength(1)
  @MaxLength(63)
  readonly database?: string;

  @IsOptional()
  @IsIn(SSL_MODES, about('`prefer` unless given.'))
  readonly ssl_mode?: SslMode | null;

  @IsOptional()
  @IsString(about('PEM of the authority that the server certificate is checked against.'))
  @MaxLength(65_536)
  readonly ssl_root_cert?: string | null;

  @IsOptional()
  @IsString(about('PEM of the client certificate.'))
  @MaxLength(65_536)
  readonly ssl_cert?: string | null;

  @IsOptional()
  @IsString(about('PEM of the client key. Stored sealed and never returned.'))
  @MaxLength(65_536)
  readonly ssl_key?: string | null;
}
