/** The container that holds the network of a task, so that its containers share one and may come and go: as ECS does it. */
import { createHash } from 'node:crypto';
import { tar } from '../../registry/tar.ts';
import { FOLDER_LABEL } from './container.ts';
import { type Docker, EngineError, reasonOf } from './docker.ts';

/** Sleeps for ever, without a library: pause() on x86-64, ppoll() of nothing on ARM. */
const PROGRAMS: Readonly<Record<string, { readonly machine: number; readonly code: readonly number[] }>> = {
  // mov eax, 34; syscall; jmp back
  amd64: { machine: 62, code: [0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7] },
  // mov x0..x4, 0; mov x8, 73; svc 0; b back
  arm64: {
    machine: 183,
    code: [0xd2800000, 0xd2800001, 0xd2800002, 0xd2800003, 0xd2800004, 0xd2800928, 0xd4000001, 0x17fffff9].flatMap((word) => [
      word & 255,
      (word >> 8) & 255,
      (word >> 16) & 255,
      (word >> 24) & 255,
    ]),
  },
};

/** A static program of one segment: an ELF header, a program header, the code. */
function program({ machine, code }: { readonly machine: number; readonly code: readonly number[] }): Buffer {
  const [base, headers] = [0x400000, 120];
  const bytes = Buffer.alloc(headers + code.length);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(base + headers), 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(64, 52);
  bytes.writeUInt16LE(56, 54);
  bytes.writeUInt16LE(1, 56);
  bytes.writeUInt16LE(64, 58);
  // Loaded whole, readable and executable.
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(5, 68);
  bytes.writeBigUInt64LE(BigInt(base), 80);
  bytes.writeBigUInt64LE(BigInt(base), 88);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 96);
  bytes.writeBigUInt64LE(BigInt(bytes.length), 104);
  bytes.writeBigUInt64LE(0x1000n, 112);
  bytes.set(code, headers);
  return bytes;
}

/** Makes the image in the engine. @param folder its label: whose it is @returns its name @throws EngineError */
export async function makePause(docker: Docker, architecture: string, folder: string): Promise<string> {
  const found = PROGRAMS[architecture];
  if (found === undefined)
    throw new EngineError(`its architecture is ${architecture || 'unknown'}; local AWS runs tasks on amd64 and arm64`);
  const input = tar({ pause: { kind: 'file', content: program(found), executable: true } }, 0);
  const image = `local-aws/pause:${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const changes = ['ENTRYPOINT ["/pause"]', `LABEL ${FOLDER_LABEL}=${JSON.stringify(folder)}`].flatMap((change) => ['--change', change]);
  const made = await docker.run(['import', ...changes, '--platform', `linux/${architecture}`, '-', image], { input });
  if (made.code !== 0) throw new EngineError(reasonOf(made));
  return image;
}
