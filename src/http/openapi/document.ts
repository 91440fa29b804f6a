import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem, type ProblemCode, problemBody } from '../../base/problem.ts'
import { problems } from '../../base/problem-catalogue.ts'
import { answerHeaders, both, bothInLine, counterpartyOf, problemCodes, requestHeaders } from './common.ts'
import { counterparties } from './counterparties.ts'
import type { ApiAbout, ApiCall, ApiWebhook, Words } from './description.ts'
import { type Node, SchemaComponents } from './schemas.ts'

export interface DescribedRoute {
  readonly method: string
  /** As the router has it: `/v1/applications/:id`. */
  readonly url: string
  readonly api: ApiCall
}

/**
 * The OpenAPI 3.1 document of the routes that have a description. Schemas are those that bodies are checked by, as
 * components; no reference leads out of the document.
 * @param schemasDir holds canonical, api (answers) and examples.
 */
export function openApiDocument(
  routes: readonly DescribedRoute[],
  about: ApiAbout,
  options: { schemasDir: string; serverUrl: string },
): Node {
  const schemas = new SchemaComponents(['canonical', 'api'].map((folder) => join(options.schemasDir, folder)))
  const write = new Writer(schemas, join(options.schemasDir, 'examples'))
  const paths: Record<string, Node> = {}
  for (const { method, url, api } of routes) {
    const path = url.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [method.toLowerCase()]: write.operation(api) }
  }
  const webhooks = Object.fromEntries(about.webhooks.map((webhook) => [webhook.name, { post: write.webhook(webhook) }]))
  return {
    openapi: '3.1.0',
    info: { title: about.title, version: about.version, description: both(about.description) },
    jsonSchemaDialect: 'https://spec.openapis.org/oas/3.1/dialect/base',
    servers: [{ url: options.serverUrl }],
    tags: [
      ...about.tags,
      ...Object.values(counterparties).map(({ tag, about: words }) => ({ name: tag, about: words })),
    ].map(({ name, about: words }) => ({ name, description: both(words) })),
    paths,
    webhooks,
    components: {
      schemas: schemas.all(),
      parameters: requestHeaders,
      headers: answerHeaders,
      securitySchemes: {
        httpSignature: { type: 'apiKey', in: 'header', name: 'Signature', description: both(about.signing) },
        ...Object.fromEntries(
          Object.values(counterparties).map(({ scheme }) => [
            scheme.name,
            { ...scheme.is, description: both(scheme.about) },
          ]),
        ),
      },
    },
  }
}

interface Response {
  description: string
  headers: Node
  content: Node
}
type Responses = Record<string, Response>

class Writer {
  readonly #schemas: SchemaComponents
  readonly #examples: string

  constructor(schemas: SchemaComponents, examples: string) {
    this.#schemas = schemas
    this.#examples = examples
  }

  operation(api: ApiCall): Node {
    return {
      operationId: api.id,
      tags: [api.tag],
      summary: bothInLine(api.summary),
      ...(api.description === undefined ? {} : { description: both(api.description) }),
      security: securityOf(api),
      parameters: [
        ...(api.parameters ?? []).map((one) => ({
          name: one.name,
          in: one.in,
          required: one.in === 'path',
          description: both(one.about),
          schema: one.schema,
          ...(one.example === undefined ? {} : { example: one.example }),
        })),
        ...headersOf(api).map((name) => ({ $ref: `#/components/parameters/${name}` })),
      ],
      ...(api.body === undefined ? {} : { requestBody: { required: true, content: this.#content(api.body) } }),
      responses: joined(this.#answers(api), this.#refusals(api)),
    }
  }

  webhook({ name, summary, description, schema, narrowed, example }: ApiWebhook): Node {
    const reference = this.#schemas.reference(schema)
    return {
      operationId: `push-${name}`,
      summary: bothInLine(summary),
      description: both(description),
      security: [{ httpSignature: [] }],
      parameters: ['TraceReceipt', 'ContentDigest', 'SignatureInput', 'Signature'].map((name) => ({
        $ref: `#/components/parameters/${name}`,
      })),
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: narrowed === undefined ? reference : { allOf: [reference, narrowed] },
            ...this.#example(example),
          },
        },
      },
      responses: {
        '2XX': { description: both({ zh: '已收妥并落盘', en: 'Received and durable.' }) },
        '3XX': { description: both({ zh: '不跟随重定向，停止推送', en: 'Not followed: the pushes stop.' }) },
        default: {
          description: both({
            zh: '稍后原样重发，重新签名；429、503 可带 Retry-After',
            en: 'Sent again later with the same bytes, signed anew; 429 and 503 may say Retry-After.',
          }),
        },
      },
    }
  }

  #answers(api: ApiCall): Responses {
    return Object.fromEntries(
      Object.entries(api.answers).map(([status, answer]) => [
        status,
        {
          description: both(answer.about),
          headers: {
            ...(api.signed ? signedHeaders() : {}),
            ...Object.fromEntries(
              Object.entries(answer.headers ?? {}).map(([name, words]: [string, Words]) => [
                name,
                { description: both(words), schema: { type: 'string' } },
              ]),
            ),
          },
          content: this.#content(answer),
        },
      ]),
    )
  }

