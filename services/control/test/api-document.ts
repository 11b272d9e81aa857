import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer, ApiClient } from './api-client.js';

interface Media {
  readonly schema?: object;
}
export interface RequestBody {
  readonly content: Readonly<Record<string, Media>>;
}
interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: Readonly<Record<string, unknown>>;
  }[];
  readonly requestBody?: RequestBody;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>> }>
  >;
  readonly security?: readonly object[];
}

/** The OpenAPI document of a running gateway, as a judge of its answers. */
export class ApiDocument {
  readonly document: object;
  /** By `GET /v1/peers/{name}`. */
  readonly operations: ReadonlyMap<string, Operation>;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  private constructor(document: { readonly paths: Record<string, Record<string, Operation>> }) {
    this.document = document;
    this.operations = new Map(
      Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
        ),
      ),
    );
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(document, 'document');
  }

  static async read(api: ApiClient): Promise<ApiDocument> {
    const { text } = await api.get('/v1/openapi.json');
    return new ApiDocument(JSON.parse(text));
  }

  operation(name: string): Operation {
    const found = this.operations.get(name);
    if (!found) throw new Error(`the document has no ${name}`);
    return found;
  }

  /** What is wrong with an answer, by the document: an undocumented status, another type, a body that does not fit. */
  problemsWith(name: string, answer: Answer): readonly string[] {
    const documented = this.operation(name).responses[String(answer.status)];
    if (!documented) return [`${name} answers ${answer.status}, which is not documented`];
    const type = (answer.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    if (!documented.content) return [];
    const media = documented.content[type];
    if (!media) return [`${name} answers ${answer.status} as ${type}`];
    if (!media.schema || type === 'text/event-stream') return [];
    const validate = this.#ajv.compile(rooted(media.schema));
    if (validate(JSON.parse(answer.text))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message }) =>
        `${name} ${answer.status}: ${instancePath || 'the body'} ${message ?? 'does not fit'}`,
    );
  }
}

/** References lead into the document. */
function rooted(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/'));
}
