import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { request } from 'undici'
import type { BankAnswer, BankCall, BankClient } from '../../src/sandbox/bank-client.ts'

export type Node = { [key: string]: unknown }

export type Operation = [method: string, path: string, operation: Node]

export async function readDocument(gatewayUrl: string): Promise<Node> {
  const { body } = await request(`${gatewayUrl}/openapi.json`)
  return (await body.json()) as Node
}

export function operationsOf(document: Node): Operation[] {
  return Object.entries(document['paths'] as Node).flatMap(([path, item]) =>
    Object.entries(item as Node).map(([method, operation]): Operation => [method, path, operation as Node]),
  )
}

export interface Answered {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

/**
 * Holds answers to an OpenAPI document. Its schemas let answers grow; here they do not: a member that nobody described
 * is a fault.
 */
export class Documented {
  /** What was not as described: operation, status, and what is wrong. */
  readonly faults: string[] = []
  /** `operationId status` of all that was held to it. */
  readonly seen = new Set<string>()
  readonly #document: Node
  readonly #ajv: Ajv2020

  constructor(document: Node) {
    this.#document = document
    this.#ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(this.#ajv)
    this.#ajv.addSchema(closed(document), 'document')
  }

  check(method: string, path: string, answer: Answered): void {
    const { status } = answer
    const found = this.#find(method, path.split('?')[0] ?? '')
    if (found === null) {
      if (status !== 404 && status !== 405) this.faults.push(`${method} ${path} is not described, and gives ${status}`)
      return
    }
    const { template, operation } = found
    const name = `${String(operation['operationId'])} ${status}`
    this.seen.add(name)
    const content = at(operation, ['responses', String(status), 'content'])
    if (content === undefined) {
      this.faults.push(`${name}: no such status: ${answer.body.toString().slice(0, 300)}`)
      return
    }
    const type = String(answer.headers['content-type']).split(';')[0] ?? ''
    const media = content[type] as Node | undefined
    if (media === undefined) this.faults.push(`${name}: no content ${type}`)
    else if (media['schema'] !== undefined) {
      const way = ['paths', template, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema']
      const body: unknown = JSON.parse(answer.body.toString())
      this.faults.push(...this.against(way, body).map((fault) => `${name}: ${fault}`))
    }
  }

  /** Holds the body of a push to what is said of each type of event that it brings. */
  checkPush(body: Buffer): void {
    const page = JSON.parse(body.toString()) as { events: { type: string }[] }
    for (const type of new Set(page.events.map((event) => event.type))) {
      this.seen.add(`push ${type}`)
      const way = ['webhooks', type, 'post', 'requestBody', 'content', 'application/json', 'schema']
      if (at(this.#document, way) === undefined) this.faults.push(`a push of ${type} is not described`)
      else this.faults.push(...this.against(way, page).map((fault) => `push of ${type}: ${fault}`))
    }
  }

  /** Faults of a value by the schema at a place of the document. */
  against(way: readonly string[], value: unknown): string[] {
    const pointer = way.map((word) => encodeURIComponent(word.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')
    const reference = `document#/${pointer}`
    const validate = this.#ajv.getSchema(reference) ?? this.#ajv.compile({ $ref: reference })
    if (validate(value) === true) return []
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }

  #find(method: string, path: string): { template: string; operation: Node } | null {
    const words = path.split('/')
    for (const [template, item] of Object.entries(this.#document['paths'] as Node)) {
      const pattern = template.split('/')
      const operation = (item as Node)[method.toLowerCase()] as Node | undefined
      const fits = pattern.every((word, i) => (word.startsWith('{') ? (words[i] ?? '') !== '' : word === words[i]))
      if (operation !== undefined && fits && pattern.length === words.length) return { template, operation }
    }
    return null
  }
}

/** The client, all of whose answers are held to the document. */
export function documentedClient(bank: BankClient, documented: Documented): BankClient {
  const call = async (asked: BankCall): Promise<BankAnswer> => {
    const answer = await bank.call(asked)
    documented.check(asked.method, asked.tamper?.path ?? asked.path, answer)
    return answer
  }
  const get = (path: string, more: Partial<BankCall> = {}) => call({ method: 'GET', path, ...more })
  const application = (id: string): string => `/v1/applications/${encodeURIComponent(id)}`
  return {
    ...bank,
    call,
    uploadMaterial: (file, more) =>
      call({ method: 'POST', path: '/v1/materials', body: file.bytes, contentType: file.contentType, ...more }),
    submitApplication: (body, more) =>
      call({ method: 'POST', path: '/v1/applications', body: JSON.stringify(body), ...more }),
    getApplication: (id, more) => get(application(id), more),
    getEvents: (id, more) => get(`${application(id)}/events`, more),
    listCertificates: (id, more) => get(`${application(id)}/certificates`, more),
    downloadCertificate: (id, number, more) =>
      get(`${application(id)}/certificates/${encodeURIComponent(number)}`, more),
  }
}

/** @throws when there is nothing. */
export function there(root: unknown, ...way: string[]): Node {
  const found = at(root, way)
  if (found === undefined) throw new Error(`nothing at ${way.join(' ')}`)
  return found
}

export function at(root: unknown, way: readonly string[]): Node | undefined {
  let here = root
  for (const word of way) here = (here as Node | undefined)?.[word]
  return here as Node | undefined
}

/** Every object of the components takes only what it names. */
function closed(document: Node): Node {
  const copy = structuredClone(document)
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const object = value as Node
    if ([object['type']].flat().includes('object') && object['properties'] !== undefined)
      object['additionalProperties'] ??= false
    for (const inner of Object.values(object)) visit(inner)
  }
  visit(at(copy, ['components', 'schemas']))
  return copy
}
