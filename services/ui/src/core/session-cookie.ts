/**
 * The session's token lives in a cookie that scripts cannot read and other sites cannot send: a page that is broken into cannot carry it off, and a
 * foreign page cannot use it.
 */
export const SESSION_COOKIE = 'bunny_session';

/** The `Set-Cookie` that begins a session; `expiresAt` is the token's. */
export function beginSession(token: string, expiresAt: Date, isSecure: boolean): string {
  return `${SESSION_COOKIE}=${token}; Expires=${expiresAt.toUTCString()}; ${attributes(isSecure)}`;
}

/** The `Set-Cookie` that ends it. */
export function endSession(isSecure: boolean): string {
  return `${SESSION_COOKIE}=; Max-Age=0; ${attributes(isSecure)}`;
}

/** The token of a `Cookie` header; undefined when there is none that could be one. */
export function tokenOf(cookie: string | undefined): string | undefined {
  for (const pair of (cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    // A JWT is three base64url parts; anything else is not passed on.
    if (name === SESSION_COOKIE && value && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value)) return value;
  }
  return undefined;
}

function attributes(isSecure: boolean): string {
  return `Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
