import type { BankCall, BankClient } from '../../src/sandbox/bank-client.ts'
import { pdfDocument } from '../../src/sandbox/pdf.ts'
import { type SampleApplication, sampleCase, withMaterialIds } from '../../src/sandbox/sample-case.ts'
import { SAMPLE_BANK } from './enrolment.ts'

/** Of the sample's materials: those that one flat with one owner needs. */
const KINDS = ['application-form', 'title-certificate', 'identity', 'mortgage-contract', 'principal-contract']

/** Files small cases of one bank, of which it is the mortgagee: one flat, one owner, the same five papers for all. */
export interface SmallCases {
  /** Repeats the call under its key until it is answered. */
  file(): Promise<TakenCase>
}

interface TakenCase {
  id: string
  businessNumber: string
  receipt: string
  papers: number
}

const PATIENT = { attempts: 10_000, retryDelayMs: 50 } satisfies Partial<BankCall>

/** Uploads the papers of all the cases. */
export async function smallCases(client: BankClient, bank: { code: string; name: string }): Promise<SmallCases> {
  const body = await smallBody(client, bank)
  return {
    file: async () => {
      const answer = await client.submitApplication(body(), PATIENT)
      if (answer.status !== 202) throw new Error(`the case was not taken: ${answer.status} ${answer.body.toString()}`)
      const { id, businessNumber } = answer.json() as { id: string; businessNumber: string }
      return { id, businessNumber, receipt: answer.receipt ?? 'none', papers: KINDS.length }
    },
  }
}

/** Uploads the papers and gives what makes a body with them, another each time. */
export async function smallBody(
  client: BankClient,
  bank: { code: string; name: string },
): Promise<() => SampleApplication> {
  const ids = new Map<string, string>()
  for (const kind of KINDS) {
    const bytes = pdfDocument(kind, [{ lines: [bank.name, kind] }])
    const answer = await client.uploadMaterial({ bytes, contentType: 'application/pdf' }, PATIENT)
    if (answer.status !== 201) throw new Error(`a material was not taken: ${answer.status} ${answer.body.toString()}`)
    ids.set(kind, String(answer.json()['id']))
  }
  return () => {
    const application = smallApplication(bank)
    const named = new Map(application.materials.map(({ kind, name }) => [name, ids.get(kind) as string]))
    return withMaterialIds(application, named)
  }
}

function smallApplication(bank: { code: string; name: string }): SampleApplication {
  const { application } = sampleCase({ vary: true })
  const [mortgagee, owner] = application.parties
  const [flat] = application.properties
  if (mortgagee === undefined || owner === undefined || flat === undefined) throw new Error('the sample has changed')
  const { coOwnership: _, share: __, ...sole } = owner as typeof owner & { coOwnership: unknown; share: unknown }
  const small = {
    ...application,
    parties: [mortgagee, sole] as unknown as SampleApplication['parties'],
    properties: [flat],
    materials: application.materials.filter(
      (material) =>
        KINDS.includes(material.kind) &&
        (!('property' in material) || material.property === flat.unitNumber) &&
        (!('person' in material) || material.person === sole.name),
    ),
  }
  const text = JSON.stringify(small).replaceAll(SAMPLE_BANK.code, bank.code).replaceAll(SAMPLE_BANK.name, bank.name)
  return JSON.parse(text) as SampleApplication
}
