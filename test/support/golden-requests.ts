import { readFileSync } from 'node:fs'
import type { Corrected, Correction, Withdrawal } from '../../src/base/canonical.ts'
import type { Json } from '../../src/base/json.ts'
import { goldenContexts, goldenDocument } from './golden-exchange.ts'

type Contexts = ReturnType<typeof goldenContexts>

export const goldenRegistryNumber = '202611090037'

export function goldenCorrection(): Correction {
  return JSON.parse(readFileSync('test/messages/canonical-correction.json', 'utf8')) as Correction
}

/** The golden application as the golden correction left it: the second unit's area, one letter of authority more. */
export function goldenCorrected(change: (document: Corrected) => void = () => undefined): Corrected {
  const [part] = goldenDocument().parts
  const property = part?.properties[1]
  const replaced = part?.materials[5]
  if (part?.mortgage === undefined || property === undefined || replaced === undefined) throw new Error('not golden')
  const { round, appliedAt, items } = goldenCorrection()
  const [first, second] = items
  if (first?.material === undefined || second === undefined) throw new Error('not golden')
  const fileName = `${first.material.name}.pdf`
  const document = {
    round,
    answeredAt: appliedAt,
    parts: [
      {
        ...part,
        registryNumber: goldenRegistryNumber,
        properties: [{ ...property, number: 2, area: '96.46' }],
        materials: [{ ...replaced, ...first.material, checkedByName: '经办员甲', fileName, sequence: 10 }],
      },
    ],
    items: [
      {
        part: 1,
        registryNumber: goldenRegistryNumber,
        number: first.number,
        answer: first.answer,
        material: {
          id: first.material.id,
          name: first.material.name,
          fileName,
          sequence: replaced.sequence,
          replaces: first.replaces,
          replacedName: replaced.name,
        },
        changes: [],
      },
      {
        part: 1,
        registryNumber: goldenRegistryNumber,
        number: second.number,
        answer: second.answer,
        changes: [
          {
            path: '/properties/1/area',
            label: '建筑面积（平方米）',
            value: '96.46',
            field: 'DJXX_JZAREA',
            formId: 'f3',
          },
        ],
      },
    ],
  } as unknown as Corrected
  change(document)
  return document
}

/** The golden request of story C: both parts of a filing of notices are asked back. */
export const goldenWithdrawal: Withdrawal = {
  number: 1,
  reason: '买受人拟更换房号，双方同意撤回全部申请',
  requestedAt: '2026-11-12T08:50:00+08:00',
  operatorName: '经办员甲',
  unitNumber: '420222001003GB00061F00050017',
  parts: [
    { number: 1, registryNumber: '20261111005201', businessType: 'presale-notice' },
    { number: 2, registryNumber: '20261111005202', businessType: 'mortgage-notice' },
  ],
  materials: [
    {
      sequence: 8,
      id: '01a1cd3c-0000-7000-8000-000000000001',
      kind: 'withdrawal-request',
      name: '撤回登记申请书',
      form: 'original',
      copies: 1,
      pages: 1,
      checkedBy: 'yx-sub-0031',
      checkedByName: '经办员甲',
      checkedAt: '2026-11-12T08:48:00+08:00',
      fileName: '撤回登记申请书.pdf',
      mediaType: 'application/pdf',
      sizeBytes: 26,
      digest: { algorithm: 'sm3', value: '4b322bbc2d5ca1f47dfd382a2838aa1c56920b185d760d34bd6b77e6b810b15d' },
    },
  ],
}

/** Contexts of story C's case. */
export function withdrawContexts(message: Parameters<typeof goldenContexts>[0]): Contexts {
  const contexts = goldenContexts(message)
  const numbers = { businessNumber: '420222261111000009', platformNumber: 'hsbdc02226111100023' }
  return {
    ...contexts,
    case: { ...(contexts['case'] as { [member: string]: Json }), ...numbers, registryNumber: '202611110052' },
  }
}
