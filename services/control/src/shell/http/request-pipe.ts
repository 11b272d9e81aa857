import type { PipeTransform } from '@nestjs/common';
import { type ClassConstructor, plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import { findUnstorable } from '../../core/request/find-unstorable.js';
import { type FieldError, type Parsed, memberPath } from '../../core/request/field-error.js';
import { invalidRequest, valueOrProblem } from './problem.js';

type Plain = Readonly<Record<string, unknown>>;

/** Turns a body or a query into an instance of its class, or refuses it with the path of every field that is wrong. */
export class RequestPipe<Request extends object> implements PipeTransform<unknown, Request> {
  readonly #requestClass: ClassConstructor<Request>;
  readonly #normalize: (body: Plain) => Parsed<Plain>;

  /** @param normalize brings other forms of the body to the one that the class describes. */
  constructor(
    requestClass: ClassConstructor<Request>,
    normalize: (body: Plain) => Parsed<Plain> = (value) => ({ tag: 'parsed', value }),
  ) {
    this.#requestClass = requestClass;
    this.#normalize = normalize;
  }

  transform(raw: unknown): Request {
    const body: unknown = raw ?? {};
    if (typeof body !== 'object' || Array.isArray(body)) {
      throw invalidRequest([{ path: '', message: 'the body must be a JSON object' }]);
    }
    const unstorable = findUnstorable(body);
    if (unstorable) throw invalidRequest([unstorable]);
    const request = plainToInstance(
      this.#requestClass,
      valueOrProblem(this.#normalize({ ...body })),
    );
    const errors = validateSync(request, {
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
    });
    if (errors.length > 0) throw invalidRequest(errors.flatMap((error) => fieldErrors(error, '')));
    return request;
  }
}

function fieldErrors(error: ValidationError, parent: string): readonly FieldError[] {
  const isIndex = /^\d+$/.test(error.property);
  const path = memberPath(parent, isIndex ? Number(error.property) : error.property);
  const own = Object.entries(error.constraints ?? {}).map(([name, message]) => ({
    path,
    message:
      name === 'whitelistValidation' ? 'unknown field' : withoutName(message, error.property),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => fieldErrors(child, path))];
}

/** The path stands beside the message, which need not begin with it. */
function withoutName(message: string, property: string): string {
  return message.startsWith(`${property} `) ? message.slice(property.length + 1) : message;
}
