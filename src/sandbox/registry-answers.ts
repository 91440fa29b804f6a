import { AUTHORITY, CERTIFICATE_TYPE } from './certificate-document.ts'
import { type CasePart, certificatesOf, proofOf, type RegistryCase, shanghaiTime } from './registry-case.ts'
import { correctionRows } from './registry-correction.ts'
import { type Row, rowOf as row } from './registry-message.ts'

/** The rows of the registry's answers about one case. */
const QXDM = '420222'
const DAY_MS = 86_400_000

export type FeeState = 'exempt' | 'due' | 'paid'
export interface FeeRule {
  /** `by-law`: exempt for small enterprises, cancellations and notices, due otherwise. */
  fee: 'by-law' | FeeState
  /** Per part, in 元. */
  amount: string
}

/** JH_BJ of each part: what links ours to theirs. */
export function linkRows(filed: RegistryCase): Row[] {
  return filed.parts.map((part) =>
    row('JH_BJ', {
      YWLSH: filed.businessNumber,
      BFXH: String(part.number),
      SLBH: filed.slbh,
      YWH: part.ywh,
      SFCZ: '1',
      JSRQ: shanghaiTime(filed.receivedAt),
    }),
  )
}

/** A question about a case that is not there. */
export function absentRow(asked: { YWLSH: string } | { SLBH: string }): Row {
  return row('JH_BJ', { ...asked, SFCZ: '0' })
}

const link = (filed: RegistryCase, part: CasePart) => ({
  YWLSH: filed.businessNumber,
  BFXH: String(part.number),
  YWH: part.ywh,
})

export function progressRows(filed: RegistryCase): Row[] {
  return [
    ...linkRows(filed),
    ...filed.parts.flatMap((part) => [...correctionRows(filed, part), ...courseRows(filed, part)]),
  ]
}

/** Acceptance, review steps, recording or refusal of a part, as far as they have come. */
function courseRows(filed: RegistryCase, part: CasePart): Row[] {
  const { accepted, recorded } = filed.reached
  const rows: Row[] = []
  const given = part.rows.find((candidate) => candidate.name === 'DJT_DJ_SL')?.attributes ?? {}
  const withdrawn = filed.ended?.how === 'withdrawn'
  if (accepted !== undefined || withdrawn) {
    rows.push(
      row('DJT_DJ_SL', {
        DJLX: given.DJLX,
        YSDM: '6004020000',
        YWH: part.ywh,
        SLRY: accepted && '受理员一',
        SLSJ: accepted && shanghaiTime(accepted),
        ZL: given.ZL,
        SFWTAJ: accepted && '0',
        JSSJ: filed.ended && shanghaiTime(filed.ended.at),
        AJZT: withdrawn ? '5' : filed.ended === undefined ? '1' : '4',
        QXDM,
      }),
    )
  }
  rows.push(...reviewRows(filed, part))
  if (recorded !== undefined) {
    const words = { DBRYXM: '登簿员一', DBSJ: shanghaiTime(recorded), DBYJ: '准予登簿', CZJG: '1', QXDM }
    rows.push(row('DJF_DJ_DB', { YWH: part.ywh, ...words }))
  }
  if (filed.ended !== undefined && !withdrawn) rows.push(refusalRow(filed, part))
  return rows
}

function reviewRows(filed: RegistryCase, part: CasePart): Row[] {
  const { accepted, 'review-1': first, 'review-2': second } = filed.reached
  const refused = filed.ended?.how === 'rejected'
  const review = (order: string, node: string, by: string, start: Date | undefined, end: Date, agreed: boolean): Row =>
    row('DJF_DJ_SH', {
      YWH: part.ywh,
      YSDM: '6004030000',
      JDMC: node,
      SXH: order,
      SHRYXM: by,
      SHKSSJ: shanghaiTime(start ?? end),
      SHJSSJ: shanghaiTime(end),
      SHYJ: agreed ? '符合登记条件' : '审核期间出现权属争议',
      CZJG: agreed ? '1' : '3',
      QXDM,
    })
  return [
    ...(first === undefined ? [] : [review('1', '初审', '审核员一', accepted, first, true)]),
    ...(second === undefined ? [] : [review('2', '核定', '审核员二', first, second, !refused)]),
  ]
}

function refusalRow(filed: RegistryCase, part: CasePart): Row {
  const { how, at } = filed.ended as NonNullable<RegistryCase['ended']>
  const year = shanghaiTime(at).slice(0, 4)
  return row('JH_BYTZ', {
    ...link(filed, part),
    BSLYYJ: how === 'not-accepted' ? '0' : undefined,
    BYDJYJ: how === 'rejected' ? '1' : undefined,
    YY: how === 'rejected' ? '利害关系人已就该不动产权属起诉，争议尚未解决' : '申请材料不齐全，且未在期限内补齐',
    WSBH: `阳不${how === 'rejected' ? '登' : '受'}字（${year}）${filed.slbh.slice(-4)}`,
    TZSJ: shanghaiTime(at),
    CZRMC: how === 'rejected' ? '审核员二' : '受理员一',
  })
}

