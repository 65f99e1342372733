import { readBounded } from './files.ts';
import { type Finding, type Place, type Problem, problemAt } from './problem.ts';
import type { MapNode, Node, ScalarNode } from './tree.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const MOST_BYTES = 64 * 1024;
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;
const FORMS = `write \${NAME}, \${file:/path} or \${credential:name}; for a literal "\${" write "$\${"`;

/**
 * Puts values in the place of `${NAME}` (environment), `${file:/path}` (a file's content without
 * its last line break) and `${credential:name}` (a systemd credential), in every text of a tree;
 * `$${` stands for `${`. What was put in is added to `secrets`.
 *
 * A reference that leads nowhere stays as it is written and carries its problem, so that a section
 * that is switched off may refer to what is not there.
 */
export function substitute(root: MapNode, environment: Environment, secrets: Set<string>): MapNode {
  // An alias is one node in several places: it stays one, or a bomb of aliases would go off here.
  const done = new Map<Node, Node>();
  const visit = (node: Node): Node => {
    const known = done.get(node);
    if (known !== undefined) return known;
    let made: Node = node;
    if (node.kind === 'scalar') made = resolveScalar(node, environment, secrets);
    else if (node.kind === 'list') made = { ...node, items: node.items.map(visit) };
    else made = visitMap(node);
    done.set(node, made);
    return made;
  };
  const visitMap = (map: MapNode): MapNode => {
    const entries = new Map<string, { key: Place | undefined; value: Node }>();
    for (const [name, { key, value }] of map.entries)
      entries.set(name, { key, value: visit(value) });
    return { ...map, entries };
  };
  return visitMap(root);
}

function resolveScalar(
  node: ScalarNode,
  environment: Environment,
  secrets: Set<string>,
): ScalarNode {
  const { value } = node;
  if (typeof value !== 'string' || !value.includes('${')) return node;
  let problem: Problem | undefined;
  let referenced = false;
  const text = value.replace(REFERENCE, (written: string, name: string | undefined) => {
    if (name === undefined) return '${';
    const found = written.endsWith('}')
      ? lookUp(name, environment)
      : { message: 'a reference begins with "${" and never ends', remedy: FORMS };
    if (typeof found !== 'string') {
      problem ??= problemAt(within(node.place, written), found);
      return written;
    }
    referenced = true;
    if (found !== '') secrets.add(found);
    return found;
  });
  return problem === undefined ? { ...node, value: text, referenced } : { ...node, problem };
}

/** The reference itself rather than the whole value, where it stands on the page as it is. */
function within(place: Place | undefined, written: string): Place | undefined {
  if (place === undefined) return undefined;
  const at = place.source.text.indexOf(written, place.start);
  if (at < 0 || at >= place.end) return place;
  return { source: place.source, start: at, end: at + written.length };
}

function lookUp(name: string, environment: Environment): string | Finding {
  if (/^[A-Za-z_]\w*$/.test(name)) {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined) return value;
    return {
      message: `the environment has no variable ${name}`,
      remedy: 'set it where the agent is started (systemd: Environment=, EnvironmentFile=)',
    };
  }
  const [, kind, rest = ''] = /^(file|credential):(.+)$/s.exec(name) ?? [];
  if (kind === 'file') {
    if (rest.startsWith('/')) return readSecret(rest);
    return {
      message: 'a reference to a file needs the whole path',
      remedy: `begin it with a slash: \${file:/run/secrets/name}`,
    };
  }
  if (kind === 'credential' && /^[^/]+$/.test(rest) && !/^\.\.?$/.test(rest)) {
    const folder = environment['CREDENTIALS_DIRECTORY'];
    if (folder !== undefined && folder !== '') return readSecret(`${folder}/${rest}`);
    return {
      message: `there is no credential ${rest}: systemd passed none to the agent`,
      remedy: `add LoadCredential=${rest}:/path to the unit`,
    };
  }
  return { message: 'this is no reference the agent knows', remedy: FORMS };
}

function readSecret(path: string): string | Finding {
  const read = readBounded(path, MOST_BYTES);
  if (!Buffer.isBuffer(read)) {
    return {
      message: `${path} ${read.message}`,
      remedy: read.remedy ?? 'create it, or change the path',
    };
  }
  return read.toString('utf8').replace(/\r?\n$/, '');
}
