import { SetMetadata } from '@nestjs/common';
import type { Role } from '../../core/user/user.js';

/** Who is asking. */
export interface Caller {
  readonly userId: string;
  readonly username: string;
  readonly role: Role;
  readonly tokenId: string;
  readonly tokenExpiresAt: Date;
}

export const ACCESS = Symbol('access');

/** `public` needs no token, `signed_in` any role, `admin` an administrator; everything else: reading for any role, writing for administrators. */
export type Access = 'public' | 'signed_in' | 'admin';

export const Public = () => SetMetadata(ACCESS, 'public' satisfies Access);
export const SignedIn = () => SetMetadata(ACCESS, 'signed_in' satisfies Access);
export const AdminOnly = () => SetMetadata(ACCESS, 'admin' satisfies Access);
