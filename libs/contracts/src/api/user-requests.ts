import { IsIn, IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import { USERNAME_ADVICE, USERNAME_PATTERN, about } from './field-rules.js';

const ROLE_WORDS = ['admin', 'readonly', 'viewer'] as const;
export type RoleWord = (typeof ROLE_WORDS)[number];

/** `POST /v1/users` */
export class CreateUserRequest {
  @Matches(USERNAME_PATTERN, { message: USERNAME_ADVICE })
  readonly username!: string;

  @IsString(about('At least 8 characters.'))
  @MinLength(8)
  @MaxLength(1024)
  readonly password!: string;

  @IsIn(ROLE_WORDS, about('`viewer` is another word for `readonly`.'))
  readonly role!: RoleWord;
}

/** `PATCH /v1/users/{username}`: what is omitted stays. */
export class UpdateUserRequest {
  @IsOptional()
  @IsIn(ROLE_WORDS, about('`viewer` is another word for `readonly`.'))
  readonly role?: RoleWord | null;

  @IsOptional()
  @IsString(about('At least 8 characters; ends the tokens of the user.'))
  @MinLength(8)
  @MaxLength(1024)
  readonly password?: string | null;
}
