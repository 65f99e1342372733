import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { Foreseen } from '../plugin/index.ts';
import { FINDINGS, type Inspected, type Place } from './protocol.ts';

/** A file to be looked at. */
export type Suspect = Pick<Place, 'path' | 'as'>;

/** What a process is asked. */
export interface Inspection {
  readonly suspects: readonly Suspect[];
  /** Whether each finding is told at once: whoever is at fault is the first that has none. */
  readonly oneByOne: boolean;
}

/** What a process says of a file, in a line of JSON. */
export type Finding =
  | { readonly error: string }
  | { readonly found: Omit<Inspected, 'texts' | 'maps'> & Record<'texts' | 'maps', Pairs> };
type Pairs = readonly (readonly [path: string, text: string])[];

/** What was found out about files, in their order. */
export type Found = Inspected | Foreseen;

/** Milliseconds without a finding: for a file by itself, and for some of many. */
const LONGEST_LOAD = 5000;
const LONGEST_SILENCE = 2000;
/** How often the memory of a process is looked at. */
const LOOK = 100;
const PAGE = 4096;
/** What the runtime takes itself. */
const RUNTIME = 150 * 2 ** 20;
const MiB = 2 ** 20;

export interface InspectionNeeds {
  /** The program that the process runs. */
  readonly program: string;
  /** Bytes that a plugin may hold. */
  readonly memory: number;
}

/**
 * Looks at files in a process of their own, which ends: what it took is given back, where a thread
 * would leave some MiB behind. One process looks at all of them, and says what it found in a few words;
 * where it does not come to its end, others look at the rest one by one, and show which file it was.
 */
export async function inspect(
  suspects: readonly Suspect[],
  needs: InspectionNeeds,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  let oneByOne = suspects.length === 1;
  while (found.length < suspects.length) {
    const rest = suspects.slice(found.length);
    const fault = await look({ suspects: rest, oneByOne }, needs, (each) => found.push(each));
    if (fault === undefined) continue;
    if (oneByOne) found.push(new Foreseen(fault));
    oneByOne = true;
  }
  return found;
}

/** @returns what went wrong before all were looked at, in a sentence. */
function look(
  inspection: Inspection,
  { program, memory }: InspectionNeeds,
  tell: (found: Found) => void,
): Promise<string | undefined> {
  const most = `--max-old-space-size=${Math.round(memory / MiB)}`;
  const child = spawn(process.execPath, [most, program], {
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  });
  const findings = child.stdio[FINDINGS] as Readable;
  return new Promise((resolve) => {
    let left = inspection.suspects.length;
    let line = '';
    const over = (fault: string | undefined): void => {
      clearTimeout(late);
      clearInterval(looking);
      findings.removeAllListeners('data').resume();
      child.kill('SIGKILL');
      resolve(fault);
    };
    const longest = inspection.oneByOne ? LONGEST_LOAD : LONGEST_SILENCE;
    const late = setTimeout(() => over(blocked(longest)), longest);
    const looking = setInterval(() => {
      if (residentOf(child.pid) > RUNTIME + 2 * memory) over(greedy(memory));
    }, LOOK);
    findings.setEncoding('utf8').on('data', (some: string) => {
      late.refresh();
      const lines = (line + some).split('\n');
      line = lines.pop() ?? '';
      for (const each of lines) {
        const said = read(each);
        if (said === undefined) {
          over('it writes to a descriptor that is not its own (3)');
          return;
        }
        tell(said);
        left -= 1;
        if (left === 0) return over(undefined);
      }
    });
    child.once('close', (code, signal) => over(ended(code ?? signal)));
    child.once('error', ({ message }) => over(`it cannot be looked at: ${message}`));
    child.stdin?.on('error', () => {
      // It has ended, and is known to have.
    });
    child.stdin?.end(JSON.stringify(inspection));
  });
}

function read(line: string): Found | undefined {
  try {
    const finding = JSON.parse(line) as Finding;
    if ('error' in finding) return new Foreseen(finding.error);
    const { texts, maps } = finding.found;
    return { ...finding.found, texts: new Map(texts), maps: new Map(maps) };
  } catch {
    return undefined;
  }
}

const blocked = (after: number): string =>
  `while it was loaded, it kept its process busy for more than ${after / 1000} s. Look for a loop without an end, or for work that it does outside of its functions: that belongs into collect() or open()`;

const greedy = (memory: number): string =>
  `while it was loaded, it took more than ${Math.round(memory / MiB)} MiB of memory. Look for what it makes outside of its functions; plugins.memory says how much it may have`;

const ended = (how: number | string | null): string =>
  `while it was loaded, it ended its process (${typeof how === 'number' ? `exit code ${how}` : how}). Throw an error in place of it, and say what is wrong`;

/** Bytes of memory that a process has; 0 where nobody can tell. */
function residentOf(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE;
  } catch {
    return 0;
  }
}
