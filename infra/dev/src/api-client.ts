/** A refusal of the gateway: its status and its sentence. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    const detail = body['detail'] ?? body['error'] ?? body['title'];
    super(typeof detail === 'string' ? detail : `the gateway answered with status ${status}`);
    this.name = 'ApiRefusal';
    this.status = status;
    this.body = body;
  }
}

const TIMEOUT_MS = 30_000;

/** A signed-in client of the /v1 gateway. */
export class ApiClient {
  readonly baseUrl: string;
  readonly #credentials: { readonly username: string; readonly password: string };
  #token: string | undefined;

  constructor(
    baseUrl: string,
    credentials: { readonly username: string; readonly password: string },
  ) {
    this.baseUrl = baseUrl;
    this.#credentials = credentials;
  }

  get(path: string): Promise<unknown> {
    return this.#call('GET', path);
  }

  post(path: string, body?: unknown): Promise<unknown> {
    return this.#call('POST', path, body);
  }

  put(path: string, body: unknown): Promise<unknown> {
    return this.#call('PUT', path, body);
  }

  /** Like `get`, with `undefined` for what does not exist. */
  async find(path: string): Promise<unknown> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof ApiRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    this.#token ??= await this.#signIn();
    try {
      return await this.#request(method, path, body, this.#token);
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 401) throw error;
      // The token has expired, or a restarted gateway does not know it any more.
      this.#token = await this.#signIn();
      return this.#request(method, path, body, this.#token);
    }
  }

  async #signIn(): Promise<string> {
    const answer = await this.#request('POST', '/v1/auth/login', this.#credentials);
    const token = isRecord(answer) ? answer['token'] : undefined;
    if (typeof token !== 'string') throw new Error('the login answer holds no token');
    return token;
  }

  async #request(method: string, path: string, body?: unknown, token?: string): Promise<unknown> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = parseJson(await response.text());
    if (!response.ok) throw new ApiRefusal(response.status, isRecord(answer) ? answer : {});
    return answer;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
