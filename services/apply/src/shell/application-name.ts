/** What `pg_stat_activity` shows for the session that writes a mirror; also how a session finds those that came before it. */
export function applicationName(mirrorId: string): string {
  return `bunnydb apply ${mirrorId}`;
}

/** The same for the sessions that copy its tables. */
export function copyApplicationName(mirrorId: string): string {
  return `bunnydb copy ${mirrorId}`;
}

/** The same for what a command does; a session that takes the mirror over leaves it alone. */
export function commandApplicationName(mirrorId: string): string {
  return `bunnydb command ${mirrorId}`;
}
