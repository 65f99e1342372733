import { expect, test } from 'vitest';
import { ConfigError, loadConfig, readEarly, readSocket } from '../../src/config/index.ts';
import { Folder, registry } from './support.ts';

const rest = { registry, environment: {}, defaultHandlers: { live: {} } };

test('what plugins were looked for in is what is loaded, whatever is written meanwhile', () => {
  using folder = new Folder('interval: 5s\nplugins: { folders: [/mine] }\n');
  const path = folder.main;
  const early = readEarly({ path, environment: {} });
  expect(early.plugins.folders).toEqual(['/mine']);
  folder.write('cullinan.yaml', 'interval: 7s\n');
  expect(loadConfig({ path, files: early.files, ...rest })).toMatchObject({
    interval: 5,
    files: [path],
  });
  expect(loadConfig({ path, ...rest }).interval).toBe(7);
});

test('what could not be read is said by whoever loads it', () => {
  using folder = new Folder();
  const path = folder.main;
  const { files, plugins } = readEarly({ path, environment: {} });
  expect(plugins.folders).toEqual(['/etc/cullinan/plugins']);
  expect(() => loadConfig({ path, files, ...rest })).toThrow(ConfigError);
});

test('files are parsers where a parser is named, and nowhere else', () => {
  using folder = new Folder(`
collectors:
  logs:
    path: /var/log/path.ts
    a: { path: /var/log/a.ts, name: /srv/name.ts, parser: /srv/a.ts }
    b: { parser: { name: /srv/b.mts, path: /srv/path.ts } }
    c: [{ parser: /srv/c.mjs }, { parser: /srv/a.ts }, /srv/list.ts]
    d: { parser: access }
    e: { parser: ./relative.ts }
    f: { parser: /srv/no-script.txt }
handlers:
  file: { parser: /srv/handler.ts }
`);
  const { scripts } = readEarly({ path: folder.main, environment: {} });
  expect(scripts).toEqual(['/srv/a.ts', '/srv/b.mts', '/srv/c.mjs']);
});

test('where the agent answers is found without its secrets and its plugins', () => {
  using folder = new Folder(`
status: { socket: /run/mine.sock }
collectors: { nobodys: {} }
handlers: { graphite: { host: "\${NOT_THERE}" } }
`);
  expect(readSocket({ path: folder.main, environment: {} })).toBe('/run/mine.sock');
  folder.write('cullinan.yaml', 'interval: 5s\n');
  expect(readSocket({ path: folder.main, environment: {} })).toBeUndefined();
  folder.write('cullinan.yaml', 'status: { socket: [} }\n');
  expect(readSocket({ path: folder.main, environment: {} })).toBeUndefined();
});
