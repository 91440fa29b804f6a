/** An element as it was read: strings only, references decoded exactly once. */
export interface XmlElement {
  name: string
  attributes: ReadonlyMap<string, string>
  children: readonly XmlElement[]
  /** Text directly inside, CDATA sections among it. */
  text: string
}

/** An element that is still being read. */
export interface OpenElement extends XmlElement {
  attributes: Map<string, string>
  children: XmlElement[]
}
