import type { SampleApplication } from './sample-case.ts'
import { sampleMortgageFirst } from './sample-mortgage-first.ts'

/** A holder of a right. Codes are the registry's: `idType` ZJZL, `kind` QLRLX. */
export interface Holder {
  name: string
  idType: string
  idNumber: string
  kind: string
  /** QLBL, `60%` say; of holders in shares. */
  share?: string
  phone?: string
  address?: string
}

/** A mortgage in force on one unit. Times are the registry's, dates `yyyy-MM-dd`, the amount in 万元 with six decimals. */
export interface RegisteredMortgage {
  registryNumber: string
  proofNumber: string
  /** DYFS: 1 ordinary, 2 maximum. */
  kind: '1' | '2'
  amount: string
  from: string
  to: string
  mortgagee: Holder
  registeredAt: string
  rank: string
  scope: string
  transferRestricted: boolean
}

/** A property as the register has it: a unit with its building, its holders, and what lies upon it. */
export interface Property {
  certificateNumber: string
  unitNumber: string
  location: string
  area: string
  /** FWYT. */
  useCode: string
  /** YWH of the holders' right. */
  registryNumber: string
  registeredAt: string
  /** DJYY. */
  reason: string
  /** GYFS: 0 alone, 1 jointly, 2 in shares, 3 otherwise. */
  coOwnership: '0' | '1' | '2' | '3'
  structure: string
  floor: string
  totalFloors: string
  holders: Holder[]
  mortgages: RegisteredMortgage[]
  seized: boolean
  objected: boolean
  noticed: boolean
}

/** What a command must say of a property; the rest has values of its own. */
export type GivenProperty = Pick<Property, 'certificateNumber' | 'unitNumber' | 'holders'> & Partial<Property>

const ORDINARY: Omit<Property, keyof Pick<Property, 'certificateNumber' | 'unitNumber' | 'holders'>> = {
  location: '阳新县示例镇示例路1号',
  area: '100.00',
  useCode: '11',
  registryNumber: '202001010001',
  registeredAt: '2020-01-03T10:00:00',
  reason: '买卖',
  coOwnership: '0',
  structure: '3',
  floor: '1',
  totalFloors: '6',
  mortgages: [],
  seized: false,
  objected: false,
  noticed: false,
}

/** @throws {TypeError} when number, unit or holders are missing. */
export function wholeProperty(given: GivenProperty): Property {
  const named = [given.certificateNumber, given.unitNumber, given.holders?.[0]?.idNumber]
  if (named.some((value) => typeof value !== 'string' || value === '')) throw new TypeError('no such property')
  const shared = given.holders.length > 1 ? { coOwnership: '1' as const } : {}
  return { ...ORDINARY, ...shared, ...given }
}

const ID_TYPES: Readonly<Record<string, string>> = { 'resident-id': '1', 'business-licence': '7' }
const CO_OWNERSHIP: Readonly<Record<string, Property['coOwnership']>> = { joint: '1', 'in-shares': '2', other: '3' }

/** What the register says of the properties of an application of the sample's form: its mortgagors hold all of them. */
export function propertiesOf(application: Pick<SampleApplication, 'parties' | 'properties'>): Property[] {
  const owners = application.parties.filter((party) => party.role === 'mortgagor')
  const holders = owners.map((owner): Holder => {
    const [part = 1, whole = 1] = 'share' in owner ? owner.share.split('/').map(Number) : []
    const share = whole === 1 ? {} : { share: `${(100 * part) / whole}%` }
    const kind = owner.kind === 'person' ? '1' : '2'
    return { name: owner.name, idType: ID_TYPES[owner.idType] ?? '99', idNumber: owner.idNumber, kind, ...share }
  })
  const [first] = owners
  const coOwnership = (first && 'coOwnership' in first && CO_OWNERSHIP[first.coOwnership]) || '0'
  return application.properties.map((property) => {
    const { certificateNumber, unitNumber, location, area, useCode, previousBusinessNumber } = property
    const known = { certificateNumber, unitNumber, location, area, useCode }
    return wholeProperty({ ...known, registryNumber: previousBusinessNumber, holders, coOwnership, floor: '12' })
  })
}

