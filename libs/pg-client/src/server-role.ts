/** Which side of a mirror a server is; `peer` when it is looked at for itself, on no side yet. */
export type ServerRole = 'source' | 'destination' | 'peer';
