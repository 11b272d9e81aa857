import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { ANSWER_SCHEMAS } from './answer-schemas.js';

/** Makes the OpenAPI 3.1 document from the routes, and serves it at `/v1/openapi.json` with a page to read at `/docs`. */
export function serveOpenApi(app: INestApplication, version: string): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('BunnyDB')
    .setDescription('Continuous PostgreSQL-to-PostgreSQL replication.')
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'The gateway that serves this document.')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
    .addSecurityRequirements('bearer')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  // Schemas of 3.1 are JSON schema, of which Nest's types know the older dialect only.
  Object.assign((document.components ??= {}), {
    schemas: { ...document.components.schemas, ...ANSWER_SCHEMAS },
  });
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'v1/openapi.json',
    yamlDocumentUrl: 'v1/openapi.yaml',
    customSiteTitle: 'BunnyDB API',
    swaggerOptions: { persistAuthorization: false, docExpansion: 'list' },
  });
  return document;
}
