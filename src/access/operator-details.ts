import type { Operator } from './snapshot.ts'

/** What is known of an operator as a person; sealed in the store. */
export interface OperatorDetails {
  name: string
  phone?: string
  idType?: string
  idNumber?: string
}

interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  open(sealed: Buffer, context: string): Buffer
}

const context = (operatorId: string): string => `operator/sealed/${operatorId}`

export function sealOperator(operatorId: string, details: OperatorDetails, sealer: Sealer): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(details)), context(operatorId))
}

export function operatorDetails(operator: Operator, sealer: Sealer): OperatorDetails {
  return JSON.parse(sealer.open(operator.sealed, context(operator.id)).toString()) as OperatorDetails
}
