import type { ApiCall } from '../../http/openapi/description.ts'
import { tag } from './about.ts'
import { caseId } from './applications.ts'

export const getCertificates: ApiCall = {
  id: 'getCertificates',
  tag: tag.certificates,
  summary: { zh: '列出办件的电子证照', en: 'List the certificates of a case' },
  signed: true,
  operator: 'required',
  parameters: [caseId],
  answers: {
    200: {
      about: { zh: '电子证照', en: 'The certificates.' },
      schema: 'certificate-list',
      example: 'certificate-list',
    },
  },
  problems: ['case-not-found'],
}

export const getCertificate: ApiCall = {
  id: 'getCertificate',
  tag: tag.certificates,
  summary: { zh: '下载电子证照', en: 'Download a certificate' },
  description: {
    zh: '登记系统出具的文件，一字节不改；摘要见 Content-Digest。',
    en: 'The file as the registry made it, byte for byte; its digests stand in Content-Digest.',
  },
  signed: true,
  operator: 'required',
  parameters: [
    caseId,
    {
      name: 'number',
      in: 'path',
      about: {
        zh: '不动产登记证明号，全角或半角括号均可',
        en: 'Number of the certificate, with brackets of either width.',
      },
      schema: { type: 'string' },
      example: '鄂（2026）阳新县不动产证明第0005678号',
    },
  ],
  answers: {
    200: {
      about: { zh: '文件', en: 'The file.' },
      mediaTypes: ['application/pdf', 'application/ofd', 'image/jpeg', 'image/png'],
    },
  },
  problems: ['case-not-found', 'certificate-not-found', 'fee-unpaid'],
}
