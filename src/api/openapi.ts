/** The OpenAPI 3.1 document, made from the same routes and schemas that answer the calls. */
import { z } from 'zod';
import { problemDocument } from '../http/problem.ts';
import { queryOf } from './dispatch.ts';
import { type Route, TAGS } from './route.ts';

type Json = Record<string, unknown>;

/** Describes parameters of paths by name. */
const PATH_PARAMETERS: Record<string, string> = {
  clientId: 'Id of the client',
  secretId: 'Id of the secret',
  tokenId: 'Id of the token; not its value',
  apiKeyId: 'Id of the API key; not its value',
  userId: 'Id of the user',
  apiId: 'Id of the API',
  name: 'Name of the group, scope or level',
  adminId: 'Id of the admin',
  accessTokenId: 'Id of the personal access token; not its value',
};

/** The answer to whatever goes wrong. */
const PROBLEM = { $ref: '#/components/responses/Problem' };

/**
 * The OpenAPI document of these routes.
 *
 * @param issuer public base URL of the server
 */
export function openApiDocument(routes: readonly Route[], issuer: string): Json {
  const inputs = jsonSchemas('input', routes, (route) => route.body);
  const outputs = jsonSchemas('output', routes, (route) => route.response, {
    problem: problemDocument,
  });
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    const body = inputs.properties[operationId(route)];
    const response = outputs.properties[operationId(route)];
    const described = operation(route, body, response);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: described };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate REST admin API',
      version: '1',
      description: 'Everything that the console does. Errors are problem documents (RFC 9457).',
      license: { name: 'UNLICENSED', identifier: 'LicenseRef-UNLICENSED' },
    },
    servers: [{ url: issuer }],
    security: [{ bearer: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'ADMIN_API_TOKEN of the configuration, or a personal access token (tgp_…)',
        },
      },
      schemas: { ...inputs.$defs, ...outputs.$defs },
      responses: { Problem: problemResponse(outputs.properties.problem) },
    },
  };
}

interface JsonSchemas {
  /** By operation: the schema, or a reference to one of `$defs`. */
  properties: Record<string, Json>;
  /** Schemas that have an id, to become components. */
  $defs: Json;
}

/** One run of the generator over the schemas of all routes, so that those with an id are shared. */
function jsonSchemas(
  io: 'input' | 'output',
  routes: readonly Route[],
  schemaOf: (route: Route) => z.ZodType | undefined,
  more: Record<string, z.ZodType> = {},
): JsonSchemas {
  const shape: Record<string, z.ZodType> = { ...more };
  for (const route of routes) {
    const schema = schemaOf(route);
    if (schema !== undefined) shape[operationId(route)] = schema;
  }
  const text = JSON.stringify(toJsonSchema(z.object(shape), io));
  const found = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
  return { properties: found.properties, $defs: found.$defs ?? {} };
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const instant = { type: 'string', format: 'date-time' } as const;
      if (zodSchema._zod.def.type === 'date') Object.assign(jsonSchema, instant);
      if (zodSchema._zod.def.type === 'pipe') Object.assign(jsonSchema, lengthsOf(zodSchema));
      // The pattern behind `date-time` is longer than the rest of a document.
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
    },
  }) as Json;
}

/** The lengths that text must have once it is trimmed, which a document of inputs would leave out. */
function lengthsOf(pipe: z.core.$ZodType): Json {
  const { out } = (pipe as z.core.$ZodPipe)._zod.def;
  const { minLength, maxLength } = z.globalRegistry.get(out) ?? {};
  return maxLength === undefined ? {} : { minLength, maxLength };
}

/** The name of a route's handler: unique, and what generated clients call it. */
function operationId(route: Route): string {
  return route.handler.name;
}

function operation(route: Route, body: Json | undefined, response: Json | undefined): Json {
  const described: Json = {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    description:
      route.role === null ? 'Open to anyone.' : `Needs the role ${route.role} or one above it.`,
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    responses: { ...success(route, response), ...failures(route) },
  };
  if (route.role === null) described['security'] = [];
  if (body !== undefined) {
    described['requestBody'] = {
      required: true,
      content: {
        'application/json': { schema: body },
        ...(route.method === 'PATCH' && { 'application/merge-patch+json': { schema: body } }),
      },
    };
  }
  return described;
}

function pathParameters(route: Route): Json[] {
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: PATH_PARAMETERS[name],
    schema: { type: 'string' },
  }));
}

function queryParameters(route: Route): Json[] {
  const { properties = {} } = toJsonSchema(queryOf(route), 'output') as Partial<JsonSchemas>;
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema,
  }));
}

function headerParameters(route: Route): Json[] {
  if (route.ifMatch === undefined) return [];
  const required = route.ifMatch === 'required';
  const description = 'The version that was read, in quotes, such as "3"';
  return [{ name: 'If-Match', in: 'header', required, description, schema: { type: 'string' } }];
}

function success(route: Route, schema: Json | undefined): Json {
  const content = { 'application/json': { schema } };
  if (route.status === 200) return { 200: { description: 'Done', content } };
  const dryRun = { 200: { description: 'What would happen (dryRun=true)', content } };
  if (route.status === 204) return { ...dryRun, 204: { description: 'Done' } };
  return { ...dryRun, 201: { description: 'Created', content } };
}

function failures(route: Route): Json {
  if (route.role === null) return { '4XX': PROBLEM };
  const statuses = ['400', '401', '403'];
  if (route.path.includes(':')) statuses.push('404');
  if (route.method !== 'GET') statuses.push('409', '413', '415');
  if (route.ifMatch !== undefined) statuses.push('412');
  if (route.ifMatch === 'required') statuses.push('428');
  statuses.push('429', '503');
  return Object.fromEntries(statuses.map((status) => [status, PROBLEM]));
}

function problemResponse(schema: Json | undefined): Json {
  const content = { 'application/problem+json': { schema } };
  return { description: 'A problem document (RFC 9457)', content };
}
