import { join, resolve } from 'node:path';
import ts from 'typescript';

/** What the compiler has to say about one place of a snippet. */
export interface Finding {
  /** The text of the line that it points at, without indentation. */
  readonly line: string;
  readonly message: string;
}

const ROOT = resolve(import.meta.dirname, '../..');

/**
 * Compiles snippets with the project's own options, as if they were files of `folder`, and returns the findings of
 * each by its name. They share one program, because making a program is what costs.
 */
export function compileSnippets(
  folder: string,
  snippets: Readonly<Record<string, string>>,
): Readonly<Record<string, readonly Finding[]>> {
  const paths = Object.keys(snippets).map((_, index) => slashed(join(ROOT, folder, `snippet-${index}.ts`)));
  const program = createProgram(new Map(Object.values(snippets).map((source, index) => [paths[index] ?? '', source])));
  return Object.fromEntries(Object.keys(snippets).map((name, index) => [name, findings(program, paths[index] ?? '')]));
}

function createProgram(files: ReadonlyMap<string, string>): ts.Program {
  const options = projectOptions();
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path) ?? disk.readFile(path),
    getSourceFile(path, languageVersion) {
      const text = files.get(path);
      return text === undefined
        ? disk.getSourceFile(path, languageVersion)
        : ts.createSourceFile(path, text, languageVersion);
    },
  };
  return ts.createProgram({ rootNames: [...files.keys()], options, host });
}

function projectOptions(): ts.CompilerOptions {
  const parsed = ts.getParsedCommandLineOfConfigFile(join(ROOT, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic(diagnostic) {
      throw new Error(textOf(diagnostic));
    },
  });
  if (parsed === undefined || parsed.errors.length > 0) throw new Error(parsed?.errors.map(textOf).join('\n'));
  return { ...parsed.options, noEmit: true };
}

function findings(program: ts.Program, path: string): readonly Finding[] {
  const source = program.getSourceFile(path);
  if (source === undefined) throw new Error(`${path} is no part of the program`);
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
  ].map((diagnostic) => ({ line: lineAt(source, diagnostic.start ?? 0), message: textOf(diagnostic) }));
}

function lineAt(source: ts.SourceFile, position: number): string {
  const { line } = source.getLineAndCharacterOfPosition(position);
  return (source.text.split('\n')[line] ?? '').trim();
}

/** The compiler asks for paths with slashes on every system. */
const slashed = (path: string): string => path.replaceAll('\\', '/');

const textOf = ({ messageText }: ts.Diagnostic): string => ts.flattenDiagnosticMessageText(messageText, '\n');
