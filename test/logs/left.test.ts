import { expect, test } from 'vitest';
import { LOG, World } from './world.ts';

test('eight files that were rotated away are looked after: who wrote to them may not know it yet', async () => {
  const world = new World({ names: 'numbers', compress: 'never', how: 'create' });
  for (let i = 0; i < 10; i += 1) {
    world.append(1, 100);
    await world.run();
    world.rotate(true, true);
  }
  world.append(1, 100);
  await world.run();
  for (let i = 1; i <= 10; i += 1) {
    world.files.writing(`${LOG}.${i}`).append(`llate_${i.toString(16)} it is.\n`);
  }
  await world.run();
  const late = [...world.counted().keys()].filter((line) => line.startsWith('llate_'));
  expect(late.sort()).toEqual(Array.from({ length: 8 }, (_, i) => `llate_${i + 1}`));
});
