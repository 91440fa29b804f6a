import { createHash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Caller } from '../access/decide.ts'
import { faultPoint } from '../base/fault-point.ts'
import { isUuid, newId } from '../base/id.ts'
import { Problem } from '../base/problem.ts'
import { contentType, isMaterialType, type MaterialType, materialTypes } from '../materials/content-type.ts'
import { type FileFacts, FileTooLarge, type StoredFile } from '../materials/files.ts'
import { materialInserts, readMaterials, sealFileFacts } from '../materials/store.ts'
import { type ContentDigest, contentDigestText } from '../trust/content-digest.ts'
import { headerValue } from '../trust/http-message.ts'
import { answer, idempotencyKey, jsonBody, jsonHeaders } from './answer.ts'
import { getMaterial, postMaterial } from './api/materials.ts'
import type { BankMeans } from './means.ts'
import type { Plan } from './perform.ts'

/**
 * POST /v1/materials: one file as the body. Its digest and type are under the signature, which is verified before the
 * first byte is read; the bytes go sealed to the disk as they come, and take their place only if digest and type by
 * content are as declared.
 */
export const materialRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  let uploads = 0
  // The body stays in the socket until the handler reads it.
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, _payload, done) => done(null))

  const options = { bodyLimit: means.materialLimitBytes + 1, config: { api: postMaterial } }
  server.post('/materials', options, async (request, reply) => {
    if (uploads >= means.uploadsAtOnce) {
      throw new Problem(
        'overloaded',
        { zh: '同时上传的材料过多', en: 'too many uploads at once' },
        { retryAfterSeconds: 2 },
      )
    }
    if (!means.hasRoom()) {
      throw new Problem(
        'disk-full',
        { zh: '存储空间不足，暂不受理', en: 'storage is nearly full' },
        { retryAfterSeconds: 300 },
      )
    }
    uploads += 1
    const upload = new Upload(request, means)
    try {
      const sent = await answer(request, reply, means, {
        needsOperator: true,
        key: { value: idempotencyKey(request), requestDigest: requestDigest(request) },
        plan: (caller) => upload.plan(caller),
      })
      await upload.keepIfDone()
      return sent
    } catch (error) {
      await upload.discard()
      throw error
    } finally {
      uploads -= 1
    }
  })

  server.get<{ Params: { id: string } }>('/materials/:id', { config: { api: getMaterial } }, async (request, reply) =>
    answer(request, reply, means, {
      needsOperator: true,
      key: null,
      plan: async ({ account }) => {
        const { id } = request.params
        const known = isUuid(id) ? await readMaterials(means.pool, account.bank.id, [id], means.sealer) : new Map()
        const material = known.get(id)
        if (material === undefined)
          throw new Problem('material-not-found', { zh: '没有此材料', en: 'there is no such material' })
        const { mediaType, sizeBytes, sha256, sm3, createdAt } = material
        const body = jsonBody({
          id,
          mediaType,
          sizeBytes,
          digests: { 'sha-256': sha256, sm3 },
          createdAt: createdAt.toISOString(),
        })
        return { rule: 'material.of-bank', act: () => ({ status: 200, headers: jsonHeaders, body, receipt: null }) }
      },
    }),
  )
}

/** A repeat of an upload is told by its declared digest and type, which are signed; its body need not be read. */
function requestDigest(request: FastifyRequest): Buffer {
  const declared = request.authenticated?.signature.contentDigest
  const digest = declared === null || declared === undefined ? '' : contentDigestText(declared)
  return createHash('sha256')
    .update(`${digest}\n${headerValue(request.rawHeaders, 'content-type') ?? ''}`)
    .digest()
}

/** One upload over however many decisions: its bytes come only once. */
class Upload {
  readonly #request: FastifyRequest
  readonly #means: BankMeans
  readonly #id = newId()
  #stored: StoredFile | null = null
  #isKept = false

  constructor(request: FastifyRequest, means: BankMeans) {
    this.#request = request
    this.#means = means
  }

