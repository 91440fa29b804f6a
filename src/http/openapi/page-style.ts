/** Of /docs; its hash stands in the page's policy. */
export const docsStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --back: #fff; --tint: #f6f8fa; --link: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #3a424b; --back: #14171a; --tint: #1d2126; --link: #8ab4f8 } }
* { box-sizing: border-box }
body { margin: 0; color: var(--ink); background: var(--back); font: 16px/1.65 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }
main, header, nav { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem }
h1 { font-size: 1.6rem; margin: 2rem 0 .5rem } h2 { margin: 3rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem }
h3 { margin: 2.2rem 0 .4rem } h4 { margin: 1.2rem 0 .3rem; font-size: 1rem }
p { margin: .4rem 0 } [lang=en] { color: var(--soft) } a { color: var(--link) }
code, pre { font-family: ui-monospace, "SFMono-Regular", Consolas, monospace; font-size: .88em }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; overflow: auto; max-height: 26rem }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; display: block; overflow-x: auto }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top } th { background: var(--tint) }
.method { display: inline-block; min-width: 3.4rem; padding: 0 .45rem; border-radius: 4px; background: var(--tint); border: 1px solid var(--line); text-align: center; font-weight: 600 }
.must { font-weight: 600 } details { margin: .4rem 0 } summary { cursor: pointer } ul { padding-left: 1.3rem }
`
