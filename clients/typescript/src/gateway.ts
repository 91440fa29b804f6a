import { randomUUID } from 'node:crypto'
import type { Application } from './application.ts'
import { type Answer, Caller, type CallOptions, type GatewayOptions, type Request } from './call.ts'
import { contentDigest } from './content-digest.ts'
import { type EventsOptions, followEvents } from './events.ts'
import { type Body, type MaterialSource, materialBody } from './material.ts'
import { headerOf } from './signature-base.ts'
import type {
  Authorization,
  AuthorizationRequest,
  Case,
  CasePage,
  CaseRequestTaken,
  CertificateFile,
  CertificateSummary,
  CorrectionRequest,
  Event,
  EventPage,
  Filed,
  Query,
  QueryRequest,
  StoredMaterial,
  Webhook,
  WebhookTest,
  WithdrawalRequest,
} from './types.ts'

export interface PageOptions extends CallOptions {
  after?: string
  limit?: number
}

export interface QueryOptions extends CallOptions {
  /** How long to go on asking while the registry has not answered, in milliseconds. Default 60,000; 0: one look. */
  waitMs?: number
}

const FIRST_LOOK_MS = 1000
const LONGEST_LOOK_MS = 10_000

/**
 * The bank API of the gateway: a method for each call. Every answer was verified; errors are those of errors.ts.
 * Material ids and case ids are the gateway's, certificate numbers as they are printed.
 */
export class Gateway {
  readonly #caller: Caller

  constructor(options: GatewayOptions) {
    this.#caller = new Caller(options)
  }

  /** Closes kept connections. */
  close(): void {
    this.#caller.close()
  }

