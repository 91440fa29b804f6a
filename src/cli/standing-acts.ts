import { changeStanding, type Subject } from '../access/administration-standing.ts'
import type { Standing } from '../access/snapshot.ts'
import { administrationMeans } from './administration-means.ts'
import { type Given, type OptionSpecs, text } from './arguments.ts'
import type { Act } from './command.ts'
import { withGround } from './with-ground.ts'

type Word = 'suspend' | 'resume' | 'close'

const standings: Readonly<Record<Word, Standing>> = { suspend: 'suspended', resume: 'active', close: 'closed' }
const said: Readonly<Record<Standing, string>> = {
  suspended: '已停用 / suspended',
  active: '正常 / active',
  closed: '已注销 / closed',
}

/** The acts that change how something stands; each holds for the next request of the bank. */
export function standingActs<Words extends Word>(
  words: readonly Words[],
  options: OptionSpecs,
  subjectOf: (given: Given) => Subject,
): Record<Words, Act> {
  const act = (word: Words): Act => ({
    options: { ...options, why: text },
    run: (given, env) =>
      withGround(env, async (ground) => {
        const to = standings[word]
        const means = administrationMeans(ground)
        const { changed, before } = await changeStanding(subjectOf(given), to, given.optional('why') ?? null, means)
        console.log(
          changed ? `${said[before]} → ${said[to]}` : `未作更改，原已为 / nothing changed, it was: ${said[to]}`,
        )
        return 0
      }),
  })
  return Object.fromEntries(words.map((word) => [word, act(word)])) as Record<Words, Act>
}
