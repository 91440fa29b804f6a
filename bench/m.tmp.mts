import { mapping } from './mapping.ts'
import { tell } from './report.ts'
for (const c of await mapping(5, 500)) tell(c, console.log)
