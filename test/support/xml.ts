import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * What a real XML parser, expat, has against each of some documents: nothing where it is well formed. Python
 * has it, and gmetad uses it.
 */
export async function objectionsToXml(
  documents: readonly (string | Buffer)[],
): Promise<readonly (string | undefined)[]> {
  const child = spawn('python3', ['-c', PARSE], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  for (const document of documents) {
    const bytes = typeof document === 'string' ? Buffer.from(document, 'latin1') : document;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    child.stdin.write(length);
    child.stdin.write(bytes);
  }
  child.stdin.end();
  await once(child, 'close');
  const lines = said.split('\n').slice(0, -1);
  if (lines.length !== documents.length) throw new Error('python3 with expat is needed');
  return lines.map((line) => (line === '' ? undefined : line));
}

const PARSE = `
import sys, xml.parsers.expat
while True:
    head = sys.stdin.buffer.read(4)
    if not head: break
    said = ''
    try: xml.parsers.expat.ParserCreate().Parse(sys.stdin.buffer.read(int.from_bytes(head, 'big')), True)
    except xml.parsers.expat.ExpatError as error: said = str(error)
    print(said)
`;