/** The register's rows once recorded; before that, and for a refusal, what progress says too. */
export function resultRows(filed: RegistryCase): Row[] {
  return [
    ...linkRows(filed),
    ...filed.parts.flatMap((part) => [...registerRows(filed, part), ...courseRows(filed, part)]),
  ]
}

function registerRows(filed: RegistryCase, part: CasePart): Row[] {
  const { recorded } = filed.reached
  if (recorded === undefined) return []
  const at = shanghaiTime(recorded)
  const office = { DJJG: AUTHORITY.name, DBR: '登簿员一', DJSJ: at }
  return part.rows.flatMap((filedRow): Row[] => {
    const { name, attributes } = filedRow
    const proof = proofOf(filed, part, attributes.BDCDYH ?? '')
    if (name === 'ZTT_GY_QLR') return [row(name, { ...attributes, BDCQZH: proof, DJSJ: at, QSZT: '1' })]
    if (name === 'QLF_QL_DYAQ_DYWQD') return [filedRow]
    if (name === 'QLF_QL_ZXDJ') return [row(name, { ...attributes, ZXSJ: at, ...office })]
    if (name !== 'QLF_QL_DYAQ' && name !== 'QLF_QL_YGDJ') return []
    return [row(name, { ...attributes, BDCDJZMH: proof, ...office, QSZT: '1' })]
  })
}

export function feeState(filed: RegistryCase, rule: FeeRule): FeeState {
  if (filed.paidAt !== undefined) return 'paid'
  if (rule.fee !== 'by-law') return rule.fee
  const rows = filed.parts.flatMap((part) => part.rows)
  const free = rows.some((one) => one.name === 'JH_DSQLR' && one.attributes.QLRLX === '98')
  return free || rows.some((one) => one.name === 'QLF_QL_YGDJ' || one.name === 'QLF_QL_ZXDJ') ? 'exempt' : 'due'
}

/** The fee notice of each part; nothing before the recording. */
export function feeRows(filed: RegistryCase, rule: FeeRule): Row[] {
  const { recorded } = filed.reached
  if (recorded === undefined) return linkRows(filed)
  const state = feeState(filed, rule)
  const noticed = shanghaiTime(recorded)
  const deadline = `${shanghaiTime(new Date(recorded.getTime() + 7 * DAY_MS)).slice(0, 10)}T23:59:59`
  const rows = filed.parts.flatMap((part): Row[] => {
    const notice = { ...link(filed, part), SFZT: { exempt: '0', due: '1', paid: '2' }[state] }
    if (state === 'exempt') return [row('JH_JF', { ...notice, JFJE: '0.00', TZSJ: noticed })]
    const payer = part.rows.find((one) => one.name === 'ZTT_GY_QLR')?.attributes.QLRMC
    const code = `${filed.businessNumber}${String(part.number).padStart(2, '0')}`
    const paidAt = state === 'paid' ? shanghaiTime(filed.paidAt ?? recorded) : undefined
    return [
      row('JH_JF', { ...notice, JKM: code, JFJE: rule.amount, JFR: payer, TZSJ: paidAt ?? noticed, JFQX: deadline }),
      row('DJF_DJ_SF', {
        YSDM: '6004040000',
        YWH: part.ywh,
        JFRY: '收费员一',
        JFRQ: noticed,
        SFKMMC: '不动产登记费（住宅）',
        SFEWSF: '0',
        SFJS: '1',
        SFLX: '1',
        YSJE: rule.amount,
        ZKHYSJE: rule.amount,
        SFRY: paidAt && '收费员一',
        SFRQ: paidAt,
        SJFFR: paidAt && payer,
        SSJE: paidAt && rule.amount,
        SFDW: AUTHORITY.name,
        QXDM,
      }),
    ]
  })
  return [...linkRows(filed), ...rows]
}

export function certificateRows(filed: RegistryCase): Row[] {
  const documents = certificatesOf(filed)
  const metadata = documents.map((document) => {
    const holder = document.holders.map((one) => one.name).join('、')
    return row('JH_DZZZ', {
      ...link(filed, filed.parts[document.part - 1] as CasePart),
      DZZZZT: '1',
      ZZMC: CERTIFICATE_TYPE.title,
      ZZLXDM: CERTIFICATE_TYPE.code,
      ZZBH: document.number,
      ZZBS: document.identifier,
      ZZBFJG: AUTHORITY.name,
      ZZBFJGDM: AUTHORITY.id,
      ZZBFRQ: document.issuedOn,
      CZZT: holder,
      CZZTDM: document.holders[0]?.idNumber,
      KZ_BDCQZH: document.number,
      KZ_BDCDYH: document.unitNumber,
      KZ_ZL: document.location,
      KZ_ZMQLSX: document.right,
      KZ_QLR: holder,
      KZ_YWR: document.obligor,
      FJMC: document.fileName,
      WJDX: String(document.bytes.length),
      ZYSF: 'SM3',
      ZYZ: document.sm3,
    })
  })
  const files = documents.map((document) =>
    row('FJ_F_100', { FJNRURL: document.path, FJMC: document.fileName, FJLX: '不动产登记电子证明' }),
  )
  return [...linkRows(filed), ...metadata, ...files]
}
