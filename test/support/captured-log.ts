import { afterEach, beforeEach, vi } from 'vitest';

/** Keeps what the server logs out of the report of the tests that provoke it; returns the text of the current test. */
export function captureLog(): () => string {
  const lines: string[] = [];
  const write = (text: unknown): boolean => {
    lines.push(String(text));
    return true;
  };

  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(process.stdout, 'write').mockImplementation(write);
    vi.spyOn(process.stderr, 'write').mockImplementation(write);
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  return () => lines.join('');
}
