import { type DerNode, expectTag, readOid, readSequence, readText, tags } from './der.ts'

/** One attribute of a distinguished name, in the order of the certificate. */
interface NameAttribute {
  oid: string
  value: string
}

export type Name = readonly NameAttribute[]

/** The attributes that rule files call by name; others are called by their number. */
export const attributeOids: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  organizationIdentifier: '2.5.4.97',
  UID: '0.9.2342.19200300.100.1.1',
  emailAddress: '1.2.840.113549.1.9.1',
}

/** @throws {DerError} */
export function readName(node: DerNode | undefined, name: string): Name {
  return readSequence(node, name).flatMap((set) =>
    expectTag(set, tags.set, `a part of ${name}`).children.map((attribute) => {
      const [oid, value] = readSequence(attribute, `an attribute of ${name}`)
      return { oid: readOid(oid, `an attribute of ${name}`), value: readText(value, `an attribute of ${name}`) }
    }),
  )
}

/** Every value of one attribute. */
export function nameValues(name: Name, oid: string): string[] {
  return name.filter((attribute) => attribute.oid === oid).map((attribute) => attribute.value)
}

export function commonName(name: Name): string {
  return nameValues(name, '2.5.4.3').join(' ')
}

/** Equal attribute for attribute; the string types may differ, as they do between a CA and what it issues. */
export function isSameName(one: Name, other: Name): boolean {
  return (
    one.length === other.length &&
    one.every((attribute, index) => {
      const against = other[index]
      return against !== undefined && attribute.oid === against.oid && attribute.value === against.value
    })
  )
}
