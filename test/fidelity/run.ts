/** `npm run fidelity [-- [--json] [part of folder/name]]`: prints how far local AWS agrees with the recordings of the real one, and ends with 1 where it does not. */
import { recordings as folder } from './folder.ts';
import { type Judgement, judge } from './judge.ts';

const [wanted] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const asJson = process.argv.includes('--json');

function report({ agreements, gaps }: Judgement): void {
  for (const { folder: name, total, agreed, known, differences } of agreements) {
    console.log(`${name.padEnd(24)} ${String(agreed).padStart(4)} of ${String(total).padStart(4)}`);
    for (const { name: one, why } of differences) console.log(`    ${one}\n        ${why}`);
    for (const { name: one, reason } of known) console.log(`    known: ${one}: ${reason}`);
  }
  const sum = (pick: (one: (typeof agreements)[number]) => number) => agreements.reduce((total, one) => total + pick(one), 0);
  const total = sum((one) => one.total);
  const agreed = sum((one) => one.agreed);
  console.log(
    `\n${agreed} of ${total} recordings agree (${((100 * agreed) / total).toFixed(1)} %), ${sum((one) => one.known.length)} differ for a reason.`,
  );
  for (const gap of gaps) console.log(`Not whole: ${gap}.`);
}

if (folder === undefined) {
  console.error(
    'There are no recordings of AWS in ../shared/recordings, so nothing can be compared. SHIPLOCK_RECORDINGS names another folder.',
  );
  process.exitCode = 1;
} else {
  const judgement = await judge(folder, wanted);
  if (asJson) console.log(JSON.stringify(judgement));
  else report(judgement);
  if (judgement.gaps.length > 0 || judgement.agreements.some(({ differences }) => differences.length > 0)) process.exitCode = 1;
}
