import { readFileSync } from 'node:fs';

/** A command of a page, and what it prints. */
export interface Example {
  readonly command: string;
  readonly output: string;
}

/** What a page says that a command prints, as a pattern: any time, and anything where it has an ellipsis. */
export function printed(text: string): RegExp {
  const escaped = text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const lines = escaped.replaceAll(/^…\n/gm, '(?:.*\\n)*').replaceAll('…', '.*');
  return new RegExp(`^${lines.replaceAll(/\b1\d{9}\b/g, '\\d{10}')}$`);
}

/** Commands of a page with what they print, in order; and its files, which begin with their name. */
export function examples(page: string): {
  readonly files: readonly { readonly name: string; readonly body: string }[];
  readonly commands: readonly Example[];
} {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
  const files = blocks.flatMap(([, , body = '']) => {
    const name = /^(?:\/\/|#) (\S+\.(?:ts|yaml))\n/.exec(body)?.[1];
    return name === undefined ? [] : [{ name, body }];
  });
  const commands = blocks
    .filter(([, kind, body = '']) => kind === '' && body.startsWith('$ '))
    .flatMap(([, , body = '']) => body.split(/^\$ /m).slice(1))
    .map((each) => {
      const end = each.indexOf('\n');
      return { command: each.slice(0, end), output: each.slice(end + 1) };
    });
  return { files, commands };
}
