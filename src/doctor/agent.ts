import { codeOf } from '../plugin/index.ts';
import { ask, type Snapshot, unbalanced } from '../status/index.ts';
import { type Finding, messageOf, ok, problem, warning } from './finding.ts';

/** An agent that runs, where one does; and why none answers. */
export interface Met {
  readonly agent: Snapshot | undefined;
  /** Where it answers, or should. */
  readonly socket: string | undefined;
  readonly findings: readonly Finding[];
}

/** Meets the agent that answers at the first of several sockets. */
export async function meet(sockets: readonly string[], version: string): Promise<Met> {
  const findings: Finding[] = [];
  for (const socket of sockets) {
    try {
      const agent = await ask(socket);
      return { agent, socket, findings: [...checkAgent(agent, version)] };
    } catch (error) {
      const said = { check: 'agent', subject: socket };
      if (codeOf(error) === 'EACCES') {
        findings.push(
          problem({
            ...said,
            found: 'there is an agent, and you may not ask it',
            remedy: "Become a member of the socket's group, or root.",
          }),
        );
      } else if (codeOf(error) === 'ECONNREFUSED') {
        const remedy = 'Start it again, and see in its log why it ended.';
        findings.push(warning({ ...said, found: 'the agent that made it has ended', remedy }));
      } else if (codeOf(error) !== 'ENOENT') {
        const remedy = 'See with "cullinan status" and the log why it does not answer.';
        findings.push(problem({ ...said, found: messageOf(error), remedy }));
      }
    }
  }
  if (findings.length === 0) {
    const remedy = 'Start it: systemctl start cullinan, or cullinan run.';
    findings.push(warning({ check: 'agent', found: 'none runs, or none answers', remedy }));
  }
  return { agent: undefined, socket: undefined, findings };
}

function* checkAgent(agent: Snapshot, version: string): Generator<Finding> {
  const { pid, uptime, schedule, handlers, collectors } = agent;
  const said = { check: 'agent', subject: `process ${pid}` };
  yield ok({ ...said, found: `version ${agent.version} runs for ${Math.floor(uptime)} s` });
  if (agent.version !== version) {
    const found = `it is version ${agent.version}, and version ${version} is installed`;
    yield warning({ ...said, found, remedy: 'Restart it: systemctl restart cullinan.' });
  }
  if (agent.problem !== undefined) {
    const remedy = 'Its log says what it means and what to do: journalctl -u cullinan.';
    yield warning({ ...said, found: `its latest problem: ${agent.problem}`, remedy });
  }
  if (schedule.lateTicks > 0) {
    const remedy = 'The process was kept from running: give the host or the container more CPU.';
    yield warning({ ...said, found: `${schedule.lateTicks} ticks came late`, remedy });
  }
  if (schedule.clockSteps > 0) {
    const found = `the clock was set ${schedule.clockSteps} times while it ran`;
    const remedy = 'Have chrony or systemd-timesyncd keep the clock, without steps.';
    yield warning({ ...said, found, remedy });
  }
  for (const books of handlers) {
    const lost = Object.entries(books.dropped).filter(([, points]) => points > 0);
    const why = lost.map(([reason, points]) => `${points} ${reason}`).join(', ');
    const subject = `handler ${books.name}`;
    if (lost.length > 0) {
      const remedy = 'See what each reason means in docs/delivery.md; a spool keeps what waits.';
      yield warning({ check: 'agent', subject, found: `it has dropped points: ${why}`, remedy });
    }
    const off = unbalanced(books);
    if (off !== 0) {
      const remedy = 'That is a bug: report it with "cullinan support-bundle".';
      yield problem({
        check: 'agent',
        subject,
        found: `its books are off by ${off} points`,
        remedy,
      });
    }
  }
  for (const { name, refused } of collectors) {
    if (refused === 0) continue;
    const remedy = `Exclude short-lived devices, or raise collectors.${name}.newSeriesPerHour.`;
    const found = `${refused} observations belonged to too many new series`;
    yield warning({ check: 'agent', subject: `collector ${name}`, found, remedy });
  }
}
