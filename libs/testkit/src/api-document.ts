import type { Ajv2020 } from 'ajv/dist/2020.js';

interface Media {
  readonly schema?: object;
}
export interface RequestBody {
  readonly content: Readonly<Record<string, Media>>;
}
export interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>> }>
  >;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The OpenAPI 3.1 document of a running gateway, as a judge of its answers. */
export class ApiDocument {
  readonly document: object;
  /** By `GET /v1/peers/{name}`. */
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #patterns: readonly (readonly [string, RegExp])[];
  readonly #ajv: Ajv2020;
  readonly #validators = new Map<string, ReturnType<Ajv2020['compile']>>();

  private constructor(
    document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> },
    ajv: Ajv2020,
  ) {
    this.document = document;
    this.operations = new Map(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
        ),
      ),
    );
    this.#patterns = [...this.operations.keys()]
      // A path that is spelled out comes before one with a parameter in its place.
      .toSorted((a, b) => a.split('{').length - b.split('{').length)
      .map((name) => [name, new RegExp(`^${name.replaceAll(/\{\w+\}/g, '[^/]+')}$`)] as const);
    this.#ajv = ajv;
    ajv.addSchema(document, 'document');
  }

  /** @param text the document, as JSON. */
  static async parse(text: string): Promise<ApiDocument> {
    // Only tests judge answers; who starts servers need not wait for this to load.
    const [{ Ajv2020: Ajv }, formats] = await Promise.all([
      import('ajv/dist/2020.js'),
      import('ajv-formats'),
    ]);
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default.default(ajv);
    return new ApiDocument(JSON.parse(text), ajv);
  }

  operation(name: string): Operation {
    const found = this.operations.get(name);
    if (!found) throw new Error(`the document has no ${name}`);
    return found;
  }

  /** The name of the operation that a request is for; undefined for a path that the document does not have. */
  nameOf(method: string, path: string): string | undefined {
    const request = `${method} ${path.split('?', 1).join('')}`;
    return this.#patterns.find(([, pattern]) => pattern.test(request))?.[0];
  }

  /** What is wrong with an answer, by the document: an undocumented status, another type, a body that does not fit. */
  problemsWith(name: string, answer: RawAnswer): readonly string[] {
    const documented = this.operation(name).responses[String(answer.status)];
    if (!documented) return [`${name} answers ${answer.status}, which is not documented`];
    const type = (answer.headers.get('content-type') ?? '').split(';', 1).join('');
    if (!documented.content) return [];
    const media = documented.content[type];
    if (!media) return [`${name} answers ${answer.status} as ${type}`];
    if (!media.schema || type === 'text/event-stream') return [];
    const validate = this.#validatorOf(`${name} ${answer.status} ${type}`, media.schema);
    if (validate(JSON.parse(answer.text))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message }) =>
        `${name} ${answer.status}: ${instancePath || 'the body'} ${message ?? 'does not fit'}`,
    );
  }

  #validatorOf(key: string, schema: object): ReturnType<Ajv2020['compile']> {
    const known = this.#validators.get(key);
    if (known) return known;
    // References lead into the document.
    const rooted: object = JSON.parse(
      JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'),
    );
    const made = this.#ajv.compile(rooted);
    this.#validators.set(key, made);
    return made;
  }
}
