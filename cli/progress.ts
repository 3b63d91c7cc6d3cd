/** A line that moves while something takes longer than a second, on a terminal only. */
import { dim } from './output.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Shows `text` from the first second on, until the work has ended. */
export async function whileWorking<Result>(text: string, work: () => Promise<Result>): Promise<Result> {
  if (process.stderr.isTTY !== true || process.env.TERM === 'dumb') return work();
  const began = performance.now();
  let drawn = false;
  const timer = setInterval(() => {
    const passed = performance.now() - began;
    if (passed < 1_000) return;
    drawn = true;
    process.stderr.write(`\r\u001b[2K${dim(`${FRAMES[Math.floor(passed / 100) % FRAMES.length]} ${text} ${Math.floor(passed / 1000)} s`)}`);
  }, 100);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (drawn) process.stderr.write('\r\u001b[2K');
  }
}
