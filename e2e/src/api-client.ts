import { ApiDocument, type RawAnswer, until } from '@bunnydb/testkit';

/** What a test wants of a mirror; names and defaults are those of the /v1 contract. */
export interface MirrorWish {
  readonly table_mappings?: readonly TableMappingRequest[];
  readonly all_tables?: boolean;
  readonly exclude_tables?: readonly string[];
  readonly [option: string]: unknown;
}

export interface MirrorRequest extends MirrorWish {
  readonly name: string;
  readonly source_peer: string;
  readonly destination_peer: string;
}

export type TableMappingRequest =
  | string
  | {
      readonly source_schema: string;
      readonly source_table: string;
      readonly destination_schema?: string;
      readonly destination_table?: string;
      readonly exclude_columns?: readonly string[];
      readonly row_filter?: string;
    }
  | { readonly source_table: string; readonly destination_table: string };

/** The part of the mirror object that tests look at. */
export interface MirrorView {
  readonly name: string;
  readonly status: string;
  readonly phase?: string;
  readonly slot_name: string;
  readonly publication_name: string;
  readonly last_lsn: string | null;
  readonly lag_bytes: number | null;
  readonly lag_seconds: number | null;
  readonly error_message: string | null;
  readonly error_hint: string | null;
  readonly error_count: number;
  readonly next_retry_at: string | null;
  readonly tables?: readonly TableView[];
}

export interface TableView {
  readonly table_name: string;
  readonly destination_table: string;
  readonly status: string;
  readonly rows_synced: number;
  readonly error_message: string | null;
  readonly next_retry_at: string | null;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A signed-in client of the /v1 gateway. */
export class ApiClient {
  readonly baseUrl: string;
  #token = '';
  #document: Promise<ApiDocument> | undefined;

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  /** Signs in; every later call carries the token. */
  async login(username: string, password: string): Promise<void> {
    const answer = await this.call('POST', '/v1/auth/login', { username, password });
    const body = expectObject(answer, 200, 'sign in');
    if (typeof body['token'] !== 'string') throw new Error('the login answer holds no token');
    this.#token = body['token'];
  }

  /**
   * One request; never throws on a status, so that tests can look at refusals too. An answer that is not as the gateway's own document says
   * is thrown.
   */
  async call(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const { status, headers } = response;
    const text = await response.text();
    await this.#judge(method, path, { status, headers, text });
    return { status, body: text === '' ? null : parseBody(text) };
  }

  async #judge(method: string, path: string, answer: RawAnswer): Promise<void> {
    // Any request may fail while a server that it needs is away; the document does not say so of each.
    if (answer.status >= 500) return;
    // A gateway that ends just now is judged the next time.
    const document = await (this.#document ??= this.#readDocument()).catch(() => undefined);
    if (document === undefined) this.#document = undefined;
    const operation = document?.nameOf(method, path);
    if (document === undefined || operation === undefined) return;
    const problems = document.problemsWith(operation, answer);
    if (problems.length > 0) {
      throw new Error(`not as the document says: ${problems.join('; ')}\n${answer.text}`);
    }
  }

  async #readDocument(): Promise<ApiDocument> {
    const response = await fetch(`${this.baseUrl}/v1/openapi.json`);
    return ApiDocument.parse(await response.text());
  }

  /** Reads a stream of server-sent events up to a text, and leaves it. */
  async readStreamUntil(path: string, text: string): Promise<string> {
    const leaving = new AbortController();
    const response = await fetch(`${this.baseUrl}${path}`, {
      headers: { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.any([leaving.signal, AbortSignal.timeout(30_000)]),
    });
    let read = '';
    try {
      for await (const chunk of response.body ?? []) {
        read += Buffer.from(chunk).toString('utf8');
        if (read.includes(text)) return read;
      }
      throw new Error(`the stream ended (${response.status}) before ${text}: ${read}`);
    } finally {
      leaving.abort();
    }
  }

  async createPeer(peer: Readonly<Record<string, unknown>>): Promise<void> {
    expectObject(await this.call('POST', '/v1/peers', peer), 201, 'create the peer');
  }

  /** Tries again while a service that is needed for it does not answer (503), as a client should. */
  async createMirror(request: MirrorRequest): Promise<void> {
    const answer = await until(
      async () => {
        const one = await this.call('POST', '/v1/mirrors', request);
        return one.status === 503 ? null : one;
      },
      { intervalMs: 250, what: 'the services to take a mirror' },
    );
    if (answer !== null) expectObject(answer, 201, 'create the mirror');
  }

  async mirror(name: string): Promise<MirrorView> {
    const answer = await this.call('GET', `/v1/mirrors/${name}`);
    return expectObject(answer, 200, 'read the mirror') as unknown as MirrorView;
  }

  async mirrors(): Promise<readonly MirrorView[]> {
    const answer = await this.call('GET', '/v1/mirrors');
    if (answer.status !== 200 || !Array.isArray(answer.body))
      throw refusal(answer, 'list the mirrors');
    return answer.body as MirrorView[];
  }

  async pause(name: string): Promise<void> {
    expectObject(await this.call('POST', `/v1/mirrors/${name}/pause`), 200, 'pause the mirror');
  }

  async resume(name: string): Promise<void> {
    expectObject(await this.call('POST', `/v1/mirrors/${name}/resume`), 200, 'resume the mirror');
  }

  /** Copies a table again. */
  async resyncTable(name: string, table: string, strategy: 'truncate' | 'swap'): Promise<void> {
    const path = `/v1/mirrors/${name}/resync/${encodeURIComponent(table)}`;
    expectObject(await this.call('POST', path, { strategy }), 200, 'resync the table');
  }

  async deleteMirror(name: string, query = ''): Promise<void> {
    const answer = await this.call('DELETE', `/v1/mirrors/${name}${query}`);
    expectObject(answer, 200, 'delete the mirror');
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function expectObject(answer: ApiAnswer, status: number, what: string): Record<string, unknown> {
  const { body } = answer;
  if (answer.status !== status || typeof body !== 'object' || body === null)
    throw refusal(answer, what);
  return body as Record<string, unknown>;
}

function refusal(answer: ApiAnswer, what: string): Error {
  return new Error(`could not ${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
}
