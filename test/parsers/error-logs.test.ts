import { describe, expect, it } from 'vitest';
import apacheError from '../../parsers/apache-error.ts';
import nginxError from '../../parsers/nginx-error.ts';
import { describeParser, parsing, said } from '../support/parsers.ts';

describeParser(apacheError);
describeParser(nginxError);

describe('nginx-error', () => {
  it.each([
    [
      '*1 upstream timed out (110: Connection timed out) while reading, client: h',
      'Connection timed out',
    ],
    [
      '*1 "/srv/a (2: b)/x" is not found (2: No such file or directory), client: h',
      'No such file or directory',
    ],
    [
      '*1 open() "/a" failed (13: Permission denied), client: h, request: "GET /a (7: b)"',
      'Permission denied',
    ],
    [
      '*1 SSL_do_handshake() failed (SSL: error:0A00006C:bad key share) while',
      'error:0A00006C:bad key share',
    ],
    ['bind() to 0.0.0.0:80 failed (98: Address already in use)', 'Address already in use'],
    ['*1 upstream prematurely closed connection (really: so), client: h', undefined],
    ['*1 not closed (2: No such', undefined],
  ])('takes from "%s" the reason %s', (text, reason) => {
    const lines = said(parsing(nginxError)(`2026/11/21 08:48:42 [error] 7#8: ${text}\n`));
    expect(lines.filter((line) => line.startsWith('nginx_error.reasons'))).toEqual(
      reason === undefined ? [] : [`nginx_error.reasons{reason="${reason}"} 1 count delta`],
    );
  });
});
