/** An error that the server sent, as the driver would have thrown it: with its code, severity, routine and names as fields. */
export class ServerError extends Error {
  readonly code: string | undefined;
  readonly severity: string | undefined;
  readonly routine: string | undefined;
  readonly schema: string | undefined;
  readonly table: string | undefined;

  constructor(fields: ReadonlyMap<string, string>) {
    super(fields.get('M') ?? 'the server sent an error without a message');
    this.name = 'ServerError';
    this.code = fields.get('C');
    this.severity = fields.get('V') ?? fields.get('S');
    this.routine = fields.get('R');
    this.schema = fields.get('s');
    this.table = fields.get('t');
  }
}

/** Reads an ErrorResponse's body: fields of one letter and a text, the last one empty. */
export function parseServerError(body: Buffer): ServerError {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(body[at] ?? 0), body.toString('utf8', at + 1, end));
    at = end + 1;
  }
  return new ServerError(fields);
}
