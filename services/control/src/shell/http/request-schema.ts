import type { ClassConstructor } from 'class-transformer';
import { getMetadataStorage } from 'class-validator';
import { nestedClassOf } from '@bunnydb/contracts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface RequestSchema {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
}

interface Rule {
  readonly name: string;
  readonly type: string;
  readonly constraints: readonly unknown[];
  readonly each: boolean;
  readonly about: string | undefined;
}

/** The JSON schema of a request class, made of the very rules that validate it, so that the document cannot say anything else. */
export function requestSchema(requestClass: ClassConstructor<object>): RequestSchema {
  const byProperty = new Map<string, Rule[]>();
  const metadata = getMetadataStorage().getTargetValidationMetadatas(
    requestClass,
    '',
    false,
    false,
    [],
  );
  for (const rule of metadata) {
    const context: unknown = rule.context;
    const rules = byProperty.get(rule.propertyName) ?? [];
    byProperty.set(rule.propertyName, [
      ...rules,
      {
        name: rule.name ?? rule.type,
        type: rule.type,
        constraints: rule.constraints ?? [],
        each: rule.each,
        about: aboutOf(context),
      },
    ]);
  }
  const properties = [...byProperty].map(([property, rules]) => {
    const nested = nestedClassOf(requestClass, property);
    return [property, propertySchema(rules, nested && requestSchema(nested))] as const;
  });
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    required: [...byProperty]
      .filter(([, rules]) => !rules.some((rule) => rule.type === 'conditionalValidation'))
      .map(([property]) => property),
  };
}

function propertySchema(rules: readonly Rule[], nested: RequestSchema | undefined): JsonSchema {
  const own = rules.filter((rule) => !rule.each);
  const items = rules.filter((rule) => rule.each);
  const schema: JsonSchema = Object.assign({}, ...own.map(keywordsOf));
  const itemSchema: JsonSchema = Object.assign({}, ...items.map(keywordsOf));
  const about = rules.find((rule) => rule.about !== undefined)?.about;
  const described = about === undefined ? schema : { ...schema, description: about };
  if (schema['type'] === 'array') return { ...described, items: nested ?? itemSchema };
  return nested ? { ...nested, ...described } : described;
}

/** What a rule of class-validator is in JSON schema. */
function keywordsOf({ name, constraints: [first] }: Rule): JsonSchema {
  switch (name) {
    case 'isString':
      return { type: 'string' };
    case 'isInt':
      return { type: 'integer' };
    case 'isNumber':
      return { type: 'number' };
    case 'isBoolean':
      return { type: 'boolean' };
    case 'isArray':
      return { type: 'array' };
    case 'isIn':
      return { type: 'string', enum: first };
    case 'matches':
      return { type: 'string', pattern: first instanceof RegExp ? first.source : String(first) };
    case 'min':
      return { minimum: first };
    case 'max':
      return { maximum: first };
    case 'minLength':
      return { minLength: first };
    case 'maxLength':
      return { maxLength: first };
    case 'arrayMinSize':
      return { minItems: first };
    case 'arrayMaxSize':
      return { maxItems: first };
    default:
      return {};
  }
}

function aboutOf(context: unknown): string | undefined {
  if (typeof context !== 'object' || context === null || !('about' in context)) return undefined;
  return typeof context.about === 'string' ? context.about : undefined;
}
