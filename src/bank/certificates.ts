import type { FastifyPluginAsync } from 'fastify'
import { Problem } from '../base/problem.ts'
import { halfBrackets } from '../cases/facts.ts'
import { readCases } from '../cases/store.ts'
import { readCertificates, type StoredCertificate } from '../materials/certificates.ts'
import { answer, performFor } from './answer.ts'
import { getCertificate, getCertificates } from './api/certificates.ts'
import { caseOfBank, disclosure } from './cases.ts'
import type { BankMeans } from './means.ts'

/**
 * The electronic certificates of a case's parts. A file leaves exactly as the registry made it, only after its digest
 * was found right and, where the site says so, only once the fee is settled.
 */
export const certificateRoutes: FastifyPluginAsync<BankMeans> = async (server, means) => {
  server.get<{ Params: { id: string } }>(
    '/applications/:id/certificates',
    { config: { api: getCertificates } },
    async (request, reply) =>
      answer(request, reply, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const head = await caseOfBank(request.params.id, caller, means)
          const certificates = await readCertificates(means.pool, head.id, means.sealer)
          const released = await releasedNumbers(head.id, means)
          const personal = Object.fromEntries(
            certificates.map(({ number }, i) => [`certificates[${i}].number`, number]),
          )
          return disclosure(
            caller,
            means,
            head,
            'case.of-bank',
            { fields: ['certificates'], count: certificates.length },
            personal,
            () => ({
              certificates: certificates.map((one) => describe(one, released)),
            }),
          )
        },
      }),
  )

  server.get<{ Params: { id: string; number: string } }>(
    '/applications/:id/certificates/:number',
    { config: { api: getCertificate } },
    async (request, reply) => {
      let file: StoredCertificate | undefined
      const done = await performFor(request, means, {
        needsOperator: true,
        key: null,
        plan: async (caller) => {
          const head = await caseOfBank(request.params.id, caller, means)
          const wanted = halfBrackets(request.params.number)
          file = (await readCertificates(means.pool, head.id, means.sealer)).find(
            ({ number }) => halfBrackets(number) === wanted,
          )
          if (file === undefined)
            throw new Problem('certificate-not-found', {
              zh: '该办件没有此证照',
              en: 'the case has no such certificate',
            })
          if (!(await releasedNumbers(head.id, means)).has(wanted)) {
            throw new Problem(
              'fee-unpaid',
              { zh: '费用缴清后方可取得证照', en: 'the certificate is given out once the fee is settled' },
              { rule: 'certificate.fee-settled' },
            )
          }
          return disclosure(
            caller,
            means,
            head,
            'case.of-bank',
            { fields: ['certificate.file'], sizeBytes: file.sizeBytes },
            { number: file.number, sm3: file.sm3 },
            () => ({}),
          )
        },
      })
      const { id, key, mediaType, sizeBytes, sha256, sm3 } = file as StoredCertificate
      const digests = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:, sm3=:${Buffer.from(sm3, 'hex').toString('base64')}:`
      return reply
        .code(200)
        .headers({
          'content-type': mediaType,
          'content-length': String(sizeBytes),
          'content-digest': digests,
          'trace-receipt': done.receipt ?? '',
        })
        .send(means.files.read(id, key))
    },
  )
}

async function releasedNumbers(caseId: string, means: BankMeans): Promise<Set<string>> {
  const [hold] = await readCases(means.pool, [caseId], means.cases)
  const certificates = (hold?.memory.parts ?? []).flatMap((part) => Object.values(part.certificates))
  return new Set(certificates.filter(({ releasedAt }) => releasedAt !== null).map(({ number }) => halfBrackets(number)))
}

function describe(one: StoredCertificate, released: Set<string>): Record<string, unknown> {
  const { certificate, number, unitNumber, part, mediaType, sizeBytes, sha256, sm3 } = one
  const { file: _file, ...metadata } = (certificate ?? {}) as Record<string, unknown>
  return {
    ...metadata,
    number,
    part,
    ...(unitNumber === null ? {} : { unitNumber }),
    mediaType,
    sizeBytes,
    digests: { 'sha-256': sha256, sm3 },
    released: released.has(halfBrackets(number)),
  }
}
