/** Texts as a terminal shows them: measured in columns, cut, padded and wrapped; what strangers wrote is made harmless. */

import { stripVTControlCharacters } from 'node:util';
import { width } from './colours.ts';

/** Attackers write tags and commit messages: what steers a terminal is shown, not obeyed. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** `orders git_cf7edb2`; of several that move as one, what they are. The words of `domain/release/release.ts`, which help does not load. */
export const titleOf = ({ repository, tag }: { readonly repository: string; readonly tag: string }): string =>
  plain(repository.startsWith('+') ? `set (${tag})` : `${repository} ${tag}`);

/** Columns that a text takes: wide characters take two, those that only modify take none. */
export function columns(text: string): number {
  let count = 0;
  for (const character of text) count += NARROW.test(character) ? 1 : NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return count;
}

const NARROW = /[\u0020-\u02ff]/;
const NONE = /\p{Mn}|\p{Me}|\p{Cf}/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** At most so many columns, the end marked where something was cut. */
export function cut(text: string, room: number): string {
  if (columns(text) <= room) return text;
  let kept = '';
  for (const character of text) {
    if (columns(kept) + columns(character) > room - 1) break;
    kept += character;
  }
  return room > 0 ? `${kept}…` : '';
}

/** The same for a text that has colours. */
export function cutPainted(text: string, room: number): string {
  if (columns(stripVTControlCharacters(text)) <= room) return text;
  let kept = '';
  let taken = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.startsWith('\u001b[', at) ? text.indexOf('m', at) + 1 : 0;
    const part = end > 0 ? text.slice(at, end) : String.fromCodePoint(text.codePointAt(at) ?? 0);
    const wide = end > 0 ? 0 : columns(part);
    if (taken + wide > room - 1) break;
    kept += part;
    taken += wide;
    at += part.length;
  }
  return `${kept}…\u001b[0m`;
}

/** Exactly so many columns. */
export const padTo = (text: string, room: number) => {
  const short = cut(text, room);
  return short + ' '.repeat(Math.max(0, room - columns(short)));
};

/** Lines of at most so many columns, broken between words. */
export function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columns(line) + 1 + columns(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
    while (columns(line) > room) {
      let head = '';
      for (const character of line) {
        if (columns(head + character) > room) break;
        head += character;
      }
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** `4 min`, `3 h`, `12 d`: how long something lasts, or how old it is. @param milliseconds */
export function age(milliseconds: number): string {
  const minutes = Math.floor(Math.max(0, milliseconds) / 60_000);
  if (minutes < 1) return '<1 min';
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}

/** The same where there is little room: `4m`, `3h`, `12d`. @param milliseconds */
export const shortAge = (milliseconds: number): string => age(milliseconds).replace(/ (m|h|d).*$/, '$1');

/** Sentences, broken between words where a terminal shows them, the lines that follow indented. */
export const wrapped = (text: string, indent = '  '): string => wrap(text, Math.max(20, width() - 1 - indent.length)).join(`\n${indent}`);
