import { AUTHORITY } from './certificate-document.ts'
import { shanghaiTime } from './registry-case.ts'
import { type Row, rowOf as row } from './registry-message.ts'
import type { Holder, Property, RegisteredMortgage } from './registry-property.ts'

/** What a JH_CXTJ row asks. */
type Condition = Row['attributes']

const QXDM = '420222'

/**
 * The register's answer to one condition. Number, name and id document must all be those of a holder; whichever of them
 * is not, the answer is the same. Never told: the mortgagee and the amount of a mortgage that is not the asking bank's.
 */
export function queryRows(register: Iterable<Property>, asked: Condition, now: Date): Row[] {
  const property = [...register].find((candidate) => isMeant(candidate, asked))
  const { XH } = asked
  const HYSJ = shanghaiTime(now)
  if (property === undefined) return [row('JH_HYJG', { XH, HYZT: '0', HYSJ, CXJG: '0' })]
  const flag = (is: boolean): string => (is ? '1' : '0')
  const found = row('JH_HYJG', {
    XH,
    HYZT: '1',
    HYSJ,
    BDCQZH: property.certificateNumber,
    BDCDYH: property.unitNumber,
    SFDY: flag(property.mortgages.length > 0),
    SFCZCF: flag(property.seized),
    SFYYDJ: flag(property.objected),
    SFYGDJ: flag(property.noticed),
    SFGY: flag(property.holders.length > 1),
    FWZL: property.location,
    SCJZMJ: property.area,
    FWYT: property.useCode,
  })
  const owners = property.holders.map((holder, index) =>
    holderRow(property, holder, index, {
      number: property.certificateNumber,
      YWH: property.registryNumber,
      QLLX: '4',
      GYFS: property.coOwnership,
    }),
  )
  if (asked.CXJB === '1') return [found, ...owners]
  const mortgages = property.mortgages.flatMap((mortgage) =>
    mortgageRows(property, mortgage, mortgage.mortgagee.idNumber === asked.CXDWZJH),
  )
  return [found, ownershipRow(property), ...owners, ...mortgages]
}

/** Whether a condition names this property and one of its holders; by a proof, its mortgagee may be named too. */
function isMeant(property: Property, asked: Condition): boolean {
  const mortgage = property.mortgages.find(({ proofNumber }) => proofNumber === asked.BDCDJZMH)
  const isNumber = asked.BDCDJZMH === undefined ? property.certificateNumber === asked.BDCQZH : mortgage !== undefined
  const holders = mortgage === undefined ? property.holders : [...property.holders, mortgage.mortgagee]
  return (
    isNumber &&
    holders.some(
      ({ name, idType, idNumber }) => name === asked.QLRMC && idType === asked.ZJZL && idNumber === asked.ZJH,
    )
  )
}

function holderRow(
  property: Property,
  holder: Holder,
  index: number,
  right: { number: string; YWH: string; QLLX: string; GYFS: string },
): Row {
  return row('ZTT_GY_QLR', {
    YSDM: '6003000000',
    BDCDYH: property.unitNumber,
    SXH: String(index + 1),
    QLRMC: holder.name,
    BDCQZH: right.number,
    ZJZL: holder.idType,
    ZJH: holder.idNumber,
    DH: holder.phone,
    DZ: holder.address,
    QLRLX: holder.kind,
    QLBL: holder.share,
    GYFS: right.GYFS,
    QXDM,
    YWH: right.YWH,
    QLLX: right.QLLX,
    QSZT: '1',
  })
}

function ownershipRow(property: Property): Row {
  return row('QLT_FW_FDCQ_YZ', {
    YSDM: '6002010200',
    BDCDYH: property.unitNumber,
    YWH: property.registryNumber,
    QLLX: '4',
    DJLX: '100',
    DJYY: property.reason,
    FDZL: property.location,
    TDSYQR: namesOf(property),
    GHYT: property.useCode,
    FWJG: property.structure,
    SZC: property.floor,
    ZCS: property.totalFloors,
    JZMJ: property.area,
    BDCQZH: property.certificateNumber,
    QXDM,
    DJJG: AUTHORITY.name,
    DBR: '登簿员二',
    DJSJ: property.registeredAt,
    QSZT: '1',
  })
}

/** The mortgage, with its mortgagee where the asking bank is that. */
function mortgageRows(property: Property, mortgage: RegisteredMortgage, isOwn: boolean): Row[] {
  const { kind, from, to } = mortgage
  const right = row('QLF_QL_DYAQ', {
    YSDM: '6002030100',
    BDCDYH: property.unitNumber,
    YWH: mortgage.registryNumber,
    DYBDCLX: '2',
    DYR: namesOf(property),
    DJLX: '100',
    DYFS: kind,
    BDBZZQSE: isOwn && kind === '1' ? mortgage.amount : undefined,
    ZGZQSE: isOwn && kind === '2' ? mortgage.amount : undefined,
    ZWLXQSSJ: `${from}T00:00:00`,
    ZWLXJSSJ: `${to}T00:00:00`,
    BDCDJZMH: mortgage.proofNumber,
    QXDM,
    DJJG: AUTHORITY.name,
    DBR: '登簿员一',
    DJSJ: mortgage.registeredAt,
    DJYY: '抵押',
    QSZT: '1',
    SSYWH: property.registryNumber,
    DYRLX: property.holders[0]?.kind,
    DYQSW: mortgage.rank,
    SFYGDJ: '0',
    DYMJ: property.area,
    MJDW: '1',
    BZ: isOwn ? '156' : undefined,
    JEDW: isOwn ? '万元' : undefined,
    DBFW: mortgage.scope,
    DYQX: `${from}至${to}`,
    SFCZJZHXZ: mortgage.transferRestricted ? '1' : '0',
  })
  if (!isOwn) return [right]
  const own = { number: mortgage.proofNumber, YWH: mortgage.registryNumber, QLLX: '37', GYFS: '0' }
  return [right, holderRow(property, mortgage.mortgagee, 0, own)]
}

const namesOf = (property: Property): string => property.holders.map(({ name }) => name).join('、')
