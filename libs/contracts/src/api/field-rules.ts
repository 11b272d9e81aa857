import { type ClassConstructor, Transform, plainToInstance } from 'class-transformer';

/** Names of mirrors and peers. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;
export const NAME_ADVICE =
  'must be 1 to 63 of a-z, 0-9, - and _, and start with a letter or a digit';

/** Names that people sign in with. */
export const USERNAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}$/;
export const USERNAME_ADVICE =
  'must be 1 to 63 of letters, digits and . _ @ + -, and start with a letter or a digit';

/** Names of replication slots, as PostgreSQL allows them. */
export const SLOT_NAME_PATTERN = /^[a-z0-9_]{1,63}$/;

/** What a field is for; the API document shows it. */
export function about(description: string): { readonly context: { readonly about: string } } {
  return { context: { about: description } };
}

/** A query parameter that is `true` or `false`; anything else is left for the validator to refuse. */
export function QueryFlag(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    value === 'true' || value === '1' || value === ''
      ? true
      : value === 'false' || value === '0'
        ? false
        : value,
  );
}

/** A query parameter that is a number; what is not one becomes NaN, for the validator to refuse. */
export function QueryNumber(): PropertyDecorator {
  return Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN,
  );
}

const nestedClasses = new Map<object, Map<string | symbol, ClassConstructor<object>>>();

/**
 * A field that holds an object of a class, or a list of them. Does what `@Type` does without asking for decorator metadata, since this
 * library is used by programs that have none.
 */
export function Nested(nestedClass: ClassConstructor<object>): PropertyDecorator {
  return (target, property) => {
    const fields =
      nestedClasses.get(target) ?? new Map<string | symbol, ClassConstructor<object>>();
    nestedClasses.set(target, fields.set(property, nestedClass));
    Transform(({ value }: { value: unknown }) =>
      Array.isArray(value)
        ? value.map((item: unknown) => nestedOf(nestedClass, item))
        : nestedOf(nestedClass, value),
    )(target, property);
  };
}

/** The class that `Nested` gave to a field, for the API document. */
export function nestedClassOf(
  requestClass: ClassConstructor<object>,
  property: string,
): ClassConstructor<object> | undefined {
  for (
    let target: unknown = requestClass.prototype;
    target !== null && typeof target === 'object';
    target = Object.getPrototypeOf(target)
  ) {
    const found = nestedClasses.get(target)?.get(property);
    if (found) return found;
  }
  return undefined;
}

function nestedOf(nestedClass: ClassConstructor<object>, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? plainToInstance(nestedClass, value)
    : value;
}