  #refusals(api: ApiCall): Responses {
    const byStatus = new Map<number, ProblemCode[]>()
    for (const code of problemCodes(api)) {
      const { status } = problems[code]
      byStatus.set(status, [...(byStatus.get(status) ?? []), code])
    }
    return Object.fromEntries([...byStatus].map(([status, codes]) => [status, this.#refusal(api, codes)]))
  }

  #refusal(api: ApiCall, codes: readonly ProblemCode[]): Response {
    const [first] = codes
    const retries = codes.some((code) => problems[code].retry === 'after')
    return {
      description: codes.map((code) => `\`${code}\` ${problems[code].title} / ${problems[code].titleEn}`).join('\n\n'),
      headers: {
        ...(api.signed ? signedHeaders() : {}),
        ...(retries ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } } : {}),
      },
      content: {
        'application/problem+json': {
          schema: { allOf: [this.#schemas.reference('problem'), { properties: { code: { enum: codes } } }] },
          ...(first === undefined ? {} : { example: exampleProblem(first) }),
        },
      },
    }
  }

  #content(content: { mediaTypes?: readonly string[]; schema?: string; example?: string }): Node {
    const { mediaTypes = ['application/json'], schema, example } = content
    const media = {
      ...(schema === undefined ? {} : { schema: this.#schemas.reference(schema) }),
      ...this.#example(example),
    }
    return Object.fromEntries(mediaTypes.map((type) => [type, media]))
  }

  #example(name: string | undefined): Node {
    if (name === undefined) return {}
    return { example: JSON.parse(readFileSync(join(this.#examples, `${name}.json`), 'utf8')) as unknown }
  }
}

/** A status may be an answer and a refusal, told apart by the type of the content. */
function joined(answers: Responses, refusals: Responses): Responses {
  const all: Responses = { ...refusals, ...answers }
  for (const [status, refusal] of Object.entries(refusals)) {
    const answer = answers[status]
    if (answer === undefined) continue
    all[status] = {
      description: `${answer.description}\n\n${refusal.description}`,
      headers: { ...refusal.headers, ...answer.headers },
      content: { ...answer.content, ...refusal.content },
    }
  }
  return all
}

function securityOf(api: ApiCall): Node[] {
  const scheme = counterpartyOf(api)?.scheme.name ?? (api.signed ? 'httpSignature' : null)
  return scheme === null ? [] : [{ [scheme]: [] }]
}

function headersOf(api: ApiCall): string[] {
  return [
    ...(api.operator === 'required' ? ['Operator'] : api.operator === 'optional' ? ['OperatorOptional'] : []),
    ...(api.keyed === true ? ['IdempotencyKey'] : []),
    ...(api.signed && api.body !== undefined ? ['ContentDigest'] : []),
    ...(api.signed ? ['SignatureInput', 'Signature'] : []),
    'Traceparent',
  ]
}

/** A refusal is signed only if the call's own signature verified; then it has a receipt too, unless it was not decided. */
function signedHeaders(): Node {
  const names = ['Trace-Receipt', 'Content-Digest', 'Signature-Input', 'Signature']
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function exampleProblem(code: ProblemCode): Node {
  const { title, titleEn } = problems[code]
  return problemBody(new Problem(code, { zh: title, en: titleEn }), '019aa1c2-7d3e-7c41-9a55-2f8a4f1f3c55')
}
