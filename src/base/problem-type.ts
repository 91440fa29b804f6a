/** An error of the catalogue: what it is called in both languages, and what a client is to do about it. */
export interface ProblemType {
  status: number
  retry: 'never' | 'same-key' | 'after'
  title: string
  titleEn: string
}
