import { counter, gauge, type Metric } from '../base/metric.ts'
import type { Batch } from './batch.ts'

/** The shared commit since the process started; members per commit are how well it is shared. */
export function batchMetrics({ statistics, depth }: Pick<Batch, 'statistics' | 'depth'>): Metric[] {
  return [
    counter('bdc_commits_total', 'Shared commits that became durable.', [statistics.commits]),
    counter('bdc_commit_members_total', 'Members of those commits.', [statistics.members]),
    counter('bdc_commit_splits_total', 'Batches cut in halves because one member failed.', [statistics.splits]),
    counter('bdc_commit_lookups_total', 'Commits whose connection was lost and that were looked up.', [
      statistics.lookups,
    ]),
    gauge('bdc_commit_waiting', 'Members waiting for a commit now.', [depth]),
  ]
}
