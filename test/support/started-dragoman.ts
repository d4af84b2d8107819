import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { DragomanProcess } from './dragoman-process.ts';

/** A process that is killed at the test's end. */
export function startDragoman(...args: readonly string[]): DragomanProcess {
  const dragoman = DragomanProcess.spawn(...args);
  onTestFinished(() => dragoman.kill());
  return dragoman;
}

/** Writes a configuration into `folder`. Resolves to its file. */
export async function configured(folder: string, settings: object): Promise<string> {
  const file = path.join(folder, 'dragoman.json');
  await writeFile(file, JSON.stringify(settings));
  return file;
}
