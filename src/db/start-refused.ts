/** Why a start is refused, for the person at the terminal, in both languages. Never an answer of the API. */
export class StartRefused extends Error {
  readonly code: string
  readonly detail: { zh: string; en: string }

  constructor(code: string, detail: { zh: string; en: string }, cause?: unknown) {
    super(`${detail.zh}\n${detail.en}`, cause === undefined ? undefined : { cause })
    this.name = 'StartRefused'
    this.code = code
    this.detail = detail
  }
}