  /** One file; its id goes into an application. PDF, OFD, JPEG or PNG, and it must be what `contentType` says. */
  async uploadMaterial(
    source: MaterialSource,
    contentType: string,
    options: CallOptions = {},
  ): Promise<Answer<StoredMaterial>> {
    const body = await materialBody(source, contentType, this.#caller.options.digest ?? 'sha-256')
    return this.#json({ method: 'POST', path: '/v1/materials', body }, options)
  }

  getMaterial(id: string, options?: CallOptions): Promise<Answer<StoredMaterial>> {
    return this.#get(`/v1/materials/${part(id)}`, options)
  }

  createAuthorization(body: AuthorizationRequest, options?: CallOptions): Promise<Answer<Authorization>> {
    return this.#post('/v1/authorizations', body, options)
  }

  getAuthorization(id: string, options?: CallOptions): Promise<Answer<Authorization>> {
    return this.#get(`/v1/authorizations/${part(id)}`, options)
  }

  revokeAuthorization(id: string, options?: CallOptions): Promise<Answer<Authorization>> {
    return this.#post(`/v1/authorizations/${part(id)}/revoke`, undefined, options)
  }

  /** Asks, and goes on asking while the registry has not answered; `asking` when `waitMs` did not suffice. */
  async query(body: QueryRequest, options: QueryOptions = {}): Promise<Answer<Query>> {
    const asked = await this.#post<Query>('/v1/queries', body, options)
    return this.#untilAnswered(asked, options)
  }

  /** What became of a query; likewise goes on asking. */
  async getQuery(id: string, options: QueryOptions = {}): Promise<Answer<Query>> {
    const found = await this.#get<Query>(`/v1/queries/${part(id)}`, options)
    return this.#untilAnswered(found, options)
  }

  /** Files an application: 202 means that it is on disk. The same key gives the same case. */
  createApplication(body: Application, options?: CallOptions): Promise<Answer<Filed>> {
    return this.#post('/v1/applications', body, options)
  }

  getApplication(id: string, options?: CallOptions): Promise<Answer<Case>> {
    return this.#get(casePath(id), options)
  }

  /** The bank's cases in the order in which they came; `state` gives those in one state. */
  listApplications(options: PageOptions & { state?: string } = {}): Promise<Answer<CasePage>> {
    return this.#get(`/v1/applications${pageQuery(options)}`, options)
  }

  /** A page of what became known of one case, oldest first; `next` is the next `after`. */
  applicationEvents(id: string, options: PageOptions = {}): Promise<Answer<EventPage>> {
    return this.#get(`${casePath(id)}/events${pageQuery(options)}`, options)
  }

  /** The answer to a round of 补正. */
  sendCorrection(id: string, body: CorrectionRequest, options?: CallOptions): Promise<Answer<CaseRequestTaken>> {
    return this.#post(`${casePath(id)}/corrections`, body, options)
  }

  /** Asks the case back (撤回): only the registry's word ends it. */
  withdraw(id: string, body: WithdrawalRequest, options?: CallOptions): Promise<Answer<CaseRequestTaken>> {
    return this.#post(`${casePath(id)}/withdrawal`, body, options)
  }

  certificates(id: string, options?: CallOptions): Promise<Answer<{ certificates: CertificateSummary[] }>> {
    return this.#get(`${casePath(id)}/certificates`, options)
  }

  /** The electronic certificate exactly as the registry made it: its bytes have the digests that the gateway signed. */
  async downloadCertificate(id: string, number: string, options: CallOptions = {}): Promise<Answer<CertificateFile>> {
    const request: Request = { method: 'GET', path: `${casePath(id)}/certificates/${part(number)}` }
    const answer = await this.#caller.call(request, undefined, options)
    const mediaType = headerOf(answer.rawHeaders, 'content-type') ?? 'application/octet-stream'
    return { ...answer, data: { bytes: answer.data, mediaType } }
  }

  /** Every event of the bank's cases, in order. */
  events(options: EventsOptions = {}): AsyncGenerator<Event, void, undefined> {
    const page = async (after: string, limit: number, waitSeconds: number, more: CallOptions): Promise<EventPage> => {
      const query = new URLSearchParams({ after, limit: String(limit), wait: String(waitSeconds) })
      return (await this.#get<EventPage>(`/v1/events?${query.toString()}`, more)).data
    }
    return followEvents(this.#caller, page, options)
  }

  getWebhook(options?: CallOptions): Promise<Answer<Webhook>> {
    return this.#get('/v1/webhook', options)
  }

  /** Tells where results are to be pushed. The centre approves a new address before anything goes there. */
  putWebhook(url: string, options: CallOptions = {}): Promise<Answer<Webhook>> {
    return this.#json({ method: 'PUT', path: '/v1/webhook', body: this.#jsonBody({ url }) }, options)
  }

  /** Has a push made that carries nothing of anybody. */
  testWebhook(options?: CallOptions): Promise<Answer<WebhookTest>> {
    return this.#post('/v1/webhook/test', undefined, options)
  }

  codeTables(options?: CallOptions): Promise<Answer<{ tables: string[] }>> {
    return this.#get('/v1/codes', options)
  }

  codes(table: string, options?: CallOptions): Promise<Answer<unknown>> {
    return this.#get(`/v1/codes/${part(table)}`, options)
  }

  #get<Data>(path: string, options: CallOptions = {}): Promise<Answer<Data>> {
    return this.#json({ method: 'GET', path }, options)
  }

  #post<Data>(path: string, value: unknown, options: CallOptions = {}): Promise<Answer<Data>> {
    const body = value === undefined ? {} : { body: this.#jsonBody(value) }
    return this.#json({ method: 'POST', path, ...body }, options)
  }

  async #json<Data>(request: Request, options: CallOptions): Promise<Answer<Data>> {
    // One key for the call, however often it is made.
    const key = request.method === 'POST' ? (options.idempotencyKey ?? randomUUID()) : undefined
    const answer = await this.#caller.call(request, key, options)
    const text = answer.data.toString('utf8')
    return { ...answer, data: (text === '' ? {} : JSON.parse(text)) as Data }
  }

  /** Written once: a repeat has the same bytes. */
  #jsonBody(value: unknown): Body {
    const content = Buffer.from(JSON.stringify(value), 'utf8')
    const digest = contentDigest(content, this.#caller.options.digest ?? 'sha-256')
    return { content, sizeBytes: content.length, contentType: 'application/json', digest }
  }

  async #untilAnswered(
    first: Answer<Query>,
    { waitMs = 60_000, idempotencyKey: _key, ...options }: QueryOptions,
  ): Promise<Answer<Query>> {
    let answer = first
    let leftMs = waitMs
    for (let looks = 0; isPending(answer); looks += 1) {
      const lookMs = answer.retryAfterMs ?? Math.min(FIRST_LOOK_MS * 2 ** looks, LONGEST_LOOK_MS)
      if (lookMs > leftMs) return { ...answer, data: { state: 'asking', id: answer.data.id } }
      await this.#caller.wait(lookMs, options.signal)
      leftMs -= lookMs
      answer = await this.#get<Query>(`/v1/queries/${part(answer.data.id)}`, options)
    }
    return answer
  }
}

function isPending({ status, data }: Answer<Query>): boolean {
  return status === 202 || data.state === 'asking'
}

const casePath = (id: string): string => `/v1/applications/${part(id)}`

/** As one segment of a path. */
function part(text: string): string {
  return encodeURIComponent(text)
}

function pageQuery({ after, limit, state }: PageOptions & { state?: string }): string {
  const query = new URLSearchParams()
  if (state !== undefined) query.set('state', state)
  if (after !== undefined) query.set('after', after)
  if (limit !== undefined) query.set('limit', String(limit))
  return query.size === 0 ? '' : `?${query.toString()}`
}
