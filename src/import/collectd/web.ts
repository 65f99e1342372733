import { isSecretHeader, type Path } from '../draft.ts';
import type { Block } from './block.ts';

/** What libcurl is told of a page in collectd's plugins: the page, a login, and an authority. */
export function page(block: Block, at: Path): void {
  const { draft } = block;
  const url = block.text('URL');
  block.put([...at, 'url'], 'URL', url);
  block.put([...at, 'username'], 'User', block.text('User'));
  const password = block.text('Password');
  if (password !== undefined) draft.secret([...at, 'password'], password, block.lines('Password'));
  if (/^https:/i.test(url ?? '')) block.put([...at, 'tls', 'ca'], 'CACert', block.text('CACert'));
  else block.leave('this page is not asked over TLS', 'CACert');
  verified(block, 'VerifyPeer', 'VerifyHost');
  block.leave('TLS 1.2 at least, whatever the server takes', 'SSLCiphers');
  block.expect('Digest', block.truth('Digest') === false, 'only Basic is spoken to log in');
  headers(block, at);
}

/** What is sent with each request. */
export function headers(block: Block, at: Path): void {
  const { draft } = block;
  for (const { values, line } of block.all('Header')) {
    const [, name, value] = /^([\w-]+)\s*:\s*(.*)$/.exec(values[0] ?? '') ?? [];
    if (name === undefined || value === undefined)
      draft.leave(line, 'it is no header: name: value');
    else if (isSecretHeader(name)) draft.secret([...at, 'headers', name], value, line);
    else draft.set([...at, 'headers', name], value, line);
  }
}

/** Options that could let a certificate pass unseen. */
export function verified(block: Block, ...keys: readonly string[]): void {
  for (const key of keys)
    block.expect(key, block.truth(key) !== false, 'certificates are always verified');
}

/** Milliseconds, as durations are written. */
export function milliseconds(block: Block, key: string): string | undefined {
  const number = block.number(key);
  return number === undefined || number <= 0 ? undefined : `${number}ms`;
}