const bank = (name: string, idNumber: string): Holder => ({ name, idType: '7', idNumber, kind: '2' })
const SCOPE = '主债权本金、利息、罚息、违约金及追偿费用'

/**
 * The register as it stands at first: the two flats of the sample (the second one's area is that of its certificate,
 * not of the application), a factory with a mortgage of the sample bank, one with another bank's, a seized flat, and
 * one that two persons hold jointly.
 */
export function sampleProperties(): Property[] {
  const flats = propertiesOf(structuredClone(sampleMortgageFirst) as unknown as SampleApplication)
  for (const flat of flats.filter(({ area }) => area === '96.40')) flat.area = '96.46'
  return [...flats, ...OTHERS.map(wholeProperty)]
}

const OTHERS: readonly GivenProperty[] = [
  {
    certificateNumber: '鄂(2017)阳新县不动产权第0000884号',
    unitNumber: '420222002001GB00014F00010203',
    location: '阳新县示例镇工业路3号1幢203室',
    area: '640.00',
    useCode: '21',
    registryNumber: '201705160007',
    registeredAt: '2017-05-18T10:00:00',
    reason: '新建房屋',
    floor: '2',
    totalFloors: '4',
    holders: [{ name: '阳新县示例食品有限公司', idType: '7', idNumber: '91420222MA00000316', kind: '2' }],
    mortgages: [
      {
        registryNumber: '202206200018',
        proofNumber: '鄂(2022)阳新县不动产证明第0002930号',
        kind: '1',
        amount: '240.000000',
        from: '2022-06-16',
        to: '2025-06-15',
        mortgagee: bank('示例银行股份有限公司阳新支行', '91420222000000019R'),
        registeredAt: '2022-06-21T15:10:00',
        rank: '1',
        scope: SCOPE,
        transferRestricted: false,
      },
    ],
  },
  {
    certificateNumber: '鄂(2018)阳新县不动产权第0001456号',
    unitNumber: '420222002001GB00014F00020101',
    location: '阳新县示例镇工业路9号2幢101室',
    area: '1280.50',
    useCode: '21',
    registryNumber: '201808210033',
    registeredAt: '2018-08-23T09:30:00',
    reason: '新建房屋',
    totalFloors: '3',
    holders: [{ name: '阳新县䶮新农产品有限公司', idType: '7', idNumber: '91420222MA0000015G', kind: '2' }],
    mortgages: [
      {
        registryNumber: '202303140021',
        proofNumber: '鄂(2023)阳新县不动产证明第0001187号',
        kind: '2',
        amount: '560.000000',
        from: '2023-03-10',
        to: '2028-03-09',
        mortgagee: bank('示例农村商业银行股份有限公司', '91420222000000035F'),
        registeredAt: '2023-03-15T11:20:00',
        rank: '1',
        scope: SCOPE,
        transferRestricted: true,
      },
    ],
  },
  {
    certificateNumber: '鄂(2016)阳新县不动产权第0000207号',
    unitNumber: '420222001003GB00061F00030502',
    location: '阳新县示例镇示例路15号3幢1单元502室',
    area: '88.20',
    registryNumber: '201611080012',
    registeredAt: '2016-11-10T16:00:00',
    floor: '5',
    holders: [{ name: '柯守田', idType: '1', idNumber: '420222190101160036', kind: '1' }],
    seized: true,
  },
  {
    certificateNumber: '鄂(2020)阳新县不动产权第0004031号',
    unitNumber: '420222001003GB00061F00040801',
    location: '阳新县示例镇示例路17号4幢2单元801室',
    area: '131.75',
    registryNumber: '202004220056',
    registeredAt: '2020-04-24T14:40:00',
    coOwnership: '1',
    floor: '8',
    totalFloors: '18',
    holders: [
      {
        name: '示例人甲',
        idType: '1',
        idNumber: '420222190606060030',
        kind: '1',
        phone: '13000000021',
        address: '阳新县示例镇示例路17号4幢2单元801室',
      },
      {
        name: '示例人乙',
        idType: '1',
        idNumber: '420222190707070043',
        kind: '1',
        phone: '13000000022',
        address: '阳新县示例镇示例路17号4幢2单元801室',
      },
    ],
  },
]
