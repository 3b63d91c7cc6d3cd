/** Draws what a terminal showed as SVG: `tmux capture-pane -ep | node scripts/picture.ts TITLE > docs/pictures/NAME.svg`. */
import { readFileSync } from 'node:fs';

interface Look {
  readonly colour: string;
  readonly bold: boolean;
  readonly reverse: boolean;
}

/** Readable on the dark ground below, as terminals show them. */
const COLOURS: Readonly<Record<number, string>> = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 39: '#e6edf3' };
const DIM = '#8b949e';
const GROUND = '#0d1117';
const PLAIN: Look = { colour: '#e6edf3', bold: false, reverse: false };
/** Of one character, in pixels. */
const [WIDE, HIGH] = [8.4, 19];

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function styled(look: Look, codes: readonly number[]): Look {
  let { colour, bold, reverse } = look;
  for (const code of codes) {
    if (code === 0) ({ colour, bold, reverse } = PLAIN);
    else if (code === 1) bold = true;
    else if (code === 2) colour = DIM;
    else if (code === 22) [colour, bold] = [PLAIN.colour, false];
    else if (code === 7 || code === 27) reverse = code === 7;
    else colour = COLOURS[code] ?? colour;
  }
  return { colour, bold, reverse };
}

const lines = readFileSync(0, 'utf8').trimEnd().split('\n');
const title = process.argv[2] ?? 'shiplock';
let look = PLAIN;
let widest = 40;
const texts: string[] = [];
lines.forEach((line, row) => {
  let column = 0;
  for (const part of line.split('\u001b[')) {
    const isFirst = part === line.split('\u001b[')[0];
    const end = isFirst ? -1 : part.indexOf('m');
    if (!isFirst) look = styled(look, part.slice(0, end).split(';').map(Number));
    const text = part.slice(end + 1);
    if (text === '') continue;
    const [x, y] = [20 + column * WIDE, 62 + row * HIGH];
    const width = (text.length * WIDE).toFixed(1);
    if (look.reverse) texts.push(`<rect x="${x.toFixed(1)}" y="${y - 14}" width="${width}" height="${HIGH}" fill="${look.colour}"/>`);
    const fill = look.reverse ? GROUND : look.colour;
    if (text.trim() !== '')
      texts.push(
        `<text x="${x.toFixed(1)}" y="${y}" fill="${fill}"${look.bold ? ' font-weight="bold"' : ''} textLength="${width}" xml:space="preserve">${escaped(text)}</text>`,
      );
    column += text.length;
  }
  widest = Math.max(widest, column);
});
const [width, height] = [Math.ceil(40 + widest * WIDE), 62 + lines.length * HIGH];
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>
<circle cx="20" cy="20" r="6" fill="#ff5f56"/><circle cx="40" cy="20" r="6" fill="#ffbd2e"/><circle cx="60" cy="20" r="6" fill="#27c93f"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<text x="${width / 2}" y="24" fill="${DIM}" text-anchor="middle">${escaped(title)}</text>
${texts.join('\n')}
</g>
</svg>
`);
