/** Seals what is kept of messages; the context is `table/column/id`. Another node's key may have to be fetched to open. */
export interface Sealer {
  seal(plain: Buffer, context: string): Buffer
  openAsync(sealed: Buffer, context: string): Promise<Buffer>
}
