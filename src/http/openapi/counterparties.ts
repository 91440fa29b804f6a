import type { ProblemCode } from '../../base/problem.ts'
import type { Words } from './description.ts'

/** Who makes a call that is no bank's, how it shows that it is, and with which codes it may be refused for that. */
export interface Counterparty {
  /** Name of the tag of its calls. */
  readonly tag: string
  readonly about: Words
  readonly scheme: { readonly name: string; readonly is: Readonly<Record<string, string>>; readonly about: Words }
  /** How calls and answers are told to be genuine, in a line. */
  readonly genuine: Words
  readonly problems: readonly ProblemCode[]
}

export const counterparties = {
  platform: {
    tag: '平台 Platform',
    about: {
      zh: '由一事联办平台调用，银行无须理会；报文为平台自己的格式',
      en: "Called by the platform, of no concern to banks; bodies are in the platform's own format",
    },
    scheme: {
      name: 'platformSignature',
      is: { type: 'apiKey', in: 'header', name: 'Signature' },
      about: {
        zh: '与银行的签名相同（RFC 9421、RFC 9530），用中心逐一列明的平台证书；不用幂等键与 X-Operator，报文以其 unid 区分。',
        en: 'As banks sign (RFC 9421, RFC 9530), by a certificate of the platform that the centre has listed; neither Idempotency-Key nor X-Operator: a message is told by its own `unid`.',
      },
    },
    genuine: { zh: '由平台签名，答复亦签名。', en: 'Signed by the platform; so is the answer.' },
    problems: ['certificate-unknown', 'certificate-expired', 'certificate-not-yet-valid'],
  },
  registry: {
    tag: '登记系统 Registry',
    about: {
      zh: '由登记系统调用，银行无须理会；报文为登记系统自己的格式',
      en: "Called by the registry, of no concern to banks; bodies are in the registry's own format",
    },
    scheme: {
      name: 'registrySecret',
      is: { type: 'http', scheme: 'bearer' },
      about: { zh: '中心与登记系统约定的密钥。', en: 'The secret that the centre and the registry agreed on.' },
    },
    genuine: { zh: '凭约定的密钥，不签名。', en: 'By the agreed secret, not signed.' },
    problems: ['hint-refused', 'body-too-large'],
  },
} as const satisfies Record<string, Counterparty>
