/** `npm run fidelity`: prints, topic by topic, how far local AWS agrees with what the real one recorded, and where it does not. */
import { stateMachines } from './asl.ts';
import { eventPatterns, scheduleExpressions } from './events.ts';
import { recordings as folder } from './folder.ts';

if (folder === undefined) {
  console.log('There are no recordings of AWS in ../shared/recordings, so nothing was compared. SHIPLOCK_RECORDINGS names another folder.');
} else {
  const all = [...(await stateMachines(folder)), ...eventPatterns(folder), ...scheduleExpressions(folder)];
  const asJson = process.argv.includes('--json');
  if (asJson) console.log(JSON.stringify(all));
  for (const { topic, total, agreed, differences } of asJson ? [] : all) {
    console.log(`${topic.padEnd(32)} ${String(agreed).padStart(4)} of ${String(total).padStart(4)}`);
    for (const { name, why } of differences) console.log(`    ${name}\n        ${why}`);
  }
  const sum = (pick: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + pick(one), 0);
  const agreed = sum((one) => one.agreed);
  const total = sum((one) => one.total);
  if (!asJson) console.log(`\n${agreed} of ${total} recordings agree (${((100 * agreed) / total).toFixed(1)} %).`);
}
