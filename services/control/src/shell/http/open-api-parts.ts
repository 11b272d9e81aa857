import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { ClassConstructor } from 'class-transformer';
import type { AnswerName } from './answer-schemas.js';
import { TITLES } from './problem.js';
import { type JsonSchema, requestSchema } from './request-schema.js';

/** Documents the body of a route by the class that validates it. */
export function Takes(requestClass: ClassConstructor<object>): MethodDecorator {
  return applyDecorators(
    ApiBody({ schema: asOpenApi(requestSchema(requestClass)) }),
    ...problemResponses([413]),
  );
}

/** Documents the query of a route by the class that validates it. */
export function TakesQuery(queryClass: ClassConstructor<object>): MethodDecorator {
  const { properties, required } = requestSchema(queryClass);
  return applyDecorators(
    ...Object.entries(properties).map(([name, schema]) =>
      ApiQuery({ name, required: required.includes(name), schema: asOpenApi(schema) }),
    ),
  );
}

/** Documents what a route answers with: the named schema (in a list for a list), and the problems it can have. */
export function Answers(
  status: number,
  answer: AnswerName | readonly [AnswerName],
  problems: readonly number[],
): MethodDecorator {
  const schema =
    typeof answer === 'string' ? schemaRef(answer) : { type: 'array', items: schemaRef(answer[0]) };
  return applyDecorators(
    ApiResponse({ status, description: 'Done', schema: asOpenApi(schema) }),
    ...problemResponses(problems),
  );
}

function problemResponses(statuses: readonly number[]): readonly MethodDecorator[] {
  return statuses.map((status) =>
    ApiResponse({
      status,
      description: TITLES[status] ?? 'Error',
      content: { 'application/problem+json': { schema: asOpenApi(schemaRef('Problem')) } },
    }),
  );
}

function schemaRef(name: AnswerName): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** Nest's types know OpenAPI 3.0 only, where `type` is one word; the document is 3.1, whose schemas are JSON schema. */
function asOpenApi(schema: object): Readonly<Record<string, never>> {
  return schema as Readonly<Record<string, never>>;
}
