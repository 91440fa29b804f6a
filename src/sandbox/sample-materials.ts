import { randomBytes } from 'node:crypto'
import { type PdfPage, pdfDocument } from './pdf.ts'

/** A material as a bank has it before it is uploaded. `name` is that of the application's `materials[]`. */
export interface SampleMaterial {
  name: string
  fileName: string
  contentType: 'application/pdf'
  bytes: Buffer
}

interface Described {
  readonly name: string
  readonly pages: number
}

const SCAN = { width: 1240, height: 1754 }
/** Three uncompressed A4 scans at 150 dpi are 6.5 MB. */
const SCANNED_PAGES = 3

/**
 * One generated PDF per material with as many pages as the application says; the last one carries scans and is over
 * 5 MB, as signed contracts are. No two calls give the same bytes.
 */
export function sampleMaterials(described: readonly Described[]): SampleMaterial[] {
  return described.map((material, index) => {
    const withScans = index === described.length - 1
    const serial = randomBytes(8).toString('hex')
    const pages: PdfPage[] = []
    for (let number = 1; number <= material.pages; number += 1) {
      const lines = [
        material.name,
        `第 ${number} 页，共 ${material.pages} 页`,
        '本文件由联调环境生成，内容虚构，不具有法律效力。',
        `文件流水号 ${serial}`,
      ]
      pages.push(withScans && number <= SCANNED_PAGES ? { lines, scan: scannedPage() } : { lines })
    }
    return {
      name: material.name,
      fileName: `${material.name}.pdf`,
      contentType: 'application/pdf',
      bytes: pdfDocument(material.name, pages),
    }
  })
}

/** Noise in the upper half of the grey scale: as hard to compress as a real scan, and light enough to read on. */
function scannedPage(): { width: number; height: number; pixels: Buffer } {
  const pixels = randomBytes(SCAN.width * SCAN.height)
  for (let index = 0; index < pixels.length; index += 1) pixels[index] = (pixels[index] as number) | 0x80
  return { ...SCAN, pixels }
}
