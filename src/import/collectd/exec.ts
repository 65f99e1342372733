import type { Asked } from './asked.ts';
import { type Block, linesOf } from './block.ts';

/** The programs of the plugin exec, each as a collector of its own; what they say keeps its names. */
export function exec(block: Block, asked: Asked): void {
  const { draft } = block;
  let made = 0;
  for (const { values, line } of block.all('Exec')) {
    const [account = '', ...command] = values;
    const [user = '', group] = account.split(':');
    if (command.length === 0 || user === '') {
      draft.leave(line, 'it needs a user and a program');
      continue;
    }
    made += 1;
    const name = made === 1 ? 'exec' : `exec-${made}`;
    const at = ['collectors', name];
    if (made > 1) draft.set([...at, 'type'], 'exec', line);
    draft.set([...at, 'enabled'], true, line);
    draft.set([...at, 'format'], 'collectd', line);
    draft.set([...at, 'command'], command, line);
    draft.set(
      [...at, 'user'],
      user,
      line,
      'The agent has to be allowed to change users, or to be this one.',
    );
    // Nothing behind the colon is the user's own group, too.
    if (group !== undefined && group !== '') draft.set([...at, 'group'], group, line);
    asked.only.push(`collector:${name}`);
    asked.instances.push(name);
    asked.typed.push(name);
  }
  for (const node of block.all('NotificationExec')) {
    draft.leave([...linesOf(node)], 'a notification goes to the log, and to no program');
  }
  if (made === 0) draft.drop(['collectors', 'exec'], 'nothing of it could be carried over');
}