  async plan({ account, operator, rule }: Caller): Promise<Plan> {
    const mediaType = declaredType(this.#request)
    this.#stored ??= await this.#receive(mediaType)
    const stored = this.#stored
    const { sealer, clock, record } = this.#means
    const id = this.#id
    return {
      rule,
      act: (_held, rows) => {
        const now = clock.now()
        this.#isKept = true
        rows.add(materialInserts, {
          id,
          bank_id: account.bank.id,
          account_id: account.id,
          operator_code: operator?.code ?? '',
          media_type: mediaType,
          size_bytes: stored.sizeBytes,
          sealed: sealFileFacts('material', id, stored, {}, sealer),
          created_at: now,
        })
        const act = record({
          type: 'material-stored',
          at: now,
          actors: { bankId: account.bank.id, accountId: account.id, operator: operator?.code },
          rule,
          facts: { materialId: id, sizeBytes: stored.sizeBytes, mediaType },
          personal: { sm3: stored.sm3.toString('hex') },
        })
        act.addTo(rows)
        const body = jsonBody({
          id,
          mediaType,
          sizeBytes: stored.sizeBytes,
          digests: { 'sha-256': stored.sha256.toString('hex'), sm3: stored.sm3.toString('hex') },
          createdAt: now.toISOString(),
        })
        return { status: 201, headers: { ...jsonHeaders, location: `/v1/materials/${id}` }, body, receipt: act.receipt }
      },
    }
  }

  /** After a repeat or a lost key the bytes that came are nobody's. */
  async keepIfDone(): Promise<void> {
    this.#request.raw.resume()
    if (!this.#isKept) await this.discard()
  }

  async discard(): Promise<void> {
    // What became of a commit may be unknown; a file without a row is swept later.
    if (this.#stored !== null && !this.#isKept) await this.#means.files.remove(this.#id)
  }

  async #receive(mediaType: MaterialType): Promise<StoredFile> {
    const declared = this.#request.authenticated?.signature.contentDigest
    const length = Number(headerValue(this.#request.rawHeaders, 'content-length') ?? 0)
    if (length > this.#means.materialLimitBytes) throw tooLarge(this.#means.materialLimitBytes)
    if (declared === null || declared === undefined) {
      throw new Problem('material-empty', { zh: '请求体为空', en: 'there is no body' })
    }
    try {
      const { files, materialLimitBytes } = this.#means
      const stored = await files.store(this.#request.raw, this.#id, materialLimitBytes, (facts) =>
        check(facts, declared, mediaType),
      )
      await faultPoint('file-not-committed')
      return stored
    } catch (error) {
      if (error instanceof FileTooLarge) throw tooLarge(this.#means.materialLimitBytes)
      throw error
    }
  }
}

function declaredType(request: FastifyRequest): MaterialType {
  const type = (headerValue(request.rawHeaders, 'content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (isMaterialType(type)) return type
  const types = Object.keys(materialTypes).join(', ')
  throw new Problem('material-type-refused', { zh: `材料类型须为 ${types}`, en: `a material must be one of ${types}` })
}

function check(facts: FileFacts, declared: ContentDigest, mediaType: MaterialType): void {
  for (const [algorithm, value] of declared) {
    if (value.equals(algorithm === 'sm3' ? facts.sm3 : facts.sha256)) continue
    throw new Problem('digest-mismatch', {
      zh: `请求体与 Content-Digest（${algorithm}）不符`,
      en: `the body does not have the declared ${algorithm} digest`,
    })
  }
  if (facts.sizeBytes === 0) throw new Problem('material-empty', { zh: '文件为空', en: 'the file is empty' })
  const actual = contentType(facts.head, facts.tail)
  if (actual !== mediaType) {
    throw new Problem('material-type-mismatch', {
      zh: `内容是 ${actual ?? '未知类型'}，声明为 ${mediaType}`,
      en: `the content is ${actual ?? 'of no known type'}, declared as ${mediaType}`,
    })
  }
}

function tooLarge(limitBytes: number): Problem {
  return new Problem('body-too-large', {
    zh: `材料不得超过 ${limitBytes} 字节`,
    en: `a material may have ${limitBytes} bytes at most`,
  })
}
