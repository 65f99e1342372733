import { prose } from './markdown.ts';

/** Words that paragraphs begin with in comments, where a page has more room. */
const WORDS: Readonly<Record<string, string>> = { Mended: 'Other than in logster' };

/** A comment's text: what stands in it as code stays as it is. */
const remark = (text: string): string =>
  text
    .split('`')
    .map((part, i) => (i % 2 === 0 ? prose(part) : part))
    .join('`');

/** What the first comment of a plugin's file says that it is about. */
export const aboutOf = (source: string): string => remark(commentOf(source).about);

/** What else it says: where its numbers come from, in which units, and what access it takes. A paragraph each. */
export const remarksOf = (source: string): string =>
  commentOf(source)
    .remarks.map(([word, text]) => `**${WORDS[word] ?? word}.** ${remark(text)}`)
    .join('\n\n');

/** A description, and paragraphs that begin with a word. */
function commentOf(source: string) {
  const [, comment = ''] = /^\/\*\*\n([\s\S]*?)\n \*\//.exec(source) ?? [];
  const [about = '', ...rest] = comment.replace(/^ \* ?/gm, '').split('\n\n');
  const remarks = rest
    .join('\n')
    .split(/\n(?=\S)/)
    .map((text): readonly [string, string] => {
      const [, word = '', said = ''] = /^(\w+)\s+([\s\S]*)$/.exec(text) ?? [];
      return [word, joined(said)];
    })
    .filter(([word]) => word !== '');
  return { about: joined(about), remarks };
}

const joined = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim();
