/** Which side of a mirror a server is. */
export type ServerRole = 'source' | 'destination';
