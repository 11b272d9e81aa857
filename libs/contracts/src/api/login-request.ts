import { IsString, MaxLength, MinLength } from 'class-validator';

/** `POST /v1/auth/login` */
export class LoginRequest {
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly username!: string;

  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  readonly password!: string;
}
