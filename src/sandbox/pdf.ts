import { deflateSync } from 'node:zlib'

/** A grey picture, one byte a pixel, stored as it is: what a scanner without compression delivers. */
interface PdfScan {
  width: number
  height: number
  pixels: Buffer
}
export interface PdfPage {
  lines: readonly string[]
  scan?: PdfScan
}

const PAGE_WIDTH = 595
const PAGE_HEIGHT = 842

/**
 * A PDF (1.5, A4) of text lines and scans. Chinese text needs no embedded font: STSong-Light is one of the fonts that
 * readers bring, and UniGB-UTF16-H takes every Unicode character, those beyond the first plane too.
 */
export function pdfDocument(title: string, pages: readonly PdfPage[]): Buffer {
  const objects: Buffer[] = []
  const add = (content: string | Buffer): number => objects.push(Buffer.from(content))
  const stream = (dictionary: string, content: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(`<< ${dictionary} /Length ${content.length} >>\nstream\n`, 'latin1'),
      content,
      Buffer.from('\nendstream', 'latin1'),
    ])

  add('<< /Type /Catalog /Pages 2 0 R >>')
  add('')
  add(`<< /Title <FEFF${utf16Hex(title)}> /Producer (bdc-gateway sandbox) >>`)
  add('<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [5 0 R] >>')
  add(
    '<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /FontDescriptor 6 0 R ' +
      '/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 5 >> >>',
  )
  add(
    '<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 ' +
      '/Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>',
  )
  const kids: number[] = []
  for (const page of pages) {
    const { scan } = page
    const image = scan && add(stream(imageDictionary(scan), scan.pixels))
    const content = add(stream('/Filter /FlateDecode', deflateSync(Buffer.from(pageContent(page), 'latin1'))))
    const xObject = image === undefined ? '' : ` /XObject << /Im1 ${image} 0 R >>`
    kids.push(
      add(
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${PAGE_WIDTH} ${PAGE_HEIGHT}] ` +
          `/Resources << /Font << /F1 4 0 R >>${xObject} >> /Contents ${content} 0 R >>`,
      ),
    )
  }
  const kidList = kids.map((kid) => `${kid} 0 R`).join(' ')
  objects[1] = Buffer.from(`<< /Type /Pages /Kids [${kidList}] /Count ${kids.length} >>`, 'latin1')
  return assembled(objects)
}

/** Header, numbered objects, cross-reference table, trailer. */
function assembled(objects: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = [Buffer.from('%PDF-1.5\n%\u00e2\u00e3\u00cf\u00d3\n', 'latin1')]
  let offset = (chunks[0] as Buffer).length
  const offsets: number[] = []
  for (const [index, object] of objects.entries()) {
    offsets.push(offset)
    const parts = [Buffer.from(`${index + 1} 0 obj\n`, 'latin1'), object, Buffer.from('\nendobj\n', 'latin1')]
    chunks.push(...parts)
    for (const part of parts) offset += part.length
  }
  const entries = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  chunks.push(
    Buffer.from(
      `xref\n0 ${size}\n0000000000 65535 f \n${entries}` +
        `trailer\n<< /Size ${size} /Root 1 0 R /Info 3 0 R >>\nstartxref\n${offset}\n%%EOF\n`,
      'latin1',
    ),
  )
  return Buffer.concat(chunks)
}

function pageContent(page: PdfPage): string {
  const text = page.lines.map((line) => `<${utf16Hex(line)}> Tj T*`).join('\n')
  const words = `BT /F1 11 Tf 20 TL 60 ${PAGE_HEIGHT - 70} Td\n${text}\nET`
  if (page.scan === undefined) return words
  return `q ${PAGE_WIDTH - 120} 0 0 ${PAGE_HEIGHT - 260} 60 60 cm /Im1 Do Q\n${words}`
}

function imageDictionary(scan: PdfScan): string {
  return (
    `/Type /XObject /Subtype /Image /Width ${scan.width} /Height ${scan.height} ` +
    '/ColorSpace /DeviceGray /BitsPerComponent 8'
  )
}

function utf16Hex(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase()
}
