import { readFileSync } from 'node:fs'
import { SaxesParser } from 'saxes'
import type { Json } from '../../src/base/json.ts'
import type { Application, NormalisedCase } from '../../src/cases/application.ts'
import { normalise } from '../../src/cases/normalise.ts'
import { encodeGb18030 } from '../../src/mapping/gb18030.ts'

/** The first material of the golden story: its bytes, as the golden MATERIAL carries them. */
export const firstFile = Buffer.from('%PDF-1.4\n% invented\n%%EOF\n')
const firstDigest = '4b322bbc2d5ca1f47dfd382a2838aa1c56920b185d760d34bd6b77e6b810b15d'

const goldenSite = {
  areaCode: '420222',
  areaName: '阳新县',
  cityCode: '420200',
  cityName: '黄石市',
  registryOrgId: '12420222000000027R',
  registryOrgName: '阳新县不动产登记中心',
  deptCode: '000000027',
  serviceId: '00000000000000000000000000000001',
  serviceCode: 'INVENTED-DYQ-SC',
  serviceName: '不动产抵押权首次登记',
}

/** Contexts of story A's messages; `createdAt` is local time of that story. */
export function goldenContexts(message: { id?: string; number?: string; createdAt: string; contentMarker?: string }): {
  [name: string]: Json
} {
  return {
    case: {
      id: '01a1bde4-0600-7e50-b935-929817a71ef1',
      businessType: 'mortgage-first',
      businessNumber: '420222261109000002',
      platformNumber: 'hsbdc02226110900011',
      registryNumber: '202611090037',
    },
    message: { id: '01a1bde4-0600-7e50-b935-929817a71ef1', ...message, createdAt: `${message.createdAt}+08:00` },
    operator: {
      id: 'yx-sub-0031',
      name: '经办员甲',
      phone: '0714-0000001',
      idType: 'resident-id',
      idNumber: '420222190001030007',
    },
    account: { id: 'yx-bank', bankName: '示例银行股份有限公司阳新支行', bankCode: '91420222000000019R' },
    site: goldenSite,
  }
}

/** The golden application as the gateway keeps it; `change` alters the application before. */
export function goldenDocument(change: (application: Application) => void = () => undefined): NormalisedCase {
  const application = JSON.parse(readFileSync('test/messages/canonical-mortgage-first.json', 'utf8')) as Application
  change(application)
  return normalise(application, '420222261109000002', {
    file: () => ({
      mediaType: 'application/pdf',
      sizeBytes: firstFile.length,
      digest: { algorithm: 'sm3', value: firstDigest },
    }),
    operatorName: () => '经办员甲',
  })
}

/** A golden answer as the registry sends it: the file is UTF-8 to be read, the wire is GB18030. */
export function onTheWire(file: string): Buffer {
  const text = readFileSync(`test/messages/${file}`, 'utf8')
  return encodeGb18030(text.replace('encoding="UTF-8"', 'encoding="GB18030"'), '2005')
}

/** An element with its attributes in the order of their names, and children in the order of the document. */
export interface Tree {
  name: string
  attributes: [string, string][]
  text: string
  children: Tree[]
}

/** Reads XML with a parser that the gateway does not use for its messages. */
export function treeOf(text: string): Tree {
  const root: Tree = { name: '', attributes: [], text: '', children: [] }
  const open = [root]
  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const tree: Tree = { name, attributes: sorted, text: '', children: [] }
    open.at(-1)?.children.push(tree)
    open.push(tree)
  })
  parser.on('text', (piece) => {
    const tree = open.at(-1)
    if (tree !== undefined && open.length > 1) tree.text += piece
  })
  parser.on('closetag', () => {
    const tree = open.pop()
    if (tree !== undefined && tree.children.length > 0) tree.text = tree.text.trim()
  })
  parser.write(text).close()
  const [document] = root.children
  if (document === undefined) throw new Error('no root element')
  return document
}

export function goldenTree(file: string): Tree {
  return treeOf(readFileSync(`test/messages/${file}`, 'utf8'))
}
