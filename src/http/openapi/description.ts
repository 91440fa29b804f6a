import type { ProblemCode } from '../../base/problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What /openapi.json and /docs say of the route; null: on purpose nothing. */
    api?: ApiCall | null
  }
}

/** Text for readers, Chinese first. */
export interface Words {
  readonly zh: string
  readonly en: string
}

/** One call, described beside its route: `server.get(url, { config: { api } }, handler)`. For readers only; it checks nothing. */
export interface ApiCall {
  /** `operationId`: unique, in camelCase. */
  readonly id: string
  /** Name of one of the tags of `ApiAbout`. */
  readonly tag: string
  readonly summary: Words
  readonly description?: Words
  /** Whether the call is signed; then its answers are, and the codes of signing and access are added by themselves. */
  readonly signed: boolean
  /** Left out: a bank, or with `signed: false` anybody. */
  readonly caller?: 'platform' | 'registry'
  /** X-Operator; left out: not used. */
  readonly operator?: 'required' | 'optional'
  /** Takes an Idempotency-Key. */
  readonly keyed?: true
  readonly parameters?: readonly ApiParameter[]
  readonly body?: ApiContent
  /** By status; refusals apart. */
  readonly answers: Readonly<Record<number, ApiAnswer>>
  /** Codes of refusals of its own, besides those that every call of its kind has. */
  readonly problems: readonly ProblemCode[]
}

interface ApiParameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly about: Words
  readonly schema: Readonly<Record<string, unknown>>
  readonly example?: unknown
}

interface ApiContent {
  /** By default `application/json`. */
  readonly mediaTypes?: readonly string[]
  /** File of schemas/canonical or schemas/api without `.schema.json`; none for bytes. */
  readonly schema?: string
  /** File of schemas/examples without `.json`. */
  readonly example?: string
}

interface ApiAnswer extends ApiContent {
  readonly about: Words
  /** Further headers. */
  readonly headers?: Readonly<Record<string, Words>>
}

/** What the gateway sends to an address of the bank's. */
export interface ApiWebhook {
  readonly name: string
  readonly summary: Words
  readonly description: Words
  readonly schema: string
  /** Narrows the schema; for instance to pages that hold an event of one type. */
  readonly narrowed?: Readonly<Record<string, unknown>>
  readonly example?: string
}

/** What is said of the API as a whole. */
export interface ApiAbout {
  readonly title: string
  readonly version: string
  readonly description: Words
  readonly signing: Words
  readonly tags: readonly { readonly name: string; readonly about: Words }[]
  readonly webhooks: readonly ApiWebhook[]
}
