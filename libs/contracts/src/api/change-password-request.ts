import { IsString, MaxLength, MinLength } from 'class-validator';
import { about } from './field-rules.js';

/** `POST /v1/auth/change-password` */
export class ChangePasswordRequest {
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  readonly current_password!: string;

  @IsString(about('At least 8 characters.'))
  @MinLength(8)
  @MaxLength(1024)
  readonly new_password!: string;
}
