/** Types of materials that are taken. What a file is, its content says; the name and the header only claim. */
export const materialTypes = {
  'application/pdf': '.pdf',
  'application/ofd': '.ofd',
  'image/jpeg': '.jpg',
  'image/png': '.png',
} as const

export type MaterialType = keyof typeof materialTypes

export function isMaterialType(text: string): text is MaterialType {
  return Object.hasOwn(materialTypes, text)
}

/** Bytes at the head and at the tail of a file that are enough to tell its type. */
export const SNIFFED_HEAD_BYTES = 1024
export const SNIFFED_TAIL_BYTES = 65_536

const starts = (bytes: Buffer, signature: readonly number[]): boolean => signature.every((byte, i) => bytes[i] === byte)

/**
 * The type by content, null when it is none that is taken.
 * @param head the first bytes, up to SNIFFED_HEAD_BYTES. @param tail the last, up to SNIFFED_TAIL_BYTES.
 */
export function contentType(head: Buffer, tail: Buffer): MaterialType | null {
  if (starts(head, [0xff, 0xd8, 0xff])) return 'image/jpeg'
  if (starts(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'image/png'
  // OFD (GB/T 33190) is a ZIP whose directory, at its end, names OFD.xml.
  if (starts(head, [0x50, 0x4b, 0x03, 0x04]) && (tail.includes('OFD.xml') || head.includes('OFD.xml')))
    return 'application/ofd'
  // Last, for a picture's comment may hold these bytes too. Scanners put bytes before the PDF header; readers allow it
  // within the first kilobyte (ISO 32000 annex H).
  if (head.includes('%PDF-')) return 'application/pdf'
  return null
}
