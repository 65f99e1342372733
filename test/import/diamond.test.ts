import { describe, expect, test } from 'vitest';
import { diamond } from '../../src/import/diamond/importer.ts';
import { convert } from '../../src/import/index.ts';
import { expectGolden, imported, loaded, withFile } from './support.ts';

const from = (text: string) => {
  const made = withFile('diamond.conf', text, (path) => convert(diamond, [path]));
  return { ...made, config: loaded(made) };
};

const SHOP = 'test/fixtures/import/diamond';

describe('a Diamond', () => {
  test('with every kind of line is moved over', async () => {
    const result = await imported('diamond', SHOP);
    const config = await expectGolden('diamond-shop', result);
    expect(config.interval).toBe(20);
  });

  test('Python’s own settings of its log are no reason to stop', () => {
    const { left, config } = from(
      '[server]\n[formatter_default]\nformat = [%(asctime)s] %(message)s\n[collectors]\n[[CPUCollector]]\nenabled = True\n',
    );
    expect(left.map(({ line }) => line)).toContainEqual(expect.stringContaining('%(asctime)s'));
    expect(config.collectors.map(({ instance }) => instance)).toEqual(['cpu']);
  });

  test('interfaces without a comma are what Diamond makes of them: letters', () => {
    const { config } = from(
      '[collectors]\n[[NetworkCollector]]\nenabled = True\ninterfaces = eth\n[handlers]\n[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n',
    );
    const options = config.collectors[0]?.options as {
      readonly interfaces: (name: string) => boolean;
    };
    const taken = ['eth0', 'ens3', 'tun0', 'lo'].map((name) => options.interfaces(name));
    expect(taken).toEqual([true, true, true, false]);
  });

  test('what was collected beyond the defaults keeps its names; nothing comes that was not there', () => {
    const { owners } = from(
      '[server]\nhandlers = diamond.handler.archive.ArchiveHandler\n[handlers]\n[[ArchiveHandler]]\nlog_file = /tmp/a\n[collectors]\n[[DiskSpaceCollector]]\nenabled = True\nfilesystems = ext4, zfs\n',
    );
    expect(owners).toMatch(/dialect:\s+name: diamond\s+everyDevice: true/);
    expect(owners).toContain('system.filesystem.usage & label:state=re:^(used|free)$');
  });

  test('of what is not carried over, the collector that does the like is named', () => {
    const { left } = from(
      '[server]\n[collectors]\n[[RedisCollector]]\nenabled = True\n[[UserScriptsCollector]]\nenabled = True\n[[IPVSCollector]]\nenabled = True\n',
    );
    const why = (name: string) => left.find(({ line }) => line.includes(name))?.why;
    expect(why('Redis')).toBe('the collector redis does the like: cullinan describe redis');
    expect(why('UserScripts')).toContain('exec');
    expect(why('IPVS')).toContain('let Diamond run for it alone');
  });
});
